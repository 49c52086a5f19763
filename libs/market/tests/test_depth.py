"""Depth, imbalance, microprice and cost to trade against numpy and arithmetic."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.market.depth import (
    BUY,
    SELL,
    Denomination,
    cumulate,
    imbalance_frac,
    imbalance_within_frac,
    measure_bands,
    microprice,
    mid_of,
    walk_qty,
    walk_quote,
)

prices = st.lists(st.integers(1, 400), min_size=1, max_size=40, unique=True)
quantities = st.integers(1, 5000).map(lambda n: n / 8)


@st.composite
def sides(draw):
    """A side of the book around a mid of 100, best first, and the order that takes it."""
    side = draw(st.sampled_from([BUY, SELL]))
    offsets = sorted(draw(prices))
    return side, [(100.0 + side * offset / 8, draw(quantities)) for offset in offsets]


def columns(levels):
    return np.array([price for price, _ in levels]), np.array([qty for _, qty in levels])


@given(side_levels=sides())
def test_cumulative_depth_is_numpys_cumulative_sum(side_levels):
    side, levels = side_levels
    price, qty = columns(levels)
    told = list(cumulate(levels, side, 100.0))
    assert [level[:2] for level in told] == levels
    np.testing.assert_allclose([level.cumulative_qty for level in told], np.cumsum(qty))
    np.testing.assert_allclose([level.cumulative_quote for level in told], np.cumsum(price * qty))
    np.testing.assert_allclose([level.distance_bps for level in told], np.abs(price - 100.0) * 100, rtol=1e-9)


@given(side_levels=sides(), bounds=st.lists(st.integers(1, 6000), min_size=1, max_size=6, unique=True).map(sorted))
def test_band_holds_what_numpy_selects(side_levels, bounds):
    side, levels = side_levels
    price, qty = columns(levels)
    distance_bps = side * (price - 100.0) / 100.0 * 1e4
    for bps, band in zip(bounds, measure_bands(levels, side, 100.0, bounds), strict=True):
        within = distance_bps <= bps
        assert (band.bps, band.levels) == (bps, within.sum())
        assert band.qty == pytest.approx(qty[within].sum())
        assert band.quote == pytest.approx((price * qty)[within].sum())
        assert band.is_whole == (distance_bps.max() > bps)


def test_band_takes_no_more_levels_than_it_needs():
    taken = []

    def levels():
        for offset in range(1, 1000):
            taken.append(offset)
            yield 100.0 + offset, 1.0

    measure_bands(levels(), BUY, 100.0, [100.0, 300.0])
    assert taken == [1, 2, 3, 4]


def test_band_of_an_empty_side_is_empty_and_not_whole():
    assert measure_bands([], BUY, 100.0, [10.0]) == [(10.0, 0, 0.0, 0.0, False)]


@given(side_levels=sides(), qty=st.integers(1, 400_000).map(lambda n: n / 16))
def test_walk_for_a_quantity_pays_what_numpy_interpolates(side_levels, qty):
    side, levels = side_levels
    price, held = columns(levels)
    filled = min(qty, held.sum())
    paid = np.interp(filled, np.concatenate([[0], np.cumsum(held)]), np.concatenate([[0], np.cumsum(price * held)]))
    walk = walk_qty(levels, side, 100.0, qty)
    assert walk.qty == pytest.approx(filled)
    assert walk.quote == pytest.approx(paid)
    assert walk.average_price == pytest.approx(paid / filled)
    assert walk.slippage_bps == pytest.approx(side * (paid / filled - 100.0) * 100, abs=1e-7)
    assert walk.levels == 1 + np.searchsorted(np.cumsum(held)[:-1], filled, side="left")
    assert walk.worst_price == price[walk.levels - 1]
    assert walk.unfilled_qty == pytest.approx(qty - filled)
    assert walk.unfilled_quote == 0


@given(side_levels=sides(), quote=st.integers(1, 40_000_000).map(lambda n: n / 16))
def test_walk_for_an_amount_gets_what_numpy_interpolates(side_levels, quote):
    side, levels = side_levels
    price, held = columns(levels)
    worth = np.concatenate([[0], np.cumsum(price * held)])
    spent = min(quote, worth[-1])
    got = np.interp(spent, worth, np.concatenate([[0], np.cumsum(held)]))
    walk = walk_quote(levels, side, 100.0, quote)
    assert walk.quote == pytest.approx(spent)
    assert walk.qty == pytest.approx(got)
    assert walk.average_price == pytest.approx(spent / got)
    assert walk.unfilled_quote == pytest.approx(quote - spent, abs=1e-6)
    assert walk.unfilled_qty == 0


def test_walk_by_hand():
    asks = [(101.0, 1.0), (102.0, 2.0), (110.0, 5.0)]
    assert walk_qty(asks, BUY, 100.0, 2.0) == (2.0, 203.0, 101.5, 102.0, 150.0, 2, 0.0, 0.0)
    assert walk_qty(asks, BUY, 100.0, 10.0)[6:] == (2.0, 0.0)
    assert walk_quote(asks, BUY, 100.0, 305.0) == (3.0, 305.0, 305 / 3, 102.0, pytest.approx(500 / 3), 2, 0.0, 0.0)
    bids = [(99.0, 1.0), (97.0, 1.0)]
    assert walk_qty(bids, SELL, 100.0, 2.0)[:5] == (2.0, 196.0, 98.0, 97.0, 200.0)


def test_walk_of_an_empty_side_fills_nothing():
    assert walk_qty([], BUY, None, 2.0) == (0, 0, None, None, None, 0, 2.0, 0.0)
    assert walk_quote([], BUY, None, 7.0) == (0, 0, None, None, None, 0, 0.0, 7.0)


@pytest.mark.parametrize("size", [0.0, -1.0, math.nan])
def test_walk_for_nothing_is_refused(size):
    with pytest.raises(ValueError, match="positive"):
        walk_qty([(1.0, 1.0)], BUY, 1.0, size)
    with pytest.raises(ValueError, match="positive"):
        walk_quote([(1.0, 1.0)], BUY, 1.0, size)


def test_linear_contracts_count_by_their_size():
    unit = Denomination(contract_size=0.01)
    walk = walk_qty([(200.0, 10.0), (300.0, 10.0)], BUY, 200.0, 20.0, unit)
    assert (walk.quote, walk.average_price, walk.slippage_bps) == (pytest.approx(50.0), pytest.approx(250.0), 2500.0)
    assert walk_quote([(200.0, 10.0)], BUY, 200.0, 10.0, unit).qty == pytest.approx(5.0)


def test_inverse_contracts_average_by_what_is_bought():
    """100 USD a contract: 1 at 50,000 and 1 at 100,000 buy 0.002 + 0.001 of base for 200, so at 66,666.67."""
    unit = Denomination(contract_size=100.0, is_inverse=True)
    walk = walk_qty([(50_000.0, 1.0), (100_000.0, 1.0)], BUY, 50_000.0, 2.0, unit)
    assert (walk.quote, walk.average_price) == (200.0, pytest.approx(200 / 0.003))
    assert walk_quote([(50_000.0, 9.0)], BUY, 50_000.0, 250.0, unit).qty == 2.5
    assert [level.cumulative_quote for level in cumulate([(50_000.0, 3.0)], BUY, 49_000.0, unit)] == [300.0]


@given(bids=sides(), asks=sides(), levels=st.integers(1, 50), bps=st.integers(1, 6000))
def test_imbalance_is_numpys(bids, asks, levels, bps):
    bid_side, ask_side = (
        [(200.0 - abs(p - 100.0), q) for p, q in bids[1]],
        [(200.0 + abs(p - 100.0), q) for p, q in asks[1]],
    )
    (bid, bid_qty), (ask, ask_qty) = columns(bid_side), columns(ask_side)
    expected = (bid_qty[:levels].sum() - ask_qty[:levels].sum()) / (bid_qty[:levels].sum() + ask_qty[:levels].sum())
    assert imbalance_frac(bid_side, ask_side, levels) == pytest.approx(expected)
    mid = (bid[0] + ask[0]) / 2
    near_bid = bid_qty[-(bid - mid) / mid * 1e4 <= bps].sum()
    near_ask = ask_qty[(ask - mid) / mid * 1e4 <= bps].sum()
    told = imbalance_within_frac(bid_side, ask_side, bps)
    if near_bid + near_ask:
        assert told == pytest.approx((near_bid - near_ask) / (near_bid + near_ask))
    else:
        assert told is None


def test_empty_sides_have_no_mid_imbalance_or_microprice():
    one = [(1.0, 1.0)]
    assert (mid_of([], one), microprice(one, []), imbalance_frac([], [])) == (None, None, None)
    assert imbalance_within_frac([], one, 5.0) is None
    assert imbalance_frac(one, []) == 1.0


@given(bid_qty=quantities, ask_qty=quantities, spread=st.integers(1, 80))
def test_microprice_leans_to_the_thinner_side(bid_qty, ask_qty, spread):
    """Stoikov 2018: I ask + (1 - I) bid with I = Qb / (Qb + Qa)."""
    bid, ask = 100.0, 100.0 + spread / 8
    told = microprice([(bid, bid_qty)], [(ask, ask_qty)])
    assert told == pytest.approx((ask * bid_qty + bid * ask_qty) / (bid_qty + ask_qty))
    assert (told > (bid + ask) / 2) == (bid_qty > ask_qty) or bid_qty == ask_qty
