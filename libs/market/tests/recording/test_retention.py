"""Which segments go, and when a new one begins."""

import pytest

from foretick.common.units import NS_PER_S
from foretick.market.recording.retention import (
    DAY_NS,
    HOUR_NS,
    StoredSegment,
    choose_expired,
    is_rotation_due,
    previous_segment,
)
from foretick.market.recording.segments import SegmentName

NOW = 1_786_309_548_026_294_000


def stored(hours_ago: int, size_bytes: int = 100, producer: str = "ingest.feed-0") -> StoredSegment:
    return StoredSegment(SegmentName(NOW - hours_ago * HOUR_NS, producer).file_name, size_bytes)


def test_oldest_go_until_the_rest_fits():
    segments = [stored(hours) for hours in (5, 1, 4, 2, 3)]
    assert choose_expired(segments, NOW, 300, DAY_NS) == [stored(5), stored(4)]


def test_what_is_too_old_goes_whatever_its_size():
    assert choose_expired([stored(49), stored(25), stored(23), stored(0)], NOW, 10**9, DAY_NS) == [
        stored(49),
        stored(25),
    ]


def test_newest_of_each_producer_stays():
    alone = stored(90, 10**9, "ingest.feed-1")
    assert choose_expired([alone, stored(2), stored(0)], NOW, 1, DAY_NS) == [stored(2)]


def test_foreign_files_are_left_alone_and_not_counted():
    assert choose_expired([StoredSegment("notes.txt", 10**12), stored(2), stored(0)], NOW, 200, DAY_NS) == []


def test_newest_segment_of_a_producer_is_the_one_before():
    names = [segment.name for segment in (stored(1), stored(3), stored(0, producer="ingest.feed-1"))]
    assert previous_segment([*names, "notes.txt"], "ingest.feed-0") == stored(1).name
    assert previous_segment(names, "ingest.feed-2") == ""


@pytest.mark.parametrize(
    ("begun_s", "now_s", "size_bytes", "is_due"),
    [
        (3599, 3599, 0, False),
        (3599, 3600, 0, True),
        (3600, 7199, 0, False),
        (3600, 7199, 1000, True),
        (7200, 7100, 0, False),
    ],
)
def test_segment_ends_with_its_hour_or_when_it_is_full(begun_s, now_s, size_bytes, is_due):
    assert is_rotation_due(begun_s * NS_PER_S, now_s * NS_PER_S, size_bytes, 1000) is is_due
