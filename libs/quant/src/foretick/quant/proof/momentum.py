"""Definitions of ``catalogue.momentum``, and of the indicators of ``catalogue.core``."""

from decimal import Decimal

from foretick.quant import parameters as p
from foretick.quant.proof.bars import (
    BPS,
    ONE,
    ZERO,
    Bars,
    Series,
    changes,
    decayed,
    deviation,
    each,
    ema,
    last,
    mean,
    ratio,
    wilder,
)  # fmt: skip
from foretick.quant.proof.trend import directions

_HALF = Decimal("0.5")
_HUNDRED = Decimal(100)


def define_core(bars: Bars) -> dict[str, Series]:
    """Return the first indicators of the vector, one value a bar."""
    close, count, n = bars.c, len(bars), p.BOLLINGER_BARS
    fast, slow = ema(close, p.MACD_FAST_BARS, p.MACD_SLOW_BARS - p.MACD_FAST_BARS), ema(close, p.MACD_SLOW_BARS)
    macd = [a - b for a, b in zip(fast, slow, strict=True)]
    signal = ema(macd, p.MACD_SIGNAL_BARS, p.MACD_SLOW_BARS - 1)
    atr = wilder(bars.true_range, p.ATR_BARS)
    plus, minus = directions(bars)
    gaps = [_HUNDRED * ratio(abs(a - b), a + b, 0) for a, b in zip(plus, minus, strict=True)]

    def bollinger(i: int) -> Decimal:
        half = 2 * deviation(last(close, i, n))
        return ratio(close[i] - mean(last(close, i, n)) + half, 2 * half, _HALF)

    squares = [r * r for r in bars.returns_bps]
    kept = (-ONE / p.VOLATILITY_BARS).exp()
    signed = [v * ((c > 0) - (c < 0)) for c, v in zip(changes(close), bars.v, strict=True)]
    slope_kept = ONE - Decimal(2) / (p.OBV_BARS + 1)
    volume = decayed(bars.v, slope_kept)
    return {
        "realised_volatility_bps": [value.sqrt() for value in decayed(squares, kept)],
        "rsi": relative_strength(close),
        "macd_histogram_bps": each(count, lambda i: BPS * (macd[i] - signal[i]) / close[i]),
        "bollinger_b": each(count, bollinger),
        "atr_bps": [BPS * a / c for a, c in zip(atr, close, strict=True)],
        "adx": wilder(gaps, p.ADX_BARS, p.ADX_BARS),
        "obv_slope": [ratio(a, b, 0) for a, b in zip(decayed(signed, slope_kept), volume, strict=True)],
    }


def relative_strength(close: Series) -> Series:
    """Return Wilder's RSI, one value a bar."""
    moves = changes(close)
    gains = wilder([max(move, ZERO) for move in moves], p.RSI_BARS)
    losses = wilder([max(-move, ZERO) for move in moves], p.RSI_BARS)
    return [_HUNDRED * ratio(a, a + b, _HALF) for a, b in zip(gains, losses, strict=True)]


def define_momentum(bars: Bars) -> dict[str, Series]:
    """Return every feature of the momentum, one value a bar."""
    close, count, n = bars.c, len(bars), p.ROC_BARS
    atr = wilder(bars.true_range, p.ATR_BARS)
    fast, slow = ema(close, p.MACD_FAST_BARS), ema(close, p.MACD_SLOW_BARS)
    triple = close
    for level in range(3):
        triple = ema(triple, p.CHAIN_BARS, level * (p.CHAIN_BARS - 1))
    middles = [(h + low) / 2 for h, low in zip(bars.h, bars.low, strict=True)]
    short, long = p.AWESOME_BARS
    return {
        **_stochastics(bars),
        **_moves(bars),
        "cci": each(count, lambda i: _commodity_channel(bars.typical, i)),
        "mfi": _money_flow(bars),
        "rate_of_change_bps": each(count, lambda i: BPS * (close[i] / close[i - n] - 1), n),
        "momentum_atr": each(count, lambda i: ratio(close[i] - close[i - n], atr[i], 0), n),
        "ppo_bps": each(count, lambda i: BPS * (fast[i] / slow[i] - 1), p.MACD_SLOW_BARS - 1),
        "trix_bps": each(count, lambda i: BPS * (triple[i] / triple[i - 1] - 1), 3 * p.CHAIN_BARS - 2),
        "ultimate_oscillator": each(count, lambda i: _ultimate(bars, i), p.ULTIMATE_BARS[2]),
        "true_strength": _true_strength(close),
        "awesome_oscillator_bps": each(
            count, lambda i: BPS * (mean(last(middles, i, short)) - mean(last(middles, i, long))) / close[i]
        ),
    }


