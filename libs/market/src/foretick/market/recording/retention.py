"""Which segments have to go, and when a new one begins."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from foretick.common.units import NS_PER_S
from foretick.market.recording.segments import parse_segment_name

HOUR_NS = 3600 * NS_PER_S
DAY_NS = 24 * HOUR_NS
MAX_SEGMENT_BYTES = 256 * 1024 * 1024


class StoredSegment(NamedTuple):
    """A segment on the disk: its name and its bytes, its index included."""

    name: str
    size_bytes: int


def is_rotation_due(begun_ns: int, now_ns: int, size_bytes: int, max_bytes: int = MAX_SEGMENT_BYTES) -> bool:
    """Tell whether a segment begun at ``begun_ns`` ends before a record of ``now_ns``: each UTC hour has its own."""
    return now_ns // HOUR_NS > begun_ns // HOUR_NS or size_bytes >= max_bytes


def choose_expired(
    segments: Iterable[StoredSegment], now_ns: int, max_bytes: int, max_age_ns: int
) -> list[StoredSegment]:
    """Return those ``segments`` that have to go, the oldest first, so that the rest is neither too much nor too old.

    Only the age of what a segment was begun at counts. The newest of each producer stays: it may be written right now.
    What is not named like a segment is not touched, and counts for nothing.
    """
    named = [(name, segment) for segment in segments if (name := parse_segment_name(segment.name)) is not None]
    named.sort()
    newest = {name.producer: segment for name, segment in named}
    total_bytes = sum(segment.size_bytes for _, segment in named)
    expired: list[StoredSegment] = []
    for name, segment in named:
        if newest[name.producer] is segment:
            continue
        if total_bytes <= max_bytes and name.begun_ns >= now_ns - max_age_ns:
            continue
        total_bytes -= segment.size_bytes
        expired.append(segment)
    return expired


def previous_segment(names: Sequence[str], producer: str) -> str:
    """Return the newest of ``names`` that ``producer`` wrote; empty where there is none."""
    own = [name for name in names if (parsed := parse_segment_name(name)) is not None and parsed.producer == producer]
    return max(own, default="")
