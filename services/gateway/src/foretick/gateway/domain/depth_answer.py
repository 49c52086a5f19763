"""The answer about an order book: its levels, what they add up to, what trading costs, and why it may be believed."""

import math
from typing import Any

from foretick.common.contracts import BookCounts, BookProof, Contract, Instrument, Level, Origin, Trust
from foretick.common.subjects import TICKS
from foretick.common.units import bps_from_frac, micros_from_nanos
from foretick.gateway.domain.book_view import MAX_LEVELS
from foretick.gateway.domain.directory import Directory
from foretick.gateway.domain.freshness import age_ms_of, is_stale
from foretick.gateway.domain.instrument_view import InstrumentView
from foretick.market.depth import (
    BUY,
    COIN,
    SELL,
    Denomination,
    DepthBand,
    Walk,
    cumulate,
    imbalance_frac,
    imbalance_of_frac,
    measure_bands,
    microprice,
    mid_of,
    walk_qty,
    walk_quote,
)

BANDS_BPS = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0)
"""Distances from the mid at which the depth is told."""


class DepthLevel(Contract, frozen=True, kw_only=True, gc=False):
    """One price level with the sums from the best price to here.

    distance_bps: from the mid; null for a book without one
    """

    price: float
    qty: float
    cumulative_qty: float
    cumulative_quote: float
    distance_bps: float | None


class DepthBandAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """What lies within ``bps`` of the mid.

    bid_is_whole, ask_is_whole: whether a level beyond the bound is known; else there may be more within it
    imbalance_frac: (bid quantity - ask quantity) / their sum, in -1..1; null where there is neither
    """

    bps: float
    bid_levels: int
    bid_qty: float
    bid_quote: float
    bid_is_whole: bool
    ask_levels: int
    ask_qty: float
    ask_quote: float
    ask_is_whole: bool
    imbalance_frac: float | None


class SpreadAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """The quoted spread, now and over the last ``window_s`` seconds of data time, in ticks of the market.

    mean_ticks, mean_bps: each spread weighted by how long it stood
    known_s: for how long of the window there was a sound book
    """

    spread_quote: float
    spread_ticks: float
    spread_bps: float
    mean_ticks: float
    mean_bps: float
    lowest_ticks: float
    highest_ticks: float
    known_s: float
    window_s: float


class CostAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """What a market order would get from the known levels, fees apart.

    average_price, worst_price: null where nothing is filled
    slippage_bps: how much worse than the mid the average price is
    levels: how many are reached
    unfilled_qty, unfilled_quote: what the known levels do not hold of what was asked for
    """

    qty: float
    quote: float
    average_price: float | None
    worst_price: float | None
    slippage_bps: float | None
    levels: int
    unfilled_qty: float
    unfilled_quote: float


class TradeCost(Contract, frozen=True, kw_only=True, gc=False):
    """The same on both sides: what buying takes from the asks, selling from the bids."""

    buy: CostAnswer
    sell: CostAnswer


class DepthAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """The order book of an instrument, best price first.

    trust, reason: how sound the book is, and why it is not LIVE
    last_id: the venue's update that the book is as of; null where it numbers none
    stale: nothing of the instrument arrived within the time to live
    tick_size: the market's, which the grid that the book is kept on may be finer than; null before it is listed
    imbalance_frac: (bid quantity - ask quantity) / their sum over the levels returned, in -1..1
    proof: how the venue lets the book be verified; null before it is listed
    counts: what the book went through since its feed began; null where that has not been told
    imbalance_level1_frac: the same of the best levels alone
    microprice: the weighted mid, each best price by the quantity on the other side (Stoikov 2018)
    bands: depth within distances of the mid; of all levels that are known, whatever was asked for
    spread: null without a quote of a sound book, and before the instrument is listed
    cost: of the quantity or the amount that was asked for; null where none was
    """

    venue: str
    symbol: str
    origin: Origin | None
    trust: Trust
    reason: str
    stale: bool
    age_ms: int | None
    ts_recv_us: int | None
    epoch: int | None
    seq: int | None
    last_id: int | None
    tick_size: float | None
    mid: float | None
    spread_bps: float | None
    imbalance_frac: float | None
    bids: list[DepthLevel]
    asks: list[DepthLevel]
    proof: BookProof | None
    counts: BookCounts | None
    imbalance_level1_frac: float | None
    microprice: float | None
    bands: list[DepthBandAnswer]
    spread: SpreadAnswer | None
    cost: TradeCost | None


