"""Scores of three-class probabilities as functions of sums: columns a row, their sums, and what follows from these."""

import numpy as np
from numpy.typing import NDArray

CLASSES = 3
RELIABILITY_BINS = 10
LEAST_PROBABILITY = 1e-6
"""A class that came true is never held to have been less probable: one row costs at most 13.8 nats."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def log_loss_rows(probabilities: Floats, direction: Ints) -> Floats:
    """Return each row's log loss (nats); probabilities (n, 3), direction (n) class indices."""
    given = probabilities[np.arange(len(direction)), direction]
    return -np.log(np.maximum(given, LEAST_PROBABILITY))


def brier_rows(probabilities: Floats, direction: Ints) -> Floats:
    """Return each row's Brier score: the squared distance to what came, 0 to 2 (Brier 1950)."""
    return ((probabilities - np.eye(CLASSES)[direction]) ** 2).sum(axis=1)


def confusion_columns(decision: Ints, direction: Ints) -> Floats:
    """Return one column a pair (decided, came), shape (n, 9)."""
    return np.eye(CLASSES * CLASSES)[CLASSES * decision + direction]


def macro_f1(confusion: Floats) -> Floats:
    """Return the mean over classes of F1 from summed ``confusion_columns``, shape (..., 9) to (...).

    A class that was neither decided nor came scores 0, as in scikit-learn.
    """
    table = confusion.reshape(*confusion.shape[:-1], CLASSES, CLASSES)
    right = np.diagonal(table, axis1=-2, axis2=-1)
    total = table.sum(axis=-1) + table.sum(axis=-2)
    return np.divide(2.0 * right, total, out=np.zeros_like(right), where=total > 0.0).mean(axis=-1)


def reliability_columns(probabilities: Floats, direction: Ints) -> Floats:
    """Return, for equal bins of the largest probability, columns of count, its sum and hits: (n, 3 * bins)."""
    confidence = probabilities.max(axis=1)
    hit = probabilities.argmax(axis=1) == direction
    place = np.minimum((confidence * RELIABILITY_BINS).astype(np.int64), RELIABILITY_BINS - 1)
    inside = np.eye(RELIABILITY_BINS)[place]
    return np.concatenate([inside, inside * confidence[:, None], inside * hit[:, None]], axis=1)


def reliability_points(reliability: Floats) -> tuple[tuple[float, float, int], ...]:
    """Return mean confidence, hit rate and rows of each filled bin, from summed ``reliability_columns`` (3 * bins)."""
    count, confidence, hits = np.split(reliability, 3)
    filled = np.flatnonzero(count > 0.0)
    return tuple((float(confidence[i] / count[i]), float(hits[i] / count[i]), int(count[i])) for i in filled)


def expected_calibration_error(reliability: Floats) -> Floats:
    """Return the mean distance of confidence and hit rate over bins, weighted by rows (Guo et al. 2017).

    Args:
        reliability: summed ``reliability_columns``, shape (..., 3 * bins)
    """
    count, confidence, hits = np.split(reliability, 3, axis=-1)
    return np.abs(confidence - hits).sum(axis=-1) / np.maximum(count.sum(axis=-1), 1.0)


def sum_by_bin(columns: Floats, place: Ints) -> Floats:
    """Return the sums of ``columns`` (n, m) over the rows of each bin, bins in order: (bins, m)."""
    _, inverse = np.unique(place, return_inverse=True)
    sums = np.zeros((int(inverse.max(initial=-1)) + 1, columns.shape[1]))
    np.add.at(sums, inverse, columns)
    return sums
