"""A local book by the venue's procedure: sync, chain, and every way to lose trust."""

import random

import pytest

from foretick.common.contracts import BookEventKind, Trust
from foretick.common.errors import Malformed
from foretick.common.units import NS_PER_S
from foretick.market.book import OrderBook, PriceGrid
from foretick.market.integrity import REQUESTED_CONTIGUOUS, Delta, LocalBook, Snapshot, Top
from foretick.market.integrity.local_book import LATER_NS

GRID = PriceGrid(tick_size=0.5, lot_size=1.0)


def new_book() -> LocalBook:
    return LocalBook(GRID, REQUESTED_CONTIGUOUS)


def delta(first: int, last: int, bids=(), asks=()) -> Delta:
    return Delta(first, last, list(bids), list(asks))


SNAPSHOT = Snapshot(100, [(10.0, 1.0), (9.5, 2.0)], [(11.0, 1.0), (11.5, 2.0)])


def live_book() -> LocalBook:
    book = new_book()
    book.on_delta(delta(101, 102))
    book.on_snapshot(SNAPSHOT)
    assert book.trust is Trust.LIVE
    return book


def test_deltas_around_snapshot_are_bridged_into_one_live_snapshot():
    book = new_book()
    assert not book.wants_snapshot
    assert book.on_delta(delta(95, 99, bids=[(1.0, 7.0)])) is None
    assert book.wants_snapshot
    assert book.on_delta(delta(100, 103, bids=[(10.0, 5.0)], asks=[(11.0, 0.0)])) is None
    assert book.on_delta(delta(104, 104, asks=[(12.0, 4.0)])) is None
    change = book.on_snapshot(SNAPSHOT)
    assert (change.kind, change.trust, change.last_id) == (BookEventKind.SNAPSHOT, Trust.LIVE, 104)
    assert change.bids == [(10.0, 5.0), (9.5, 2.0)]
    assert change.asks == [(11.5, 2.0), (12.0, 4.0)]
    assert not book.wants_snapshot


@pytest.mark.parametrize(
    ("first", "last", "trust"),
    [
        (99, 100, Trust.LIVE),
        (101, 101, Trust.LIVE),
        (95, 101, Trust.LIVE),
        (101, 110, Trust.LIVE),
        (102, 110, Trust.STALE),
    ],
)
def test_first_kept_delta_lies_in_the_snapshot_or_contains_the_update_after_it(first, last, trust):
    book = new_book()
    book.on_delta(delta(first, last))
    book.on_snapshot(SNAPSHOT)
    assert book.trust is trust


def test_snapshot_that_contains_all_that_waits_is_believed_at_once_and_the_next_delta_bridges():
    book = new_book()
    book.on_delta(delta(90, 95, bids=[(10.0, 7.0)]))
    change = book.on_snapshot(SNAPSHOT)
    assert (change.kind, change.trust, change.last_id) == (BookEventKind.SNAPSHOT, Trust.LIVE, 100)
    assert change.bids == [(10.0, 1.0), (9.5, 2.0)]
    assert book.on_delta(delta(96, 100, bids=[(10.0, 8.0)])) is None
    assert (book.trust, book.counters.deltas_repeated) == (Trust.LIVE, 0), "it was on its way when the book was made"
    change = book.on_delta(delta(99, 105, bids=[(10.5, 1.0)]))
    assert (change.kind, change.trust, change.last_id) == (BookEventKind.DELTA, Trust.LIVE, 105)
    assert book.on_delta(delta(105, 107)).trust is Trust.RESYNC, "only the first one may reach back"


def test_delta_that_does_not_bridge_to_the_believed_snapshot_breaks_the_chain():
    book = new_book()
    book.on_delta(delta(90, 95))
    assert book.on_snapshot(SNAPSHOT).trust is Trust.LIVE
    change = book.on_delta(delta(102, 105))
    assert (change.trust, book.counters.chain_breaks) == (Trust.RESYNC, 1)
    assert book.on_snapshot(Snapshot(101, [(10.0, 1.0)], [(11.0, 1.0)])).last_id == 105


