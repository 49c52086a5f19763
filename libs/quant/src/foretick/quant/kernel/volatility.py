"""How far the price swings (compiled): the features of ``catalogue.volatility``."""

import math

import numba
import numpy as np

from foretick.quant import parameters as p
from foretick.quant.catalogue.volatility import VOLATILITY
from foretick.quant.kernel import series
from foretick.quant.kernel.series import CLOSE, HIGH, LAST, LOW, OPEN, RETURN_BPS, SIZE, follow, smooth

NAMES = tuple(feature.name for feature in VOLATILITY)
(
    _BOLLINGER, _KELTNER, _DONCHIAN, _DONCHIAN_WIDTH, _PARKINSON, _GARMAN_KLASS, _ROGERS_SATCHELL, _YANG_ZHANG, _ULCER,
    _EXPANSION, _SKEWNESS, _KURTOSIS, _BIPOWER, _JUMP_SHARE, _JUMP_TEST, _DOWNSIDE,
) = range(len(NAMES))  # fmt: skip

_HIGH_LOW, _OPEN_CLOSE, _ROGERS, _OVERNIGHT = range(4)
STATE = np.dtype(
    [
        ("logs", "f8", (4, p.RANGE_BARS)), ("four_thirds", "f8", (p.MOMENT_BARS,)), ("keltner", "f8"),
        ("keltner_atr", "f8"),
    ],
    align=True,
)  # fmt: skip
"""logs: of each bar high over low, close over open, Rogers and Satchell's term, open over the close before."""

_BEFORE_ATR = p.RANGE_BARS - p.KELTNER_ATR_BARS - 1
_GK = 2.0 * math.log(2.0) - 1.0
_YZ = 0.34 / (1.34 + (p.RANGE_BARS + 1) / (p.RANGE_BARS - 1))
_MU_1 = math.sqrt(2.0 / math.pi)
_MU_43 = 2.0 ** (2.0 / 3.0) * math.gamma(7.0 / 6.0) / math.gamma(0.5)
_THETA = (math.pi / 2.0) ** 2 + math.pi - 5.0


@numba.njit(error_model="numpy")
def fold_volatility(f, s, n, recent, out) -> None:  # noqa: ANN001 - compiled
    """Fold bar ``n`` (from 0), the newest of ``recent``, into ``f``; write the values to ``out``."""
    close = recent[CLOSE, LAST]
    _write_channels(f, n, recent, close, out)
    _push_logs(f, recent)
    _write_ranges(f, out)
    _write_moments(f, recent, out)
    out[_ULCER] = _ulcer(recent[CLOSE])
    out[_EXPANSION] = series.share(series.true_range(recent, LAST), s.atr, 0.0)


@numba.njit(error_model="numpy")
def _write_channels(f, n, recent, close, out) -> None:  # noqa: ANN001 - compiled
    change = close - recent[CLOSE, LAST - 1] if n > 0 else 0.0
    line = recent[CLOSE]
    spread = 2.0 * p.BOLLINGER_WIDTH * series.deviation(line, p.BOLLINGER_BARS)
    out[_BOLLINGER] = 1e4 * spread / (close + series.mean_gap(line, p.BOLLINGER_BARS))
    typical = ((recent[HIGH, LAST] - close) + (recent[LOW, LAST] - close)) / 3.0
    f.keltner = follow(f.keltner, typical, change, n, p.RANGE_BARS)
    if n > _BEFORE_ATR:  # TA-Lib seeds both averages of the channel at the same bar
        f.keltner_atr = smooth(f.keltner_atr, series.true_range(recent, LAST), n - _BEFORE_ATR, p.KELTNER_ATR_BARS)
    half = p.KELTNER_WIDTH * f.keltner_atr
    out[_KELTNER] = series.share(half - f.keltner, 2.0 * half, 0.5)
    high, low = series.highest(recent[HIGH], p.RANGE_BARS, 1), series.lowest(recent[LOW], p.RANGE_BARS, 1)
    out[_DONCHIAN] = series.share(close - low, high - low, 0.5)
    top, bottom = series.highest(recent[HIGH], p.RANGE_BARS, 0), series.lowest(recent[LOW], p.RANGE_BARS, 0)
    out[_DONCHIAN_WIDTH] = 1e4 * (top - bottom) / close


@numba.njit(error_model="numpy")
def _log_ratio(a, b):  # noqa: ANN001, ANN202 - compiled
    """Return ln(a / b), exact also where they hardly differ."""
    return math.log1p((a - b) / b)


