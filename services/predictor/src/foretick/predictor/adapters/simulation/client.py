"""Vectors of a simulated market, fast-forwarded through the kernel that runs live."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from foretick.common.contracts import Origin
from foretick.common.units import NS_PER_S
from foretick.market.simulation import simulate_history
from foretick.predictor.domain.adequacy import Sample
from foretick.predictor.domain.dataset import join_panels
from foretick.predictor.domain.vectors import Sampling, build_panel, find_future
from foretick.quant.events import EventArrays

EPOCH_NS = 1_704_067_200 * NS_PER_S
"""Monday, 1 January 2024, 00:00 UTC: where simulated histories begin."""

_DAY_NS = 24 * 3600 * NS_PER_S
_DAYS = 1_000


def start_of(seed: int) -> int:
    """Return the instant, ns, at which the market of ``seed`` opens: each seed has a day of its own.

    >>> (start_of(3) - start_of(2)) // 1_000_000_000
    86400
    """
    return EPOCH_NS + seed % _DAYS * _DAY_NS


@dataclass(frozen=True, slots=True)
class SimulatedMarketHistory:
    """Markets of ``symbols``: one to learn from, and the next seed's, a day later, to be tested on.

    known_s, unseen_s: data time of each
    """

    symbols: tuple[str, ...]
    sampling: Sampling
    known_s: float
    unseen_s: float

    origin = Origin.SIM

    @property
    def description(self) -> Mapping[str, object]:
        """The simulation's arguments."""
        return {
            "kind": "simulation", "symbols": list(self.symbols), "known_s": self.known_s, "unseen_s": self.unseen_s,
            "window_steps": self.sampling.grid.window_steps,
        }  # fmt: skip

    def known(self, seed: int) -> Sample:
        """Return the warm vectors of the market of that seed."""
        return self._sample(seed, self.known_s, start_of(seed))

    def unseen(self, seed: int) -> Sample:
        """Return those of the next seed's market, on the day after."""
        return self._sample(seed + 1, self.unseen_s, start_of(seed) + _DAY_NS)

    def _sample(self, seed: int, duration_s: float, start_ns: int) -> Sample:
        market = simulate_history(self.symbols, seed, duration_s, start_ns)
        rng = np.random.default_rng([seed, 2])
        events = {symbol: EventArrays(*market.events[symbol]) for symbol in self.symbols}
        made = [build_panel(symbol, of, self.sampling, rng) for symbol, of in events.items()]
        leaks = [leak for _, _, found in made for leak in found]
        leaks += find_future(events[self.symbols[0]], self.sampling.grid)
        return Sample(join_panels([panel for panel, _, _ in made]), tuple(each for _, each, _ in made), tuple(leaks))
