"""What closed seconds of all instruments say of each: the features of ``catalogue.cross``, a second at a time.

The price of an instrument in a second is its mid at the end of it, where that is known. Its return in a second is that
from the second before; who lacks one of the two prices has none, nothing is filled in. The basket of an instrument are
all others that have a return in the second, equally weighted.

A cross-section depends on the last ``MEMORY_S`` seconds of prices alone, and, every sum being rounded once
(``math.fsum``), on no order of instruments: whoever folds those seconds tells the same bits.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from foretick.quant import parameters as p
from foretick.quant.catalogue.cross import CROSS
from foretick.quant.seconds import refuse_bad_second

Key = tuple[str, str]
"""Venue and symbol."""

CROSS_COUNT = len(CROSS)
MEMORY_S = p.CROSS_WINDOW_S + 1
_WEIGHTS = np.array([0.5 ** (age / p.CROSS_HALF_LIFE_S) for age in range(p.CROSS_WINDOW_S - 1, -1, -1)])


class CrossReason(StrEnum):
    """Why an instrument has no cross-asset features in a second.

    NO_PRICE: its mid is not known, or its book is not LIVE
    ALONE: no other instrument has a price in it
    WARMING_UP: it has too few seconds with a return and a basket yet
    INTERRUPTED: one of the seconds that returns reach over is among those without, or no other instrument has them all
    """

    NO_PRICE = "no_price"
    ALONE = "alone"
    WARMING_UP = "warming_up"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class CrossReading:
    """The cross-asset features of an instrument in a second; ``values`` in the catalogue's order, empty with a reason.

    pairs: seconds of the window in which it and a basket have a return
    """

    key: Key
    pairs: int
    reason: CrossReason | None
    values: tuple[float, ...]


class _Track:
    """The latest seconds of an instrument, newest last: its returns and its basket's in bps, 0 where there is none."""

    def __init__(self) -> None:
        self.prices: deque[float | None] = deque([None] * (p.CROSS_RETURN_S + 1), p.CROSS_RETURN_S + 1)
        self.own = np.zeros(p.CROSS_WINDOW_S)
        self.basket = np.zeros(p.CROSS_WINDOW_S)
        self.is_pair = np.zeros(p.CROSS_WINDOW_S, np.bool_)
        self.observed_s = 0

    def push(self, price: float | None) -> float | None:
        """Take the price of the next second; return the return, None where there is none."""
        before = self.prices[-1]
        self.prices.append(price)
        for line in (self.own, self.basket, self.is_pair):
            line[:-1] = line[1:]
            line[-1] = 0
        return None if price is None or before is None else _return_bps(before, price)

    def pair(self, own: float, basket: float) -> None:
        """Note the returns of the newest second."""
        self.own[-1], self.basket[-1], self.is_pair[-1] = own, basket, True

    def longer_return_bps(self) -> float | None:
        """Return that over ``CROSS_RETURN_S``, None where a price of a second is not known."""
        first, last = self.prices[0], self.prices[-1]
        return None if first is None or last is None or None in self.prices else _return_bps(first, last)


class CrossFold:
    """Folds seconds in order. Cost of a second: O(n window) for n instruments, and O(n^2) additions for the baskets."""

    def __init__(self) -> None:
        self.second: int | None = None
        self._tracks: dict[Key, _Track] = {}

    def fold(self, second: int, prices: Mapping[Key, float]) -> list[CrossReading]:
        """Fold the prices known in ``second``, which is after all before; return who is known lately, by key.

        Raises:
            ValueError: the second is not after the last one, or a price is not above zero
        """
        refuse_bad_second(second, self.second, prices.values())
        if self.second is not None and second - self.second <= MEMORY_S:
            for _ in range(self.second + 1, second):
                self._pass(0, {})
        else:
            self._tracks.clear()
        self._pass(second, prices)
        self.second = second
        self._tracks = {key: t for key, t in self._tracks.items() if second - t.observed_s < MEMORY_S}
        longer = {key: track.longer_return_bps() for key, track in self._tracks.items()}
        known = {key: value for key, value in longer.items() if value is not None}
        return [self._read(key, second, known) for key in sorted(self._tracks)]

    def _pass(self, second: int, prices: Mapping[Key, float]) -> None:
        for key in prices:
            self._tracks.setdefault(key, _Track())
        returns: dict[Key, float] = {}
        for key, track in self._tracks.items():
            price = prices.get(key)
            moved = track.push(price)
            if price is not None:
                track.observed_s = second
            if moved is not None:
                returns[key] = moved
        if len(returns) < 2:
            return
        for key, own in returns.items():
            others = math.fsum(value for other, value in returns.items() if other != key)
            self._tracks[key].pair(own, others / (len(returns) - 1))

    def _read(self, key: Key, second: int, longer: Mapping[Key, float]) -> CrossReading:
        track = self._tracks[key]
        pairs = int(track.is_pair.sum())
        reason = self._reason_of(key, second, pairs, longer)
        return CrossReading(key, pairs, reason, () if reason else _values(track, longer, key))

    def _reason_of(self, key: Key, second: int, pairs: int, longer: Mapping[Key, float]) -> CrossReason | None:
        track = self._tracks[key]
        if track.prices[-1] is None:
            return CrossReason.NO_PRICE
        if all(other.prices[-1] is None for name, other in self._tracks.items() if name != key):
            return CrossReason.ALONE
        if pairs < p.CROSS_MIN_PAIRS:
            return CrossReason.WARMING_UP
        if not track.is_pair[-p.CROSS_RETURN_S :].all() or not longer.keys() - {key}:
            return CrossReason.INTERRUPTED
        return None


def _values(track: _Track, longer: Mapping[Key, float], key: Key) -> tuple[float, ...]:
    own, basket = track.own, track.basket
    covariance = _sum(_WEIGHTS * own * basket)
    own_square, basket_square = _sum(_WEIGHTS * own * own), _sum(_WEIGHTS * basket * basket)
    beta = covariance / basket_square if basket_square > 0.0 else 0.0
    scale = math.sqrt(own_square) * math.sqrt(basket_square)
    recent = math.fsum(basket[-p.CROSS_RETURN_S :].tolist())
    others = [value for other, value in longer.items() if other != key]
    risen, fallen = sum(value > 0.0 for value in others), sum(value < 0.0 for value in others)
    return (
        recent,
        beta,
        _correlation(covariance, scale),
        _correlation(_sum(_WEIGHTS[1:] * own[1:] * basket[:-1]), scale)
        - _correlation(_sum(_WEIGHTS[1:] * own[:-1] * basket[1:]), scale),
        longer[key] - beta * recent,
        (risen - fallen) / len(others),
        _deviation(list(longer.values())),
    )


def _return_bps(before: float, after: float) -> float:
    return 1e4 * math.log1p((after - before) / before)


def _sum(products: NDArray[np.float64]) -> float:
    return math.fsum(products.tolist())


def _correlation(covariance: float, scale: float) -> float:
    return min(1.0, max(-1.0, covariance / scale)) if scale > 0.0 else 0.0


def _deviation(values: list[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
