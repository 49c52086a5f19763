"""The whole state of the market as arrays: copied, saved and continued by value."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretick.market.simulation.listing import SECTORS, Listing
from foretick.market.simulation.randomness import seeded

SLOTS = 256
"""Price levels that a book's ring of quantities can tell apart; a power of two."""

DEPTH = 50
"""Levels a side within which the exchange keeps orders."""

STEP_S = 0.01
"""Length of a step of the market's own time, s."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class MarketState(NamedTuple):
    """Everything that the next step depends on. n instruments, s sectors.

    clock: (1,) start of the next step, ns; (2,) steps made
    regime, trend: (s,) present regime and its direction (-1, 0, 1)
    efficient: (n,) latent efficient price, in levels
    drive: (n,) latent imbalance drive, standard deviation 1
    excitation: (n,) self-excited part of the trade rate, per s
    news: (n,) drift left over from headlines, in levels per s
    parent_side, parent_left: (n,) direction of the large order now being worked, and its trades to come
    best_bid, best_ask: (n,) levels of the best prices
    bids, asks: (n, SLOTS) quantity in lots by level modulo SLOTS; 0 is an empty level
    dirty: (n, 2, SLOTS) levels changed since the last depth update
    update_id, published_id: (n,) last update id, and that of the last depth update
    published_mid: (n,) twice the mid level at the last depth update
    trade_id: (n,) last trade id
    """

    rng: NDArray[np.uint64]
    clock: Ints
    regime: Ints
    trend: Floats
    efficient: Floats
    drive: Floats
    excitation: Floats
    news: Floats
    parent_side: Ints
    parent_left: Ints
    best_bid: Ints
    best_ask: Ints
    bids: Ints
    asks: Ints
    dirty: NDArray[np.uint8]
    update_id: Ints
    published_id: Ints
    published_mid: Ints
    trade_id: Ints

    def copy(self) -> "MarketState":
        """Return a state that shares nothing with this one."""
        return MarketState(*(array.copy() for array in self))


class Economy(NamedTuple):
    """What does not change while the market runs. n instruments.

    move: (n,) deviation of the efficient log price per root s
    market_load, sector_load, own_load: (n,) loads whose squares sum to 1
    reference: (n,) efficient price at the opening, in levels
    level_move: (n,) one level as a fraction of the price
    pace: (2,) length of a step in ns of data time; steps between depth updates
    """

    sector: Ints
    level_ticks: Ints
    activity: Floats
    queue_lots: Floats
    move: Floats
    market_load: Floats
    sector_load: Floats
    own_load: Floats
    reference: Floats
    level_move: Floats
    pace: Ints


def economy_of(listings: Sequence[Listing], step_ns: int, depth_steps: int) -> Economy:
    """Return the constants of a market of these instruments."""
    level = np.array([float(item.tick_size) * item.level_ticks for item in listings])
    reference = np.array([float(item.price) for item in listings]) / level
    market = np.array([item.market_load for item in listings])
    sector = np.array([item.sector_load for item in listings])
    return Economy(
        sector=np.array([item.sector for item in listings], dtype=np.int64),
        level_ticks=np.array([item.level_ticks for item in listings], dtype=np.int64),
        activity=np.array([item.activity_frac for item in listings]),
        queue_lots=np.array([item.queue_qty / float(item.lot_size) for item in listings]),
        move=np.array([item.level_move_per_root_s for item in listings]) / reference,
        market_load=market,
        sector_load=sector,
        own_load=np.sqrt(1.0 - market**2 - sector**2),
        reference=reference,
        level_move=1.0 / reference,
        pace=np.array([step_ns, depth_steps], dtype=np.int64),
    )


def opening_state(economy: Economy, seed: int, start_ns: int) -> MarketState:
    """Return the state in which the market opens: empty books around the reference prices, all regimes calm."""
    count = len(economy.reference)
    level = np.floor(economy.reference).astype(np.int64)
    first_id = 1_000_000 + 1_000 * np.arange(count, dtype=np.int64)
    return MarketState(
        rng=seeded(seed),
        clock=np.array([start_ns, 0], dtype=np.int64),
        regime=np.zeros(SECTORS, dtype=np.int64),
        trend=np.zeros(SECTORS),
        efficient=economy.reference.copy(),
        drive=np.zeros(count),
        excitation=np.ones(count),
        news=np.zeros(count),
        parent_side=np.ones(count, dtype=np.int64),
        parent_left=np.zeros(count, dtype=np.int64),
        best_bid=level - 1,
        best_ask=level,
        bids=np.zeros((count, SLOTS), dtype=np.int64),
        asks=np.zeros((count, SLOTS), dtype=np.int64),
        dirty=np.zeros((count, 2, SLOTS), dtype=np.uint8),
        update_id=first_id,
        published_id=first_id.copy(),
        published_mid=2 * level - 1,
        trade_id=first_id.copy(),
    )
