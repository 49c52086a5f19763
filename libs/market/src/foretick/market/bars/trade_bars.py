"""Bars that fill with what is traded: ticks, volume, quote currency, or an imbalance of them."""

import math

import msgspec

from foretick.market.bars.bar import BarSums, Terms
from foretick.market.bars.spec import BarSpec, Measure

_SPAN_BARS = 10
"""Lengths are averaged exponentially with a span of so many bars, what a trade adds with one of their trades."""

_LENGTH_BOUND = 10.0
"""How far the expected length may move from the setting: without a bound it runs away, up or down (see the class)."""


class TradeBarsState(msgspec.Struct, kw_only=True):
    """The bar under way and what decides when it is full.

    filled: the sum so far, signed of an imbalance bar; threshold: where it closes
    expected_trades: mean length of imbalance bars
    mean, square, weight: means of what a trade adds, signed, and of its square, weighted exponentially; sum of weights
    last_price, last_sign: of the tick rule
    is_seasoned: a bar was closed, so that there is experience
    has_begun: an earlier event was seen, so that the next bar misses nothing before it
    doubtful: events were lost since the last one
    """

    bar: BarSums | None = None
    filled: float = 0.0
    threshold: float
    expected_trades: float
    mean: float = 0.0
    square: float = 0.0
    weight: float = 0.0
    last_price: float = 0.0
    last_sign: int = 0
    is_seasoned: bool = False
    has_begun: bool = False
    doubtful: bool = False


class TradeBars:
    """Folds every event; closes a bar with the trade that fills it. One large trade closes one bar, however large.

    An imbalance bar closes when the signed sum since its beginning is as large as expected of a bar of E[T] trades:
    |theta| >= E[T] |E[b v]|, both exponentially weighted means over what was before the bar (Lopez de Prado 2018,
    2.3.2.1, 2.3.2.2). Two things are added, for with balanced flow E[b v] is near zero and the bar would close at once,
    shrink E[T], and so on: the threshold is at least sqrt(E[T] E[v^2]), which a driftless walk reaches after about E[T]
    trades, and E[T] stays within a tenth and ten times the setting. Until the first bar is full there is no experience:
    it takes the setting's number of trades. The sign is the aggressor's side, else that of the tick rule.
    """

    def __init__(self, spec: BarSpec, terms: Terms, state: TradeBarsState | None = None) -> None:
        self.name = spec.name
        self.state = state or TradeBarsState(threshold=spec.size, expected_trades=spec.size)
        self._spec = spec
        self._terms = terms
        self._alpha = 2.0 / (_SPAN_BARS * spec.size + 1.0)

    def enter(self, recv_ns: int, seq: int, rank: int) -> BarSums:
        """Count an event, and return the bar that it belongs to."""
        state = self.state
        bar = state.bar
        if bar is None:
            bar = state.bar = BarSums(start_ns=recv_ns, end_ns=recv_ns, first_seq=seq, last_seq=seq)
            bar.is_whole = state.has_begun or seq == 1
            state.has_begun = True
            if state.doubtful:
                bar.lose()
        state.doubtful = False
        bar.end_ns = recv_ns
        bar.count(seq, rank)
        return bar

    def trade(self, price: float, qty: float, side: int) -> BarSums | None:
        """Add the trade that was entered; return the bar if that filled it."""
        state = self.state
        bar = state.bar
        assert bar is not None
        bar.trade(price, qty, side)
        amount = self._amount(price, qty)
        if not self._spec.measure.is_imbalance:
            state.filled += amount
            return self._take() if state.filled >= state.threshold else None
        signed = self._sign(price, side) * amount
        state.filled += signed
        state.mean += self._alpha * (signed - state.mean)
        state.square += self._alpha * (signed * signed - state.square)
        state.weight += self._alpha * (1.0 - state.weight)
        level = abs(state.filled) if state.is_seasoned else bar.trades
        if level < state.threshold:
            return None
        self._learn(bar.trades)
        return self._take()

    def lose(self) -> None:
        """Note that events were lost."""
        self.state.doubtful = True
        if self.state.bar is not None:
            self.state.bar.lose()

    def _amount(self, price: float, qty: float) -> float:
        match self._spec.measure:
            case Measure.TICK | Measure.TICK_IMBALANCE:
                return 1.0
            case Measure.VOLUME | Measure.VOLUME_IMBALANCE:
                return qty
            case Measure.DOLLAR | Measure.DOLLAR_IMBALANCE:
                return self._terms.value_quote(price * qty, qty)

    def _sign(self, price: float, side: int) -> int:
        state = self.state
        if side != 0:
            state.last_sign = side
        elif state.last_price and price != state.last_price:
            state.last_sign = 1 if price > state.last_price else -1
        state.last_price = price
        return state.last_sign

    def _learn(self, trades: int) -> None:
        state, size = self.state, self._spec.size
        if state.is_seasoned:
            length = state.expected_trades + 2.0 / (_SPAN_BARS + 1) * (trades - state.expected_trades)
            state.expected_trades = min(max(length, size / _LENGTH_BOUND, 1.0), size * _LENGTH_BOUND)
        mean, square = state.mean / state.weight, state.square / state.weight
        expected = state.expected_trades
        state.is_seasoned = True
        state.threshold = max(expected * abs(mean), math.sqrt(expected * square))

    def _take(self) -> BarSums:
        state = self.state
        bar, state.bar, state.filled = state.bar, None, 0.0
        assert bar is not None
        return bar
