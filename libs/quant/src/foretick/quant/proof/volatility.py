"""Definitions of ``catalogue.volatility``."""

from decimal import Decimal
from itertools import pairwise

from foretick.quant import parameters as p
from foretick.quant.proof.bars import (
    BPS,
    ONE,
    ZERO,
    Bars,
    Series,
    deviation,
    each,
    ema,
    last,
    mean,
    ratio,
    wilder,
)  # fmt: skip

_HALF = Decimal("0.5")
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
_GAMMA_7_6 = Decimal("0.92771933363003920024045535145930142096520988049602")
_LN_2 = Decimal("0.69314718055994530941723212145817656807550013436026")


def define_volatility(bars: Bars) -> dict[str, Series]:
    """Return every feature of the volatility, one value a bar."""
    count, close = len(bars), bars.c
    ranges, atr = bars.true_range, wilder(bars.true_range, p.ATR_BARS)
    return {
        **_channels(bars),
        **_ranges(bars),
        **_moments(bars.returns_bps),
        "ulcer_bps": each(count, lambda i: _ulcer(last(close, i, p.ULCER_BARS))),
        "range_expansion": each(count, lambda i: ratio(ranges[i], atr[i], 0)),
    }


def _channels(bars: Bars) -> dict[str, Series]:
    count, close, n = len(bars), bars.c, p.RANGE_BARS
    middle, atr = ema(bars.typical, n), wilder(bars.true_range, p.KELTNER_ATR_BARS, n - p.KELTNER_ATR_BARS)
    width = Decimal(p.KELTNER_WIDTH)

    def bollinger(i: int) -> Decimal:
        window = last(close, i, p.BOLLINGER_BARS)
        return BPS * 2 * Decimal(p.BOLLINGER_WIDTH) * deviation(window) / mean(window)

    def keltner(i: int) -> Decimal:
        return ratio(close[i] - middle[i] + width * atr[i], 2 * width * atr[i], _HALF)

    def donchian(i: int) -> Decimal:
        low, high = min(last(bars.low, i - 1, n)), max(last(bars.h, i - 1, n))
        return ratio(close[i] - low, high - low, _HALF)

    return {
        "bollinger_width_bps": each(count, bollinger),
        "keltner_position": each(count, keltner),
        "donchian_position": each(count, donchian, 1),
        "donchian_width_bps": each(
            count, lambda i: BPS * (max(last(bars.h, i, n)) - min(last(bars.low, i, n))) / close[i]
        ),
    }


def _ranges(bars: Bars) -> dict[str, Series]:
    count, n = len(bars), p.RANGE_BARS
    spans = [(h / low).ln() for h, low in zip(bars.h, bars.low, strict=True)]
    bodies = [(c / o).ln() for c, o in zip(bars.c, bars.o, strict=True)]
    nights = [ZERO] + [(o / c).ln() for o, c in zip(bars.o[1:], bars.c, strict=False)]
    rogers = [
        (h / c).ln() * (h / o).ln() + (low / c).ln() * (low / o).ln()
        for o, h, low, c in zip(bars.o, bars.h, bars.low, bars.c, strict=True)
    ]
    garman = [s * s / 2 - (2 * _LN_2 - 1) * b * b for s, b in zip(spans, bodies, strict=True)]
    k = Decimal("0.34") / (Decimal("1.34") + Decimal(n + 1) / (n - 1))

    def variance(series: Series, i: int) -> Decimal:
        window = last(series, i, n)
        return sum(((value - mean(window)) ** 2 for value in window), ZERO) / (n - 1)

    def root(value: Decimal) -> Decimal:
        return BPS * max(value, ZERO).sqrt()

    return {
        "parkinson_bps": each(count, lambda i: root(mean([s * s for s in last(spans, i, n)]) / (4 * _LN_2))),
        "garman_klass_bps": each(count, lambda i: root(mean(last(garman, i, n)))),
        "rogers_satchell_bps": each(count, lambda i: root(mean(last(rogers, i, n)))),
        "yang_zhang_bps": each(
            count,
            lambda i: root(variance(nights, i) + k * variance(bodies, i) + (1 - k) * mean(last(rogers, i, n))),
            n,
        ),
    }


def _moments(returns: Series) -> dict[str, Series]:
    names = (
        "return_skewness", "return_kurtosis", "downside_share", "bipower_volatility_bps", "jump_share",
        "jump_statistic",
    )  # fmt: skip
    n = p.MOMENT_BARS
    rows = [_moments_of(last(returns, i, n)) if i >= n else (ZERO,) * len(names) for i in range(len(returns))]
    return {name: [row[k] for row in rows] for k, name in enumerate(names)}


def _moments_of(r: Series) -> tuple[Decimal, ...]:
    n, middle = len(r), mean(r)
    second, third, fourth = (mean([(value - middle) ** k for value in r]) for k in (2, 3, 4))
    squares = sum((value * value for value in r), ZERO)
    falls = sum((value * value for value in r if value < 0), ZERO)
    sizes = [abs(value) for value in r]
    bipower = _PI / 2 * n / (n - 1) * sum((a * b for a, b in pairwise(sizes)), ZERO)
    triples = [a * b * c for a, b, c in zip(sizes, sizes[1:], sizes[2:], strict=False)]
    power = Decimal(4) / 3
    mu = Decimal(2) ** (Decimal(2) / 3) * _GAMMA_7_6 / _PI.sqrt()
    quarticity = Decimal(n * n) / (n - 2) / mu**3 * sum(((t.ln() * power).exp() for t in triples if t), ZERO)
    error = ((_PI / 2) ** 2 + _PI - 5) / n * max(ONE, ratio(quarticity, bipower * bipower, 1))
    return (
        ratio(third, (second**3).sqrt(), 0),
        ratio(fourth, second * second, 3) - 3,
        ratio(falls, squares, _HALF),
        (bipower / n).sqrt(),
        max(ZERO, 1 - ratio(bipower, squares, 1)),
        (1 - ratio(bipower, squares, 1)) / error.sqrt(),
    )


def _ulcer(window: Series) -> Decimal:
    return BPS * mean([(c / max(window[: i + 1]) - 1) ** 2 for i, c in enumerate(window)]).sqrt()