def _stochastics(bars: Bars) -> dict[str, Series]:
    count, n, slowing = len(bars), p.STOCHASTIC_BARS, p.STOCHASTIC_SLOWING

    def place(i: int) -> Decimal:
        low, high = min(last(bars.low, i, n)), max(last(bars.h, i, n))
        return _HUNDRED * ratio(bars.c[i] - low, high - low, _HALF)

    fast = each(count, place)
    slow = each(count, lambda i: mean(last(fast, i, slowing)))
    rsi = relative_strength(bars.c)

    def rsi_place(i: int) -> Decimal:
        window = last(rsi, i, p.RSI_BARS)
        span = max(window) - min(window)
        return _HUNDRED * ((rsi[i] - min(window)) / span if span > Decimal("1e-9") else _HALF)

    return {
        "stochastic_k": slow,
        "stochastic_d": each(count, lambda i: mean(last(slow, i, slowing))),
        "stochastic_rsi": each(count, rsi_place),
        "williams_r": [value - _HUNDRED for value in fast],
    }


def _moves(bars: Bars) -> dict[str, Series]:
    count, close = len(bars), bars.c
    bodies = [c - o for c, o in zip(close, bars.o, strict=True)]
    moves = changes(close)

    def rises(series: Series, i: int, n: int) -> Decimal:
        return sum((max(value, ZERO) for value in last(series, i, n)), ZERO)

    def sizes(series: Series, i: int, n: int) -> Decimal:
        return sum((abs(value) for value in last(series, i, n)), ZERO)

    def chande(i: int) -> Decimal:
        return _HUNDRED * ratio(sum(last(moves, i, p.CMO_BARS), ZERO), sizes(moves, i, p.CMO_BARS), 0)

    return {
        "cmo": each(count, chande),
        "balance_of_power": each(count, lambda i: ratio(bodies[i], bars.h[i] - bars.low[i], 0)),
        "intraday_momentum": each(
            count, lambda i: _HUNDRED * ratio(rises(bodies, i, p.IMI_BARS), sizes(bodies, i, p.IMI_BARS), _HALF)
        ),
        "qstick_bps": each(count, lambda i: BPS * mean(last(bodies, i, p.QSTICK_BARS)) / close[i]),
    }


def _commodity_channel(typical: Series, i: int) -> Decimal:
    window = last(typical, i, p.CCI_BARS)
    middle = mean(window)
    return ratio(typical[i] - middle, Decimal("0.015") * mean([abs(value - middle) for value in window]), 0)


def _money_flow(bars: Bars) -> Series:
    typical = [h + low + c for h, low, c in zip(bars.h, bars.low, bars.c, strict=True)]  # thirds would round a tie
    moves = changes(typical)
    up = [t * v if move > 0 else ZERO for t, v, move in zip(typical, bars.v, moves, strict=True)]
    down = [t * v if move < 0 else ZERO for t, v, move in zip(typical, bars.v, moves, strict=True)]

    def index(i: int) -> Decimal:
        ups, downs = sum(last(up, i, p.MFI_BARS), ZERO), sum(last(down, i, p.MFI_BARS), ZERO)
        return _HUNDRED * ratio(ups, ups + downs, _HALF)

    return each(len(bars), index)


def _ultimate(bars: Bars, i: int) -> Decimal:
    total = ZERO
    for weight, count in zip((4, 2, 1), p.ULTIMATE_BARS, strict=True):
        span = range(i - count + 1, i + 1)
        floors = [min(bars.low[j], bars.c[j - 1]) for j in span]
        pressure = sum((bars.c[j] - floor for j, floor in zip(span, floors, strict=True)), ZERO)
        moved = sum((max(bars.h[j], bars.c[j - 1]) - floor for j, floor in zip(span, floors, strict=True)), ZERO)
        total += weight * ratio(pressure, moved, _HALF)
    return _HUNDRED * total / 7


def _true_strength(close: Series) -> Series:
    long, short = p.TSI_BARS
    moves = changes(close)
    signed = ema(ema(moves, long, 1), short, long)
    sizes = ema(ema([abs(move) for move in moves], long, 1), short, long)
    return [_HUNDRED * ratio(a, b, 0) for a, b in zip(signed, sizes, strict=True)]
