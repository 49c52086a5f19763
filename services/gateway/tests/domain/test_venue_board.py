"""How the venues are reached, as clients are told: whole, once a second, stale rather than gone."""

from collections.abc import Callable
from typing import Any

from foretick.common.contracts import VenueState
from foretick.common.subjects import VENUE_STATUSES, VENUES
from foretick.common.testing.builders import T0_NS, venue_status
from foretick.common.testing.fakes import ManualClock
from foretick.common.units import NS_PER_MS, NS_PER_S
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.venue_board import VenueBoard

Connect = Callable[..., Any]
SUBSCRIBE = {"action": "subscribe", "channels": ["venues"]}
TTL_MS = VENUE_STATUSES.ttl_ms or 0


def told(board: VenueBoard, at_ns: int = T0_NS) -> list[tuple[str, str, bool]]:
    return [(each.venue, each.producer, each.stale) for each in board.data(at_ns).venues]


def test_status_is_told_with_every_field_and_its_age():
    board = VenueBoard()
    board.fold(venue_status(notice="at noon", state=VenueState.DEGRADED), T0_NS)
    (each,) = board.data(T0_NS + 1_200 * NS_PER_MS).venues
    assert (each.venue, each.origin, each.producer, each.ts_us) == ("sim", "sim", "ingest.feed-0", T0_NS // 1000)
    assert (each.state, each.notice) == (VenueState.DEGRADED, "at noon")
    assert (each.connections, each.connections_open, each.instruments, each.live) == (1, 1, 1, 1)
    assert (each.clock_offset_ms, each.clock_error_ms, each.latency_ms) == (1.5, 0.25, 2.5)
    assert (each.connects, each.disconnects, each.rollovers, each.snapshots_requested) == (1, 0, 0, 1)
    assert (each.budget_used_frac, each.age_ms, each.stale) == (0.125, 1_200, False)


def test_each_process_is_told_by_itself_in_order_of_venue():
    board = VenueBoard()
    for venue, producer in (("sim", "ingest.feed-1"), ("okx", "ingest.feed-0"), ("sim", "ingest.feed-0")):
        board.fold(venue_status(venue=venue, producer=producer), T0_NS)
    assert told(board) == [
        ("okx", "ingest.feed-0", False), ("sim", "ingest.feed-0", False), ("sim", "ingest.feed-1", False),
    ]  # fmt: skip


def test_status_that_is_not_told_any_more_is_stale_and_stays_as_long_as_the_bus_keeps_it():
    board = VenueBoard()
    board.fold(venue_status(), T0_NS)
    assert told(board, T0_NS + TTL_MS * NS_PER_MS) == [("sim", "ingest.feed-0", False)]
    assert told(board, T0_NS + (TTL_MS + 1) * NS_PER_MS) == [("sim", "ingest.feed-0", True)]
    last_ns = T0_NS + VENUES.max_age_s * NS_PER_S
    assert told(board, last_ns) == [("sim", "ingest.feed-0", True)]
    assert told(board, last_ns + 1) == []


def test_older_status_than_the_last_says_nothing():
    board = VenueBoard()
    board.fold(venue_status(ts_ns=T0_NS + 2), T0_NS + 2)
    board.fold(venue_status(ts_ns=T0_NS + 1, state=VenueState.AWAY), T0_NS + 3)
    assert board.data(T0_NS + 3).venues[0].state is VenueState.CONNECTED


def test_subscriber_gets_all_venues_then_again_with_each_beat(board: Board, connect: Connect, clock: ManualClock):
    board.fold(venue_status(), T0_NS)
    board.beat(T0_NS)
    client = connect()
    ack, first = client.ask(SUBSCRIBE)
    assert (ack["type"], ack["channels"], ack["symbols"]) == ("ack", ["venues"], [])
    assert (first["type"], first["channel"], first["venue"], first["symbol"]) == ("snapshot", "venues", "*", "*")
    assert [each["state"] for each in first["data"]["venues"]] == ["connected"]
    clock.advance(6 * NS_PER_S)
    board.beat(clock.now_ns())
    delta = next(message for message in client.take() if message["type"] == "delta")
    assert delta["prev"] == first["seq"]
    assert [(each["age_ms"], each["stale"]) for each in delta["data"]["venues"]] == [(6_000, True)]


def test_restored_status_is_as_old_as_it_is_and_one_of_another_run_is_left_out(board: Board):
    board.restore([venue_status(ts_ns=T0_NS - 7 * NS_PER_S), venue_status(venue="okx", run_id="another")])
    (each,) = board.venues.data(T0_NS).venues
    assert (each.venue, each.age_ms, each.stale) == ("sim", 7_000, True)
