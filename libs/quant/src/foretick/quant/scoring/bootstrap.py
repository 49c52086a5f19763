"""The stationary bootstrap (Politis and Romano 1994) with its automatic block length (Politis and White 2004).

The length is as corrected by Patton, Politis and White 2009 (Econometric Reviews 28). Rows that share horizons or
instants depend on each other; stretches of time of random length are resampled whole, so that the interval is as wide
as that dependence makes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log10, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL_FRAC = 0.95
_FEWEST_BINS = 8


@dataclass(frozen=True, slots=True)
class Interval:
    """A statistic of the sample, and the percentile interval of its resamples."""

    value: float
    low: float
    high: float

    @property
    def is_positive(self) -> bool:
        """Whether the interval lies above zero."""
        return self.low > 0.0

    @property
    def is_negative(self) -> bool:
        """Whether the interval lies below zero."""
        return self.high < 0.0


def block_length(series: Floats) -> float:
    """Return the mean block length, in elements, that suits the mean of ``series``; at least 1.

    The bandwidth is twice the first of ``max(5, log10 n)`` lags whose autocorrelations are all within
    ``2 sqrt(log10 n / n)``;
    the window is the flat-top trapezoid of Politis and Romano 1995; the length at most ``min(3 sqrt n, n / 3)``.

    Raises:
        ValueError: fewer than 8 elements, which tell nothing of their dependence.
    """
    n = len(series)
    if n < _FEWEST_BINS:
        raise ValueError(f"{n} stretches of time are too few for a block bootstrap, {_FEWEST_BINS} are needed")
    centred = series - series.mean()
    if not np.any(np.abs(centred) > 0.0):
        return 1.0
    run = max(5, int(log10(n)))
    longest = min(ceil(sqrt(n)) + run, n - 1)
    covariance = np.array([centred[lag:] @ centred[: n - lag] / n for lag in range(longest + 1)])
    bandwidth = min(_bandwidth(centred, covariance, run), longest)
    lag = np.arange(1, bandwidth + 1)
    window = np.where(lag / bandwidth <= 0.5, 1.0, 2.0 * (1.0 - lag / bandwidth))
    slope = 2.0 * float((window * lag) @ covariance[1 : bandwidth + 1])
    spectrum = covariance[0] + 2.0 * float(window @ covariance[1 : bandwidth + 1])
    if spectrum == 0.0:
        return 1.0
    length = (slope**2 / spectrum**2) ** (1 / 3) * n ** (1 / 3)
    return float(min(max(length, 1.0), ceil(min(3 * sqrt(n), n / 3))))


def _bandwidth(centred: Floats, covariance: Floats, run: int) -> int:
    """Return twice the first of ``run`` insignificant lags, at least 2; the longest lag where there is no such run."""
    n = len(centred)
    limit = 2.0 * sqrt(log10(n) / n)
    insignificant = 0
    for lag in range(len(covariance)):
        if insignificant == run:
            return 2 * max(lag - run, 1)
        head, tail = centred[lag + 1 :], centred[: n - lag - 1]
        power = sqrt(float(head @ head) * float(tail @ tail))
        insignificant = insignificant + 1 if abs(float(covariance[lag])) * n < limit * power else 0
    return len(covariance) - 1


def draw_counts(n: int, length: float, resamples: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return how often each of ``n`` elements is drawn, shape (resamples, n): circular blocks of geometric length."""
    counts = np.zeros((resamples, n), np.int64)
    rows = np.arange(resamples)
    at = rng.integers(0, n, resamples)
    for _ in range(n):
        counts[rows, at] += 1
        begins = rng.random(resamples) < 1.0 / length
        at = np.where(begins, rng.integers(0, n, resamples), (at + 1) % n)
    return counts


def bootstrap(
    sums: Floats, statistic: Callable[[Floats], Floats], length: float, resamples: int, rng: np.random.Generator
) -> Interval:
    """Return ``statistic`` of all sums, with its interval.

    Args:
        sums: one row a stretch of time, in order, shape (bins, m)
        statistic: from summed columns (..., m) to (...)
        length: mean block length, in stretches
        resamples: how many to draw
        rng: seeded
    """
    drawn = statistic(draw_counts(len(sums), length, resamples, rng) @ sums)
    tail = 100.0 * (1.0 - LEVEL_FRAC) / 2.0
    low, high = np.percentile(drawn, [tail, 100.0 - tail])
    return Interval(float(statistic(sums.sum(axis=0))), float(low), float(high))
