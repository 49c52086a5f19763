"""Closes 1-second bars and folds them into a row of state (compiled; ``s`` is a record of ``state.STATE``).

RSI, MACD, ATR and ADX are seeded as TA-Lib seeds them, so that the two agree from the first value on. ``n`` is the
number of the bar, from 0.
"""

import math

import numba

from foretick.quant import parameters as p
from foretick.quant.kernel import series
from foretick.quant.kernel.candles import fold_candles
from foretick.quant.kernel.momentum import fold_momentum
from foretick.quant.kernel.regime import fold_regime
from foretick.quant.kernel.series import (
    CLOSE,
    HIGH,
    LAST,
    LINES,
    LOW,
    OPEN,
    RETURN_BPS,
    VOLUME,
    average,
    follow,
    smooth,
)
from foretick.quant.kernel.slots import CORE, FIRST, SLOT_COUNT, WARMUP_BARS
from foretick.quant.kernel.trend import fold_trend
from foretick.quant.kernel.volatility import fold_volatility
from foretick.quant.kernel.volume import fold_volume

TINY = 1e-200
"""Below this a decayed sum has no digits left."""

_ROUNDING = 1e-12
_EW_VOLATILITY = math.exp(-1.0 / p.VOLATILITY_BARS)
_EW_KYLE = math.exp(-1.0 / p.KYLE_BARS)
_FIRST_SIGNAL = p.MACD_SLOW_BARS - 1
_KYLE, _VOLATILITY, _RSI, _MACD, _BOLLINGER, _ATR, _ADX, _OBV = range(len(CORE))
_TREND, _MOMENTUM, _RANGES, _TRADING, _REGIME, _CANDLES = (
    FIRST[family] for family in ("trend", "momentum", "volatility", "volume", "regime", "candles")
)


@numba.njit(error_model="numpy")
def roll_bar(s, t_ns) -> None:  # noqa: ANN001 - compiled
    """Close the open bar if ``t_ns`` lies beyond its second, and open that of ``t_ns``."""
    second = t_ns // p.BAR_NS
    if second <= s.bar_s:
        return
    if s.bar_s >= 0:
        _fold_impact(s)
        if s.bar_trades:
            _close_bar(s, s.open, s.high, s.low, s.close)
        elif s.bar_mids:
            _close_bar(s, s.mid_open, s.mid_high, s.mid_low, s.mid_close)
    s.bar_s = second
    s.bar_trades = 0
    s.bar_mids = s.l1_ok
    s.mid_open = s.mid_high = s.mid_low = s.mid_close = s.mid
    s.volume = 0.0
    s.signed_quote = 0.0


@numba.njit(error_model="numpy")
def _close_bar(s, opened, high, low, close) -> None:  # noqa: ANN001 - compiled
    n, recent = s.bars, s.recent
    _push(recent, n, opened, high, low, close)
    recent[VOLUME, LAST] = s.volume
    if n > 0:
        change = close - recent[CLOSE, LAST - 1]
        _fold_rsi(s, n, change)
        _fold_ranges(s, n, recent)
        _fold_volume(s, change)
        _fold_volatility(s, recent[RETURN_BPS, LAST])
    _fold_macd(s, n, close - recent[CLOSE, LAST - 1])
    values = s.from_bars
    _write_core(s, n, recent, values)
    fold_trend(s.trend, s, n, recent, values[_TREND:])
    fold_momentum(s.momentum, s, n, recent, values[_MOMENTUM:])
    fold_volatility(s.volatility, s, n, recent, values[_RANGES:])
    fold_volume(s.trading, s, n, recent, values[_TRADING:])
    fold_regime(s.regime, s, n, recent, values[_REGIME:])
    fold_candles(recent, values[_CANDLES:])
    s.bars = n + 1
    for slot in range(SLOT_COUNT):
        if n + 1 < WARMUP_BARS[slot]:
            values[slot] = math.nan


@numba.njit(error_model="numpy")
def _push(recent, n, opened, high, low, close) -> None:  # noqa: ANN001 - compiled
    for line in range(LINES):
        for i in range(LAST):
            recent[line, i] = recent[line, i + 1]
    recent[OPEN, LAST], recent[HIGH, LAST], recent[LOW, LAST], recent[CLOSE, LAST] = opened, high, low, close
    before = recent[CLOSE, LAST - 1]
    recent[RETURN_BPS, LAST] = 1e4 * math.log1p((close - before) / before) if n > 0 else 0.0


@numba.njit(error_model="numpy")
def _fold_rsi(s, n, change) -> None:  # noqa: ANN001 - compiled
    s.gain = smooth(s.gain, max(change, 0.0), n, p.RSI_BARS)
    s.loss = smooth(s.loss, max(-change, 0.0), n, p.RSI_BARS)
    moved = s.gain + s.loss
    s.rsi = 100.0 * s.gain / moved if moved > TINY else 50.0


