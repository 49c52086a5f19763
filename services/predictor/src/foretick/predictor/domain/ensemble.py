"""How members are combined: weights from what each lost on data it did not learn from, and one expected return."""

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain.score import LEAST_PROBABILITY

Floats = NDArray[np.float64]

WEIGHT_TEMPERATURE_NATS = 0.01
"""A member that loses this much more than the best weighs 1/e of it: members are close, and trust should follow."""


def row_losses(probabilities: NDArray[np.floating], direction: NDArray[np.integer]) -> Floats:
    """Return each row's log loss (nats). ``probabilities`` (n, 3), ``direction`` (n) class indices."""
    given = probabilities[np.arange(len(direction)), direction].astype(np.float64)
    return -np.log(np.maximum(given, LEAST_PROBABILITY))


def weights_from_losses(losses_nats: Floats) -> Floats:
    """Return the members' weights: a softmax of the negative validation loss; they sum to 1.

    >>> weights_from_losses(np.array([1.0, 1.0])).tolist()
    [0.5, 0.5]
    """
    scores = -(losses_nats - losses_nats.min()) / WEIGHT_TEMPERATURE_NATS
    raw = np.exp(scores)
    return raw / raw.sum()


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
