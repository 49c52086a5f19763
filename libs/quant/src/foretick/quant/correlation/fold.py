"""The fold: prices observed in one second at a time -> sums of products of returns, at every lag.

The estimator is that of Hayashi and Yoshida (2005, Bernoulli 11(2)): the covariance of two asynchronously observed
prices is the sum of x_k y_l over all pairs of returns whose intervals overlap. It needs no common grid, so it is not
pulled to zero by asynchrony as returns on a grid are (Epps 1979). With one series shifted by a lag it is the contrast
of Hoffmann, Rosenbaum and Yoshida (2013, Bernoulli 19(2)), whose largest absolute value tells the lag.

A bar tells the last price of its second, not when that was, so intervals are known to the second. For the covariance
a pair counts where its intervals may overlap: they touch in one second at least. What does not overlap in truth adds
zero in the mean, so this is as unbiased, at the price of a wider error. For the lags a pair counts where the intervals
overlap if every price is that of its second's end: else neighbouring lags would look alike. That misses some overlap,
up to a fifth with three quotes a second at random, and at all lags alike.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.quant.correlation.alignment import Key
from foretick.quant.correlation.estimate import Estimate, Sums, estimate
from foretick.quant.correlation.terms import CorrelationTerms
from foretick.quant.seconds import refuse_bad_second

_UNIT = 1e-14
"""Log prices are kept as whole multiples of this: their differences are exact, whatever they are counted from."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(slots=True)
class _Block:
    """What the returns of a stretch of time add up to; ``number`` is its place in data time.

    contrast: lags x n x n; at [lag, i, j] instrument i against j ``lag`` seconds earlier
    realised: products of returns that end together
    weighted, weighted_variance: covariance and squares, each second weighted by its age at ``end_s``
    """

    number: int
    end_s: int
    contrast: Floats
    covariance: Floats
    variance: Floats
    realised: Floats
    count: Ints
    weighted: Floats
    weighted_variance: Floats


_SUMS = ("contrast", "covariance", "variance", "realised", "count", "weighted", "weighted_variance")