def test_snapshot_before_any_delta_is_held_until_one_shows_where_the_stream_is():
    book = new_book()
    assert book.on_snapshot(SNAPSHOT) is None
    assert book.trust is Trust.STALE
    assert not book.wants_snapshot
    change = book.on_delta(delta(96, 100))
    assert (change.kind, change.trust, change.last_id) == (BookEventKind.SNAPSHOT, Trust.LIVE, 100)


def test_snapshot_of_a_numbering_that_ended_is_found_out_by_the_venues_clock():
    """Ids fell, and the full book was one of before: what it seems to contain is later than all that it contains."""
    book = new_book()
    book.on_delta(Delta(3, 5, [], [], ts_event_ns=10 * NS_PER_S))
    assert book.on_snapshot(SNAPSHOT).trust is Trust.LIVE
    assert book.on_delta(Delta(6, 7, [], [], ts_event_ns=10 * NS_PER_S + LATER_NS)) is None
    assert book.on_delta(Delta(8, 9, [], [], ts_event_ns=10 * NS_PER_S + LATER_NS + 1)).trust is Trust.RESYNC


def test_snapshot_behind_the_deltas_is_asked_for_again():
    book = new_book()
    book.on_delta(delta(200, 201))
    assert book.on_snapshot(SNAPSHOT) is None
    assert book.wants_snapshot
    assert book.counters.snapshots_too_old == 1
    assert book.on_snapshot(Snapshot(200, [(10.0, 1.0)], [(11.0, 1.0)])).trust is Trust.LIVE


def test_hole_among_buffered_deltas_keeps_the_book_out_of_sync_until_a_later_snapshot():
    book = new_book()
    for ids in ((101, 102), (105, 106), (107, 108)):
        book.on_delta(delta(*ids))
    assert book.on_snapshot(SNAPSHOT) is None
    assert book.trust is not Trust.LIVE
    assert book.wants_snapshot
    assert book.on_snapshot(Snapshot(105, [(10.0, 1.0)], [(11.0, 1.0)])).last_id == 108


def test_lost_delta_breaks_the_chain_before_it_is_applied():
    book = live_book()
    before = book.book.integrity_hash()
    change = book.on_delta(delta(104, 105, bids=[(10.5, 1.0)]))
    assert (change.kind, change.trust) == (BookEventKind.STATE, Trust.RESYNC)
    assert "102" in change.reason
    assert "104" in change.reason
    assert book.book.integrity_hash() == before
    assert book.wants_snapshot


def test_delta_after_a_break_waits_for_the_snapshot():
    book = live_book()
    book.on_delta(delta(104, 105))
    assert book.on_delta(delta(106, 107, bids=[(10.5, 3.0)])) is None
    change = book.on_snapshot(Snapshot(104, [(10.0, 1.0)], [(11.0, 1.0)]))
    assert (change.trust, change.last_id, change.bids[0]) == (Trust.LIVE, 107, (10.5, 3.0))
    assert book.counters.syncs == 2


def test_repeated_delta_is_ignored_and_counted():
    book = live_book()
    repeated = delta(103, 104, bids=[(10.0, 9.0)])
    assert book.on_delta(repeated).kind is BookEventKind.DELTA
    assert book.on_delta(repeated) is None
    assert (book.trust, book.last_id, book.counters.deltas_repeated) == (Trust.LIVE, 104, 1)


def test_overlapping_delta_breaks_the_chain():
    book = live_book()
    assert book.on_delta(delta(102, 104)).trust is Trust.RESYNC


@pytest.mark.parametrize("bid", [11.0, 12.0])
def test_crossed_or_locked_book_stays_distrusted_until_a_snapshot(bid):
    book = live_book()
    change = book.on_delta(delta(103, 103, bids=[(bid, 1.0)]))
    assert (change.kind, change.trust) == (BookEventKind.DELTA, Trust.CROSSED)
    assert change.reason
    assert book.on_delta(delta(104, 104, bids=[(bid, 0.0)])) is None
    assert book.trust is Trust.CROSSED
    assert book.on_snapshot(Snapshot(103, [(10.0, 1.0)], [(11.0, 1.0)])).trust is Trust.LIVE


