"""Definitions of ``catalogue.cross``, from the prices of all instruments in every second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import numpy as np
from numpy.typing import NDArray

from foretick.quant import parameters as p
from foretick.quant.catalogue.cross import CROSS
from foretick.quant.cross_section import CrossFold, CrossReading
from foretick.quant.proof.bars import BPS, ONE, TWO, ZERO, Series, in_decimals, mean

Prices = list[list[Decimal | None]]
Pair = tuple[Decimal, Decimal] | None

_WINDOW, _REACH = p.CROSS_WINDOW_S, p.CROSS_RETURN_S


class _Market:
    """Prices by second, then instrument; what is asked for is worked out from them each time."""

    def __init__(self, prices: Prices) -> None:
        self.prices = prices
        self.count = len(prices[0])
        self.change = cache(self._change)
        self.pair = cache(self._pair)

    def _change(self, second: int, i: int) -> Decimal | None:
        """Return the log return of instrument ``i`` in ``second``."""
        if second < 1:
            return None
        before, after = self.prices[second - 1][i], self.prices[second][i]
        return None if before is None or after is None else (after / before).ln()

    def _pair(self, second: int, i: int) -> Pair:
        """Return the returns of instrument ``i`` and of the basket of all others in ``second``."""
        own = self.change(second, i)
        others = [r for j in range(self.count) if j != i and (r := self.change(second, j)) is not None]
        return None if own is None or not others else (own, mean(others))

    def longer(self, second: int, i: int) -> Decimal | None:
        """Return the log return over the last seconds, if the price of each is known."""
        known = [self.prices[t][i] for t in range(second - _REACH, second + 1) if t >= 0]
        if len(known) <= _REACH or None in known:
            return None
        return ((known[-1] or ONE) / (known[0] or ONE)).ln()


@in_decimals
def _define(prices: Prices, seconds: Sequence[int]) -> list[list[Series | None]]:
    market = _Market(prices)
    return [[_define_one(market, second, i) for i in range(market.count)] for second in seconds]


def _define_one(market: _Market, second: int, i: int) -> Series | None:
    pairs = {age: market.pair(second - age, i) for age in range(_WINDOW) if second >= age}
    known = {age: pair for age, pair in pairs.items() if pair is not None}
    longer = {j: r for j in range(market.count) if (r := market.longer(second, j)) is not None}
    if (
        len(known) < p.CROSS_MIN_PAIRS
        or any(pairs.get(age) is None for age in range(_REACH))
        or not longer.keys() - {i}
    ):
        return None
    recent = sum((known[age][1] for age in range(_REACH)), ZERO)
    xx, bb, xb = (_weigh({age: f(*pair) for age, pair in known.items()}) for f in (_own, _basket, _both))
    basket_leads = {age: x * known[age + 1][1] for age, (x, _) in known.items() if age + 1 in known}
    own_leads = {age: known[age + 1][0] * b for age, (_, b) in known.items() if age + 1 in known}
    scale = (xx * bb).sqrt()
    beta = xb / bb if bb else ZERO
    others = [r for j, r in longer.items() if j != i]
    middle = mean(list(longer.values()))
    return [
        BPS * recent,
        beta,
        _cut(xb, scale),
        _cut(_weigh(basket_leads), scale) - _cut(_weigh(own_leads), scale),
        BPS * (longer[i] - beta * recent),
        Decimal(sum(r > 0 for r in others) - sum(r < 0 for r in others)) / len(others),
        BPS * mean([(r - middle) ** 2 for r in longer.values()]).sqrt(),
    ]


def _own(x: Decimal, b: Decimal) -> Decimal:
    return x * x


def _basket(x: Decimal, b: Decimal) -> Decimal:
    return b * b


def _both(x: Decimal, b: Decimal) -> Decimal:
    return x * b


@cache
def _shrink(age: int) -> Decimal:
    return TWO ** (Decimal(age) / p.CROSS_HALF_LIFE_S)


def _weigh(products: dict[int, Decimal]) -> Decimal:
    """Return the sum of products by their age in seconds, each halved in ``CROSS_HALF_LIFE_S``."""
    return sum((product / _shrink(age) for age, product in products.items()), ZERO)


def _cut(covariance: Decimal, scale: Decimal) -> Decimal:
    return max(-ONE, min(ONE, covariance / scale)) if scale else ZERO


def define_cross(prices: NDArray[np.float64], seconds: Sequence[int]) -> NDArray[np.float64]:
    """Return the cross-asset features of every instrument in ``seconds``, (seconds, instruments, features).

    prices: in every second, (all seconds, instruments), NaN where none is known. NaN is missing, in the result too
    """
    exact: Prices = [[None if value != value else Decimal(value) for value in row] for row in prices.tolist()]
    nothing = [Decimal("NaN")] * len(CROSS)
    defined = [[each or nothing for each in row] for row in _define(exact, seconds)]
    return np.array([[[float(value) for value in each] for each in row] for row in defined])


@dataclass(frozen=True, slots=True)
class CrossProof:
    """What all instruments say of one, second by second, and how far that is from the definition.

    errors: by feature, the largest difference relative to the largest value; empty where there are no values
    """

    sections: Mapping[int, CrossReading]
    errors: Mapping[str, float]


def prove_cross(mids: Sequence[Mapping[int, float]], samples: int) -> list[CrossProof]:
    """Fold the mids of every instrument, by second, and hold at most ``samples`` of the seconds to the definition."""
    seconds = range(min(map(min, filter(None, mids)), default=0), max(map(max, filter(None, mids)), default=-1) + 1)
    fold, keys = CrossFold(), [("", f"{place:05}") for place in range(len(mids))]
    readings: list[dict[int, CrossReading]] = [{} for _ in mids]
    for second in seconds:
        prices = {key: mid[second] for key, mid in zip(keys, mids, strict=True) if second in mid}
        for reading in fold.fold(second, prices):
            readings[int(reading.key[1])][second] = reading
    prices = np.array([[mid.get(second, np.nan) for mid in mids] for second in seconds]).reshape(-1, len(mids))
    chosen = np.unique(np.linspace(p.CROSS_MIN_PAIRS, len(seconds) - 1, samples).astype(int)).tolist()
    chosen = [place for place in chosen if 0 <= place < len(seconds)]
    wanted = define_cross(prices, chosen).reshape(len(chosen), len(mids), len(CROSS))
    at = [seconds[place] for place in chosen]
    return [CrossProof(each, _errors(each, at, wanted[:, i])) for i, each in enumerate(readings)]


def _errors(readings: Mapping[int, CrossReading], at: Sequence[int], wanted: NDArray[np.float64]) -> dict[str, float]:
    nothing = (np.nan,) * len(CROSS)
    got = np.array([(readings[second].values or nothing) if second in readings else nothing for second in at])
    got = got.reshape(wanted.shape)
    if not np.isfinite(wanted).any() and not np.isfinite(got).any():
        return {}
    gap = np.where(np.isnan(got) & np.isnan(wanted), 0.0, np.abs(got - wanted)).max(axis=0)
    largest = np.maximum(1e-3, np.nanmax(np.abs(wanted), axis=0, initial=0.0))
    return dict(zip([feature.name for feature in CROSS], (gap / largest).tolist(), strict=True))
