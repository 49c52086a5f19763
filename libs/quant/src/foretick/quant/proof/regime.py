"""Definitions of ``catalogue.regime``."""

from decimal import Decimal
from itertools import pairwise

from foretick.quant import parameters as p
from foretick.quant.proof.bars import ONE, ZERO, Bars, Series, changes, decayed, each, last, mean, ratio

_FLOOR = Decimal("0.0001")


def define_regime(bars: Bars) -> dict[str, Series]:
    """Return every feature of the regime, one value a bar."""
    count, close, n = len(bars), bars.c, p.EFFICIENCY_BARS
    sizes = [abs(move) for move in changes(close)]
    squares = [r * r for r in bars.returns_bps]
    fast = decayed(squares, (-ONE / p.FAST_VOLATILITY_BARS).exp())
    slow = decayed(squares, (-ONE / p.VOLATILITY_BARS).exp())
    returns = bars.returns_bps

    def window(i: int) -> Series:
        return list(last(returns, i, p.MOMENT_BARS))

    return {
        "efficiency_ratio": each(
            count, lambda i: ratio(abs(close[i] - close[i - n]), sum(last(sizes, i, n), ZERO), 0), n
        ),
        "choppiness": each(count, lambda i: _choppiness(bars, i), p.CHOPPINESS_BARS),
        "variance_ratio": each(count, lambda i: _variance_ratio(window(i)), p.MOMENT_BARS),
        "return_autocorrelation": each(count, lambda i: _autocorrelation(window(i)), p.MOMENT_BARS),
        "volatility_log_ratio": [((_FLOOR + a) / (_FLOOR + b)).ln() / 2 for a, b in zip(fast, slow, strict=True)],
    }


def _choppiness(bars: Bars, i: int) -> Decimal:
    span = range(i - p.CHOPPINESS_BARS + 1, i + 1)
    top = max(max(bars.h[j], bars.c[j - 1]) for j in span)
    bottom = min(min(bars.low[j], bars.c[j - 1]) for j in span)
    moved = sum(last(bars.true_range, i, p.CHOPPINESS_BARS), ZERO)
    if top == bottom:
        return Decimal(100)
    return 100 * (moved / (top - bottom)).ln() / Decimal(p.CHOPPINESS_BARS).ln()


def _variance_ratio(r: Series) -> Decimal:
    n, q, middle = len(r), p.VARIANCE_RATIO_LAG, mean(r)
    single = sum(((value - middle) ** 2 for value in r), ZERO) / (n - 1)
    sums = [sum(r[i : i + q], ZERO) - q * middle for i in range(n - q + 1)]
    several = sum((value * value for value in sums), ZERO) / (q * (n - q + 1) * (1 - Decimal(q) / n))
    return ratio(several, single, 1)


def _autocorrelation(r: Series) -> Decimal:
    middle = mean(r)
    pairs = sum(((a - middle) * (b - middle) for a, b in pairwise(r)), ZERO)
    return ratio(pairs, sum(((value - middle) ** 2 for value in r), ZERO), 0)
