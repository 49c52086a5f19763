"""Definitions of ``catalogue.trend``."""

from decimal import Decimal
from math import isqrt

from foretick.quant import parameters as p
from foretick.quant.proof.bars import (
    BPS,
    ONE,
    ZERO,
    Bars,
    Series,
    changes,
    each,
    ema,
    gap_bps,
    last,
    mean,
    ratio,
    weighted,
)  # fmt: skip


def define_trend(bars: Bars) -> dict[str, Series]:
    """Return every feature of the trend, one value a bar."""
    close, count = bars.c, len(bars)
    elder = ema(close, p.ELDER_BARS)
    slopes, nexts, fits = _lines(close)
    plus, minus = directions(bars)
    return {
        **_averages(close),
        "regression_slope_bps": each(count, lambda i: BPS * slopes[i] / close[i]),
        "regression_forecast_bps": each(count, lambda i: BPS * (nexts[i] / close[i] - 1)),
        "regression_fit": fits,
        "sar_gap_bps": [BPS * (c - stop) / c for c, stop in zip(close, _stops(bars), strict=True)],
        "aroon_oscillator": each(count, lambda i: _aroon(bars, i), p.AROON_BARS),
        "vortex": each(count, lambda i: _vortex(bars, i), p.VORTEX_BARS),
        "directional_balance": [100 * (up - down) for up, down in zip(plus, minus, strict=True)],
        "ichimoku_bps": each(count, lambda i: BPS * (_middle(bars, i, 9) - _middle(bars, i, 26)) / close[i]),
        "bull_power_bps": each(count, lambda i: BPS * (bars.h[i] - elder[i]) / close[i]),
        "bear_power_bps": each(count, lambda i: BPS * (bars.low[i] - elder[i]) / close[i]),
    }


