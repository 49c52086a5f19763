"""How far a model's probabilities can be taken at their word."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.quant.scoring.tallies import (
    brier_rows,
    expected_calibration_error,
    log_loss_rows,
    reliability_columns,
    reliability_points,
)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Means over rows: calibration error of the most probable class, Brier score (0 to 2), log loss in nats.

    points: of each filled bin of the largest probability, its mean, how often it came, and rows
    """

    ece_frac: float
    brier: float
    log_loss_nats: float
    points: tuple[tuple[float, float, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Calibration:
    """The temperature of the members' blend, and the blend ``before`` and ``after`` it on rows that nobody has seen."""

    temperature: float
    before: Reliability
    after: Reliability


def judge_reliability(probabilities: NDArray[np.float64], classes: NDArray[np.int64]) -> Reliability:
    """Return it for ``probabilities`` (n, 3) of rows whose ``classes`` (n) came."""
    bins = reliability_columns(probabilities, classes).sum(axis=0)
    return Reliability(
        ece_frac=float(expected_calibration_error(bins)),
        brier=float(brier_rows(probabilities, classes).mean()),
        log_loss_nats=float(log_loss_rows(probabilities, classes).mean()),
        points=reliability_points(bins),
    )
