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

from foretick.market.simulation.randomness import Rng, normal, pareto, uniform
from foretick.market.simulation.state import STEP_S, Forces, Instrument, Traits

CALM, TRENDING, VOLATILE = 0, 1, 2

_SWITCHES_PER_S = np.array([[0.0, 1 / 90, 1 / 180], [1 / 40, 0.0, 1 / 120], [1 / 30, 1 / 90, 0.0]])
_REGIME_MOVE = np.array([0.7, 0.9, 1.9])
REGIME_ACTIVITY = np.array([0.9, 1.05, 1.35])
_TREND_MOVES_PER_S = 0.12
_HOMING_PER_S = 8e-6  # half-life of a day, so that prices stay plausible over weeks

_DRIVE_MEMORY_S = 2.0
_DRIVE_KEEP = exp(-STEP_S / _DRIVE_MEMORY_S)
_DRIVE_MOVE = sqrt(1.0 - _DRIVE_KEEP**2)
_EXCITATION_KEEP = exp(-4.0 * STEP_S)
_NEWS_KEEP = exp(-STEP_S / 12.0)

_HEADLINES_PER_S = 1 / 600
_JUMP_LEVELS = 9.0
_MOST_JUMP_LEVELS = 30.0
_DRIFT_LEVELS_PER_S = 0.35

_PARENT_SHARE_FRAC = 0.6
_PARENT_TAIL = 1.5
_PARENT_MOST = 400.0
IMPACT_LEVELS = 0.05


@njit(cache=True)
def move_sectors(rng: Rng, forces: Forces) -> None:
    """Switch the sectors' regimes and draw the common factors."""
    forces.factor[0] = normal(rng)
    for s in range(forces.regime.size):
        forces.factor[1 + s] = normal(rng)
        draw = uniform(rng)
        for regime in range(3):
            chance = _SWITCHES_PER_S[forces.regime[s], regime] * STEP_S
            if draw < chance:
                forces.regime[s] = regime
                forces.trend[s] = 0.0
                if regime == TRENDING:
                    forces.trend[s] = 1.0 if uniform(rng) < 0.5 else -1.0
                break
            draw -= chance


@njit(cache=True)
def move_efficient(rng: Rng, forces: Forces, one: Instrument, traits: Traits) -> None:
    """Move the efficient price, the drive and what fades of an instrument by one step."""
    s = traits.sector
    shock = traits.market_load * forces.factor[0] + traits.sector_load * forces.factor[1 + s]
    shock += traits.own_load * normal(rng)
    move = traits.move * _REGIME_MOVE[forces.regime[s]] * sqrt(STEP_S) * shock
    drift = traits.move * _TREND_MOVES_PER_S * forces.trend[s] + one.news / traits.reference
    drift -= _HOMING_PER_S * (one.efficient / traits.reference - 1.0)
    one.efficient *= exp(move + drift * STEP_S)
    one.drive = _DRIVE_KEEP * one.drive + _DRIVE_MOVE * normal(rng)
    one.excitation *= _EXCITATION_KEEP
    one.news *= _NEWS_KEEP


@njit(cache=True)
def draw_headline(rng: Rng, one: Instrument) -> float:
    """Draw whether a headline appears in this step; if so jump, and return its sentiment in [-1, 1], else 0."""
    if uniform(rng) >= _HEADLINES_PER_S * STEP_S:
        return 0.0
    sentiment = max(-1.0, min(1.0, 0.55 * normal(rng)))
    # A headline is read well but not perfectly: part of the jump is not in its words.
    jump = _JUMP_LEVELS * sentiment + 0.25 * _JUMP_LEVELS * normal(rng)
    one.efficient += max(-_MOST_JUMP_LEVELS, min(_MOST_JUMP_LEVELS, jump))
    one.news += _DRIFT_LEVELS_PER_S * sentiment
    one.excitation += 12.0 * abs(sentiment)
    return sentiment


@njit(cache=True)
def pressure(one: Instrument, gap_levels: float) -> float:
    """Return the lean of the queues: positive when buyers gain. ``gap_levels``: efficient price less mid."""
    return 0.75 * max(-2.0, min(2.0, gap_levels)) + 0.55 * one.drive


@njit(cache=True)
def draw_aggressor(rng: Rng, one: Instrument, gap_levels: float) -> int:
    """Draw who trades: the large order being worked, or one that trades for its own reasons. 1 buys, -1 sells."""
    if one.parent_left <= 0:
        one.parent_left = int(min(_PARENT_MOST, pareto(rng, 3.0, _PARENT_TAIL)))
        one.parent_side = 1 if uniform(rng) < 0.5 else -1
    if uniform(rng) < _PARENT_SHARE_FRAC and one.parent_side * gap_levels > -1.5:
        one.parent_left -= 1
        return one.parent_side
    return 1 if uniform(rng) < 1.0 / (1.0 + exp(-pressure(one, gap_levels))) else -1
