"""Whether the intervals that a model would have been served with held: told as live, on rows it was not fitted on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain.dataset import Rows
from foretick.predictor.domain.ensemble import Floats
from foretick.predictor.domain.regimes import LEAST_VOLATILITY_BPS
from foretick.predictor.domain.track_record import COVERAGE_FRAC, OUTWARD
from foretick.quant.conformal import AdaptiveInterval

NONE, MISSED, HELD = -1, 0, 1


@dataclass(frozen=True, slots=True)
class Held:
    """How many of ``intervals`` held. Rows before an instrument's warm-up have none."""

    intervals: int
    held: int

    @property
    def coverage_frac(self) -> float | None:
        """Share that held; None without any."""
        return self.held / self.intervals if self.intervals else None


def interval_outcomes(rows: Rows, expected_bps: Floats, volatility_bps: Floats) -> NDArray[np.int8]:
    """Return for each row whether its interval held: ``HELD``, ``MISSED``, or ``NONE`` where there was none yet.

    Each instrument's intervals follow its own outcomes, each known to it only from its end on, as in service.

    expected_bps, volatility_bps: (n), of the return, and known with it
    """
    found = np.full(len(rows), NONE, np.int8)
    scale = np.maximum(volatility_bps, LEAST_VOLATILITY_BPS)
    score = np.abs(rows.return_bps - expected_bps) / scale
    for name in np.unique(rows.symbol):
        at = np.flatnonzero(rows.symbol == name)
        at = at[np.argsort(rows.step[at], kind="stable")]
        _follow(at, rows, score, found)
    return found


def count_held(outcomes: NDArray[np.int8]) -> Held:
    """Return how many there were, and how many held."""
    return Held(int(np.count_nonzero(outcomes != NONE)), int(np.count_nonzero(outcomes == HELD)))


def _follow(at: NDArray[np.int64], rows: Rows, score: Floats, found: NDArray[np.int8]) -> None:
    """Write the outcomes of one instrument's rows ``at``, in order of time, into ``found``."""
    interval = AdaptiveInterval(COVERAGE_FRAC)
    settled = 0
    for place, row in enumerate(at):
        while settled < place and rows.end_step[at[settled]] <= rows.step[row]:
            before = at[settled]
            interval.observe(float(score[before]), None if found[before] == NONE else bool(found[before]))
            settled += 1
        width = interval.width()
        if width is not None:
            found[row] = HELD if score[row] <= width * OUTWARD else MISSED
