"""Simulated markets with their oracle: vectors as services would see them, and where the market may go from each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foretick.common.errors import Refused
from foretick.common.units import BPS_PER_UNIT
from foretick.market.simulation import SimulatedMarket, imagine_mids, simulate_history
from foretick.predictor.adapters.simulation.client import SimulatedMarketHistory, start_of
from foretick.predictor.domain.dataset import Panel
from foretick.predictor.domain.edge.run import Foreseen
from foretick.predictor.domain.targets import Target
from foretick.quant.events import EventArrays
from foretick.quant.kernel import Grid, fold_history

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_TOLD_ROWS = 50


@dataclass(frozen=True, slots=True)
class OracledMarkets:
    """Implements ``domain.edge.run.ForeseenMarkets``.

    history: whose ``known`` part is the market that is judged
    stride_steps: only every so manieth step is judged
    paths: on which the oracle lets the market run on, from each row
    """

    history: SimulatedMarketHistory
    stride_steps: int
    paths: int

    def foresee(self, seed: int, targets: Sequence[Target], tell: Callable[[float], None]) -> Foreseen:
        """Return the judged rows of the market of that seed, and the oracle's paths from each.

        Raises:
            Refused: ``too_little_history`` where no row is whole.
        """
        sampling = replace(self.history.sampling, targets=tuple(targets))
        panel = _judged(replace(self.history, sampling=sampling).known(seed).panel, targets, self.stride_steps)
        if not len(panel):
            said = f"the market of seed {seed} has no whole vector within {self.history.known_s:g} s"
            raise Refused("too_little_history", said, "judge longer markets")
        recv_ns, mid = self._instants(seed, panel)
        moves_bps = np.empty((len(panel), self.paths, len(targets)))
        market = SimulatedMarket(self.history.symbols, seed, start_of(seed))
        for done, row in enumerate(np.argsort(recv_ns, kind="stable")):
            if done % _TOLD_ROWS == 0:
                tell(done / len(panel))
            market.run_silently(int(recv_ns[row]))
            index = self.history.symbols.index(str(panel.symbol[row]))
            draws = _draws(self.paths, seed, index, int(panel.step[row]))
            mids = imagine_mids(market, index, _ends_ns(int(panel.step[row]), targets, sampling.grid), draws)
            moves_bps[row] = BPS_PER_UNIT * np.log(mids / mid[row])
        return Foreseen({target: panel.rows(target) for target in targets}, moves_bps)

    def _instants(self, seed: int, panel: Panel) -> tuple[Ints, Floats]:
        """Return when each vector of ``panel`` was made, and the mid that it was made at."""
        history = self.history
        market = simulate_history(history.symbols, seed, history.known_s, start_of(seed))
        recv_ns, mid = np.zeros(len(panel), np.int64), np.zeros(len(panel))
        for symbol in history.symbols:
            vectors = fold_history(EventArrays(*market.events[symbol]), history.sampling.grid, first_seq=0)
            rows = np.flatnonzero(panel.symbol == symbol)
            at = np.searchsorted(vectors.step, panel.step[rows])
            recv_ns[rows], mid[rows] = vectors.recv_ns[at], vectors.mid[at]
        return recv_ns, mid


def _judged(panel: Panel, targets: Sequence[Target], stride_steps: int) -> Panel:
    """Return the vectors of every so manieth step whose outcome over every target is known."""
    known = np.logical_and.reduce([panel.outcomes[target].end_step >= 0 for target in targets])
    return panel.take(known & (panel.step % stride_steps == 0))


def _draws(paths: int, *origin: int) -> NDArray[np.uint64]:
    """Return where the randomness of each path begins: another place for every row."""
    return np.random.SeedSequence(origin).generate_state(paths, np.uint64).astype(np.uint64)


def _ends_ns(step: int, targets: Sequence[Target], grid: Grid) -> Ints:
    return np.array([(step + target.horizon_steps) * grid.interval_ns for target in targets])
