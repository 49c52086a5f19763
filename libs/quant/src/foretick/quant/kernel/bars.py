"""Folds a closed 1-second bar into the indicators of a row of state (compiled; ``s`` is a record of ``state.STATE``).

RSI, MACD, Bollinger bands, ATR and ADX are seeded as TA-Lib seeds them, so that the two agree from the first value on.
``n`` is the number of the bar, from 0.
"""

import math

import numba

from foretick.quant import parameters as p

ROUNDING = 1e-12
"""Part of the price below which a sum of differences is rounding, not movement."""

_EW_VOLATILITY = math.exp(-1.0 / p.VOLATILITY_BARS)
_EW_KYLE = math.exp(-1.0 / p.KYLE_BARS)
_FIRST_SIGNAL = p.MACD_SLOW_BARS - 1


@numba.njit(error_model="numpy")
def roll_bar(s, t_ns) -> None:  # noqa: ANN001 - compiled
    """Close the open bar if ``t_ns`` lies beyond its second, and open that of ``t_ns``."""
    second = t_ns // p.BAR_NS
    if second <= s.bar_s:
        return
    if s.bar_s >= 0:
        _fold_impact(s)
        if s.bar_trades:
            _fold_bar(s, s.high, s.low, s.close)
        elif s.bar_mids:
            _fold_bar(s, s.mid_high, s.mid_low, s.mid_close)
    s.bar_s = second
    s.bar_trades = 0
    s.bar_mids = s.l1_ok
    s.mid_high = s.mid_low = s.mid_close = s.mid
    s.volume = 0.0
    s.signed_quote = 0.0


@numba.njit(error_model="numpy")
def _fold_bar(s, high, low, close) -> None:  # noqa: ANN001 - compiled
    n = s.bars
    if n > 0:
        change = close - s.last_close
        _fold_rsi(s, n, change)
        _fold_ranges(s, n, high, low)
        _fold_volume(s, change)
        _fold_volatility(s, close)
    _fold_macd(s, n, close)
    _fold_bands(s, n, close)
    s.last_high, s.last_low, s.last_close = high, low, close
    s.bars = n + 1


@numba.njit(error_model="numpy")
def _smooth(mean, value, n, period):  # noqa: ANN001, ANN202 - compiled
    """Return Wilder's mean: the sum until ``period`` values are in, there their mean, then smoothed. ``n`` from 1."""
    if n < period:
        return mean + value
    if n == period:
        return (mean + value) / period
    return (mean * (period - 1) + value) / period


@numba.njit(error_model="numpy")
def _fold_rsi(s, n, change) -> None:  # noqa: ANN001 - compiled
    s.gain = _smooth(s.gain, max(change, 0.0), n, p.RSI_BARS)
    s.loss = _smooth(s.loss, max(-change, 0.0), n, p.RSI_BARS)


@numba.njit(error_model="numpy")
def _fold_ranges(s, n, high, low) -> None:  # noqa: ANN001 - compiled
    up, down = high - s.last_high, s.last_low - low
    true_range = max(high - low, abs(high - s.last_close), abs(low - s.last_close))
    s.atr = _smooth(s.atr, true_range, n, p.ATR_BARS)
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
    if s.dm_range > ROUNDING * s.last_close and moved > ROUNDING * s.last_close:
        s.adx = _smooth(s.adx, 100.0 * abs(s.plus_dm - s.minus_dm) / moved, first, p.ADX_BARS)
    elif first <= p.ADX_BARS:
        s.adx = _smooth(s.adx, 0.0, first, p.ADX_BARS)


@numba.njit(error_model="numpy")
def _fold_volume(s, change) -> None:  # noqa: ANN001 - compiled
    alpha = 2.0 / (p.OBV_BARS + 1)
    sign = 1.0 if change > 0.0 else (-1.0 if change < 0.0 else 0.0)
    s.obv_signed += alpha * (sign * s.volume - s.obv_signed)
    s.obv_volume += alpha * (s.volume - s.obv_volume)


@numba.njit(error_model="numpy")
def _fold_volatility(s, close) -> None:  # noqa: ANN001 - compiled
    r_bps = 1e4 * math.log(close / s.last_close)
    s.squares = s.squares * _EW_VOLATILITY + r_bps * r_bps
    s.squares_weight = s.squares_weight * _EW_VOLATILITY + 1.0


@numba.njit(error_model="numpy")
def _seeded_ema(ema, value, n, period):  # noqa: ANN001, ANN202 - compiled
    """Return an EMA seeded with the mean of its first ``period`` values, their sum before; ``n`` from 0, idle below."""
    if n < 0:
        return ema
    if n < period - 1:
        return ema + value
    if n == period - 1:
        return (ema + value) / period
    return (value - ema) * (2.0 / (period + 1)) + ema


@numba.njit(error_model="numpy")
def _fold_macd(s, n, close) -> None:  # noqa: ANN001 - compiled
    s.fast_ema = _seeded_ema(s.fast_ema, close, n - (p.MACD_SLOW_BARS - p.MACD_FAST_BARS), p.MACD_FAST_BARS)
    s.slow_ema = _seeded_ema(s.slow_ema, close, n, p.MACD_SLOW_BARS)
    s.macd = s.fast_ema - s.slow_ema
    s.signal_ema = _seeded_ema(s.signal_ema, s.macd, n - _FIRST_SIGNAL, p.MACD_SIGNAL_BARS)


@numba.njit(error_model="numpy")
def _fold_bands(s, n, close) -> None:  # noqa: ANN001 - compiled
    """Welford's update, then its sliding form: squares of prices would lose the variance to cancellation."""
    slot = n % p.BOLLINGER_BARS
    if n < p.BOLLINGER_BARS:
        gap = close - s.close_mean
        s.close_mean += gap / (n + 1)
        s.close_m2 += gap * (close - s.close_mean)
    else:
        old, mean = s.closes[slot], s.close_mean
        s.close_mean = mean + (close - old) / p.BOLLINGER_BARS
        s.close_m2 = max(0.0, s.close_m2 + (close - old) * ((close - s.close_mean) + (old - mean)))
    s.closes[slot] = close


@numba.njit(error_model="numpy")
def _fold_impact(s) -> None:  # noqa: ANN001 - compiled
    if s.l1_ok and s.kyle_mid > 0.0:
        x, r_bps = s.signed_quote, 1e4 * math.log(s.mid / s.kyle_mid)
        s.kyle_weight = s.kyle_weight * _EW_KYLE + 1.0
        s.kyle_x = s.kyle_x * _EW_KYLE + x
        s.kyle_r = s.kyle_r * _EW_KYLE + r_bps
        s.kyle_xr = s.kyle_xr * _EW_KYLE + x * r_bps
        s.kyle_xx = s.kyle_xx * _EW_KYLE + x * x
        s.kyle_abs = s.kyle_abs * _EW_KYLE + abs(x)
    s.kyle_mid = s.mid
