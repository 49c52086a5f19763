"""What an order book offers: depth by level and by distance, imbalance, microprice, and what trading against it costs.

All functions take sides as an ``OrderBook`` tells them, levels of (price, quantity), best first, and look at no more of
them than they need. A *mid* is the mean of best bid and best ask; *bps* are 1e-4 of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from foretick.common.contracts import Level
from foretick.common.units import BPS_PER_UNIT

BUY, SELL = 1, -1
"""Sides of an order, as of trades. A side of the book is named by the order that takes it: a buy takes asks."""


@dataclass(frozen=True, slots=True)
class Denomination:
    """What a quantity of 1 stands for: ``contract_size`` of base currency; of inverse contracts, of quote currency."""

    contract_size: float = 1.0
    is_inverse: bool = False

    def base(self, price: float, qty: float) -> float:
        """Return ``qty`` in base currency."""
        return qty * self.contract_size / price if self.is_inverse else qty * self.contract_size

    def quote(self, price: float, qty: float) -> float:
        """Return what ``qty`` is worth in quote currency."""
        return qty * self.contract_size if self.is_inverse else price * qty * self.contract_size

    def qty(self, price: float, quote: float) -> float:
        """Return the quantity that is worth ``quote``."""
        return quote / self.contract_size if self.is_inverse else quote / (price * self.contract_size)


COIN = Denomination()
"""Of spot: quantities are in base currency."""


class DepthLevel(NamedTuple):
    """A level and all better ones together.

    distance_bps: from the mid, positive on both sides; negative beyond it, in a crossed book
    """

    price: float
    qty: float
    distance_bps: float
    cumulative_qty: float
    cumulative_quote: float


class DepthBand(NamedTuple):
    """All levels within ``bps`` of the mid, the bound included.

    is_whole: whether the side has a level beyond the bound; else it ends within it as far as it is known, and there may
        be more
    """

    bps: float
    levels: int
    qty: float
    quote: float
    is_whole: bool


class Walk(NamedTuple):
    """What a market order would get, fees apart.

    qty, quote: filled
    average_price: quote currency paid for one of base currency; None if nothing is filled
    worst_price: of the last level reached
    slippage_bps: how much worse the average price is than the mid; None without a mid or a fill
    levels: levels reached
    unfilled_qty, unfilled_quote: what the levels did not hold, in the unit that was asked for; 0 in the other
    """

    qty: float
    quote: float
    average_price: float | None
    worst_price: float | None
    slippage_bps: float | None
    levels: int
    unfilled_qty: float
    unfilled_quote: float


def mid_of(bids: Sequence[Level], asks: Sequence[Level]) -> float | None:
    """Return the mid; None unless both sides have a level.

    >>> mid_of([(99.0, 1.0)], [(101.0, 1.0)])
    100.0
    """
    return (bids[0][0] + asks[0][0]) / 2 if bids and asks else None


def microprice(bids: Sequence[Level], asks: Sequence[Level]) -> float | None:
    """Return the weighted mid: each best price counts by the quantity on the *other* side. None for an empty side.

    It is ``I * ask + (1 - I) * bid`` with the imbalance ``I = bid qty / (bid qty + ask qty)``: what the paper calls the
    weighted mid and starts from, without its adjustment, which is learnt from the history of mids. Source: S. Stoikov,
    "The micro-price: a high-frequency estimator of future prices", Quantitative Finance 18(12), 2018.

    >>> microprice([(99.0, 3.0)], [(101.0, 1.0)])
    100.5
    """
    if not bids or not asks:
        return None
    (bid, bid_qty), (ask, ask_qty) = bids[0], asks[0]
    share = bid_qty / (bid_qty + ask_qty)
    return share * ask + (1 - share) * bid


def imbalance_frac(bids: Sequence[Level], asks: Sequence[Level], levels: int | None = None) -> float | None:
    """Return (bid qty - ask qty) / their sum over the best ``levels`` a side, in -1..1; None for empty sides.

    >>> imbalance_frac([(10.0, 3.0), (9.0, 5.0)], [(11.0, 1.0)], levels=1)
    0.5
    """
    return imbalance_of_frac(sum(qty for _, qty in bids[:levels]), sum(qty for _, qty in asks[:levels]))


def imbalance_of_frac(bid_qty: float, ask_qty: float) -> float | None:
    """Return the same of two quantities; None where both are 0."""
    total_qty = bid_qty + ask_qty
    return (bid_qty - ask_qty) / total_qty if total_qty else None


def imbalance_within_frac(bids: Sequence[Level], asks: Sequence[Level], bps: float) -> float | None:
    """Return the same over the levels within ``bps`` of the mid; None without a mid or such levels.

    >>> imbalance_within_frac([(99.5, 3.0), (90.0, 50.0)], [(100.5, 1.0)], bps=100)
    0.5
    """
    mid = mid_of(bids, asks)
    if mid is None:
        return None
    bid_band, ask_band = measure_bands(bids, SELL, mid, [bps])[0], measure_bands(asks, BUY, mid, [bps])[0]
    return imbalance_of_frac(bid_band.qty, ask_band.qty)


def cumulate(levels: Iterable[Level], side: int, mid: float, unit: Denomination = COIN) -> Iterator[DepthLevel]:
    """Yield each level with what it and all better ones hold.

    >>> [level.cumulative_quote for level in cumulate([(101.0, 1.0), (102.0, 2.0)], BUY, mid=100.0)]
    [101.0, 305.0]
    """
    cumulative_qty = cumulative_quote = 0.0
    for price, qty in levels:
        cumulative_qty += qty
        cumulative_quote += unit.quote(price, qty)
        yield DepthLevel(price, qty, side * (price - mid) / mid * BPS_PER_UNIT, cumulative_qty, cumulative_quote)


def measure_bands(
    levels: Iterable[Level], side: int, mid: float, bounds_bps: Sequence[float], unit: Denomination = COIN
) -> list[DepthBand]:
    """Return what lies within each of ``bounds_bps`` of the mid; the bounds ascend.

    >>> measure_bands([(101.0, 1.0), (103.0, 2.0)], BUY, 100.0, [200.0])
    [DepthBand(bps=200.0, levels=1, qty=1.0, quote=101.0, is_whole=True)]
    """
    bands: list[DepthBand] = []
    count, held_qty, held_quote = 0, 0.0, 0.0
    for price, qty in levels:
        distance_bps = side * (price - mid) / mid * BPS_PER_UNIT
        while len(bands) < len(bounds_bps) and distance_bps > bounds_bps[len(bands)]:
            bands.append(DepthBand(bounds_bps[len(bands)], count, held_qty, held_quote, is_whole=True))
        if len(bands) == len(bounds_bps):
            return bands
        count, held_qty, held_quote = count + 1, held_qty + qty, held_quote + unit.quote(price, qty)
    rest = bounds_bps[len(bands) :]
    return bands + [DepthBand(bps, count, held_qty, held_quote, is_whole=False) for bps in rest]


def walk_qty(levels: Iterable[Level], side: int, mid: float | None, qty: float, unit: Denomination = COIN) -> Walk:
    """Return what a market order of ``side`` for ``qty`` would get.

    Raises:
        ValueError: unless ``qty`` is positive

    >>> walk = walk_qty([(101.0, 1.0), (103.0, 2.0)], BUY, mid=100.0, qty=2.0)
    >>> walk.average_price, walk.slippage_bps, walk.levels, walk.unfilled_qty
    (102.0, 200.0, 2, 0.0)
    """
    if not qty > 0:
        raise ValueError(f"a quantity to trade must be positive, not {qty!r}")
    taken: list[Level] = []
    left = qty
    for price, held in levels:
        take = min(left, held)
        taken.append((price, take))
        left -= take
        if left <= 0:
            break
    return _walk(taken, side, mid, unit, unfilled_qty=left)


def walk_quote(levels: Iterable[Level], side: int, mid: float | None, quote: float, unit: Denomination = COIN) -> Walk:
    """Return what a market order of ``side`` that spends or brings ``quote`` would get.

    Raises:
        ValueError: unless ``quote`` is positive
    """
    if not quote > 0:
        raise ValueError(f"an amount to trade must be positive, not {quote!r}")
    taken: list[Level] = []
    left = quote
    for price, held in levels:
        worth = unit.quote(price, held)
        if worth >= left:
            taken.append((price, unit.qty(price, left)))
            left = 0.0
            break
        taken.append((price, held))
        left -= worth
    return _walk(taken, side, mid, unit, unfilled_quote=left)


def _walk(
    taken: list[Level], side: int, mid: float | None, unit: Denomination, *,
    unfilled_qty: float = 0.0, unfilled_quote: float = 0.0,
) -> Walk:  # fmt: skip
    qty = sum(qty for _, qty in taken)
    quote = sum(unit.quote(price, qty) for price, qty in taken)
    base = sum(unit.base(price, qty) for price, qty in taken)
    average = quote / base if base else None
    slippage_bps = side * (average - mid) / mid * BPS_PER_UNIT if average is not None and mid is not None else None
    worst = taken[-1][0] if taken else None
    return Walk(qty, quote, average, worst, slippage_bps, len(taken), unfilled_qty, unfilled_quote)
