"""Rules that differ from Binance spot's: linked ids, a stream with its own full book, checksums, no book at all."""

import zlib

import pytest

from foretick.common.contracts import BookEventKind, BookProof, Trust
from foretick.common.errors import Malformed
from foretick.common.units import NS_PER_S
from foretick.market.book import OrderBook, PriceGrid
from foretick.market.integrity import (
    REQUESTED_LINKED,
    TOP_ONLY,
    Anchor,
    BookRule,
    ContiguousIds,
    Delta,
    LinkedIds,
    LocalBook,
    Snapshot,
    Top,
    Unnumbered,
)

GRID = PriceGrid(tick_size=0.5, lot_size=1.0)
BIDS, ASKS = [(10.0, 1.0), (9.5, 2.0)], [(11.0, 1.0), (11.5, 2.0)]


def linked(first: int, last: int, prev: int, bids=()) -> Delta:
    return Delta(first, last, list(bids), [], prev_id=prev)


@pytest.fixture
def futures() -> LocalBook:
    """A book of Binance USD-M as of update 102: an update that contains the snapshot's id, and one after it."""
    book = LocalBook(GRID, REQUESTED_LINKED)
    book.on_delta(linked(95, 102, prev=90))
    book.on_snapshot(Snapshot(100, BIDS, ASKS))
    assert (book.trust, book.last_id) == (Trust.LIVE, 102)
    return book


def test_linked_update_may_skip_ids_but_must_name_the_one_before_it(futures):
    assert futures.on_delta(linked(110, 115, prev=102)).trust is Trust.LIVE
    change = futures.on_delta(linked(130, 140, prev=120))
    assert (change.kind, change.trust, futures.counters.chain_breaks) == (BookEventKind.STATE, Trust.RESYNC, 1)


def test_linked_update_that_came_before_is_ignored(futures):
    assert futures.on_delta(linked(91, 94, prev=80)) is None
    assert futures.on_delta(linked(95, 102, prev=90)) is None
    assert (futures.trust, futures.counters.deltas_repeated) == (Trust.LIVE, 2)


def test_linked_ids_may_fall_where_the_link_holds(futures):
    """OKX, after maintenance: seqId falls, prevSeqId still names the last one."""
    assert futures.on_delta(linked(3, 3, prev=102)).trust is Trust.LIVE
    assert futures.on_delta(linked(5, 5, prev=3)).trust is Trust.LIVE


def test_linked_update_without_changes_keeps_the_id(futures):
    """OKX, when a book is quiet: seqId equals prevSeqId."""
    assert futures.on_delta(linked(102, 102, prev=102)).trust is Trust.LIVE
    assert futures.on_delta(linked(110, 110, prev=102)).trust is Trust.LIVE


@pytest.mark.parametrize(
    ("first", "last", "prev", "last_id"),
    [(100, 105, 80, 105), (101, 105, 100, 105), (102, 105, 101, None), (103, 105, 99, 105)],
)
def test_first_linked_update_reaches_beyond_the_snapshot_and_connects_to_it(first, last, prev, last_id):
    """Binance USD-M: ``U <= lastUpdateId <= u``; and one that begins later, where the one before it ended earlier."""
    book = LocalBook(GRID, REQUESTED_LINKED)
    book.on_delta(linked(first, last, prev))
    book.on_snapshot(Snapshot(100, BIDS, ASKS))
    assert book.last_id == last_id
    assert (book.trust is Trust.LIVE) is (last_id is not None)


@pytest.mark.parametrize("last", [99, 100])
@pytest.mark.parametrize(
    ("first", "prev", "is_live"), [(101, 100, True), (95, 80, True), (103, 99, True), (102, 101, False)]
)
def test_linked_update_after_a_snapshot_that_contains_the_one_before_connects_to_it(last, first, prev, is_live):
    book = LocalBook(GRID, REQUESTED_LINKED)
    book.on_delta(linked(90, last, 80))
    assert book.on_snapshot(Snapshot(100, BIDS, ASKS)).trust is Trust.LIVE
    assert (book.on_delta(linked(first, 106, prev)).trust is Trust.LIVE) is is_live


def checksum(book: OrderBook) -> int:
    """An arbitrary one: CRC32 of the best level a side."""
    return zlib.crc32(repr(book.top_steps(1)).encode())


def checksum_of(bid: tuple[int, int], ask: tuple[int, int]) -> int:
    return zlib.crc32(repr(([bid], [ask])).encode())


RULE = BookRule(Anchor.STREAM, Unnumbered(), BookProof.CHECKSUM, checksum, max_levels=2)


@pytest.fixture
def streamed() -> LocalBook:
    book = LocalBook(GRID, RULE)
    book.distrust(Trust.RESYNC, "connected")
    change = book.on_snapshot(Snapshot(0, BIDS, ASKS, checksum=checksum_of((20, 1), (22, 1))))
    assert (change.kind, change.trust) == (BookEventKind.SNAPSHOT, Trust.LIVE)
    return book


def test_stream_begins_with_its_full_book_and_nothing_is_asked_for():
    book = LocalBook(GRID, RULE)
    book.distrust(Trust.RESYNC, "connected")
    assert book.on_delta(Delta(0, 0, [(9.5, 5.0)], [])) is None
    assert not book.wants_snapshot
    assert book.counters.deltas_unanchored == 1
    assert book.on_snapshot(Snapshot(0, BIDS, ASKS)).trust is Trust.LIVE


