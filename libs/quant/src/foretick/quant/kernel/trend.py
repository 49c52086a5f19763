"""Where the price stands against its averages, and where it goes (compiled): the features of ``catalogue.trend``."""

import math

import numba
import numpy as np

from foretick.quant import parameters as p
from foretick.quant.catalogue.trend import TREND
from foretick.quant.kernel import series
from foretick.quant.kernel.series import CLOSE, HIGH, LAST, LOW, follow

NAMES = tuple(feature.name for feature in TREND)
(
    _SMA, _EMA, _WMA, _TRIMA, _HMA, _DEMA, _TEMA, _T3, _KAMA, _SLOPE, _FORECAST, _FIT, _SAR, _AROON, _VORTEX,
    _DIRECTION, _ICHIMOKU, _BULL, _BEAR,
) = range(len(NAMES))  # fmt: skip

STATE = np.dtype(
    [
        ("ema", "f8"), ("elder", "f8"), ("chain", "f8", (3,)), ("t3", "f8", (6,)), ("kama", "f8"),
        ("sar", "f8"), ("extreme", "f8"), ("step", "f8"), ("is_long", "i8"),
    ],
    align=True,
)  # fmt: skip


def _ramp(count: int) -> np.ndarray:
    rising = np.arange(1.0, count + 1)
    return rising / rising.sum()


def _triangle(count: int) -> np.ndarray:
    tent = np.minimum(np.arange(1, count + 1), np.arange(count, 0, -1)).astype(float)
    return tent / tent.sum()