@numba.njit(error_model="numpy")
def _fold_ranges(s, n, recent) -> None:  # noqa: ANN001 - compiled
    up, down = recent[HIGH, LAST] - recent[HIGH, LAST - 1], recent[LOW, LAST - 1] - recent[LOW, LAST]
    true_range = series.true_range(recent, LAST)
    s.atr = smooth(s.atr, true_range, n, p.ATR_BARS)
    if n >= p.ADX_BARS:  # sums before, Wilder's running sums from here
        s.plus_dm -= s.plus_dm / p.ADX_BARS
        s.minus_dm -= s.minus_dm / p.ADX_BARS
        s.dm_range -= s.dm_range / p.ADX_BARS
    if down > 0.0 and up < down:
        s.minus_dm += down
    elif up > 0.0 and up > down:
        s.plus_dm += up
    s.dm_range += true_range
    if n < p.ADX_BARS:
        return
    first = n - p.ADX_BARS + 1
    moved = s.plus_dm + s.minus_dm
    if moved > TINY:
        s.adx = smooth(s.adx, 100.0 * abs(s.plus_dm - s.minus_dm) / moved, first, p.ADX_BARS)
    elif first <= p.ADX_BARS:
        s.adx = smooth(s.adx, 0.0, first, p.ADX_BARS)


@numba.njit(error_model="numpy")
def _fold_volume(s, change) -> None:  # noqa: ANN001 - compiled
    alpha = 2.0 / (p.OBV_BARS + 1)
    sign = 1.0 if change > 0.0 else (-1.0 if change < 0.0 else 0.0)
    s.obv_signed += alpha * (sign * s.volume - s.obv_signed)
    s.obv_volume += alpha * (s.volume - s.obv_volume)


@numba.njit(error_model="numpy")
def _fold_volatility(s, r_bps) -> None:  # noqa: ANN001 - compiled
    s.squares = s.squares * _EW_VOLATILITY + r_bps * r_bps
    s.squares_weight = s.squares_weight * _EW_VOLATILITY + 1.0


@numba.njit(error_model="numpy")
def _fold_macd(s, n, change) -> None:  # noqa: ANN001 - compiled
    s.fast_gap = follow(s.fast_gap, 0.0, change, n - (p.MACD_SLOW_BARS - p.MACD_FAST_BARS), p.MACD_FAST_BARS)
    s.slow_gap = follow(s.slow_gap, 0.0, change, n, p.MACD_SLOW_BARS)
    s.signal_ema = average(s.signal_ema, s.fast_gap - s.slow_gap, n - _FIRST_SIGNAL, p.MACD_SIGNAL_BARS)


@numba.njit(error_model="numpy")
def _write_core(s, n, recent, values) -> None:  # noqa: ANN001 - compiled
    close = recent[CLOSE, LAST]
    values[_KYLE] = _impact_bps(s)
    values[_VOLATILITY] = math.sqrt(s.squares / s.squares_weight)
    values[_RSI] = s.rsi
    values[_MACD] = 1e4 * (s.fast_gap - s.slow_gap - s.signal_ema) / close
    half = p.BOLLINGER_WIDTH * series.deviation(recent[CLOSE], p.BOLLINGER_BARS)
    values[_BOLLINGER] = series.share(half - series.mean_gap(recent[CLOSE], p.BOLLINGER_BARS), 2.0 * half, 0.5)
    values[_ATR] = 1e4 * s.atr / close
    values[_ADX] = s.adx
    values[_OBV] = s.obv_signed / s.obv_volume if s.obv_volume > TINY else 0.0


@numba.njit(error_model="numpy")
def _fold_impact(s) -> None:  # noqa: ANN001 - compiled
    """Fold a second's signed volume and return into weighted means and the sums of products about them (Welford)."""
    if s.l1_ok and s.kyle_mid > 0.0:
        x, r_bps = s.signed_quote, 1e4 * math.log1p((s.mid - s.kyle_mid) / s.kyle_mid)
        s.kyle_weight = s.kyle_weight * _EW_KYLE + 1.0
        gap = x - s.kyle_x
        s.kyle_x += gap / s.kyle_weight
        s.kyle_r += (r_bps - s.kyle_r) / s.kyle_weight
        s.kyle_xx = s.kyle_xx * _EW_KYLE + gap * (x - s.kyle_x)
        s.kyle_xr = s.kyle_xr * _EW_KYLE + gap * (r_bps - s.kyle_r)
        s.kyle_abs += (abs(x) - s.kyle_abs) / s.kyle_weight
    s.kyle_mid = s.mid


@numba.njit(error_model="numpy")
def _impact_bps(s):  # noqa: ANN001, ANN202 - compiled
    square = s.kyle_xx + s.kyle_weight * s.kyle_x * s.kyle_x
    if not s.kyle_xx > _ROUNDING * square:
        return 0.0
    return s.kyle_xr / s.kyle_xx * s.kyle_abs