class DepthQuestion(Contract, frozen=True, kw_only=True, gc=False):
    """What is asked of a book: levels a side, and what to trade, by ``qty`` or by ``quote`` or not at all."""

    levels: int
    qty: float | None = None
    quote: float | None = None


def answer_depth(view: InstrumentView, directory: Directory, question: DepthQuestion, now_ns: int) -> DepthAnswer:
    """Return the best levels a side of ``view``'s book, and what all its levels say."""
    book = view.book
    all_bids, all_asks = book.top(MAX_LEVELS)
    bids, asks = all_bids[: question.levels], all_asks[: question.levels]
    mid = mid_of(bids, asks)
    listing = directory.listing((view.venue, view.symbol))
    unit = COIN if listing is None else Denomination(listing.contract_size, listing.is_inverse)
    age_ms = age_ms_of(view.market_arrived_ns, now_ns)
    known = not book.is_empty
    return DepthAnswer(
        venue=view.venue,
        symbol=view.symbol,
        origin=book.origin if known else None,
        trust=book.trust,
        reason=book.reason,
        stale=is_stale(age_ms, TICKS.ttl_ms),
        age_ms=age_ms,
        ts_recv_us=micros_from_nanos(book.ts_recv_ns) if known else None,
        epoch=view.books.epoch if known else None,
        seq=view.books.seq,
        last_id=book.last_id,
        tick_size=listing and listing.tick_size,
        mid=mid,
        spread_bps=bps_from_frac((asks[0][0] - bids[0][0]) / mid) if mid else None,
        imbalance_frac=imbalance_frac(bids, asks),
        bids=_levels(bids, SELL, mid, unit),
        asks=_levels(asks, BUY, mid, unit),
        proof=listing and listing.proof,
        counts=book.counts,
        imbalance_level1_frac=imbalance_frac(bids, asks, levels=1),
        microprice=microprice(bids, asks),
        bands=_bands(all_bids, all_asks, mid, unit) if mid else [],
        spread=_spread(view, listing),
        cost=_cost(all_bids, all_asks, mid, unit, question),
    )


def _levels(levels: list[Level], side: int, mid: float | None, unit: Denomination) -> list[DepthLevel]:
    return [
        DepthLevel(
            price=level.price,
            qty=level.qty,
            cumulative_qty=level.cumulative_qty,
            cumulative_quote=level.cumulative_quote,
            distance_bps=level.distance_bps if mid else None,
        )
        for level in cumulate(levels, side, mid or math.nan, unit)
    ]


def _bands(bids: list[Level], asks: list[Level], mid: float, unit: Denomination) -> list[DepthBandAnswer]:
    bid_bands = measure_bands(bids, SELL, mid, BANDS_BPS, unit)
    ask_bands = measure_bands(asks, BUY, mid, BANDS_BPS, unit)
    return [_band(bid, ask) for bid, ask in zip(bid_bands, ask_bands, strict=True)]


def _band(bid: DepthBand, ask: DepthBand) -> DepthBandAnswer:
    return DepthBandAnswer(
        bps=bid.bps,
        bid_levels=bid.levels,
        bid_qty=bid.qty,
        bid_quote=bid.quote,
        bid_is_whole=bid.is_whole,
        ask_levels=ask.levels,
        ask_qty=ask.qty,
        ask_quote=ask.quote,
        ask_is_whole=ask.is_whole,
        imbalance_frac=imbalance_of_frac(bid.qty, ask.qty),
    )


def _spread(view: InstrumentView, listing: Instrument | None) -> SpreadAnswer | None:
    market = view.market
    told = None if listing is None else market.spread.read(market.ts_recv_ns, listing.tick_size)
    return None if told is None else SpreadAnswer(**_fields(told, SpreadAnswer))


def _cost(
    bids: list[Level], asks: list[Level], mid: float | None, unit: Denomination, question: DepthQuestion
) -> TradeCost | None:
    if question.qty is not None:
        buy, sell = walk_qty(asks, BUY, mid, question.qty, unit), walk_qty(bids, SELL, mid, question.qty, unit)
    elif question.quote is not None:
        buy, sell = walk_quote(asks, BUY, mid, question.quote, unit), walk_quote(bids, SELL, mid, question.quote, unit)
    else:
        return None
    return TradeCost(buy=_cost_of(buy), sell=_cost_of(sell))


def _cost_of(walk: Walk) -> CostAnswer:
    return CostAnswer(**walk._asdict())


def _fields(source: object, contract: type[Contract]) -> dict[str, Any]:
    return {name: getattr(source, name) for name in contract.__struct_fields__}
