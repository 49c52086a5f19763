"""Changes of a book's trust: which they are, who found them, how long they are kept, and that none is skipped."""

from collections.abc import Callable
from typing import Any

import pytest

from foretick.common.contracts import BookCounts, BookEvent, BookEventKind, Trust
from foretick.common.errors import Malformed
from foretick.common.testing.builders import T0_NS, book_frame, instrument, snapshot, tick_frame
from foretick.common.testing.fakes import ManualClock
from foretick.common.units import NS_PER_MS
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.integrity_log import KEPT_EVENTS
from foretick.gateway.domain.outbox import CloseCode, OutboxLimits
from foretick.gateway.domain.session import SessionLimits

Connect = Callable[..., Any]
IDENTITY = ("sim", "BTCUSDT")
SUBSCRIBE = {"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["integrity"]}


def fold(board: Board, *messages: Any, at_ns: int = T0_NS) -> None:
    for message in messages:
        board.fold(message, at_ns)
    board.publish()


def state(trust: Trust, reason: str, counts: BookCounts | None = None, ts_ns: int = T0_NS) -> BookEvent:
    return BookEvent(
        kind=BookEventKind.STATE, ts_recv_ns=ts_ns, ts_event_ns=None, trust=trust, reason=reason, counts=counts
    )


def told(board: Board) -> list[tuple[int, int, str, str, str, str]]:
    return [
        (event.epoch, event.seq, event.trust_from.value, event.trust_to.value, event.reason, event.found_by.value)
        for event in board.view(IDENTITY).integrity.events
    ]


def test_first_word_on_a_book_is_no_change(board: Board):
    fold(board, book_frame(seq=1), at_ns=T0_NS + 5)
    log = board.view(IDENTITY).integrity
    assert (list(log.events), log.since_ns) == ([], T0_NS + 5)


def test_each_change_within_a_frame_is_told_with_its_own_place_time_and_counts(board: Board):
    fold(board, book_frame(seq=1))
    broken = state(Trust.RESYNC, "chain broke", BookCounts(syncs=1, chain_breaks=1), T0_NS + 3 * NS_PER_MS)
    again = snapshot(ts_ns=T0_NS + 9 * NS_PER_MS, counts=BookCounts(syncs=2, chain_breaks=1))
    fold(board, book_frame([broken, broken, again], seq=2), at_ns=T0_NS + 20 * NS_PER_MS)
    first, second = board.view(IDENTITY).integrity.events
    assert told(board) == [
        (1, 2, "LIVE", "RESYNC", "chain broke", "feed"),
        (1, 4, "RESYNC", "LIVE", "", "feed"),
    ]
    assert (first.ts_recv_us, first.ts_gateway_us) == (
        (T0_NS + 3 * NS_PER_MS) // 1000,
        (T0_NS + 20 * NS_PER_MS) // 1000,
    )
    assert (second.ts_recv_us, second.counts) == ((T0_NS + 9 * NS_PER_MS) // 1000, BookCounts(syncs=2, chain_breaks=1))


def test_what_the_gateway_itself_lost_is_found_by_it(board: Board):
    fold(board, book_frame(seq=1))
    fold(board, tick_frame("T", seq=5))
    fold(board, book_frame(seq=6))
    assert told(board) == [
        (1, 4, "LIVE", "GAP", "3 events were lost before 5", "gateway"),
        (1, 6, "GAP", "LIVE", "", "gateway"),
    ]


def test_restarted_feed_is_told_under_its_new_epoch(board: Board):
    fold(board, book_frame(seq=1))
    fold(board, book_frame([state(Trust.RESYNC, "restart")], seq=2, epoch=2))
    fold(board, book_frame(seq=3, epoch=2))
    assert told(board) == [
        (2, 1, "LIVE", "RESYNC", "the feed restarted", "gateway"),
        (2, 3, "RESYNC", "LIVE", "", "feed"),
    ]


def test_update_that_cannot_be_used_is_a_change_too(board: Board):
    fold(board, book_frame(seq=1))
    with pytest.raises(Malformed):
        board.fold(book_frame([snapshot(bids=[(99.9951, 1.0)])], seq=2), T0_NS)
    board.publish()
    assert told(board) == [(1, 2, "LIVE", "RESYNC", "an update did not fit the instrument's grid", "gateway")]


def test_latest_fifty_are_kept(board: Board):
    fold(board, book_frame(seq=1))
    for seq in range(2, 62):
        fold(board, book_frame([state(Trust.STALE, f"number {seq}") if seq % 2 == 0 else snapshot()], seq=seq))
    seqs = [event.seq for event in board.view(IDENTITY).integrity.events]
    assert (len(seqs), KEPT_EVENTS) == (50, 50)
    assert (seqs[0], seqs[-1]) == (12, 61)


def test_restored_book_begins_the_list_anew(board: Board):
    board.restore([book_frame([state(Trust.STALE, "venue away")], seq=95, ts_sent_ns=T0_NS - 7)])
    board.publish()
    log = board.view(IDENTITY).integrity
    assert (list(log.events), log.since_ns) == ([], T0_NS - 7)


# ---- the channel -----------------------------------------------------------------------------------------------------


def test_subscriber_gets_no_snapshot_and_every_change_from_then_on(board: Board, connect: Connect):
    fold(board, book_frame(seq=1))
    client = connect()
    (ack,) = client.ask(SUBSCRIBE)
    assert (ack["type"], ack["channels"]) == ("ack", ["integrity"])
    fold(board, book_frame([state(Trust.STALE, "away"), snapshot()], seq=2))
    first, second = client.take()
    assert [(each["type"], each["channel"], each["seq"], each["prev"]) for each in (first, second)] == [
        ("delta", "integrity", 2, None), ("delta", "integrity", 3, 2),
    ]  # fmt: skip
    assert (first["data"]["trust_from"], first["data"]["trust_to"], first["data"]["reason"]) == (
        "LIVE",
        "STALE",
        "away",
    )


def test_client_that_comes_back_gets_what_it_missed(board: Board, connect: Connect):
    fold(board, book_frame(seq=1))
    fold(board, book_frame([state(Trust.STALE, "away"), snapshot(), state(Trust.STALE, "again")], seq=2))
    since = {"integrity:sim:BTCUSDT": {"epoch": 1, "seq": 2}}
    ack, *missed = connect().ask({**SUBSCRIBE, "since": since})
    assert ack["resumed"] == ["integrity:sim:BTCUSDT"]
    assert [(each["seq"], each["data"]["reason"]) for each in missed] == [(3, ""), (4, "again")]


def test_client_that_takes_nothing_is_closed_rather_than_told_less(board: Board, connect: Connect, clock: ManualClock):
    fold(board, book_frame(seq=1))
    client = connect(SessionLimits(outbox=OutboxLimits(max_pending_events=3)))
    client.ask(SUBSCRIBE)
    client.session.outbox.blocked, client.session.outbox.idle = True, False
    for seq in range(2, 6):
        fold(board, book_frame([state(Trust.STALE, "away") if seq % 2 == 0 else snapshot()], seq=seq))
    closing = client.session.outbox.closing
    assert closing is not None
    assert (closing.code, "integrity:sim:BTCUSDT" in closing.reason) == (CloseCode.TRY_LATER, True)


def test_listing_tells_clients_what_the_book_is_proven_by(board: Board, connect: Connect):
    fold(board, instrument(proof="checksum", contract_size=10.0, is_inverse=True, kind="perpetual"))
    (welcome,) = connect(keep_welcome=True).take()
    (label,) = welcome["instruments"]
    assert (label["proof"], label["kind"], label["contract_size"], label["is_inverse"], label["lot_size"]) == (
        "checksum", "perpetual", 10.0, True, 0.001,
    )  # fmt: skip
