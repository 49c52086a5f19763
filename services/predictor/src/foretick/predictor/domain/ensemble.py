"""What members lose, the shares of classes, and one expected return of their probabilities."""

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain.score import LEAST_PROBABILITY

Floats = NDArray[np.float64]


def row_losses(probabilities: NDArray[np.floating], direction: NDArray[np.integer]) -> Floats:
    """Return each row's log loss (nats). ``probabilities`` (n, 3), ``direction`` (n) class indices."""
    given = probabilities[np.arange(len(direction)), direction].astype(np.float64)
    return -np.log(np.maximum(given, LEAST_PROBABILITY))


def class_frequencies(direction: NDArray[np.integer]) -> Floats:
    """Return the share of each class, each counted once more than it occurs so that none is impossible."""
    counts = np.bincount(direction, minlength=3).astype(np.float64) + 1.0
    return counts / counts.sum()


def fit_return_slopes(return_bps: Floats, volatility_bps: Floats, direction: NDArray[np.integer]) -> Floats:
    """Return, for each class, the least-squares slope of the return on the volatility known at the prediction.

    They turn probabilities into an expected return: ``volatility_bps * (probabilities . slopes)``, bps. In units of
    volatility one model serves all instruments, also those it has not seen. A class that never occurred, or only at
    zero volatility, has slope 0.
    """
    slopes = np.zeros(3)
    for kind in range(3):
        rows = direction == kind
        power = float(np.dot(volatility_bps[rows], volatility_bps[rows]))
        if power > 0.0:
            slopes[kind] = float(np.dot(volatility_bps[rows], return_bps[rows])) / power
    return slopes
