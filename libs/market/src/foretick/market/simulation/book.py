"""The exchange's order book: queues of lots on a ring of price levels, and how orders change them."""

import numpy as np
from numba import njit

from foretick.market.simulation.randomness import Rng, log_normal, mix, uniform
from foretick.market.simulation.state import DEPTH, SLOTS, Instrument, Traits

BID, ASK = 0, 1
_MASK = SLOTS - 1
_PROFILE_LEVELS = 8.0
_SIZE_SPREAD = 0.6


@njit(cache=True)
def price_ticks(traits: Traits, level: int) -> int:
    """Return the price of a level in ticks.

    Where levels are several ticks apart each sits at an irregular place of its own, as in a sparse real book.
    """
    width = traits.level_ticks
    if width == 1:
        return level
    return level * width + int(mix(np.uint64(level)) % np.uint64(width // 2))


@njit(cache=True)
def mid_in_levels(one: Instrument, traits: Traits) -> float:
    """Return the mid price in units of a level."""
    return 0.5 * (price_ticks(traits, one.best_bid) + price_ticks(traits, one.best_ask)) / traits.level_ticks


@njit(cache=True)
def best_of(one: Instrument, side: int) -> int:
    """Return the level of a side's best price."""
    return one.best_bid if side == BID else one.best_ask


@njit(cache=True)
def set_best(one: Instrument, side: int, level: int) -> None:
    """Move a side's best price to a level."""
    if side == BID:
        one.best_bid = level
    else:
        one.best_ask = level


@njit(cache=True)
def lots_at(one: Instrument, side: int, level: int) -> int:
    """Return the quantity of a level, in lots."""
    return one.lots[side, level & _MASK]


@njit(cache=True)
def put(one: Instrument, side: int, level: int, lots: int) -> None:
    """Set the quantity of a level; this is one update of the book."""
    one.lots[side, level & _MASK] = lots
    one.dirty[side, level & _MASK] = 1
    one.update_id += 1


@njit(cache=True)
def fresh_lots(rng: Rng, traits: Traits, depth: int) -> int:
    """Draw the quantity of a level ``depth`` levels behind the best price: largest some levels into the book."""
    x = depth / _PROFILE_LEVELS
    median = traits.queue_lots * (1.0 + 1.6 * x * np.exp(1.0 - x))
    return max(1, int(log_normal(rng, median, _SIZE_SPREAD)))


@njit(cache=True)
def fill_book(rng: Rng, one: Instrument, traits: Traits) -> None:
    """Place the opening orders."""
    for depth in range(DEPTH):
        put(one, BID, one.best_bid - depth, fresh_lots(rng, traits, depth))
        put(one, ASK, one.best_ask + depth, fresh_lots(rng, traits, depth))


@njit(cache=True)
def settle(rng: Rng, one: Instrument, traits: Traits, side: int) -> None:
    """Let the best price of a side retreat to its first level with a quantity, and refill the far end of the book."""
    away = -1 if side == BID else 1
    best = best_of(one, side)
    moved = 0
    while lots_at(one, side, best) == 0 and moved < DEPTH:
        best += away
        moved += 1
    for k in range(moved):
        far = best + away * (DEPTH - 1 - k)
        if lots_at(one, side, far) == 0:
            put(one, side, far, fresh_lots(rng, traits, DEPTH - 1 - k))
    if lots_at(one, side, best) == 0:
        put(one, side, best, fresh_lots(rng, traits, 0))
    set_best(one, side, best)


@njit(cache=True)
def improve(rng: Rng, one: Instrument, traits: Traits, side: int) -> None:
    """Place an order one level inside the spread, and drop the level that falls off the far end."""
    toward = 1 if side == BID else -1
    best = best_of(one, side) + toward
    put(one, side, best, max(1, fresh_lots(rng, traits, 0) // 2))
    far = best - toward * DEPTH
    if lots_at(one, side, far) > 0:
        put(one, side, far, 0)
    set_best(one, side, best)


@njit(cache=True)
def add(rng: Rng, one: Instrument, traits: Traits, side: int) -> None:
    """Let an order join the queue at the best price."""
    best = best_of(one, side)
    joined = max(1, int(log_normal(rng, 0.4 * traits.queue_lots, 0.7)))
    put(one, side, best, lots_at(one, side, best) + joined)


@njit(cache=True)
def withdraw(rng: Rng, one: Instrument, traits: Traits, side: int, kept_frac: float) -> None:
    """Let orders leave the queue at the best price, so that ``kept_frac`` of it stays."""
    best = best_of(one, side)
    put(one, side, best, int(kept_frac * lots_at(one, side, best)))
    settle(rng, one, traits, side)


@njit(cache=True)
def change_behind(rng: Rng, one: Instrument, traits: Traits) -> None:
    """Let an order arrive or leave somewhere behind the best price; quantities return to the profile."""
    side = BID if uniform(rng) < 0.5 else ASK
    depth = 1 + min(DEPTH - 2, int(-9.0 * np.log(1.0 - uniform(rng))))
    level = best_of(one, side) + (-depth if side == BID else depth)
    put(one, side, level, fresh_lots(rng, traits, depth))


@njit(cache=True)
def ladder(one: Instrument, traits: Traits, side: int) -> np.ndarray:
    """Return the levels with a quantity, best first: (k, 2) price in ticks, quantity in lots."""
    rows = np.empty((DEPTH, 2), dtype=np.int64)
    best = best_of(one, side)
    found = 0
    for k in range(DEPTH):
        level = best - k if side == BID else best + k
        if lots_at(one, side, level) > 0:
            rows[found, 0] = price_ticks(traits, level)
            rows[found, 1] = lots_at(one, side, level)
            found += 1
    return rows[:found]
