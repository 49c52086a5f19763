"""Definitions of ``catalogue.volume``."""

from decimal import Decimal

from foretick.quant import parameters as p
from foretick.quant.proof.bars import BPS, ONE, ZERO, Bars, Series, changes, decayed, each, ema, last, mean, ratio


def define_volume(bars: Bars) -> dict[str, Series]:
    """Return every feature of the volume, one value a bar."""
    count, close, volume, n = len(bars), bars.c, bars.v, p.AVERAGE_BARS
    flow = [
        ratio((c - low) - (h - c), h - low, 0) * v for h, low, c, v in zip(bars.h, bars.low, close, volume, strict=True)
    ]
    force = ema([move * v for move, v in zip(changes(close), volume, strict=True)], p.FORCE_BARS, 1)
    force_volume = ema(volume, p.FORCE_BARS, 1)
    short, long = p.PVO_BARS
    fast, slow = ema(volume, short), ema(volume, long)
    kept = ONE - Decimal(2) / (p.OBV_BARS + 1)
    accumulated, traded = decayed(flow, kept, 0), decayed(volume, kept, 0)

    def usual(i: int) -> Decimal:
        return mean(last(volume, i, n))

    def vwma(i: int) -> Decimal:
        traded = sum(last(volume, i, n), ZERO)
        both = zip(last(close, i, n), last(volume, i, n), strict=True)
        return BPS * (close[i] / (sum((c * v for c, v in both), ZERO) / traded) - 1) if traded else ZERO

    chaikin = _chaikin(flow)
    return {
        "volume_ratio": each(count, lambda i: ratio(volume[i], usual(i), 0)),
        "vwma_gap_bps": each(count, vwma),
        "chaikin_money_flow": each(count, lambda i: ratio(mean(last(flow, i, n)), usual(i), 0)),
        "chaikin_oscillator": each(count, lambda i: ratio(chaikin[i], usual(i), 0)),
        "accumulation_slope": [ratio(a, b, 0) for a, b in zip(accumulated, traded, strict=True)],
        "force_index_bps": each(count, lambda i: BPS * ratio(force[i], force_volume[i], 0) / close[i]),
        "volume_oscillator": each(count, lambda i: 100 * ratio(fast[i] - slow[i], slow[i], 0)),
        "price_volume_correlation": each(count, lambda i: _correlation(last(close, i, n), last(volume, i, n))),
        "amihud_bps": _amihud(bars),
    }


def _chaikin(flow: Series) -> Series:
    """Return the difference of two averages of the running sum of ``flow``, both begun at its first value."""
    line, total = [], ZERO
    for value in flow:
        total += value
        line.append(total)
    averages = []
    for period in p.CHAIKIN_BARS:
        average = line[:1]
        for value in line[1:]:
            average.append(average[-1] + (value - average[-1]) * Decimal(2) / (period + 1))
        averages.append(average)
    return [a - b for a, b in zip(*averages, strict=True)]


def _correlation(x: Series, y: Series) -> Decimal:
    middle_x, middle_y = mean(x), mean(y)
    xx = sum(((a - middle_x) ** 2 for a in x), ZERO)
    yy = sum(((b - middle_y) ** 2 for b in y), ZERO)
    xy = sum(((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True)), ZERO)
    return ratio(xy, (xx * yy).sqrt(), 0)


def _amihud(bars: Bars) -> Series:
    kept = (-ONE / p.AMIHUD_BARS).exp()
    returns = bars.returns_bps
    impact = quotes = weight = ZERO
    out: Series = []
    for i, (close, volume) in enumerate(zip(bars.c, bars.v, strict=True)):
        if i:
            impact, quotes, weight = impact * kept, quotes * kept, weight * kept
        if i and volume:
            impact += abs(returns[i]) / (close * volume)
            quotes += close * volume
            weight += 1
        out.append(ratio(impact, weight, 0) * ratio(quotes, weight, 0))
    return out
