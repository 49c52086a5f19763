"""One step of the market, compiled: forces move, at most one order a step and instrument arrives, updates go out."""

import numpy as np
from numba import njit

from foretick.market.simulation import dynamics
from foretick.market.simulation.book import ASK, BID, add, change_behind, improve, mid_in_levels, withdraw
from foretick.market.simulation.publication import When, depth_is_due, execute, send_depth, send_quote
from foretick.market.simulation.randomness import Rng, log_normal, uniform
from foretick.market.simulation.state import STEP_S, Economy, Floats, Forces, Instrument, MarketState, Traits
from foretick.market.simulation.tape import HEADLINE, Tape, has_room, write

_TRADES_PER_S = 0.9
_EXCITED_BY_TRADE_PER_S = 2.0
_ADDS_PER_S = 1.7
_CANCELS_PER_S = 1.4
_IMPROVES_PER_S = 3.0
_PULLS_PER_S = 7.0
_CHANGES_BEHIND_PER_S = 9.0
_TRADE, _ADD, _CANCEL, _IMPROVE, _PULL, _BEHIND, _KINDS = 0, 1, 3, 5, 7, 9, 10


@njit(cache=True)
def advance(state: MarketState, economy: Economy, tape: Tape, steps: int) -> int:
    """Make up to ``steps`` steps, as many as the tape holds; return how many were made."""
    forces = state.forces[0]
    rng = forces.rng
    count = state.instruments.size
    rates = np.empty(_KINDS)
    for made in range(steps):
        if not has_room(tape, count):
            return made
        end = forces.now_ns + economy.step_ns
        dynamics.move_sectors(rng, forces)
        for i in range(count):
            one, traits = state.instruments[i], economy.traits[i]
            dynamics.move_efficient(rng, forces, one, traits)
            sentiment = dynamics.draw_headline(rng, one)
            gap = one.efficient - mid_in_levels(one, traits)
            kind = _draw_order(rng, rates, _rate_orders(forces, one, traits, gap, rates))
            if sentiment != 0.0 or kind < _KINDS:
                when = (i, forces.now_ns + int(uniform(rng) * economy.step_ns), end)
                _publish_headline(tape, sentiment, when)
                _fill_order(rng, one, traits, tape, (kind, gap), when)
            if depth_is_due(one, (forces.steps + 1 + i) % economy.depth_steps):
                send_depth(one, traits, forces, tape, (i, end, end))
        forces.now_ns = end
        forces.steps += 1
    return steps


@njit(cache=True)
def _publish_headline(tape: Tape, sentiment: float, when: When) -> None:
    if sentiment != 0.0:
        row = write(tape, HEADLINE, when)
        tape.ids[row, :] = 0
        tape.v[row, :] = 0
        tape.v[row, 0] = int(1e6 * sentiment)


@njit(cache=True)
def _rate_orders(forces: Forces, one: Instrument, traits: Traits, gap: float, rates: Floats) -> float:
    """Fill the rate per second of every kind of order, bid before ask; return their common factor."""
    lean = np.exp(0.5 * dynamics.pressure(one, gap))
    wide = one.best_ask - one.best_bid - 1
    rates[_TRADE] = _TRADES_PER_S + one.excitation
    rates[_ADD], rates[_ADD + 1] = _ADDS_PER_S * lean, _ADDS_PER_S / lean
    rates[_CANCEL], rates[_CANCEL + 1] = _CANCELS_PER_S / lean, _CANCELS_PER_S * lean
    rates[_IMPROVE], rates[_IMPROVE + 1] = _IMPROVES_PER_S * wide * lean, _IMPROVES_PER_S * wide / lean
    rates[_PULL] = _PULLS_PER_S * max(0.0, -gap - 0.8)
    rates[_PULL + 1] = _PULLS_PER_S * max(0.0, gap - 0.8)
    rates[_BEHIND] = _CHANGES_BEHIND_PER_S
    return float(traits.activity_frac * dynamics.REGIME_ACTIVITY[forces.regime[traits.sector]])


@njit(cache=True)
def _draw_order(rng: Rng, rates: Floats, factor: float) -> int:
    """Draw the kind of order that arrives in this step; ``_KINDS`` for none."""
    draw = uniform(rng) * max(1.0 / (STEP_S * factor), float(rates.sum()))
    kind = 0
    while kind < _KINDS and draw >= rates[kind]:
        draw -= rates[kind]
        kind += 1
    return kind


@njit(cache=True)
def _fill_order(rng: Rng, one: Instrument, traits: Traits, tape: Tape, order: tuple[int, float], when: When) -> None:
    kind, gap = order
    if kind == _KINDS:
        return
    if kind == _BEHIND:
        change_behind(rng, one, traits)
        return
    if kind == _TRADE:
        aggressor = dynamics.draw_aggressor(rng, one, gap)
        one.excitation += _EXCITED_BY_TRADE_PER_S
        one.efficient += dynamics.IMPACT_LEVELS * aggressor
        lots = max(1, int(log_normal(rng, 0.25 * traits.queue_lots, 1.0)))
        execute(rng, one, traits, tape, (aggressor, lots), when)
    else:
        _change_best(rng, one, traits, kind)
    send_quote(one, traits, tape, when)


@njit(cache=True)
def _change_best(rng: Rng, one: Instrument, traits: Traits, kind: int) -> None:
    """Add to, cancel from, pull or improve the best price of a side."""
    side = BID if kind % 2 == 1 else ASK
    action = kind if side == BID else kind - 1
    if action == _IMPROVE:
        improve(rng, one, traits, side)
    elif action == _ADD:
        add(rng, one, traits, side)
    elif action == _PULL:
        withdraw(rng, one, traits, side, 0.0)
    else:
        kept = uniform(rng)
        withdraw(rng, one, traits, side, kept if kept > 0.2 else 0.0)