def test_full_book_that_never_came_is_asked_for():
    book = LocalBook(GRID, RULE)
    book.distrust(Trust.RESYNC, "connected")
    book.give_up_waiting()
    assert book.wants_snapshot


def test_update_with_the_venues_checksum_stays_live(streamed):
    change = streamed.on_delta(Delta(0, 0, [(10.5, 3.0)], [], checksum=checksum_of((21, 3), (22, 1))))
    assert (change.kind, change.trust) == (BookEventKind.DELTA, Trust.LIVE)
    assert (streamed.counters.checksums_checked, streamed.counters.checksums_failed) == (2, 0)


def test_lost_update_is_found_by_the_checksum_of_the_next(streamed):
    change = streamed.on_delta(Delta(0, 0, [(9.5, 4.0)], [], checksum=checksum_of((21, 3), (22, 1))))
    assert (change.kind, change.trust) == (BookEventKind.DELTA, Trust.RESYNC)
    assert change.counts.checksums_failed == 1
    assert streamed.wants_snapshot
    assert streamed.on_delta(Delta(0, 0, [(9.0, 4.0)], [])) is None


def test_snapshot_with_another_checksum_is_not_believed(streamed):
    streamed.distrust(Trust.RESYNC, "subscribed anew")
    assert streamed.on_snapshot(Snapshot(0, BIDS, ASKS, checksum=1)).trust is Trust.RESYNC
    assert streamed.wants_snapshot


def test_full_book_on_a_live_stream_replaces_it(streamed):
    change = streamed.on_snapshot(Snapshot(0, [(8.0, 1.0)], ASKS))
    assert (change.kind, change.trust, change.bids) == (BookEventKind.SNAPSHOT, Trust.LIVE, [(8.0, 1.0)])


def test_levels_beyond_the_subscribed_depth_are_forgotten_as_the_venue_forgets_them(streamed):
    streamed.on_delta(Delta(0, 0, [(10.5, 3.0)], []))
    assert streamed.book.top(5)[0] == [(10.5, 3.0), (10.0, 1.0)]


def test_numbered_stream_breaks_on_a_hole_and_heals_by_a_new_full_book():
    book = LocalBook(GRID, BookRule(Anchor.STREAM, ContiguousIds(), BookProof.CHAIN))
    book.on_snapshot(Snapshot(7, BIDS, ASKS))
    assert book.on_delta(Delta(8, 8, [], [])).trust is Trust.LIVE
    assert book.on_delta(Delta(10, 10, [], [])).trust is Trust.RESYNC
    assert book.wants_snapshot
    assert book.on_snapshot(Snapshot(1, BIDS, ASKS)).trust is Trust.LIVE, "a venue that restarted counts anew"
    assert book.on_delta(Delta(2, 2, [], [])).trust is Trust.LIVE


def numbered(number: int, second: float, prev: int | None = None) -> Delta:
    return Delta(number, number, [], [], ts_event_ns=int(second * NS_PER_S), prev_id=prev)


@pytest.mark.parametrize("chain", [ContiguousIds(), LinkedIds()])
def test_lost_beginning_of_a_lower_numbering_breaks_the_chain(chain):
    """OKX after maintenance, Bybit after a restart: the message with the first low number never came."""
    book = LocalBook(GRID, BookRule(Anchor.STREAM, chain, BookProof.CHAIN))
    book.on_snapshot(Snapshot(700, BIDS, ASKS, ts_event_ns=10 * NS_PER_S))
    assert book.on_delta(numbered(699, 9.9, prev=698)) is None
    assert book.on_delta(numbered(3, 10.1, prev=2)) is None
    assert book.on_delta(numbered(14, 11.2, prev=13)).trust is Trust.RESYNC
    assert (book.counters.deltas_repeated, book.counters.chain_breaks) == (2, 1)


def test_refused_update_breaks_the_book_and_is_counted(streamed):
    with pytest.raises(Malformed):
        streamed.on_delta(Delta(0, 0, [(10.3, 1.0)], []))
    change = streamed.refuse("off the grid")
    assert (change.trust, change.counts.malformed) == (Trust.RESYNC, 1)
    assert streamed.wants_snapshot


def test_market_without_a_book_lives_by_its_best_bid_and_ask():
    book = LocalBook(GRID, TOP_ONLY)
    book.distrust(Trust.RESYNC, "connected")
    change = book.on_top(Top(None, 10.0, 1.0, 11.0, 2.0))
    assert (change.kind, change.trust, change.bids, change.asks) == (
        BookEventKind.SNAPSHOT, Trust.LIVE, [(10.0, 1.0)], [(11.0, 2.0)],
    )  # fmt: skip
    assert book.on_top(Top(None, 10.5, 1.0, 11.0, 2.0)) is None
    assert book.on_top(Top(None, 11.0, 1.0, 11.0, 2.0)).trust is Trust.CROSSED
    assert not book.wants_snapshot  # there is none to be had: the next top is all that helps
    assert book.on_top(Top(None, 11.0, 1.0, 11.0, 2.0)) is None
    assert book.on_top(Top(None, 10.0, 1.0, 11.0, 2.0)).trust is Trust.LIVE


def test_stall_is_counted_and_asks_for_a_full_book(streamed):
    assert streamed.stall("silent").trust is Trust.RESYNC
    assert streamed.wants_snapshot
    assert streamed.state().counts.stalls == 1
