"""How far a model's probabilities can be taken at their word."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.quant.scoring.tallies import (
    brier_rows,
    expected_calibration_error,
    log_loss_rows,
    reliability_columns,
)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Means over rows: calibration error of the most probable class, Brier score (0 to 2), log loss in nats."""

    ece_frac: float
    brier: float
    log_loss_nats: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The temperature of the members' blend, and the blend ``before`` and ``after`` it on rows that nobody has seen."""

    temperature: float
    before: Reliability
    after: Reliability


def judge_reliability(probabilities: NDArray[np.float64], classes: NDArray[np.int64]) -> Reliability:
    """Return it for ``probabilities`` (n, 3) of rows whose ``classes`` (n) came."""
    return Reliability(
        ece_frac=float(expected_calibration_error(reliability_columns(probabilities, classes).sum(axis=0))),
        brier=float(brier_rows(probabilities, classes).mean()),
        log_loss_nats=float(log_loss_rows(probabilities, classes).mean()),
    )
