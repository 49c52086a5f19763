"""How fast the price goes, and whether too far (compiled): the features of ``catalogue.momentum``."""

import numba
import numpy as np

from foretick.quant import parameters as p
from foretick.quant.catalogue.momentum import MOMENTUM
from foretick.quant.kernel import series
from foretick.quant.kernel.series import CLOSE, HIGH, LAST, LOW, OPEN, SIZE, VOLUME, average, follow

NAMES = tuple(feature.name for feature in MOMENTUM)
(
    _STOCH_K, _STOCH_D, _STOCH_RSI, _WILLIAMS, _CCI, _MFI, _ROC, _MOMENTUM, _CMO, _PPO, _TRIX, _ULTIMATE, _TSI,
    _AWESOME, _BALANCE, _IMI, _QSTICK,
) = range(len(NAMES))  # fmt: skip

_K_COUNT = 2 * p.STOCHASTIC_SLOWING - 1
STATE = np.dtype(
    [
        ("fast_k", "f8", (_K_COUNT,)), ("rsi", "f8", (p.RSI_BARS,)), ("chain", "f8", (3,)), ("trix", "f8"),
        ("ppo", "f8"), ("tsi", "f8", (4,)),
    ],
    align=True,
)  # fmt: skip
_RSI_NOISE = 1e-9
_SLOW_D = np.convolve(np.ones(p.STOCHASTIC_SLOWING), np.ones(p.STOCHASTIC_SLOWING)) / p.STOCHASTIC_SLOWING**2


@numba.njit(error_model="numpy")
def fold_momentum(f, s, n, recent, out) -> None:  # noqa: ANN001 - compiled
    """Fold bar ``n`` (from 0), the newest of ``recent``, into ``f``; write the values to ``out``."""
    line, close = recent[CLOSE], recent[CLOSE, LAST]
    change = close - recent[CLOSE, LAST - 1] if n > 0 else 0.0
    _fold_stochastics(f, s, recent, out)
    _fold_chains(f, n, change, close, out)
    out[_CCI] = _commodity_channel(recent)
    out[_MFI] = _money_flow(recent)
    out[_ROC] = 1e4 * (close - line[LAST - p.ROC_BARS]) / line[LAST - p.ROC_BARS]
    out[_MOMENTUM] = series.share(close - line[LAST - p.ROC_BARS], s.atr, 0.0)
    f.ppo = follow(f.ppo, 0.0, change, n, p.MACD_FAST_BARS)  # unlike the MACD's, seeded with the first bars
    out[_PPO] = 1e4 * (f.ppo - s.slow_gap) / (close + s.slow_gap)
    out[_ULTIMATE] = _ultimate(recent)
    fast, slow = _middle(recent, p.AWESOME_BARS[0]), _middle(recent, p.AWESOME_BARS[1])
    out[_AWESOME] = 1e4 * (fast - slow) / close
    out[_BALANCE] = series.share(close - recent[OPEN, LAST], recent[HIGH, LAST] - recent[LOW, LAST], 0.0)
    _write_moves(recent, close, out)


@numba.njit(error_model="numpy")
def _fold_stochastics(f, s, recent, out) -> None:  # noqa: ANN001 - compiled
    high = series.highest(recent[HIGH], p.STOCHASTIC_BARS, 0)
    low = series.lowest(recent[LOW], p.STOCHASTIC_BARS, 0)
    place = series.share(recent[CLOSE, LAST] - low, high - low, 0.5)
    out[_WILLIAMS] = 100.0 * (place - 1.0)
    for i in range(_K_COUNT - 1):
        f.fast_k[i] = f.fast_k[i + 1]
    f.fast_k[_K_COUNT - 1] = 100.0 * place
    slow_k = slow_d = 0.0
    for i in range(_K_COUNT):
        slow_d += _SLOW_D[i] * f.fast_k[i]
        if i >= _K_COUNT - p.STOCHASTIC_SLOWING:
            slow_k += f.fast_k[i] / p.STOCHASTIC_SLOWING
    out[_STOCH_K], out[_STOCH_D] = min(slow_k, 100.0), min(slow_d, 100.0)
    for i in range(p.RSI_BARS - 1):
        f.rsi[i] = f.rsi[i + 1]
    f.rsi[p.RSI_BARS - 1] = s.rsi
    low, span = f.rsi.min(), f.rsi.max() - f.rsi.min()
    out[_STOCH_RSI] = 100.0 * (s.rsi - low) / span if span > _RSI_NOISE else 50.0