@numba.njit(error_model="numpy")
def _push_logs(f, recent) -> None:  # noqa: ANN001 - compiled
    opened, high, low, close = recent[OPEN, LAST], recent[HIGH, LAST], recent[LOW, LAST], recent[CLOSE, LAST]
    last = p.RANGE_BARS - 1
    for line in range(4):
        for i in range(last):
            f.logs[line, i] = f.logs[line, i + 1]
    f.logs[_HIGH_LOW, last] = _log_ratio(high, low)
    f.logs[_OPEN_CLOSE, last] = _log_ratio(close, opened)
    f.logs[_ROGERS, last] = _log_ratio(high, close) * _log_ratio(high, opened) + _log_ratio(low, close) * _log_ratio(
        low, opened
    )
    f.logs[_OVERNIGHT, last] = _log_ratio(opened, recent[CLOSE, LAST - 1])
    for i in range(p.MOMENT_BARS - 1):
        f.four_thirds[i] = f.four_thirds[i + 1]
    f.four_thirds[p.MOMENT_BARS - 1] = abs(recent[RETURN_BPS, LAST]) ** (4.0 / 3.0)


@numba.njit(error_model="numpy")
def _write_ranges(f, out) -> None:  # noqa: ANN001 - compiled
    high_low = garman = rogers = 0.0
    for i in range(p.RANGE_BARS):
        square = f.logs[_HIGH_LOW, i] ** 2
        high_low += square
        garman += 0.5 * square - _GK * f.logs[_OPEN_CLOSE, i] ** 2
        rogers += f.logs[_ROGERS, i]
    out[_PARKINSON] = 1e4 * math.sqrt(high_low / (4.0 * math.log(2.0) * p.RANGE_BARS))
    out[_GARMAN_KLASS] = 1e4 * math.sqrt(max(garman, 0.0) / p.RANGE_BARS)
    out[_ROGERS_SATCHELL] = 1e4 * math.sqrt(max(rogers, 0.0) / p.RANGE_BARS)
    drift = _variance(f.logs[_OVERNIGHT]) + _YZ * _variance(f.logs[_OPEN_CLOSE])
    out[_YANG_ZHANG] = 1e4 * math.sqrt(drift + (1.0 - _YZ) * max(rogers, 0.0) / p.RANGE_BARS)


@numba.njit(error_model="numpy")
def _variance(line):  # noqa: ANN001, ANN202 - compiled
    mean, total = line.sum() / len(line), 0.0
    for value in line:
        total += (value - mean) ** 2
    return total / (len(line) - 1)


@numba.njit(error_model="numpy")
def _write_moments(f, recent, out) -> None:  # noqa: ANN001 - compiled
    count = p.MOMENT_BARS
    line = recent[RETURN_BPS]
    mean = series.sum_of(line, count) / count
    second = third = fourth = squares = falls = pairs = triples = 0.0
    for i in range(SIZE - count, SIZE):
        gap, value = line[i] - mean, line[i]
        second += gap**2 / count
        third += gap**3 / count
        fourth += gap**4 / count
        squares += value**2
        falls += value**2 if value < 0.0 else 0.0
        if i > SIZE - count:
            pairs += abs(value * line[i - 1])
    for i in range(2, count):
        triples += f.four_thirds[i] * f.four_thirds[i - 1] * f.four_thirds[i - 2]
    moves = second > 0.0
    out[_SKEWNESS] = third / second**1.5 if moves else 0.0
    out[_KURTOSIS] = fourth / second**2 - 3.0 if moves else 0.0
    out[_DOWNSIDE] = series.share(falls, squares, 0.5)
    bipower = pairs / _MU_1**2 * count / (count - 1.0)
    out[_BIPOWER] = math.sqrt(bipower / count)
    out[_JUMP_SHARE] = max(0.0, 1.0 - series.share(bipower, squares, 1.0))
    quarticity = triples / _MU_43**3 * count * count / (count - 2.0)
    relative = max(1.0, quarticity / bipower**2) if bipower > 0.0 else 1.0
    away = 1.0 - bipower / squares if squares > 0.0 else 0.0
    out[_JUMP_TEST] = away / math.sqrt(_THETA / count * relative)


@numba.njit(error_model="numpy")
def _ulcer(line):  # noqa: ANN001, ANN202 - compiled
    top, squares = line[SIZE - p.ULCER_BARS], 0.0
    for i in range(SIZE - p.ULCER_BARS, SIZE):
        top = max(top, line[i])
        squares += ((line[i] - top) / top) ** 2
    return 1e4 * math.sqrt(squares / p.ULCER_BARS)
