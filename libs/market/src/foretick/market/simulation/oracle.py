"""How much of the simulated market can be predicted at best.

The state of the market is known here, so the law of what comes next is too: copy the state, let it run on with fresh
draws, and note where the mid ends up; many such paths are the distribution of the mid given everything that there is
to know now. No forecaster that sees only the past can do better in expected log loss than the frequencies over these
paths (with Laplace's correction for their number), nor in expected result than going with the sign of their mean.

A path begins with the state but not with its generator: what the market itself is about to draw does not enter.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from foretick.market.simulation.book import price_ticks
from foretick.market.simulation.kernel import advance
from foretick.market.simulation.market import SimulatedMarket
from foretick.market.simulation.state import Economy, Floats, Instrument, Ints, MarketState, Traits
from foretick.market.simulation.tape import HEADLINE, QUOTE, Tape, blank_tape

_STEPS_AT_ONCE = 16


def imagine_mids(market: SimulatedMarket, index: int, after_ns: Ints, draws: NDArray[np.uint64]) -> Floats:
    """Return mids that an instrument may have, were the market to run on from now with other draws.

    A mid is that of the latest quote up to and including the first event that a subscriber receives at or after each
    of ``after_ns``: where a horizon of a whole number of steps ends. The market itself is left as it is.

    Args:
        market: as it is now
        index: of the instrument
        after_ns: (h,) increasing instants of data time, later than now
        draws: (paths,) where each path's randomness begins, such as ``SeedSequence(...).generate_state(paths, "u8")``

    Returns:
        (paths, h) in quote currency.
    """
    # What moves an instrument is its own state and the forces; the others share these and add nothing to its law.
    only = slice(index, index + 1)
    state = MarketState(market.state.forces.copy(), market.state.instruments[only].copy())
    state.forces["steps"] += index  # depth updates take turns: it keeps its own
    economy = Economy(market.economy.traits[only], market.economy.step_ns, market.economy.depth_steps)
    mids = np.empty((len(draws), len(after_ns)))
    _imagine(state, state.copy(), economy, blank_tape(0, _STEPS_AT_ONCE), (draws, after_ns, mids))
    return mids * float(market.listings[index].tick_size)


@njit(cache=True)
def _imagine(
    state: MarketState, path: MarketState, economy: Economy, tape: Tape, told: tuple[NDArray[np.uint64], Ints, Floats]
) -> None:
    draws, after_ns, mids = told
    for row in range(draws.size):
        path.forces[0] = state.forces[0]
        path.instruments[0] = state.instruments[0]
        path.forces[0].rng[0] = draws[row]
        _follow(path, economy, tape, (after_ns, mids[row]))


@njit(cache=True)
def _follow(path: MarketState, economy: Economy, tape: Tape, told: tuple[Ints, Floats]) -> None:
    """Run on until every instant has been passed by an event, and write the mid at each, in ticks."""
    after_ns, mids = told
    mid = _mid_ticks(path.instruments[0], economy.traits[0])
    found = 0
    while found < after_ns.size:
        tape.counts[:] = 0
        advance(path, economy, tape, _STEPS_AT_ONCE)
        for event in range(tape.counts[0]):
            if tape.kind[event] == HEADLINE:
                continue
            if tape.kind[event] == QUOTE:
                mid = 0.5 * (tape.v[event, 0] + tape.v[event, 2])
            while found < after_ns.size and tape.times[event, 1] >= after_ns[found]:
                mids[found] = mid
                found += 1


@njit(cache=True)
def _mid_ticks(one: Instrument, traits: Traits) -> float:
    return 0.5 * (price_ticks(traits, one.best_bid) + price_ticks(traits, one.best_ask))
