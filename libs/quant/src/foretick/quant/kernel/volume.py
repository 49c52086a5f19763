"""What the price does where it trades (compiled): the features of ``catalogue.volume``."""

import math

import numba
import numpy as np

from foretick.quant import parameters as p
from foretick.quant.catalogue.volume import VOLUME_FEATURES
from foretick.quant.kernel import series
from foretick.quant.kernel.series import CLOSE, HIGH, LAST, LOW, RETURN_BPS, SIZE, VOLUME, average

NAMES = tuple(feature.name for feature in VOLUME_FEATURES)
_RATIO, _VWMA, _FLOW, _CHAIKIN, _ACCUMULATION, _FORCE, _PVO, _CORRELATION, _AMIHUD = range(len(NAMES))

STATE = np.dtype(
    [
        ("chaikin", "f8", (2,)), ("accumulated", "f8"), ("traded", "f8"), ("force", "f8"), ("force_volume", "f8"),
        ("pvo", "f8", (2,)), ("amihud", "f8"), ("amihud_quote", "f8"), ("amihud_weight", "f8"),
    ],
    align=True,
)  # fmt: skip
"""chaikin: averages of the accumulation line, less the line"""

_EW_AMIHUD = math.exp(-1.0 / p.AMIHUD_BARS)
_OBV_ALPHA = 2.0 / (p.OBV_BARS + 1)


@numba.njit(error_model="numpy")
def fold_volume(f, s, n, recent, out) -> None:  # noqa: ANN001 - compiled
    """Fold bar ``n`` (from 0), the newest of ``recent``, into ``f``; write the values to ``out``."""
    close, volume = recent[CLOSE, LAST], recent[VOLUME, LAST]
    change = close - recent[CLOSE, LAST - 1] if n > 0 else 0.0
    usual = series.sum_of(recent[VOLUME], p.AVERAGE_BARS) / p.AVERAGE_BARS
    out[_RATIO] = series.share(volume, usual, 0.0)
    _fold_accumulation(f, n, recent, usual, out)
    f.force = average(f.force, change * volume, n - 1, p.FORCE_BARS)
    f.force_volume = average(f.force_volume, volume, n - 1, p.FORCE_BARS)
    out[_FORCE] = 1e4 * series.share(f.force, f.force_volume, 0.0) / close
    f.pvo[0] = average(f.pvo[0], volume, n, p.PVO_BARS[0])
    f.pvo[1] = average(f.pvo[1], volume, n, p.PVO_BARS[1])
    out[_PVO] = 100.0 * series.share(f.pvo[0] - f.pvo[1], f.pvo[1], 0.0)
    _write_weighted(recent, close, out)
    _fold_amihud(f, n, recent, close * volume, out)


@numba.njit(error_model="numpy")
def _location(recent, i):  # noqa: ANN001, ANN202 - compiled
    """Return where a bar closed in its range, -1 at the low to 1 at the high; 0 without a range."""
    high, low, close = recent[HIGH, i], recent[LOW, i], recent[CLOSE, i]
    return series.share((close - low) - (high - close), high - low, 0.0)


@numba.njit(error_model="numpy")
def _fold_accumulation(f, n, recent, usual, out) -> None:  # noqa: ANN001 - compiled
    volume = recent[VOLUME, LAST]
    flow = _location(recent, LAST) * volume
    if n > 0:
        for i in range(2):
            f.chaikin[i] = (1.0 - 2.0 / (p.CHAIKIN_BARS[i] + 1)) * (f.chaikin[i] - flow)
    out[_CHAIKIN] = series.share(f.chaikin[0] - f.chaikin[1], usual, 0.0)
    f.accumulated += _OBV_ALPHA * (flow - f.accumulated)
    f.traded += _OBV_ALPHA * (volume - f.traded)
    out[_ACCUMULATION] = series.share(f.accumulated, f.traded, 0.0)
    total = 0.0
    for i in range(SIZE - p.AVERAGE_BARS, SIZE):
        total += _location(recent, i) * recent[VOLUME, i]
    out[_FLOW] = series.share(total / p.AVERAGE_BARS, usual, 0.0)


@numba.njit(error_model="numpy")
def _write_weighted(recent, close, out) -> None:  # noqa: ANN001 - compiled
    """Write the volume-weighted average and the correlation of price and volume, both over the same bars."""
    count = p.AVERAGE_BARS
    price_mean = series.mean_gap(recent[CLOSE], count)
    volume_mean = series.sum_of(recent[VOLUME], count) / count
    weighted = prices = volumes = both = 0.0
    for i in range(SIZE - count, SIZE):
        price, volume = recent[CLOSE, i] - close, recent[VOLUME, i]
        weighted += price * volume
        prices += (price - price_mean) ** 2
        volumes += (volume - volume_mean) ** 2
        both += (price - price_mean) * (volume - volume_mean)
    gap = series.share(weighted, volume_mean * count, 0.0)
    out[_VWMA] = -1e4 * gap / (close + gap)
    flat = prices == 0.0 or volumes == 0.0
    out[_CORRELATION] = 0.0 if flat else min(1.0, max(-1.0, both / math.sqrt(prices) / math.sqrt(volumes)))


@numba.njit(error_model="numpy")
def _fold_amihud(f, n, recent, quote, out) -> None:  # noqa: ANN001 - compiled
    if n > 0:
        f.amihud *= _EW_AMIHUD
        f.amihud_quote *= _EW_AMIHUD
        f.amihud_weight *= _EW_AMIHUD
        if quote > 0.0:
            f.amihud += abs(recent[RETURN_BPS, LAST]) / quote
            f.amihud_quote += quote
            f.amihud_weight += 1.0
    weight = f.amihud_weight
    out[_AMIHUD] = (f.amihud / weight) * (f.amihud_quote / weight) if weight > 1e-100 else 0.0
