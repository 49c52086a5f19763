"""One step of the market, compiled: forces move, at most one order a step and instrument arrives, updates go out."""

import numpy as np
from numba import njit

from foretick.market.simulation import dynamics
from foretick.market.simulation.book import (
    ASK,
    BID,
    change_level,
    depth_is_due,
    execute,
    improve,
    lots_at,
    mid_in_levels,
    put,
    send_depth,
    send_quote,
    settle,
    typical_lots,
)
from foretick.market.simulation.randomness import log_normal, uniform
from foretick.market.simulation.state import STEP_S, Economy, Floats, MarketState
from foretick.market.simulation.tape import HEADLINE, Tape, has_room, write

_TRADES_PER_S = 1.3
_EXCITED_BY_TRADE_PER_S = 2.0
_ADDS_PER_S = 2.2
_CANCELS_PER_S = 1.9
_IMPROVES_PER_S = 3.0
_PULLS_PER_S = 7.0
_DEEP_CHANGES_PER_S = 9.0
_KINDS = 10
_TRADE, _ADD, _CANCEL, _IMPROVE, _PULL, _DEEP = 0, 1, 3, 5, 7, 9
_NS_PER_ORDER = 1_000


@njit(cache=True)
def advance(state: MarketState, economy: Economy, tape: Tape, steps: int) -> int:
    """Make up to ``steps`` steps, as many as the tape holds; return how many were made."""
    count = economy.reference.size
    factors = np.empty(1 + state.regime.size)
    rates = np.empty(_KINDS)
    for made in range(steps):
        if not has_room(tape, count):
            return made
        begin, end = state.clock[0], state.clock[0] + economy.pace[0]
        dynamics.move_sectors(state, factors)
        for i in range(count):
            dynamics.move_efficient(state, economy, factors, i)
            happened = begin + np.int64(uniform(state.rng) * economy.pace[0])
            _publish_headline(state, economy, tape, i, (happened, end))
            _let_order_arrive(state, economy, tape, i, rates, happened, end)
            if depth_is_due(state, economy, i):
                row = send_depth(state, economy, tape, i, (end, end + 9 * _NS_PER_ORDER))
                _write_latent(state, economy, tape, i, row)
        state.clock[0] = end
        state.clock[1] += 1
    return steps


@njit(cache=True)
def _publish_headline(state: MarketState, economy: Economy, tape: Tape, i: int, when: tuple[int, int]) -> None:
    sentiment = dynamics.draw_headline(state, economy, i)
    if sentiment != 0.0:
        row = write(tape, HEADLINE, i, when)
        tape.v[row, :] = 0
        tape.v[row, 0] = np.int64(1e6 * sentiment)


@njit(cache=True)
def _rate_orders(state: MarketState, economy: Economy, i: int, gap: float, rates: Floats) -> float:
    """Fill the rate per second of every kind of order; bid before ask. Return their sum."""
    lean = np.exp(0.5 * dynamics.pressure(state, gap, i))
    wide = state.best_ask[i] - state.best_bid[i] - 1
    rates[_TRADE] = _TRADES_PER_S + state.excitation[i]
    rates[_ADD], rates[_ADD + 1] = _ADDS_PER_S * lean, _ADDS_PER_S / lean
    rates[_CANCEL], rates[_CANCEL + 1] = _CANCELS_PER_S / lean, _CANCELS_PER_S * lean
    rates[_IMPROVE], rates[_IMPROVE + 1] = _IMPROVES_PER_S * wide * lean, _IMPROVES_PER_S * wide / lean
    rates[_PULL] = _PULLS_PER_S * max(0.0, -gap - 0.8)
    rates[_PULL + 1] = _PULLS_PER_S * max(0.0, gap - 0.8)
    rates[_DEEP] = _DEEP_CHANGES_PER_S
    rates *= economy.activity[i] * dynamics.REGIME_ACTIVITY[state.regime[economy.sector[i]]]
    return rates.sum()


@njit(cache=True)
def _let_order_arrive(  # noqa: PLR0913  # compiled inner loop: a bundle would be built anew each step
    state: MarketState, economy: Economy, tape: Tape, i: int, rates: Floats, happened: int, end: int
) -> None:
    gap = state.efficient[i] - mid_in_levels(state, economy, i)
    total = _rate_orders(state, economy, i, gap, rates)
    draw = uniform(state.rng) * max(total, 1.0 / STEP_S)
    kind = 0
    while kind < _KINDS and draw >= rates[kind]:
        draw -= rates[kind]
        kind += 1
    if kind == _KINDS:
        return
    if kind == _DEEP:
        change_level(state, economy, i)
        return
    if kind == _TRADE:
        _trade(state, economy, tape, i, gap, (happened, end))
    else:
        _change_best(state, economy, i, kind)
    send_quote(state, economy, tape, i, (happened, end + 6 * _NS_PER_ORDER))


@njit(cache=True)
def _trade(state: MarketState, economy: Economy, tape: Tape, i: int, gap: float, when: tuple[int, int]) -> None:
    aggressor = dynamics.draw_aggressor(state, dynamics.pressure(state, gap, i), gap, i)
    lots = max(1, np.int64(log_normal(state.rng, 0.25 * economy.queue_lots[i], 1.0)))
    state.excitation[i] += _EXCITED_BY_TRADE_PER_S
    state.efficient[i] += dynamics.IMPACT_LEVELS * aggressor
    execute(state, economy, tape, i, (aggressor, lots), when)


@njit(cache=True)
def _change_best(state: MarketState, economy: Economy, i: int, kind: int) -> None:
    """Add to, cancel from, improve or pull the best price of a side."""
    side = BID if kind % 2 == 1 else ASK
    first = kind if side == BID else kind - 1
    if first == _IMPROVE:
        improve(state, economy, i, side)
        return
    best = state.best_bid[i] if side == BID else state.best_ask[i]
    lots = lots_at(state, i, side, best)
    if first == _ADD:
        added = log_normal(state.rng, 0.4 * typical_lots(economy, i, 0), 0.7)
        put(state, i, side, best, lots + max(1, np.int64(added)))
        return
    kept = 0.0 if first == _PULL else uniform(state.rng)
    put(state, i, side, best, np.int64(kept * lots) if kept > 0.2 else 0)
    settle(state, economy, i, side)


@njit(cache=True)
def _write_latent(state: MarketState, economy: Economy, tape: Tape, i: int, event: int) -> None:
    row = tape.counts[3]
    tape.counts[3] = row + 1
    tape.v[event, 3] = row
    tape.latent[row, 0] = state.efficient[i]
    tape.latent[row, 1] = state.efficient[i] - mid_in_levels(state, economy, i)
    tape.latent[row, 2] = state.drive[i]
    tape.latent[row, 3] = state.excitation[i]
    tape.latent[row, 4] = state.parent_side[i] if state.parent_left[i] > 0 else 0
    tape.latent[row, 5] = state.news[i]
    tape.latent[row, 6] = state.regime[economy.sector[i]]
    tape.latent[row, 7] = state.trend[economy.sector[i]]