def _averages(close: Series) -> dict[str, Series]:
    count, n = len(close), p.AVERAGE_BARS
    rising = list(range(1, n + 1))
    tent = [min(k, n + 1 - k) for k in range(1, n + 1)]
    one, two, three = _chain(close, p.CHAIN_BARS, 3)

    def wma(i: int, period: int) -> Decimal:
        return weighted(last(close, i, period), rising[:period])

    def hull(i: int) -> Decimal:
        raw = [2 * wma(j, n // 2) - wma(j, n) for j in range(max(0, i - isqrt(n) + 1), i + 1)]
        return weighted(raw, rising[: isqrt(n)])

    tilson, b = _chain(close, p.T3_BARS, 6), Decimal(p.T3_FACTOR)
    weights = (-(b**3), 3 * b**2 + 3 * b**3, -6 * b**2 - 3 * b - 3 * b**3, 1 + 3 * b + b**3 + 3 * b**2)
    t3 = each(count, lambda i: sum((w * tilson[5 - k][i] for k, w in enumerate(weights)), ZERO))
    averages = {
        "sma": each(count, lambda i: mean(last(close, i, n))),
        "ema": ema(close, n),
        "wma": each(count, lambda i: wma(i, n)),
        "trima": each(count, lambda i: weighted(last(close, i, n), tent)),
        "hma": each(count, hull),
        "dema": each(count, lambda i: 2 * one[i] - two[i]),
        "tema": each(count, lambda i: 3 * one[i] - 3 * two[i] + three[i]),
        "t3": t3,
        "kama": _adaptive(close),
    }
    return {f"{name}_gap_bps": gap_bps(close, average) for name, average in averages.items()}


def _chain(close: Series, period: int, length: int) -> list[Series]:
    """Return the EMA, the EMA of that, and so on."""
    chain = [close]
    for level in range(length):
        chain.append(ema(chain[-1], period, level * (period - 1)))
    return chain[1:]


def _adaptive(close: Series) -> Series:
    n = p.KAMA_BARS
    fast, slow = Decimal(2) / (p.KAMA_FAST_BARS + 1), Decimal(2) / (p.KAMA_SLOW_BARS + 1)
    moves = [abs(change) for change in changes(close)]
    out = close[:n]
    for i in range(n, len(close)):
        efficiency = ratio(abs(close[i] - close[i - n]), sum(last(moves, i, n), ZERO), 1)
        out.append(out[-1] + (efficiency * (fast - slow) + slow) ** 2 * (close[i] - out[-1]))
    return out


def _lines(close: Series) -> tuple[Series, Series, Series]:
    """Return slope, next value and R squared of the least-squares line through the last closes."""
    slopes, nexts, fits = [], [], []
    for i in range(len(close)):
        y = last(close, i, p.LINE_BARS)
        middle_x, middle_y = Decimal(len(y) - 1) / 2, mean(y)
        xx = sum(((x - middle_x) ** 2 for x in range(len(y))), ZERO)
        xy = sum(((x - middle_x) * (value - middle_y) for x, value in enumerate(y)), ZERO)
        yy = sum(((value - middle_y) ** 2 for value in y), ZERO)
        slopes.append(ratio(xy, xx, 0))
        nexts.append(middle_y + slopes[-1] * (len(y) - middle_x))
        fits.append(ratio(xy * xy, xx * yy, 0))
    return slopes, nexts, fits


def _stops(bars: Bars) -> Series:
    """Return Wilder's stop and reverse; the first bar has none and gets its high."""
    high, low, stops = bars.h, bars.low, [bars.h[0]]
    step, limit = Decimal(p.SAR_STEP), Decimal(p.SAR_LIMIT)
    if len(high) < 2:
        return stops
    rising = not (low[0] - low[1] > 0 and high[1] - high[0] < low[0] - low[1])
    stop, extreme, rate = (low[0], high[1], step) if rising else (high[0], low[1], step)
    for i in range(1, len(high)):
        near = [low[max(i - 1, 1)], low[i]] if rising else [high[max(i - 1, 1)], high[i]]
        if low[i] <= stop if rising else high[i] >= stop:
            rising = not rising
            near = [low[max(i - 1, 1)], low[i]] if rising else [high[max(i - 1, 1)], high[i]]
            stop = min(extreme, *near) if rising else max(extreme, *near)
            stops.append(stop)
            extreme, rate = (high[i] if rising else low[i]), step
        else:
            stops.append(stop)
            if high[i] > extreme if rising else low[i] < extreme:
                extreme, rate = (high[i] if rising else low[i]), min(rate + step, limit)
        stop += rate * (extreme - stop)
        stop = min(stop, *near) if rising else max(stop, *near)
    return stops


def _aroon(bars: Bars, i: int) -> Decimal:
    highs, lows = last(bars.h, i, p.AROON_BARS + 1)[::-1], last(bars.low, i, p.AROON_BARS + 1)[::-1]
    return Decimal(100) * (lows.index(min(lows)) - highs.index(max(highs))) / p.AROON_BARS


def _vortex(bars: Bars, i: int) -> Decimal:
    span = range(i - p.VORTEX_BARS + 1, i + 1)
    up = sum((abs(bars.h[j] - bars.low[j - 1]) for j in span), ZERO)
    down = sum((abs(bars.low[j] - bars.h[j - 1]) for j in span), ZERO)
    return ratio(up - down, sum(last(bars.true_range, i, p.VORTEX_BARS), ZERO), 0)


def directions(bars: Bars) -> tuple[Series, Series]:
    """Return +DI and -DI as shares: Wilder's running sums, which begin with 13 bars and shrink by 1/14 from then on."""
    n, ranges = p.ADX_BARS, bars.true_range
    plus_sum = minus_sum = range_sum = ZERO
    plus, minus = [ZERO], [ZERO]
    for i in range(1, len(bars)):
        kept = ONE - ONE / n if i >= n else ONE
        up, down = bars.h[i] - bars.h[i - 1], bars.low[i - 1] - bars.low[i]
        plus_sum = plus_sum * kept + (up if up > 0 and up > down else ZERO)
        minus_sum = minus_sum * kept + (down if down > 0 and down > up else ZERO)
        range_sum = range_sum * kept + ranges[i]
        plus.append(ratio(plus_sum, range_sum, 0))
        minus.append(ratio(minus_sum, range_sum, 0))
    return plus, minus


def _middle(bars: Bars, i: int, count: int) -> Decimal:
    return (max(last(bars.h, i, count)) + min(last(bars.low, i, count))) / 2
