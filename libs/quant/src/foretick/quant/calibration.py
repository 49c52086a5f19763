"""Probabilities that mean what they say: a temperature, and shares of members, fitted on rows no member has seen.

A temperature keeps the order of the classes, so that it changes no decision; the pool of calibrated members is itself
not calibrated but too unsure (Ranjan and Gneiting 2010), which one exponent corrects. It does not follow how often the
classes come, which differs from market to market.
"""

import numpy as np
from numpy.typing import NDArray

from foretick.quant.scoring.tallies import LEAST_PROBABILITY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COLDEST, HOTTEST = 0.25, 20.0
"""Temperatures within which one is fitted: colder ones would blow up what float sums leave of a probability."""

_BISECTIONS = 60


def apply_temperature(probabilities: Floats, temperature: float) -> Floats:
    """Return ``probabilities`` (n, classes) to the power 1 / temperature, as shares: above 1 they come closer.

    None is held to be below ``LEAST_PROBABILITY`` before. ``ensemble.compiled`` and the ONNX graph do the same.

    >>> apply_temperature(np.array([[0.8, 0.2]]), 2.0).round(3).tolist()
    [[0.667, 0.333]]
    """
    scores = np.log(np.maximum(probabilities, LEAST_PROBABILITY)) / temperature
    raw = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raw / raw.sum(axis=1, keepdims=True)


def fit_temperature(probabilities: Floats, direction: Ints, weight: Floats | None = None) -> float:
    """Return the temperature with the least log loss (Guo et al. 2017), between ``COLDEST`` and ``HOTTEST``.

    The loss is convex in 1 / temperature, so its derivative is bisected. The graph holds a float32; so is the result.

    Args:
        probabilities: given to rows that were not trained on, shape (n, classes)
        direction: class indices that came, shape (n,)
        weight: of each row, such as its uniqueness; all alike if None

    Raises:
        ValueError: there is no row.
    """
    if not len(direction):
        raise ValueError("no rows to calibrate on")
    weight = np.ones(len(direction)) if weight is None else weight
    scores = np.log(np.maximum(probabilities, LEAST_PROBABILITY))
    came = scores[np.arange(len(direction)), direction]
    low, high = 1.0 / HOTTEST, 1.0 / COLDEST
    for _ in range(_BISECTIONS):
        sharpness = (low * high) ** 0.5
        raw = np.exp(sharpness * (scores - scores.max(axis=1, keepdims=True)))
        mean = (raw * scores).sum(axis=1) / raw.sum(axis=1)
        if float(weight @ (mean - came)) > 0.0:  # the loss grows with sharpness here
            high = sharpness
        else:
            low = sharpness
    return float(np.float32(1.0 / (low * high) ** 0.5))


def fit_shares(members: Floats, direction: Ints, weight: Floats | None = None, rounds: int = 300) -> Floats:
    """Return the members' shares whose linear pool has the least log loss; they sum to 1.

    Expectation-maximisation for a mixture of known components (Dempster, Laird and Rubin 1977): every round lowers the
    loss, which is convex in the shares, so that it goes to the one minimum.

    Args:
        members: probabilities given to rows that were not trained on, shape (members, n, classes)
        direction: class indices that came, shape (n,)
        weight: of each row; all alike if None
        rounds: of expectation-maximisation

    Raises:
        ValueError: there is no row.
    """
    if not len(direction):
        raise ValueError("no rows to weigh members on")
    weight = np.ones(len(direction)) if weight is None else weight
    given = np.maximum(members[:, np.arange(len(direction)), direction], LEAST_PROBABILITY)
    shares = np.full(len(members), 1.0 / len(members))
    for _ in range(rounds):
        shares = (shares[:, None] * given / (shares @ given)) @ weight / weight.sum()
    return shares / shares.sum()