def test_crossed_snapshot_does_not_become_live():
    book = new_book()
    book.on_delta(delta(101, 102))
    change = book.on_snapshot(Snapshot(100, [(12.0, 1.0)], [(11.0, 1.0)]))
    assert (change.kind, change.trust) == (BookEventKind.STATE, Trust.CROSSED)


def test_lost_connection_is_stale_and_forgets_what_waited():
    book = live_book()
    assert book.distrust(Trust.STALE, "connection lost").trust is Trust.STALE
    assert not book.wants_snapshot
    book.on_delta(delta(300, 301))
    assert book.on_snapshot(Snapshot(300, [(10.0, 1.0)], [(11.0, 1.0)])).last_id == 301


def top(update_id: int, bid_qty: float) -> Top:
    return Top(update_id, 10.0, bid_qty, 11.0, 1.0)


def test_top_of_the_same_update_is_compared_at_once():
    book = live_book()
    assert book.on_top(top(102, 1.0)) is None
    assert (book.trust, book.counters.tops_compared, book.counters.tops_differing) == (Trust.LIVE, 1, 0)
    assert book.on_top(top(102, 2.0)).trust is Trust.RESYNC
    assert book.counters.tops_differing == 1


def test_top_of_a_later_update_is_compared_when_the_book_gets_there():
    book = live_book()
    assert book.on_top(top(104, 3.0)) is None
    change = book.on_delta(delta(103, 104, bids=[(10.0, 2.0)]))
    assert (change.kind, change.trust) == (BookEventKind.DELTA, Trust.RESYNC)


@pytest.mark.parametrize("live", [False, True])
def test_malformed_delta_raises_and_is_not_applied(live):
    book = live_book() if live else new_book()
    with pytest.raises(Malformed):
        book.on_delta(delta(103, 103, bids=[(10.3, 1.0)]))
    assert book.last_id == (102 if live else None)
    assert not book.wants_snapshot


def test_malformed_snapshot_raises_and_is_not_used():
    book = new_book()
    book.on_delta(delta(101, 102))
    with pytest.raises(Malformed):
        book.on_snapshot(Snapshot(100, [(float("nan"), 1.0)], []))
    assert book.wants_snapshot


@pytest.mark.parametrize("seed", range(4))
def test_faulty_stream_is_never_live_with_a_wrong_book(seed):
    """Drop, repeat, swap and reset at random; whenever the book says LIVE it equals the venue's at that update."""
    rng = random.Random(seed)
    venue, local = OrderBook(GRID), new_book()
    hashes: dict[int, str] = {}
    snapshots: dict[int, Snapshot] = {}
    stream: list[Delta] = []
    last_id = 0
    venue.apply_snapshot([(10.0, 1.0)], [(11.0, 1.0)])
    for _ in range(1500):
        first, last_id = last_id + 1, last_id + rng.randint(1, 3)
        bids = [(rng.randint(2, 20) / 2, float(rng.randint(0, 3)))]
        asks = [(rng.randint(22, 40) / 2, float(rng.randint(0, 3)))]
        venue.apply_delta(bids, asks)
        hashes[last_id] = venue.integrity_hash()
        snapshots[last_id] = Snapshot(last_id, *venue.top(100))
        stream.append(Delta(first, last_id, bids, asks))
    position = live_checks = 0
    while position < len(stream) - 1:
        fault = rng.random()
        if fault < 0.01:
            position += 1  # lost
        elif fault < 0.02:
            stream[position], stream[position + 1] = stream[position + 1], stream[position]
        elif fault < 0.03:
            local.on_delta(stream[max(0, position - 1)])  # again
        elif fault < 0.035:
            local.distrust(Trust.STALE, "connection lost")
        local.on_delta(stream[position])
        if local.wants_snapshot and rng.random() < 0.3:
            local.on_snapshot(snapshots[stream[max(0, position - rng.randint(0, 3))].last_id])
        position += 1
        if local.trust is Trust.LIVE:
            assert local.book.integrity_hash() == hashes[local.last_id]
            live_checks += 1
    assert live_checks > 700
    assert local.counters.chain_breaks > 5
