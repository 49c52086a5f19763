"""The ``certificate`` channel and what REST tells of it."""

from collections.abc import Callable
from typing import Any

from foretick.common.contracts import ParityDifference, ParityVerdict
from foretick.common.testing.builders import T0_NS, parity_certificate
from foretick.common.units import NS_PER_MS
from foretick.gateway.domain.board import Board

Connect = Callable[..., Any]
SUBSCRIBE = {"action": "subscribe", "channels": ["certificate"]}
FOUND = ParityDifference(
    venue="sim", symbol="BTCUSDT", asof_seq=901, feature="rsi", published="51.2", recomputed="51.25", ts_found_ns=T0_NS
)


def fold(board: Board, *messages: Any) -> None:
    for message in messages:
        board.fold(message, T0_NS)
    board.publish()


def test_subscriber_gets_the_certificate_then_each_change(board: Board, connect: Connect):
    fold(board, parity_certificate())
    client = connect()
    ack, first = client.ask(SUBSCRIBE)
    assert (ack["type"], ack["channels"]) == ("ack", ["certificate"])
    assert (first["type"], first["venue"], first["symbol"], first["seq"]) == ("snapshot", "*", "*", 1)
    assert (first["data"]["verdict"], first["data"]["equal"], first["data"]["difference"]) == ("equal", 300, None)
    assert first["data"]["last"]["ts_checked_us"] == T0_NS // 1_000
    fold(board, parity_certificate(seq=2, verdict=ParityVerdict.DIFFERENT, different=1, difference=FOUND))
    (delta,) = client.take()
    found = delta["data"]["difference"]
    assert (delta["type"], delta["seq"], delta["data"]["verdict"]) == ("delta", 2, "different")
    assert (found["feature"], found["asof_seq"], found["published"], found["recomputed"], found["ts_found_us"]) == (
        "rsi", 901, "51.2", "51.25", T0_NS // 1_000,
    )  # fmt: skip


def test_repeated_and_refused_certificates_are_counted_and_left_out(board: Board):
    fold(board, parity_certificate(epoch=2), parity_certificate(epoch=2), parity_certificate(epoch=1, seq=9, equal=1))
    counts = board.audits.of("certificates")
    assert (counts.repeated, counts.refused) == (1, 1)
    assert board.certificate.data is not None
    assert board.certificate.data.equal == 300


def test_certificate_of_a_process_that_began_anew_is_taken(board: Board):
    fold(board, parity_certificate(epoch=1, seq=50), parity_certificate(epoch=2, seq=1, equal=4))
    assert board.certificate.data is not None
    assert board.certificate.data.equal == 4


def test_answer_tells_its_age_and_why_there_is_none(board: Board):
    none = board.certificate.answer(T0_NS)
    assert (none.certificate, none.stale, none.age_ms) == (None, True, None)
    assert none.reason != ""
    fold(board, parity_certificate())
    fresh, old = (board.certificate.answer(T0_NS + age_ms * NS_PER_MS) for age_ms in (120_000, 120_001))
    assert (fresh.age_ms, fresh.stale, fresh.reason, old.stale) == (120_000, False, "", True)
