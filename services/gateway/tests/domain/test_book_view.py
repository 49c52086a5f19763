"""The book's levels, its deltas and its soundness."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretick.common.contracts import BookCounts, BookEvent, BookEventKind, Level, Trust
from foretick.common.errors import Malformed
from foretick.common.testing.builders import T0_NS, book_frame, snapshot, tick_frame
from foretick.gateway.domain.book_view import NO_SNAPSHOT, BookView
from foretick.gateway.domain.channels import BOOK_LEVELS


def delta(bids: list[Level] | None = None, asks: list[Level] | None = None, trust: Trust = Trust.LIVE) -> BookEvent:
    return BookEvent(
        kind=BookEventKind.DELTA, ts_recv_ns=T0_NS, ts_event_ns=None, trust=trust, bids=bids or [], asks=asks or []
    )


def state(trust: Trust, reason: str) -> BookEvent:
    return BookEvent(kind=BookEventKind.STATE, ts_recv_ns=T0_NS, ts_event_ns=None, trust=trust, reason=reason)


def live_book() -> BookView:
    view = BookView()
    view.fold(book_frame([snapshot()]))
    return view


def test_without_snapshot_the_book_is_resync_and_says_why():
    view = BookView()
    view.fold(book_frame([delta(bids=[(99.0, 1.0)])]))
    assert (view.trust, view.reason) == (Trust.RESYNC, NO_SNAPSHOT)


def test_snapshot_makes_the_book_live():
    view = live_book()
    assert (view.trust, view.reason) == (Trust.LIVE, "")
    assert view.top(1) == ([(99.99, 1.0)], [(100.01, 1.0)])


def test_delta_sets_and_removes_levels():
    view = live_book()
    view.fold(book_frame([delta(bids=[(99.99, 0.0), (99.98, 7.0)], asks=[(100.0, 2.0)])]))
    assert view.top(2) == ([(99.98, 7.0), (99.97, 1.0)], [(100.0, 2.0), (100.01, 1.0)])


def test_state_event_changes_trust_and_nothing_else():
    view = live_book()
    before = view.top(20)
    view.fold(book_frame([state(Trust.STALE, "no update for 5 s")]))
    assert (view.trust, view.reason, view.top(20)) == (Trust.STALE, "no update for 5 s", before)


def test_own_gap_lasts_until_the_next_snapshot():
    view = live_book()
    view.doubt(Trust.GAP, "3 events were lost before 9", tick_frame("T", seq=9))
    view.fold(book_frame([delta(bids=[(99.0, 1.0)])]))
    assert (view.trust, view.reason) == (Trust.GAP, "3 events were lost before 9")
    view.fold(book_frame([snapshot()]))
    assert view.trust is Trust.LIVE


def test_told_trust_that_is_worse_than_our_own_wins():
    view = live_book()
    view.doubt(Trust.RESYNC, "the feed restarted", tick_frame("T", seq=9))
    view.fold(book_frame([state(Trust.CROSSED, "best bid above best ask")]))
    assert (view.trust, view.reason) == (Trust.CROSSED, "best bid above best ask")


def test_levels_off_the_grid_are_malformed_and_make_the_book_resync():
    view = live_book()
    with pytest.raises(Malformed):
        view.fold(book_frame([delta(bids=[(99.123, 1.0)])]))
    assert view.trust is Trust.RESYNC
    view.fold(book_frame([snapshot()]))
    assert view.trust is Trust.LIVE


def test_unchanged_book_has_an_empty_delta():
    view = live_book()
    view.take_delta()
    view.fold(book_frame([snapshot()]))
    told = view.take_delta()
    assert (told.bids, told.asks) == ([], [])


def test_level_that_falls_out_of_the_shown_ones_is_told_as_removed():
    view = BookView()
    view.fold(book_frame([snapshot(levels=BOOK_LEVELS)]))
    view.take_delta()
    view.fold(book_frame([delta(bids=[(100.0, 5.0)])]))
    assert view.take_delta().bids == [(100.0, 5.0), (99.8, 0.0)]  # 99.99 - 19 * 0.01


LEVELS = st.lists(st.tuples(st.integers(1, 60).map(lambda tick: tick / 100), st.integers(0, 4).map(float)), max_size=12)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), LEVELS), min_size=1, max_size=12))
def test_client_that_applies_the_deltas_holds_the_snapshot(steps: list[tuple[bool, list[Level]]]):
    view = BookView()
    held: dict[float, float] = {}
    for is_snapshot, bids in steps:
        event = snapshot(bids=bids, asks=[]) if is_snapshot else delta(bids=bids)
        view.fold(book_frame([event]))
        for price, qty in view.take_delta().bids:
            held[price] = qty
            if qty == 0:
                del held[price]
        assert sorted(held.items(), reverse=True) == view.snapshot().bids


def test_counts_are_those_that_were_told_last():
    view = BookView()
    told = snapshot(counts=BookCounts(syncs=3, chain_breaks=2))
    view.fold(book_frame([told, delta(bids=[(99.0, 1.0)])]))
    assert (view.counts.syncs, view.counts.chain_breaks) == (3, 2)
