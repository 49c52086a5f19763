"""Why prices move: the hidden forces of the simulated market.

- The *efficient price* follows a common, a sector and an own factor. Each sector switches between three regimes (calm,
  trending, volatile: a Markov chain); a headline makes it jump and leaves a drift that fades.
- The book does not see it at once. Makers add on the side that gains and cancel on the side that loses
  (``pressure``), so **queues lean before the price moves**; they pull a quote once it is more than a level wrong.
- ``drive`` is pressure without news: it leans queues and moves the mid for a while, and reverts.
- Large orders are worked in pieces. Their lengths have a Pareto tail (Lillo, Mike, Farmer 2005), which makes the signs
  of trades persist; trades excite trades (Hawkes); each moves the efficient price a little.
"""

from math import exp, sqrt

import numpy as np
from numba import njit

from foretick.market.simulation.randomness import normal, pareto, uniform
from foretick.market.simulation.state import STEP_S, Economy, Floats, MarketState

CALM, TRENDING, VOLATILE = 0, 1, 2

_SWITCHES_PER_S = np.array([[0.0, 1 / 90, 1 / 180], [1 / 40, 0.0, 1 / 120], [1 / 30, 1 / 90, 0.0]])
_REGIME_MOVE = np.array([0.7, 0.9, 1.9])
REGIME_ACTIVITY = np.array([0.9, 1.05, 1.35])
_TREND_MOVES_PER_S = 0.12
_HOMING_PER_S = 8e-6  # half-life of a day, so that prices stay plausible over weeks

_DRIVE_MEMORY_S = 2.0
_DRIVE_KEEP = exp(-STEP_S / _DRIVE_MEMORY_S)
_EXCITATION_KEEP = exp(-4.0 * STEP_S)
_NEWS_KEEP = exp(-STEP_S / 12.0)

_HEADLINES_PER_S = 1 / 600
_JUMP_LEVELS = 9.0
_DRIFT_LEVELS_PER_S = 0.35

_PARENT_SHARE_FRAC = 0.6
_PARENT_TAIL = 1.5
_PARENT_MOST = 400.0
IMPACT_LEVELS = 0.05


@njit(cache=True)
def move_sectors(state: MarketState, factors: Floats) -> None:
    """Switch regimes and draw the common factors: row 0 the market's, then one a sector."""
    factors[0] = normal(state.rng)
    for s in range(state.regime.size):
        factors[1 + s] = normal(state.rng)
        draw = uniform(state.rng)
        for regime in range(3):
            chance = _SWITCHES_PER_S[state.regime[s], regime] * STEP_S
            if draw < chance:
                state.regime[s] = regime
                state.trend[s] = 0.0
                if regime == TRENDING:
                    state.trend[s] = 1.0 if uniform(state.rng) < 0.5 else -1.0
                break
            draw -= chance


@njit(cache=True)
def move_efficient(state: MarketState, economy: Economy, factors: Floats, i: int) -> None:
    """Move the efficient price, the drive and what fades of an instrument by one step."""
    s = economy.sector[i]
    shock = economy.market_load[i] * factors[0] + economy.sector_load[i] * factors[1 + s]
    shock += economy.own_load[i] * normal(state.rng)
    move = economy.move[i] * _REGIME_MOVE[state.regime[s]] * sqrt(STEP_S) * shock
    drift = economy.move[i] * _TREND_MOVES_PER_S * state.trend[s] + state.news[i] * economy.level_move[i]
    drift -= _HOMING_PER_S * (state.efficient[i] / economy.reference[i] - 1.0)
    state.efficient[i] *= exp(move + drift * STEP_S)
    state.drive[i] = _DRIVE_KEEP * state.drive[i] + sqrt(1.0 - _DRIVE_KEEP**2) * normal(state.rng)
    state.excitation[i] *= _EXCITATION_KEEP
    state.news[i] *= _NEWS_KEEP


@njit(cache=True)
def draw_headline(state: MarketState, economy: Economy, i: int) -> float:
    """Draw whether a headline appears in this step; if so jump, and return its sentiment in [-1, 1], else 0."""
    if uniform(state.rng) >= _HEADLINES_PER_S * STEP_S:
        return 0.0
    sentiment = max(-1.0, min(1.0, 0.55 * normal(state.rng)))
    # A headline is read well but not perfectly: part of the jump is not in its words.
    jump = _JUMP_LEVELS * sentiment + 0.25 * _JUMP_LEVELS * normal(state.rng)
    state.efficient[i] += max(-30.0, min(30.0, jump))
    state.news[i] += _DRIFT_LEVELS_PER_S * sentiment
    state.excitation[i] += 12.0 * abs(sentiment)
    return sentiment


@njit(cache=True)
def pressure(state: MarketState, gap_levels: float, i: int) -> float:
    """Return the lean of the queues: positive when buyers gain. ``gap_levels``: efficient price less mid."""
    gap = max(-2.0, min(2.0, gap_levels))
    return 0.75 * gap + 0.55 * state.drive[i]


@njit(cache=True)
def draw_aggressor(state: MarketState, lean: float, gap_levels: float, i: int) -> int:
    """Draw who trades: the large order being worked, or one that trades for its own reasons. 1 buys, -1 sells."""
    if state.parent_left[i] <= 0:
        state.parent_left[i] = np.int64(min(_PARENT_MOST, pareto(state.rng, 3.0, _PARENT_TAIL)))
        state.parent_side[i] = 1 if uniform(state.rng) < 0.5 else -1
    if uniform(state.rng) < _PARENT_SHARE_FRAC and state.parent_side[i] * gap_levels > -1.5:
        state.parent_left[i] -= 1
        return state.parent_side[i]
    return 1 if uniform(state.rng) < 1.0 / (1.0 + exp(-lean)) else -1
