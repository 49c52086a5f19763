"""Sums of products -> correlations, lags, and why there are none."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretick.quant.correlation.alignment import Key
from foretick.quant.correlation.terms import CorrelationTerms

Floats = NDArray[np.float64]

_SIGNIFICANT = 4.0
"""A lag is named where its correlation is that many standard errors, 1 / sqrt(n) each, from zero: it is the largest of
over twenty, of many pairs."""


class Reason(StrEnum):
    """Why an instrument has no correlation."""

    NO_PRICE = "no_price"
    WARMING_UP = "warming_up"
    CONSTANT = "constant"


@dataclass(slots=True)
class Sums:
    """Sums over the window; ``weighted`` ones by age. See ``fold._Block`` for the axes."""

    contrast: Floats
    covariance: Floats
    variance: Floats
    realised: Floats
    count: NDArray[np.int64]
    weighted: Floats
    weighted_variance: Floats


class PairEstimate(NamedTuple):
    """What two instruments have in common; None where one of them has a reason.

    windowed, ewma: correlation of Hayashi and Yoshida, -1 to 1, over the window and exponentially weighted. Symmetric;
        a matrix of them need not be positive semidefinite, for each pair has overlaps of its own. What a small sample
        puts beyond 1 is cut
    realised: correlation of the returns on the common grid of seconds, an unmoved price counting as no return. A Gram
        matrix: positive semidefinite; but pulled to zero where prices are not observed together
    lag_s: seconds by which the first leads the second; below zero, the second leads. None where no lag is significant
    lag_correlation: the correlation at that lag
    lead_ratio: sum of the squared correlations where the first leads over that where the second does; above 1 the first
        leads (Huth and Abergel 2014, J. Empirical Finance 26). None where the second's is zero
    """

    first: int
    second: int
    windowed: float | None
    ewma: float | None
    realised: float | None
    lag_s: int | None
    lag_correlation: float | None
    lead_ratio: float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimates of all pairs; ``first`` and ``second`` of a pair are places in ``keys``, the first the lower.

    observations: returns of each instrument in the window
    reasons: why an instrument has no correlations; None where it has
    """

    keys: list[Key]
    observations: list[int]
    reasons: list[Reason | None]
    pairs: list[PairEstimate]


def estimate(keys: Sequence[Key], sums: Sums, terms: CorrelationTerms) -> Estimate:
    """Return the estimates from the sums over the window."""
    reasons = [
        _reason_of(int(count), float(variance), terms)
        for count, variance in zip(sums.count, sums.variance, strict=True)
    ]
    pairs = [
        _pair(i, j, sums) if reasons[i] is None and reasons[j] is None else PairEstimate(i, j, *[None] * 6)
        for i in range(len(keys))
        for j in range(i + 1, len(keys))
    ]
    return Estimate(list(keys), [int(count) for count in sums.count], reasons, pairs)


def _reason_of(count: int, variance: float, terms: CorrelationTerms) -> Reason | None:
    if count == 0:
        return Reason.NO_PRICE
    if count < terms.min_observations:
        return Reason.WARMING_UP
    return Reason.CONSTANT if variance == 0.0 else None


def _pair(i: int, j: int, sums: Sums) -> PairEstimate:
    scale = math.sqrt(sums.variance[i]) * math.sqrt(sums.variance[j])
    weighted_scale = math.sqrt(sums.weighted_variance[i]) * math.sqrt(sums.weighted_variance[j])
    leads = [value / scale for value in sums.contrast[:, j, i].tolist()]  # j now against i earlier: the first leads
    lags = [value / scale for value in sums.contrast[:, i, j].tolist()]
    lag_s, lag_correlation = _find_lag(leads, lags)
    if abs(lag_correlation) * math.sqrt(min(int(sums.count[i]), int(sums.count[j]))) < _SIGNIFICANT:
        lag_s = None
    led = sum(value * value for value in lags[1:])
    return PairEstimate(
        first=i,
        second=j,
        windowed=_cut(float(sums.covariance[i, j]) / scale),
        ewma=_cut(float(sums.weighted[i, j]) / weighted_scale) if weighted_scale > 0.0 else None,
        realised=_cut(float(sums.realised[i, j]) / scale),
        lag_s=lag_s,
        lag_correlation=None if lag_s is None else _cut(lag_correlation),
        lead_ratio=sum(value * value for value in leads[1:]) / led if led > 0.0 else None,
    )


def _find_lag(leads: list[float], lags: list[float]) -> tuple[int, float]:
    """Return the lag of the largest absolute correlation, the nearest to zero of equals, and that correlation."""
    best, at = leads[0], 0
    for lag in range(1, len(leads)):
        for value, lag_s in ((leads[lag], lag), (lags[lag], -lag)):
            if abs(value) > abs(best):
                best, at = value, lag_s
    return at, best


def _cut(value: float) -> float:
    return min(1.0, max(-1.0, value))
