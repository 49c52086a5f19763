"""The shares of classes, and one expected return of their probabilities."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
