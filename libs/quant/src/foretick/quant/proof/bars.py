"""Bars in decimal arithmetic, and what the definitions of indicators are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Number = Decimal
Series = list[Decimal]
DIGITS = 50
ZERO, ONE, TWO = Decimal(0), Decimal(1), Decimal(2)
BPS = Decimal(10_000)


@dataclass(frozen=True, eq=False)
class Bars:
    """Consecutive bars: open, high, low, close, volume."""

    o: Series
    h: Series
    low: Series
    c: Series
    v: Series

    @classmethod
    def of(cls, columns: NDArray[np.float64]) -> "Bars":
        """Return bars of float columns (5, n), each float as exactly what it is."""
        return cls(*([Decimal(value) for value in column] for column in columns.tolist()))

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.c)

    @cached_property
    def typical(self) -> Series:
        """(high + low + close) / 3."""
        return [(h + low + c) / 3 for h, low, c in zip(self.h, self.low, self.c, strict=True)]

    @cached_property
    def true_range(self) -> Series:
        """The range, the close before included; without it for the first bar."""
        ranges = [self.h[0] - self.low[0]] if self.c else []
        for h, low, before in zip(self.h[1:], self.low[1:], self.c, strict=False):
            ranges.append(max(h - low, abs(h - before), abs(low - before)))
        return ranges

    @cached_property
    def returns_bps(self) -> Series:
        """1e4 * ln(close / close before); 0 for the first bar."""
        return [ZERO] + [BPS * (b / a).ln() for a, b in pairwise(self.c)]


def in_decimals(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run ``function`` with ``DIGITS`` digits, whatever the caller's context."""

    def run(*arguments: Any) -> Any:
        with localcontext(Context(prec=DIGITS, Emin=-999_999, Emax=999_999)):
            return function(*arguments)

    return run


def each(count: int, function: Callable[[int], Decimal], first: int = 0) -> Series:
    """Return ``function(i)`` of every bar from ``first`` on, 0 before it."""
    return [function(i) if i >= first else ZERO for i in range(count)]


def last(series: Series, i: int, count: int) -> Series:
    """Return the ``count`` values up to and with ``i``, fewer where there are not so many."""
    return series[max(0, i - count + 1) : i + 1]


def mean(values: Sequence[Decimal]) -> Decimal:
    """Return the arithmetic mean."""
    return sum(values, ZERO) / len(values)


def ratio(part: Decimal, whole: Decimal, flat: Decimal | int | str) -> Decimal:
    """Return ``part / whole``, ``flat`` where the whole is 0."""
    return part / whole if whole else Decimal(flat)


def ema(series: Series, period: int, first: int = 0) -> Series:
    """Return the exponential average, seeded with the mean of ``period`` values from bar ``first`` on; 0 before."""
    seeded = first + period - 1
    out = [ZERO] * min(seeded, len(series))
    for i in range(seeded, len(series)):
        step = (series[i] - out[-1]) * TWO / (period + 1) if i > seeded else ZERO
        out.append(mean(series[first : i + 1]) if i == seeded else out[-1] + step)
    return out


def wilder(series: Series, period: int, first: int = 1) -> Series:
    """Return Wilder's average, seeded with the mean of ``period`` values from bar ``first`` on; 0 before."""
    seeded = first + period - 1
    out = [ZERO] * min(seeded, len(series))
    for i in range(seeded, len(series)):
        out.append(mean(series[first : i + 1]) if i == seeded else (out[-1] * (period - 1) + series[i]) / period)
    return out


def decayed(series: Series, kept: Decimal, first: int = 1) -> Series:
    """Return, of each bar, the mean of the values from ``first`` on, weighted ``kept`` to the power of their age."""
    total = weight = ZERO
    out: Series = []
    for i, value in enumerate(series):
        if i >= first:
            total, weight = total * kept + value, weight * kept + 1
        out.append(ratio(total, weight, 0))
    return out


def changes(series: Series) -> Series:
    """Return each value less the one before; 0 for the first."""
    return [ZERO] + [b - a for a, b in pairwise(series)]


def gap_bps(close: Series, averages: Series) -> Series:
    """Return 1e4 * (close / average - 1); 0 where there is no average yet."""
    return [BPS * (c / a - 1) if a else ZERO for c, a in zip(close, averages, strict=True)]


def weighted(values: Sequence[Decimal], weights: Sequence[int]) -> Decimal:
    """Return the weighted mean; weights are cut to the last of the values."""
    used = weights[-len(values) :]
    return sum((w * value for w, value in zip(used, values, strict=True)), ZERO) / sum(used)


def deviation(values: Sequence[Decimal]) -> Decimal:
    """Return the population standard deviation."""
    middle = mean(values)
    return mean([(value - middle) ** 2 for value in values]).sqrt()
