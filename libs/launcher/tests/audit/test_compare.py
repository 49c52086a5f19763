"""Rows against what the stream says they must be."""

import msgspec
import pytest

from foretick.common.testing.builders import book_frame, snapshot, tick_frame
from foretick.launcher.audit.domain.expected import MarketFold, compare
from foretick.launcher.audit.domain.spans import Span

EXPECTED = [(1, 1, "T", 0.0), (2, 1, "T", 0.1), (3, 1, "Q", None), (4, 1, "C", [0.5, None])]


def differs(rows) -> tuple[list[Span], list[Span]]:
    difference = compare(EXPECTED, rows)
    return difference.absent, difference.differing


def test_equal_rows_do_not_differ():
    assert differs(list(EXPECTED)) == ([], [])


@pytest.mark.parametrize("value", [-0.0, 5e-324, 0.1 + 0.2, None])
def test_one_bit_is_a_difference(value):
    assert differs([(1, 1, "T", value), *EXPECTED[1:]]) == ([], [Span(1, 1)])


def test_rows_that_are_not_there_are_absent():
    assert differs(EXPECTED[:1] + EXPECTED[3:]) == ([Span(2, 3)], [])


def test_rows_that_the_stream_does_not_hold_are_no_difference():
    assert differs([(0, 1, "T", 9.0), *EXPECTED, (5, 1, "T", 9.0)]) == ([], [])


def test_number_that_only_a_successor_wrote_was_refused_and_is_not_absent():
    assert differs([*EXPECTED[:3], (4, 2, "C", [0.5, None])]) == ([], [])


def test_number_that_only_a_predecessor_wrote_is_absent():
    rows = [(4, 0, "C", [0.5, None]), *EXPECTED[:3]]
    assert differs(sorted(rows, key=lambda row: row[:2])) == ([Span(4, 4)], [])


def test_frames_become_rows_once_however_often_they_come():
    fold = MarketFold()
    for frame in (tick_frame("TQC", seq=1), tick_frame("CT", seq=3), book_frame([snapshot()] * 2, seq=5)):
        assert fold.take(frame)
    assert [row[:3] for row in fold.ticks.rows] == [(1, 1, "T"), (2, 1, "Q"), (3, 1, "C"), (4, 1, "T")]
    assert [row[0] for row in fold.books.rows] == [5, 6]
    assert [row[7] for row in fold.ticks.rows] == [100.0, None, None, 100.0], "the price of each trade"


def test_frame_that_contradicts_itself_has_no_rows():
    fold = MarketFold()
    assert not fold.take(msgspec.structs.replace(tick_frame("TT", seq=1), recv_ns=[1]))
    assert fold.ticks.rows == []