@numba.njit(error_model="numpy")
def _fold_chains(f, n, change, close, out) -> None:  # noqa: ANN001 - compiled
    above = 0.0
    for i in range(3):
        f.chain[i] = follow(f.chain[i], above, change, n - i * (p.CHAIN_BARS - 1), p.CHAIN_BARS)
        above = f.chain[i]
    out[_TRIX] = 1e4 * (change + above - f.trix) / (close - change + f.trix)
    f.trix = above
    long, short = p.TSI_BARS
    f.tsi[0] = average(f.tsi[0], change, n - 1, long)
    f.tsi[1] = average(f.tsi[1], abs(change), n - 1, long)
    f.tsi[2] = average(f.tsi[2], f.tsi[0], n - long, short)
    f.tsi[3] = average(f.tsi[3], f.tsi[1], n - long, short)
    out[_TSI] = 100.0 * series.share(f.tsi[2], f.tsi[3], 0.0)


@numba.njit(error_model="numpy")
def _typical_gap(recent, i):  # noqa: ANN001, ANN202 - compiled
    """Return three times the typical price of column ``i``, less three times the newest close."""
    close = recent[CLOSE, LAST]
    return (recent[HIGH, i] - close) + (recent[LOW, i] - close) + (recent[CLOSE, i] - close)


@numba.njit(error_model="numpy")
def _commodity_channel(recent):  # noqa: ANN001, ANN202 - compiled
    mean = away = 0.0
    for i in range(SIZE - p.CCI_BARS, SIZE):
        mean += _typical_gap(recent, i) / p.CCI_BARS
    for i in range(SIZE - p.CCI_BARS, SIZE):
        away += abs(_typical_gap(recent, i) - mean) / p.CCI_BARS
    gap = _typical_gap(recent, LAST) - mean
    return gap / (0.015 * away) if away > 0.0 else 0.0


@numba.njit(error_model="numpy")
def _money_flow(recent):  # noqa: ANN001, ANN202 - compiled
    up = down = 0.0
    for i in range(SIZE - p.MFI_BARS, SIZE):
        rise = _typical_gap(recent, i) - _typical_gap(recent, i - 1)
        flow = (recent[HIGH, i] + recent[LOW, i] + recent[CLOSE, i]) * recent[VOLUME, i]
        if rise > 0.0:
            up += flow
        elif rise < 0.0:
            down += flow
    return 100.0 * series.share(up, up + down, 0.5)


@numba.njit(error_model="numpy")
def _ultimate(recent):  # noqa: ANN001, ANN202 - compiled
    pressure = moved = result = 0.0
    weight, i = 4.0, LAST
    for count in p.ULTIMATE_BARS:
        while i > LAST - count:
            floor = min(recent[LOW, i], recent[CLOSE, i - 1])
            pressure += recent[CLOSE, i] - floor
            moved += max(recent[HIGH, i], recent[CLOSE, i - 1]) - floor
            i -= 1
        result += weight * series.share(pressure, moved, 0.5)
        weight *= 0.5
    return 100.0 * result / 7.0


@numba.njit(error_model="numpy")
def _middle(recent, count):  # noqa: ANN001, ANN202 - compiled
    """Return the mean of the middle of the bars' ranges, less the newest close."""
    close, total = recent[CLOSE, LAST], 0.0
    for i in range(SIZE - count, SIZE):
        total += (recent[HIGH, i] - close) + (recent[LOW, i] - close)
    return 0.5 * total / count


@numba.njit(error_model="numpy")
def _write_moves(recent, close, out) -> None:  # noqa: ANN001 - compiled
    rise = fall = 0.0
    for i in range(SIZE - p.CMO_BARS, SIZE):
        change = recent[CLOSE, i] - recent[CLOSE, i - 1]
        rise += max(change, 0.0)
        fall += max(-change, 0.0)
    out[_CMO] = 100.0 * series.share(rise - fall, rise + fall, 0.0)
    rise = fall = 0.0
    for i in range(SIZE - p.IMI_BARS, SIZE):
        body = recent[CLOSE, i] - recent[OPEN, i]
        rise += max(body, 0.0)
        fall += max(-body, 0.0)
    out[_IMI] = 100.0 * series.share(rise, rise + fall, 0.5)
    bodies = 0.0
    for i in range(SIZE - p.QSTICK_BARS, SIZE):
        bodies += recent[CLOSE, i] - recent[OPEN, i]
    out[_QSTICK] = 1e4 * bodies / p.QSTICK_BARS / close
