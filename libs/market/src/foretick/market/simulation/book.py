"""The exchange's order book: queues of lots on a ring of price levels, and what the exchange sends when they change."""

import numpy as np
from numba import njit

from foretick.market.simulation.randomness import log_normal, mix, uniform
from foretick.market.simulation.state import DEPTH, SLOTS, Economy, MarketState
from foretick.market.simulation.tape import DEPTH as DEPTH_EVENT
from foretick.market.simulation.tape import QUOTE, TOP, TRADE, Tape, write

BID, ASK = 0, 1
_MASK = SLOTS - 1
_MOST_LEVELS_HIT = 5
_RESTLESS_LEVELS = 80  # half of what the ring can tell apart, less the depth: beyond it an update could miss a level
_PROFILE_LEVELS = 8.0
_SIZE_SPREAD = 0.6


@njit(cache=True)
def price_ticks(economy: Economy, i: int, level: int) -> int:
    """Return the price of a level in ticks.

    Where levels are several ticks apart each sits at an irregular place of its own, as in a sparse real book.
    """
    width = economy.level_ticks[i]
    if width == 1:
        return level
    return level * width + np.int64(mix(np.uint64(level)) % np.uint64(width // 2))


@njit(cache=True)
def mid_in_levels(state: MarketState, economy: Economy, i: int) -> float:
    """Return the mid price in units of a level."""
    bid = price_ticks(economy, i, state.best_bid[i])
    ask = price_ticks(economy, i, state.best_ask[i])
    return 0.5 * (bid + ask) / economy.level_ticks[i]


@njit(cache=True)
def typical_lots(economy: Economy, i: int, depth: int) -> float:
    """Return the median quantity ``depth`` levels behind the best price: a hump some levels into the book."""
    x = depth / _PROFILE_LEVELS
    return economy.queue_lots[i] * (1.0 + 1.6 * x * np.exp(1.0 - x))


@njit(cache=True)
def fresh_lots(state: MarketState, economy: Economy, i: int, depth: int) -> int:
    """Draw the quantity of a level that starts ``depth`` levels behind the best price, in lots."""
    return max(1, np.int64(log_normal(state.rng, typical_lots(economy, i, depth), _SIZE_SPREAD)))


@njit(cache=True)
def put(state: MarketState, i: int, side: int, level: int, lots: int) -> None:
    """Set the quantity of a level; this is one update of the book."""
    slot = level & _MASK
    if side == BID:
        state.bids[i, slot] = lots
    else:
        state.asks[i, slot] = lots
    state.dirty[i, side, slot] = 1
    state.update_id[i] += 1


@njit(cache=True)
def lots_at(state: MarketState, i: int, side: int, level: int) -> int:
    """Return the quantity of a level, in lots."""
    return state.bids[i, level & _MASK] if side == BID else state.asks[i, level & _MASK]


@njit(cache=True)
def fill_book(state: MarketState, economy: Economy) -> None:
    """Place the opening orders of every instrument."""
    for i in range(economy.reference.size):
        for depth in range(DEPTH):
            put(state, i, BID, state.best_bid[i] - depth, fresh_lots(state, economy, i, depth))
            put(state, i, ASK, state.best_ask[i] + depth, fresh_lots(state, economy, i, depth))


@njit(cache=True)
def settle(state: MarketState, economy: Economy, i: int, side: int) -> None:
    """Let the best price of a side retreat to its first level with a quantity, and refill the far end of the book."""
    away = -1 if side == BID else 1
    best = state.best_bid[i] if side == BID else state.best_ask[i]
    moved = 0
    while lots_at(state, i, side, best) == 0 and moved < DEPTH:
        best += away
        moved += 1
    for k in range(moved):
        far = best + away * (DEPTH - 1 - k)
        if lots_at(state, i, side, far) == 0:
            put(state, i, side, far, fresh_lots(state, economy, i, DEPTH - 1 - k))
    if lots_at(state, i, side, best) == 0:
        put(state, i, side, best, fresh_lots(state, economy, i, 0))
    if side == BID:
        state.best_bid[i] = best
    else:
        state.best_ask[i] = best


@njit(cache=True)
def improve(state: MarketState, economy: Economy, i: int, side: int) -> None:
    """Place an order one level inside the spread, and drop the level that falls off the far end."""
    toward = 1 if side == BID else -1
    best = (state.best_bid[i] if side == BID else state.best_ask[i]) + toward
    put(state, i, side, best, max(1, fresh_lots(state, economy, i, 0) // 2))
    far = best - toward * DEPTH
    if lots_at(state, i, side, far) > 0:
        put(state, i, side, far, 0)
    if side == BID:
        state.best_bid[i] = best
    else:
        state.best_ask[i] = best


@njit(cache=True)
def change_level(state: MarketState, economy: Economy, i: int) -> None:
    """Let an order arrive or leave somewhere behind the best price; quantities return to the profile."""
    side = BID if uniform(state.rng) < 0.5 else ASK
    depth = 1 + min(DEPTH - 2, np.int64(-9.0 * np.log(1.0 - uniform(state.rng))))
    level = state.best_bid[i] - depth if side == BID else state.best_ask[i] + depth
    put(state, i, side, level, fresh_lots(state, economy, i, depth))


@njit(cache=True)
def execute(
    state: MarketState, economy: Economy, tape: Tape, i: int, order: tuple[int, int], when: tuple[int, int]
) -> None:
    """Match a market order (aggressor 1 or -1, lots) against the queues: one trade for each level that it hits."""
    aggressor, lots = order
    side = ASK if aggressor > 0 else BID
    hit = 0
    while lots > 0 and hit < _MOST_LEVELS_HIT:
        level = state.best_ask[i] if side == ASK else state.best_bid[i]
        taken = min(lots, lots_at(state, i, side, level))
        state.trade_id[i] += 1
        row = write(tape, TRADE, i, (when[0], when[1] + 1_000 * hit))
        tape.ids[row, :] = state.trade_id[i]
        tape.v[row, 0] = price_ticks(economy, i, level)
        tape.v[row, 1] = taken
        tape.v[row, 2] = aggressor
        tape.v[row, 3] = 0
        put(state, i, side, level, lots_at(state, i, side, level) - taken)
        settle(state, economy, i, side)
        lots -= taken
        hit += 1


@njit(cache=True)
def send_quote(state: MarketState, economy: Economy, tape: Tape, i: int, when: tuple[int, int]) -> None:
    """Write the best bid and ask."""
    row = write(tape, QUOTE, i, when)
    tape.ids[row, :] = state.update_id[i]
    tape.v[row, 0] = price_ticks(economy, i, state.best_bid[i])
    tape.v[row, 1] = lots_at(state, i, BID, state.best_bid[i])
    tape.v[row, 2] = price_ticks(economy, i, state.best_ask[i])
    tape.v[row, 3] = lots_at(state, i, ASK, state.best_ask[i])


@njit(cache=True)
def depth_is_due(state: MarketState, economy: Economy, i: int) -> bool:
    """Say whether the depth update goes out after this step: something changed, and it is time or prices ran far."""
    if state.update_id[i] == state.published_id[i]:
        return False
    ran = abs(state.best_bid[i] + state.best_ask[i] - state.published_mid[i]) > 2 * _RESTLESS_LEVELS
    return ran or (state.clock[1] + 1 + i) % economy.pace[1] == 0


@njit(cache=True)
def send_depth(state: MarketState, economy: Economy, tape: Tape, i: int, when: tuple[int, int]) -> int:
    """Write every level changed since the last depth update, and the top of the book; return the event's row."""
    row = write(tape, DEPTH_EVENT, i, when)
    tape.ids[row, 0] = state.published_id[i] + 1
    tape.ids[row, 1] = state.update_id[i]
    tape.v[row, 0] = tape.counts[1]
    _write_changes(state, economy, tape, i)
    tape.v[row, 1] = tape.counts[1]
    tape.v[row, 2] = tape.counts[2]
    _write_top(state, economy, tape, i)
    state.published_id[i] = state.update_id[i]
    state.published_mid[i] = state.best_bid[i] + state.best_ask[i]
    return row


@njit(cache=True)
def _write_changes(state: MarketState, economy: Economy, tape: Tape, i: int) -> None:
    middle = (state.published_mid[i] + state.best_bid[i] + state.best_ask[i]) // 4
    first = middle - SLOTS // 2
    count = tape.counts[1]
    for side in (BID, ASK):
        for k in range(SLOTS):
            level = first + SLOTS - 1 - k if side == BID else first + k
            if state.dirty[i, side, level & _MASK]:
                state.dirty[i, side, level & _MASK] = 0
                tape.changes[count, 0] = side
                tape.changes[count, 1] = price_ticks(economy, i, level)
                tape.changes[count, 2] = lots_at(state, i, side, level)
                count += 1
    tape.counts[1] = count


@njit(cache=True)
def _write_top(state: MarketState, economy: Economy, tape: Tape, i: int) -> None:
    row = tape.counts[2]
    tape.counts[2] = row + 1
    tape.top[row, :] = 0
    for side in (BID, ASK):
        best = state.best_bid[i] if side == BID else state.best_ask[i]
        away = -1 if side == BID else 1
        found = 0
        for k in range(DEPTH):
            lots = lots_at(state, i, side, best + away * k)
            if lots > 0 and found < TOP:
                tape.top[row, 2 * TOP * side + found] = price_ticks(economy, i, best + away * k)
                tape.top[row, 2 * TOP * side + TOP + found] = lots
                found += 1
