"""The ``correlations`` channel and what REST tells of them."""

from collections.abc import Callable
from typing import Any

from foretick.common.testing.builders import T0_NS, correlations
from foretick.common.testing.fakes import ManualClock
from foretick.common.units import NS_PER_MS
from foretick.gateway.domain.board import Board

Connect = Callable[..., Any]
SUBSCRIBE = {"action": "subscribe", "channels": ["correlations"]}
SEQ = T0_NS // 10**9


def fold(board: Board, *messages: Any, at_ns: int = T0_NS) -> None:
    for message in messages:
        board.fold(message, at_ns)
    board.publish()


def test_subscriber_gets_all_members_and_pairs_then_each_change(board: Board, connect: Connect, clock: ManualClock):
    fold(board, correlations())
    client = connect()
    clock.advance(40 * NS_PER_MS)
    ack, first = client.ask(SUBSCRIBE)
    assert (ack["type"], ack["channels"]) == ("ack", ["correlations"])
    assert (first["type"], first["venue"], first["symbol"], first["epoch"], first["seq"]) == (
        "snapshot", "*", "*", 1, SEQ,
    )  # fmt: skip
    data = first["data"]
    assert (data["seq"], data["ts_recv_us"], data["origins"]) == (SEQ, (SEQ + 1) * 10**6, ["sim"])
    assert [(each["symbol"], each["reason"]) for each in data["members"]] == [
        ("ADAUSDT", "no_price"), ("BTCUSDT", ""), ("ETHUSDT", ""),
    ]  # fmt: skip
    assert (data["pairs"]["windowed"], data["pairs"]["lag_s"]) == ([None, None, 0.8], [None, None, 2])
    fold(board, correlations(seq=SEQ + 2, prev_seq=SEQ))
    (delta,) = client.take()
    assert (delta["type"], delta["prev"], delta["seq"]) == ("delta", SEQ, SEQ + 2)


def test_beat_leaves_the_channel_alone(board: Board, connect: Connect):
    fold(board, correlations())
    client = connect()
    client.ask(SUBSCRIBE)
    board.beat(T0_NS)
    assert [message["type"] for message in client.take()] == ["heartbeat"]


def test_repeated_refused_and_lost_messages_are_counted(board: Board):
    fold(board, correlations(epoch=2), correlations(epoch=2), correlations(epoch=1, seq=SEQ + 9))
    fold(board, correlations(epoch=2, seq=SEQ + 6, prev_seq=SEQ + 4))
    counts = board.audits.of("correlations")
    assert (counts.repeated, counts.refused, counts.lost) == (1, 1, 1)
    assert board.correlations.data is not None
    assert board.correlations.data.seq == SEQ + 6


def test_answer_tells_its_age_and_why_there_is_none(board: Board):
    none = board.correlations.answer(T0_NS)
    assert (none.correlations, none.stale, none.age_ms) == (None, True, None)
    assert none.reason != ""
    fold(board, correlations())
    fresh, old = (board.correlations.answer(T0_NS + age_ms * NS_PER_MS) for age_ms in (15_000, 15_001))
    assert (fresh.age_ms, fresh.stale, fresh.reason, old.stale) == (15_000, False, "", True)
