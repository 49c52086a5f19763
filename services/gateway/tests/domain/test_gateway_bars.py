"""The ``bars_`` channels: closed bars that nobody misses, the one under way; and how the record is joined."""

from collections.abc import Callable
from typing import Any

import pytest

from foretick.common.contracts import Trust
from foretick.common.testing.builders import T0_NS, bar
from foretick.common.testing.fakes import ManualClock
from foretick.gateway.domain.bars import CLOSED_BARS, BarData, bar_data, join_bars
from foretick.gateway.domain.board import Board

Connect = Callable[..., Any]
SECOND_NS = 10**9
SUBSCRIBE = {"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["bars_1s"]}


def second(number: int, asof_seq: int, *, is_closed: bool = True, **fields: Any) -> Any:
    fields.setdefault("timeframe", "1s")
    return bar(start_ns=T0_NS + number * SECOND_NS, length_s=1, asof_seq=asof_seq, is_closed=is_closed, **fields)


def fold(board: Board, *messages: Any, at_ns: int = T0_NS) -> None:
    for message in messages:
        board.fold(message, at_ns)
    board.publish()


def told(message: dict[str, Any]) -> list[tuple[int, bool]]:
    return [((each["start_us"] * 1000 - T0_NS) // SECOND_NS, each["is_closed"]) for each in message["data"]["bars"]]


def test_snapshot_has_the_closed_bars_and_the_one_under_way(board: Board, connect: Connect):
    fold(board, second(0, 10), second(1, 20), second(2, 25, is_closed=False, close=101.5))
    _, first = connect().ask(SUBSCRIBE)
    assert (first["type"], first["channel"], first["epoch"], first["seq"]) == ("snapshot", "bars_1s", 1, 25)
    assert (first["data"]["timeframe"], first["data"]["origin"]) == ("1s", "sim")
    assert told(first) == [(0, True), (1, True), (2, False)]
    assert first["data"]["bars"][-1] == {
        "start_us": (T0_NS + 2 * SECOND_NS) // 1000, "end_us": (T0_NS + 3 * SECOND_NS) // 1000, "asof_seq": 25,
        "is_closed": False, "is_whole": True, "open": 100.0, "high": 101.0, "low": 100.0, "close": 101.5,
        "volume_qty": 2.0, "buy_volume_qty": 1.0, "volume_quote": 201.0, "vwap": 100.5, "trades": 2, "mid_open": 100.0,
        "mid_high": 101.0, "mid_low": 100.0, "mid_close": 101.0, "events": 9, "live_frac": 1.0, "trust": "LIVE",
    }  # fmt: skip


def test_delta_has_the_bar_that_changed(board: Board, connect: Connect):
    fold(board, second(0, 10, is_closed=False))
    client = connect()
    client.ask(SUBSCRIBE)
    fold(board, second(0, 12))
    fold(board, second(1, 15, is_closed=False))
    deltas = client.take()
    assert [(each["type"], each["prev"], each["seq"]) for each in deltas] == [("delta", 10, 12), ("delta", 12, 15)]
    assert [told(each) for each in deltas] == [[(0, True)], [(1, False)]]


def test_slow_client_misses_no_closed_bar(board: Board, connect: Connect):
    fold(board, second(0, 1))
    client = connect()
    client.ask(SUBSCRIBE)
    for number in range(1, 41):
        fold(board, second(number, 2 * number), second(number + 1, 2 * number + 1, is_closed=False))
    (snapshot,) = client.take()  # the updates were too many for it
    assert snapshot["type"] == "snapshot"
    assert told(snapshot) == [(number, True) for number in range(41)] + [(41, False)]


def test_timeframes_are_channels_of_their_own_and_other_kinds_are_on_the_bus_alone(board: Board, connect: Connect):
    fold(board, second(0, 5), bar(timeframe="1m", asof_seq=5), second(0, 5, timeframe="tick-1000"))
    replies = connect().ask(SUBSCRIBE | {"channels": ["bars_1m", "bars_5m"]})
    assert [(each["type"], each.get("channel")) for each in replies] == [("ack", None), ("snapshot", "bars_1m")]


def test_repeated_and_refused_bars_are_left_out_and_a_lost_one_is_counted(board: Board):
    fold(board, second(0, 10, epoch=2), second(0, 10, epoch=2), second(1, 20, epoch=1))
    fold(board, second(3, 40, epoch=2, prev_asof_seq=30))
    counts = board.audits.of("bars")
    assert (counts.repeated, counts.refused, counts.lost) == (1, 1, 1)
    assert len(board.view(("sim", "BTCUSDT")).bars["1s"].bars) == 2


def test_another_process_resumes_a_client(board: Board, connect: Connect, clock: ManualClock):
    fold(board, second(0, 10), second(1, 20), second(2, 30))
    point = {"bars_1s:sim:BTCUSDT": {"epoch": 1, "seq": 20}}
    ack, delta = connect().ask(SUBSCRIBE | {"since": point})
    assert ack["resumed"] == ["bars_1s:sim:BTCUSDT"]
    assert (delta["type"], delta["prev"], told(delta)) == ("delta", 20, [(2, True)])


def test_memory_is_bounded(board: Board):
    for number in range(CLOSED_BARS + 50):
        fold(board, second(number, number + 1))
    bars = board.view(("sim", "BTCUSDT")).bars["1s"].bars
    assert (len(bars), bars[0].asof_seq) == (CLOSED_BARS, 51)


def data(number: int, **fields: Any) -> BarData:
    return bar_data(second(number, number, **fields))


@pytest.mark.parametrize(
    ("recorded", "live", "winner"),
    [
        ({"is_closed": False}, {"is_closed": False}, "live"),
        ({}, {}, "live"),
        ({}, {"is_whole": False, "trust": Trust.GAP}, "record"),
        ({"is_closed": False}, {"is_whole": False}, "live"),
    ],
)
def test_of_a_bar_that_both_have_the_live_one_counts_unless_only_the_record_has_it_whole(recorded, live, winner):
    (joined,) = join_bars([data(1, close=1.0, **recorded)], [data(1, close=2.0, **live)], 10)
    assert joined.close == {"record": 1.0, "live": 2.0}[winner]


def test_join_has_every_bar_once_in_order_and_the_latest_only():
    joined = join_bars([data(n) for n in range(1, 6)], [data(n) for n in range(4, 9)], 5)
    assert [each.asof_seq for each in joined] == [4, 5, 6, 7, 8]
