"""A book's trust through snapshots, deltas, states and losses."""

import pytest

from foretick.common.contracts import BookEventKind, Trust
from foretick.common.errors import Malformed
from foretick.common.testing import snapshot
from foretick.features.domain.book_state import BookState
from foretick.market.book import PriceGrid

GRID = PriceGrid(0.01, 0.001)


def delta(**fields):
    return snapshot(kind=BookEventKind.DELTA, **({"bids": [(99.99, 5.0)], "asks": []} | fields))


def state(trust: Trust):
    return snapshot(kind=BookEventKind.STATE, bids=[], asks=[], trust=trust)


def test_delta_before_any_snapshot_is_not_live():
    book = BookState()
    assert book.apply(delta(), GRID) is Trust.RESYNC
    assert book.top(10) == ([], [])


def test_snapshot_and_delta_are_live():
    book = BookState()
    assert book.apply(snapshot(), GRID) is Trust.LIVE
    assert book.apply(delta(), GRID) is Trust.LIVE
    assert book.top(1) == ([(99.99, 5.0)], [(100.01, 1.0)])


@pytest.mark.parametrize("trust", [Trust.STALE, Trust.RESYNC, Trust.CROSSED, Trust.GAP])
def test_state_holds_until_an_event_says_live(trust):
    book = BookState()
    book.apply(snapshot(), GRID)
    assert book.apply(state(trust), GRID) is trust
    assert book.apply(state(Trust.LIVE), GRID) is Trust.LIVE


def test_after_a_loss_only_a_snapshot_makes_the_book_live():
    book = BookState()
    book.apply(snapshot(), GRID)
    book.lose()
    assert book.apply(delta(), GRID) is Trust.GAP
    assert book.apply(state(Trust.LIVE), GRID) is Trust.GAP
    assert book.apply(snapshot(), GRID) is Trust.LIVE


def test_bid_at_the_ask_is_crossed():
    book = BookState()
    book.apply(snapshot(), GRID)
    assert book.apply(delta(bids=[(100.01, 1.0)]), GRID) is Trust.CROSSED
    assert book.apply(delta(bids=[(100.01, 0.0)]), GRID) is Trust.LIVE


def test_level_off_the_grid_is_malformed_and_awaits_a_snapshot():
    book = BookState()
    book.apply(snapshot(), GRID)
    with pytest.raises(Malformed, match="grid"):
        book.apply(delta(bids=[(99.995, 1.0)]), GRID)
    assert book.apply(delta(), GRID) is Trust.GAP


def test_delta_on_another_grid_awaits_a_snapshot():
    book = BookState()
    book.apply(snapshot(), GRID)
    assert book.apply(delta(), PriceGrid(0.001, 0.001)) is Trust.GAP
    assert book.apply(snapshot(), PriceGrid(0.001, 0.001)) is Trust.LIVE
