"""Both order books, the plain and the compiled one, against a naive one, and their refusals."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretick.common.errors import Malformed
from foretick.market.book import OrderBook, PriceGrid
from foretick.market.compiled_book import CompiledBook

GRID = PriceGrid(tick_size=0.01, lot_size=0.00001)
BOOKS = pytest.mark.parametrize("book_type", [OrderBook, CompiledBook])


def naive_top(side: dict[int, int], *, best_is_highest: bool, depth: int) -> list[tuple[int, int]]:
    return sorted(side.items(), reverse=best_is_highest)[:depth]


steps = st.tuples(st.integers(1, 60), st.integers(0, 5))
changes = st.lists(st.tuples(st.lists(steps, max_size=12), st.lists(steps, max_size=12)), max_size=30)


def as_floats(levels: list[tuple[int, int]]) -> list[tuple[float, float]]:
    """Through decimal text, as a venue sends it."""
    return [(float(Decimal(t) * Decimal("0.01")), float(Decimal(n) * Decimal("0.00001"))) for t, n in levels]


@BOOKS
@given(first=st.tuples(st.lists(steps), st.lists(steps)), deltas=changes)
@settings(max_examples=80, deadline=None)
def test_deltas_after_snapshot_equal_naive_book(book_type, first, deltas):
    book = book_type(GRID)
    book.apply_snapshot(as_floats(first[0]), as_floats(first[1]))
    sides: list[dict[int, int]] = []
    for levels in first:
        side = dict(levels)
        sides.append({t: n for t, n in side.items() if n})
    for delta in deltas:
        book.apply_delta(as_floats(delta[0]), as_floats(delta[1]))
        for side, levels in zip(sides, delta, strict=True):
            for ticks, lots in levels:
                if lots:
                    side[ticks] = lots
                else:
                    side.pop(ticks, None)
        bids, asks = sides
        assert book.top_steps(7) == (
            naive_top(bids, best_is_highest=True, depth=7),
            naive_top(asks, best_is_highest=False, depth=7),
        )
        assert book.depth == (len(bids), len(asks))
        assert book.is_crossed == bool(bids and asks and max(bids) >= min(asks))


@BOOKS
@given(deltas=changes, bound=st.integers(1, 8))
@settings(max_examples=50, deadline=None)
def test_bounded_book_keeps_best_levels(book_type, deltas, bound):
    book = book_type(GRID, max_levels=bound)
    bids: dict[int, int] = {}
    for delta in deltas:
        book.apply_delta(as_floats(delta[0]), [])
        for ticks, lots in delta[0]:
            if lots:
                bids[ticks] = lots
            else:
                bids.pop(ticks, None)
        bids = dict(naive_top(bids, best_is_highest=True, depth=bound))
        assert book.top_steps(100)[0] == naive_top(bids, best_is_highest=True, depth=bound)


@given(ticks=st.integers(1, 2**40), decimals=st.integers(0, 8))
def test_price_from_ticks_is_the_float_of_the_decimal_text(ticks, decimals):
    step = Decimal(1).scaleb(-decimals)
    grid = PriceGrid(tick_size=float(step), lot_size=float(step))
    price = float(f"{Decimal(ticks) * step:f}")
    assert grid.price(ticks) == price
    assert grid.ticks(price) == ticks
    assert grid.lots(price) == ticks
    assert grid.levels([(price, price)]) == [(ticks, ticks)]


@pytest.mark.parametrize("tick_size", [0.05, 0.25, 0.03, 5.0, 100.0])
def test_grid_with_uneven_tick_round_trips(tick_size):
    grid = PriceGrid(tick_size=tick_size, lot_size=1.0)
    for ticks in (1, 7, 333, 99_999):
        price = float(Decimal(repr(tick_size)) * ticks)
        assert grid.price(ticks) == price
        assert grid.ticks(price) == ticks


BAD_LEVELS = {
    "nan price": (float("nan"), 1.0),
    "infinite price": (float("inf"), 1.0),
    "negative price": (-1.0, 1.0),
    "zero price": (0.0, 1.0),
    "off-tick price": (1.005, 1.0),
    "huge price": (1e300, 1.0),
    "nan quantity": (1.0, float("nan")),
    "infinite quantity": (1.0, float("inf")),
    "negative quantity": (1.0, -0.00001),
    "off-lot quantity": (1.0, 0.000015),
}


@BOOKS
@pytest.mark.parametrize("level", BAD_LEVELS.values(), ids=BAD_LEVELS.keys())
@pytest.mark.parametrize("kind", ["snapshot", "delta"])
@pytest.mark.parametrize("side", ["bids", "asks"])
def test_malformed_level_raises_and_changes_nothing(book_type, level, kind, side):
    book = book_type(GRID)
    book.apply_snapshot([(1.0, 1.0)], [(2.0, 1.0)])
    before = book.integrity_hash()
    good, bad = [(1.5, 3.0)], [(1.5, 3.0), level]
    apply = book.apply_snapshot if kind == "snapshot" else book.apply_delta
    with pytest.raises(Malformed):
        apply(*((bad, good) if side == "bids" else (good, bad)))
    assert book.integrity_hash() == before


@pytest.mark.parametrize("size", [0.0, -0.01, float("nan"), float("inf")])
def test_grid_of_unusable_size_is_malformed(size):
    with pytest.raises(Malformed):
        PriceGrid(tick_size=size, lot_size=1.0)
    with pytest.raises(Malformed):
        PriceGrid(tick_size=1.0, lot_size=size)


@BOOKS
def test_best_prices_and_mid_of_two_sided_book(book_type):
    book = book_type(GRID)
    book.apply_snapshot([(99.0, 1.0), (99.5, 2.0)], [(100.5, 4.0), (100.0, 3.0)])
    assert book.best_bid == (99.5, 2.0)
    assert book.best_ask == (100.0, 3.0)
    assert book.mid == 99.75
    assert not book.is_crossed


@BOOKS
def test_empty_side_has_no_best_and_no_mid(book_type):
    book = book_type(GRID)
    assert book.is_empty
    book.apply_snapshot([(99.0, 1.0)], [])
    assert (book.best_ask, book.mid, book.is_crossed) == (None, None, False)


@BOOKS
@pytest.mark.parametrize(("bid", "crossed"), [(99.99, False), (100.0, True), (100.01, True)])
def test_locked_or_crossed_book_says_so(book_type, bid, crossed):
    book = book_type(GRID)
    book.apply_snapshot([(bid, 1.0)], [(100.0, 1.0)])
    assert book.is_crossed is crossed


@BOOKS
def test_hash_differs_when_a_level_changes_side(book_type):
    one, other = book_type(GRID), book_type(GRID)
    one.apply_snapshot([(1.0, 1.0)], [])
    other.apply_snapshot([], [(1.0, 1.0)])
    assert one.integrity_hash() != other.integrity_hash()


@BOOKS
def test_books_reached_by_different_paths_hash_alike(book_type):
    one, other = book_type(GRID), book_type(GRID)
    one.apply_snapshot([(1.0, 1.0), (0.5, 2.0)], [(2.0, 1.0)])
    other.apply_delta([(0.5, 9.0)], [(2.0, 1.0), (3.0, 1.0)])
    other.apply_delta([(1.0, 1.0), (0.5, 2.0)], [(3.0, 0.0)])
    assert one.integrity_hash() == other.integrity_hash()


@BOOKS
def test_top_of_more_than_there_is_returns_what_there_is(book_type):
    book = book_type(GRID)
    book.apply_snapshot([(1.0, 1.0)], [(2.0, 1.0), (3.0, 1.0)])
    assert book.top(10) == ([(1.0, 1.0)], [(2.0, 1.0), (3.0, 1.0)])
    assert book.top(0) == ([], [])


@BOOKS
def test_cleared_book_is_empty_and_fills_again(book_type):
    book = book_type(GRID)
    book.apply_snapshot([(1.0, 1.0)], [(1.0, 1.0)])
    assert book.is_crossed
    book.clear()
    assert (book.is_empty, book.is_crossed, book.depth, book.top(5)) == (True, False, (0, 0), ([], []))
    book.apply_delta([(1.0, 2.0)], [])
    assert book.top(5) == ([(1.0, 2.0)], [])


@BOOKS
@pytest.mark.parametrize("tick_size", [0.05, 0.25, 0.03, 5.0, 100.0])
def test_book_on_an_uneven_grid_tells_the_prices_it_was_given(book_type, tick_size):
    grid = PriceGrid(tick_size, 0.25)
    prices = [float(Decimal(repr(tick_size)) * n) for n in (333, 7, 1)]
    book = book_type(grid)
    book.apply_snapshot([(price, 0.75) for price in prices], [])
    assert book.top(3)[0] == [(price, 0.75) for price in prices]
    assert book.top_steps(3)[0] == [(333, 3), (7, 3), (1, 3)]
    with pytest.raises(Malformed):
        book.apply_delta([(1.5 * tick_size, 1.0)], [])
