"""Which kind of market it is (compiled): the features of ``catalogue.regime``."""

import math

import numba
import numpy as np

from foretick.quant import parameters as p
from foretick.quant.catalogue.regime import REGIME
from foretick.quant.kernel import series
from foretick.quant.kernel.series import CLOSE, HIGH, LAST, LOW, RETURN_BPS, SIZE

NAMES = tuple(feature.name for feature in REGIME)
_EFFICIENCY, _CHOPPINESS, _VARIANCE_RATIO, _AUTOCORRELATION, _VOLATILITY = range(len(NAMES))

STATE = np.dtype([("squares", "f8"), ("weight", "f8")], align=True)

_EW_FAST = math.exp(-1.0 / p.FAST_VOLATILITY_BARS)
_LAG = p.VARIANCE_RATIO_LAG
_UNBIASED = _LAG * (p.MOMENT_BARS - _LAG + 1) * (1.0 - _LAG / p.MOMENT_BARS)
_FLOOR_BPS2 = 1e-4


@numba.njit(error_model="numpy")
def fold_regime(f, s, n, recent, out) -> None:  # noqa: ANN001 - compiled
    """Fold bar ``n`` (from 0), the newest of ``recent``, into ``f``; write the values to ``out``."""
    line = recent[CLOSE]
    moved = 0.0
    for i in range(SIZE - p.EFFICIENCY_BARS, SIZE):
        moved += abs(line[i] - line[i - 1])
    out[_EFFICIENCY] = min(1.0, series.share(abs(line[LAST] - line[LAST - p.EFFICIENCY_BARS]), moved, 0.0))
    out[_CHOPPINESS] = _choppiness(recent)
    _write_dependence(recent[RETURN_BPS], out)
    if n > 0:
        f.squares = f.squares * _EW_FAST + recent[RETURN_BPS, LAST] ** 2
        f.weight = f.weight * _EW_FAST + 1.0
    fast, slow = f.squares / f.weight, s.squares / s.squares_weight
    out[_VOLATILITY] = 0.5 * math.log((fast + _FLOOR_BPS2) / (slow + _FLOOR_BPS2))


@numba.njit(error_model="numpy")
def _choppiness(recent):  # noqa: ANN001, ANN202 - compiled
    first = SIZE - p.CHOPPINESS_BARS
    high, low = recent[HIGH, first], recent[LOW, first]
    moved = 0.0
    for i in range(first, SIZE):
        high = max(high, recent[HIGH, i], recent[CLOSE, i - 1])
        low = min(low, recent[LOW, i], recent[CLOSE, i - 1])
        moved += series.true_range(recent, i)
    if not high > low:
        return 100.0
    return min(100.0, max(0.0, 100.0 * math.log(moved / (high - low)) / math.log(p.CHOPPINESS_BARS)))


@numba.njit(error_model="numpy")
def _write_dependence(line, out) -> None:  # noqa: ANN001 - compiled
    count, first = p.MOMENT_BARS, SIZE - p.MOMENT_BARS
    mean = series.sum_of(line, count) / count
    squares = pairs = sums = 0.0
    for i in range(first, SIZE):
        gap = line[i] - mean
        squares += gap * gap
        if i > first:
            pairs += gap * (line[i - 1] - mean)
        if i >= first + _LAG - 1:
            together = 0.0
            for j in range(_LAG):
                together += line[i - j] - mean
            sums += together * together
    out[_AUTOCORRELATION] = series.share(pairs, squares, 0.0)
    out[_VARIANCE_RATIO] = series.share(sums / _UNBIASED, squares / (count - 1.0), 1.0)