class CorrelationFold:
    """Folds seconds in order. Its estimate depends on the last ``terms.memory_s`` seconds alone, bit for bit.

    Cost of a second: O(lags n^2) for n instruments, whatever the window.
    """

    def __init__(self, terms: CorrelationTerms | None = None) -> None:
        self.terms = terms or CorrelationTerms()
        self.second: int | None = None
        self._keys: list[Key] = []
        self._decay = 0.5 ** (1.0 / self.terms.half_life_s)
        self._blocks: deque[_Block] = deque()
        self._lags = self.terms.max_lag_s + 1
        self._allot(0)

    def fold(self, second: int, prices: Mapping[Key, float]) -> None:
        """Fold the prices observed in ``second``, which is after all before; instruments may be missing, or be new.

        Raises:
            ValueError: the second is not after the last one, or a price is not above zero
        """
        refuse_bad_second(second, self.second, prices.values())
        if self.second is not None and second - self.second > self.terms.memory_s:
            self._forget()
        self._admit(sorted(prices.keys() - set(self._keys)))
        for quiet in range(second if self.second is None else self.second + 1, second):
            self._pass(quiet, {})
        self._pass(second, prices)
        self.second = second

    def estimate(self) -> Estimate:
        """Return what the window says, of the instruments that were observed in it or just before."""
        now = self.second if self.second is not None else 0
        shown = [
            i for i in range(len(self._keys)) if now - self._last_s[i] < self.terms.memory_s - self.terms.max_gap_s
        ]
        shown.sort(key=self._keys.__getitem__)
        return estimate([self._keys[i] for i in shown], self._sum(shown), self.terms)

    def _pass(self, second: int, prices: Mapping[Key, float]) -> None:
        before = self._path.copy()
        observed, returns, counted = self._observe(second, prices)
        self._path_history.appendleft(self._path.copy())
        self._return_history.appendleft(returns)
        self._observed_history.appendleft(observed)
        paths, earlier = np.array(self._path_history), np.array(self._return_history)
        # x_i(s) against what j's path made since i's last observation, the path taken `lag` seconds earlier ...
        products = returns[None, :, None] * ((paths[:, None, :] - self._from_i) * _UNIT)
        # ... and the same the other way round; a pair of returns that end together is in both
        products += earlier[:, None, :] * ((self._path[None, :, None] - self._from_j) * _UNIT)
        simultaneous = returns[None, :, None] * earlier[:, None, :]
        products -= simultaneous
        touching = returns[:, None] * ((self._path - self._from_before) * _UNIT)
        covariance = touching + touching.T - simultaneous[0]
        self._from_before[observed] = before
        self._from_i[:, observed, :] = paths[:, None, :]
        for lag, was_observed in enumerate(self._observed_history):
            self._from_j[lag][:, was_observed] = self._path[:, None]
        block = self._block_of(second)
        block.contrast += products
        block.realised += simultaneous[0]
        self._add(block, covariance, returns, counted)
        block.end_s = second

    def _observe(self, second: int, prices: Mapping[Key, float]) -> tuple[NDArray[np.bool_], Floats, NDArray[np.bool_]]:
        """Move the paths; return who was observed, the returns, and whose return counts."""
        n = len(self._keys)
        observed, counted, returns = np.zeros(n, np.bool_), np.zeros(n, np.bool_), np.zeros(n)
        for key, price in prices.items():
            i = self._index[key]
            log_price = round(math.log(price) / _UNIT)
            observed[i] = True
            if second - self._last_s[i] <= self.terms.max_gap_s:
                change = log_price - int(self._log_price[i])
                counted[i], returns[i] = True, change * _UNIT
                self._path[i] += change
            self._log_price[i], self._last_s[i] = log_price, second
        return observed, returns, counted

    def _add(self, block: _Block, covariance: Floats, returns: Floats, counted: NDArray[np.bool_]) -> None:
        squares = returns * returns
        block.covariance += covariance
        block.variance += squares
        block.count += counted
        block.weighted *= self._decay
        block.weighted += covariance
        block.weighted_variance *= self._decay
        block.weighted_variance += squares

    def _block_of(self, second: int) -> _Block:
        number = second // self.terms.block_s
        if not self._blocks or self._blocks[-1].number != number:
            n = len(self._keys)
            self._blocks.append(
                _Block(
                    number, second, np.zeros((self._lags, n, n)), np.zeros((n, n)), np.zeros(n), np.zeros((n, n)),
                    np.zeros(n, np.int64), np.zeros((n, n)), np.zeros(n),
                )
            )  # fmt: skip
            while self._blocks[0].number <= number - self.terms.window_s // self.terms.block_s:
                self._blocks.popleft()
        return self._blocks[-1]

    def _sum(self, shown: list[int]) -> Sums:
        n, now = len(shown), self.second or 0
        sums = Sums(
            np.zeros((self._lags, n, n)), np.zeros((n, n)), np.zeros(n), np.zeros((n, n)), np.zeros(n, np.int64),
            np.zeros((n, n)), np.zeros(n),
        )  # fmt: skip
        square = np.ix_(shown, shown)
        for block in self._blocks:
            weight = self._decay ** (now - block.end_s)
            sums.contrast += block.contrast[:, square[0], square[1]]
            sums.covariance += block.covariance[square]
            sums.variance += block.variance[shown]
            sums.realised += block.realised[square]
            sums.count += block.count[shown]
            sums.weighted += weight * block.weighted[square]
            sums.weighted_variance += weight * block.weighted_variance[shown]
        return sums

    def _admit(self, new: list[Key]) -> None:
        if not new:
            return
        gone = [i for i in range(len(self._keys)) if (self.second or 0) - self._last_s[i] > 2 * self.terms.memory_s]
        kept = [i for i in range(len(self._keys)) if i not in gone]
        self._resize(kept, len(kept) + len(new))
        self._keys = [self._keys[i] for i in kept] + new
        self._index = {key: i for i, key in enumerate(self._keys)}

    def _forget(self) -> None:
        self._blocks.clear()
        self._keys, self.second = [], None
        self._allot(0)

    def _allot(self, n: int) -> None:
        self._index: dict[Key, int] = {}
        self._path: Ints = np.zeros(n, np.int64)
        self._log_price: Ints = np.zeros(n, np.int64)
        self._last_s: Ints = np.full(n, -(10**12), np.int64)
        self._from_before: Ints = np.zeros((n, n), np.int64)
        self._from_i: Ints = np.zeros((self._lags, n, n), np.int64)
        self._from_j: Ints = np.zeros((self._lags, n, n), np.int64)
        self._path_history = deque((np.zeros(n, np.int64) for _ in range(self._lags)), maxlen=self._lags)
        self._return_history = deque((np.zeros(n) for _ in range(self._lags)), maxlen=self._lags)
        self._observed_history = deque((np.zeros(n, np.bool_) for _ in range(self._lags)), maxlen=self._lags)

    def _resize(self, kept: list[int], n: int) -> None:
        """Keep the instruments ``kept``, in this order, and make room for ``n``."""

        def resized(array: NDArray, fill: int = 0) -> NDArray:
            """Of an array whose axes are instruments, but for a first one of lags where it has three or is so long."""
            is_lagged = array.ndim == 3
            axes = array.ndim - is_lagged
            shape = (*array.shape[:is_lagged], *([n] * axes))
            fresh = np.full(shape, fill, array.dtype)
            lead = (slice(None),) * is_lagged
            part = lead + tuple(slice(0, len(kept)) for _ in range(axes))
            fresh[part] = array[lead + np.ix_(*([kept] * axes))] if kept else 0
            return fresh

        self._path, self._log_price = resized(self._path), resized(self._log_price)
        self._last_s = resized(self._last_s, -(10**12))
        self._from_before = resized(self._from_before)
        self._from_i, self._from_j = resized(self._from_i), resized(self._from_j)
        for history in (self._path_history, self._return_history, self._observed_history):
            for lag in range(self._lags):
                history[lag] = resized(history[lag])
        for block in self._blocks:
            for name in _SUMS:
                setattr(block, name, resized(getattr(block, name)))