def _hull(count: int) -> np.ndarray:
    """Weights of wma(2 wma(count / 2) - wma(count), sqrt(count)) as one filter."""
    last = math.isqrt(count)
    weights = np.zeros(count + last - 1)
    for back, weight in enumerate(_ramp(last)[::-1]):
        stop = len(weights) - back
        weights[stop - count // 2 : stop] += 2.0 * weight * _ramp(count // 2)
        weights[stop - count : stop] -= weight * _ramp(count)
    return weights


def _slope(count: int) -> np.ndarray:
    centred = np.arange(count) - (count - 1) / 2
    return centred / (centred**2).sum()


_RAMP, _TRIANGLE, _HULL = _ramp(p.AVERAGE_BARS), _triangle(p.AVERAGE_BARS), _hull(p.AVERAGE_BARS)
_LINE = _slope(p.LINE_BARS)
_B = p.T3_FACTOR
_T3_WEIGHTS = (-(_B**3), 3 * _B**2 + 3 * _B**3, -6 * _B**2 - 3 * _B - 3 * _B**3, 1 + 3 * _B + _B**3 + 3 * _B**2)
_FAST, _SLOW = 2.0 / (p.KAMA_FAST_BARS + 1), 2.0 / (p.KAMA_SLOW_BARS + 1)


@numba.njit(error_model="numpy")
def fold_trend(f, s, n, recent, out) -> None:  # noqa: ANN001 - compiled
    """Fold bar ``n`` (from 0), the newest of ``recent``, into ``f``; write the values to ``out``."""
    line, close = recent[CLOSE], recent[CLOSE, LAST]
    change = close - recent[CLOSE, LAST - 1] if n > 0 else 0.0
    _fold_averages(f, n, change, line, out)
    _write_line(line, out)
    for i in range(_FORECAST + 1):  # so far each is a distance from the close
        out[i] = -1e4 * out[i] / (close + out[i]) if i < _SLOPE else 1e4 * out[i] / close
    f.elder = follow(f.elder, 0.0, change, n, p.ELDER_BARS)
    out[_BULL] = 1e4 * (recent[HIGH, LAST] - close - f.elder) / close
    out[_BEAR] = 1e4 * (recent[LOW, LAST] - close - f.elder) / close
    out[_SAR] = -1e4 * _fold_sar(f, n, change, recent) / close
    out[_DIRECTION] = 100.0 * series.share(s.plus_dm - s.minus_dm, s.dm_range, 0.0)
    _write_channels(recent, close, out)


@numba.njit(error_model="numpy")
def _fold_averages(f, n, change, line, out) -> None:  # noqa: ANN001 - compiled
    f.ema = follow(f.ema, 0.0, change, n, p.AVERAGE_BARS)
    above, lag = 0.0, p.CHAIN_BARS - 1
    for i in range(3):
        f.chain[i] = follow(f.chain[i], above, change, n - i * lag, p.CHAIN_BARS)
        above = f.chain[i]
    above = 0.0
    for i in range(6):
        f.t3[i] = follow(f.t3[i], above, change, n - i * (p.T3_BARS - 1), p.T3_BARS)
        above = f.t3[i]
    out[_SMA] = series.mean_gap(line, p.AVERAGE_BARS)
    out[_EMA] = f.ema
    out[_WMA] = series.weigh_gaps(line, _RAMP)
    out[_TRIMA] = series.weigh_gaps(line, _TRIANGLE)
    out[_HMA] = series.weigh_gaps(line, _HULL)
    out[_DEMA] = 2.0 * f.chain[0] - f.chain[1]
    out[_TEMA] = 3.0 * f.chain[0] - 3.0 * f.chain[1] + f.chain[2]
    out[_T3] = _T3_WEIGHTS[0] * f.t3[5] + _T3_WEIGHTS[1] * f.t3[4] + _T3_WEIGHTS[2] * f.t3[3] + _T3_WEIGHTS[3] * f.t3[2]
    f.kama = _adapt(f.kama, n, change, line)
    out[_KAMA] = f.kama


@numba.njit(error_model="numpy")
def _adapt(gap, n, change, line):  # noqa: ANN001, ANN202 - compiled
    """Return the gap of Kaufman's average, which starts at the close before its first value."""
    if n < p.KAMA_BARS:
        return 0.0
    moved = 0.0
    for i in range(LAST - p.KAMA_BARS, LAST):
        moved += abs(line[i + 1] - line[i])
    efficiency = min(1.0, series.share(abs(line[LAST] - line[LAST - p.KAMA_BARS]), moved, 1.0))
    rate = (efficiency * (_FAST - _SLOW) + _SLOW) ** 2
    return (1.0 - rate) * (gap - change)


@numba.njit(error_model="numpy")
def _write_line(line, out) -> None:  # noqa: ANN001 - compiled
    """Write the least-squares line through the last closes: its slope, its next value less the close, its fit."""
    slope = series.weigh_gaps(line, _LINE)
    mean = series.mean_gap(line, p.LINE_BARS)
    middle = (p.LINE_BARS - 1) / 2.0
    total = explained = 0.0
    for i in range(p.LINE_BARS):
        gap = line[LAST - p.LINE_BARS + 1 + i] - line[LAST] - mean
        total += gap * gap
        explained += (i - middle) * (i - middle)
    out[_SLOPE] = slope
    out[_FORECAST] = mean + slope * (p.LINE_BARS - middle)
    out[_FIT] = min(1.0, series.share(slope * slope * explained, total, 0.0))


@numba.njit(error_model="numpy")
def _fold_sar(f, n, change, recent):  # noqa: ANN001, ANN202 - compiled
    """Return the gap of this bar's stop and move it on to the next, as Wilder does and TA-Lib starts."""
    close = recent[CLOSE, LAST]
    high, low = recent[HIGH, LAST] - close, recent[LOW, LAST] - close
    if n < 1:
        return high
    high_before, low_before = recent[HIGH, LAST - 1] - close, recent[LOW, LAST - 1] - close
    f.sar -= change
    f.extreme -= change
    if n == 1:
        down, up = low_before - low, high - high_before
        f.is_long = 0 if down > 0.0 and up < down else 1
        f.extreme, f.sar = (high, low_before) if f.is_long else (low, high_before)
        f.step = p.SAR_STEP
        high_before, low_before = high, low
    turns = low <= f.sar if f.is_long else high >= f.sar
    if turns:
        f.is_long = 1 - f.is_long
        f.sar = _bound(f.extreme, f.is_long, high, low, high_before, low_before)
        stop = f.sar
        f.step = p.SAR_STEP
        f.extreme = high if f.is_long else low
    else:
        stop = f.sar
        if high > f.extreme if f.is_long else low < f.extreme:
            f.extreme = high if f.is_long else low
            f.step = min(f.step + p.SAR_STEP, p.SAR_LIMIT)
    f.sar = _bound(f.sar + f.step * (f.extreme - f.sar), f.is_long, high, low, high_before, low_before)
    return stop


@numba.njit(error_model="numpy")
def _bound(stop, is_long, high, low, high_before, low_before):  # noqa: ANN001, ANN202 - compiled
    """Return ``stop`` kept out of the last two bars."""
    return min(stop, low, low_before) if is_long else max(stop, high, high_before)


@numba.njit(error_model="numpy")
def _write_channels(recent, close, out) -> None:  # noqa: ANN001 - compiled
    high, low = recent[HIGH], recent[LOW]
    top = bottom = LAST - p.AROON_BARS
    for i in range(LAST - p.AROON_BARS, LAST + 1):
        top = i if high[i] >= high[top] else top
        bottom = i if low[i] <= low[bottom] else bottom
    out[_AROON] = 100.0 * (top - bottom) / p.AROON_BARS
    up = moved = 0.0
    for i in range(LAST - p.VORTEX_BARS + 1, LAST + 1):
        up += abs(high[i] - low[i - 1]) - abs(low[i] - high[i - 1])
        moved += series.true_range(recent, i)
    out[_VORTEX] = series.share(up, moved, 0.0)
    middle = 0.0
    for lines, sign in ((p.TENKAN_BARS, 0.5), (p.KIJUN_BARS, -0.5)):
        middle += sign * ((series.highest(high, lines, 0) - close) + (series.lowest(low, lines, 0) - close))
    out[_ICHIMOKU] = 1e4 * middle / close
