"""How much of the simulated market can be predicted at best.

The state of the market is known here, so the attainable edge is: copy it, let it run to the horizon many times with
fresh draws, and count how often the mid ends up, level or down. No forecaster that sees only the past can do better in
expected log loss than these frequencies (with Laplace's correction for their number). The edge of a model is its log
loss against the class prior's; the oracle's edge is the same figure for these probabilities:

    edge_frac = 1 - log_loss(probabilities) / log_loss(prior)
"""

from math import log

import numpy as np
from numba import njit

from foretick.market.simulation.book import mid_in_levels
from foretick.market.simulation.kernel import advance
from foretick.market.simulation.market import SimulatedMarket
from foretick.market.simulation.randomness import seeded
from foretick.market.simulation.state import Economy, Floats, MarketState
from foretick.market.simulation.tape import Tape, blank_tape

_BPS = 1e4


def oracle_probabilities(market: SimulatedMarket, steps: int, flat_bps: float, paths: int, seed: int) -> Floats:
    """Return the true class probabilities of each instrument's mid return over the next ``steps`` steps.

    The market itself is left as it is.

    Returns:
        (n, 3): down, flat (absolute return at most ``flat_bps``), up; each row sums to 1.
    """
    counts = np.ones((len(market.symbols), 3))
    before = _mids(market.state, market.economy)
    tape = blank_tape(steps, len(market.symbols))
    for path in range(paths):
        state = market.state.copy()
        state.forces["rng"][0] = seeded(seed * 1_000_003 + path)
        _run(state, market.economy, tape, steps)
        moves_bps = _BPS * np.log(_mids(state, market.economy) / before)
        counts[np.arange(len(counts)), _classes(moves_bps, flat_bps)] += 1.0
    return counts / counts.sum(axis=1, keepdims=True)


def outcome_classes(before: MarketState, after: MarketState, economy: Economy, flat_bps: float) -> np.ndarray:
    """Return the class of each instrument between two states: 0 down, 1 flat, 2 up."""
    return _classes(_BPS * np.log(_mids(after, economy) / _mids(before, economy)), flat_bps)


def log_loss(probabilities: Floats, classes: np.ndarray) -> float:
    """Return the mean of -ln p(class that came), nats."""
    return float(np.mean([-log(row[kind]) for row, kind in zip(probabilities, classes, strict=True)]))


def _classes(moves_bps: Floats, flat_bps: float) -> np.ndarray:
    return 1 + (moves_bps > flat_bps).astype(np.int64) - (moves_bps < -flat_bps)


@njit(cache=True)
def _mids(state: MarketState, economy: Economy) -> Floats:
    mids = np.empty(state.instruments.size)
    for i in range(mids.size):
        mids[i] = mid_in_levels(state.instruments[i], economy.traits[i]) * economy.traits[i].level_ticks
    return mids


@njit(cache=True)
def _run(state: MarketState, economy: Economy, tape: Tape, steps: int) -> None:
    while steps > 0:
        tape.counts[:] = 0
        steps -= advance(state, economy, tape, steps)
