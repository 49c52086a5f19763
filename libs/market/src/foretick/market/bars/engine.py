"""Every kind of bars of one instrument, folded together: frames in, what is to be told out."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from foretick.common.contracts import TRUST_SEVERITY, BookFrame, TickFrame
from foretick.market.bars.bar import BarSums, Terms
from foretick.market.bars.spec import TIMEFRAMES_S, BarSpec
from foretick.market.bars.time_bars import TimeBars, TimeBarsState
from foretick.market.bars.trade_bars import TradeBars, TradeBarsState


class BarUpdate(NamedTuple):
    """A bar to be told as of an event.

    name: timeframe, or name of the kind
    asof_seq, ts_recv_ns, row: number, data time and place in its frame of the event that makes it due. A time bar is
        closed by the first event that is not in it, a bar of trades by its last.
    """

    name: str
    bar: BarSums
    is_closed: bool
    asof_seq: int
    ts_recv_ns: int
    row: int


class EngineState(msgspec.Struct, kw_only=True):
    """Where an engine stands. ``due_ns``: from then on the bars under way are to be told again."""

    time: TimeBarsState
    kinds: dict[str, TradeBarsState]
    due_ns: int


class BarEngine:
    """Folds an instrument's events, each once and in order; data time must not go back.

    The bars under way are told at the first event at or after each multiple of ``forming_ns`` of data time, but for
    those that the same event closes: of each kind, an event makes at most one update. So what is told is a function of
    the events alone, and ``asof_seq`` rises from update to update of a kind.

    >>> from foretick.common.testing import T0_NS, tick_frame
    >>> engine = BarEngine((), 500_000_000)
    >>> updates = engine.fold_ticks(tick_frame("TTT", spacing_ns=400_000_000), 0)
    >>> [(u.name, u.bar.trades, u.is_closed) for u in updates if u.name == "1s"]
    [('1s', 1, False), ('1s', 3, False)]
    """

    def __init__(self, specs: Sequence[BarSpec], forming_ns: int, terms: Terms | None = None) -> None:
        self._specs = tuple(specs)
        self._forming_ns = forming_ns
        self._terms = terms or Terms()
        self._time = TimeBars()
        self._kinds = [TradeBars(spec, self._terms) for spec in self._specs]
        self._due_ns = 0

    @property
    def terms(self) -> Terms:
        """What the instrument's quantities are worth."""
        return self._terms

    @property
    def state(self) -> EngineState:
        """Where it stands; not a copy."""
        return EngineState(
            time=self._time.state, kinds={kind.name: kind.state for kind in self._kinds}, due_ns=self._due_ns
        )

    def restore(self, state: EngineState) -> None:
        """Go on from ``state``; a kind that it does not know begins anew."""
        self._time = TimeBars(state.time)
        self._kinds = [TradeBars(spec, self._terms, state.kinds.get(spec.name)) for spec in self._specs]
        self._due_ns = state.due_ns

    def lose(self) -> None:
        """Note that events were lost before the next one."""
        self._time.lose()
        for kind in self._kinds:
            kind.lose()

    def fold_ticks(self, frame: TickFrame, skip: int) -> list[BarUpdate]:
        """Fold the events of ``frame`` after the first ``skip``; its columns must match its kinds."""
        told: list[BarUpdate] = []
        kinds, recv, trades, quotes = frame.kinds, frame.recv_ns, frame.trades, frame.quotes
        trade, quote = kinds.count("T", 0, skip), kinds.count("Q", 0, skip)
        rank = TRUST_SEVERITY[frame.trust]
        for row in range(skip, len(kinds)):
            recv_ns, seq = recv[row], frame.seq + row
            bars = self._enter(recv_ns, seq, rank, row, told)
            kind = kinds[row]
            if kind == "T":
                price, qty, side = trades.price[trade], trades.qty[trade], trades.side[trade]
                bars[0].trade(price, qty, side)
                trade += 1
                if self._kinds:
                    self._trade((price, qty, side), BarUpdate("", bars[0], True, seq, recv_ns, row), told)
            elif kind == "Q":
                mid = (quotes.bid[quote] + quotes.ask[quote]) / 2
                quote += 1
                for bar in bars:
                    bar.quote(mid)
            if recv_ns >= self._due_ns:
                self._tell_forming(recv_ns, seq, row, told)
        return told

    def fold_book(self, frame: BookFrame, skip: int) -> list[BarUpdate]:
        """Fold the events of ``frame`` after the first ``skip``: they count, and they have a trust."""
        told: list[BarUpdate] = []
        for row in range(skip, len(frame.events)):
            event = frame.events[row]
            recv_ns, seq = event.ts_recv_ns, frame.seq + row
            self._enter(recv_ns, seq, TRUST_SEVERITY[event.trust], row, told)
            if recv_ns >= self._due_ns:
                self._tell_forming(recv_ns, seq, row, told)
        return told

    def _enter(self, recv_ns: int, seq: int, rank: int, row: int, told: list[BarUpdate]) -> list[BarSums]:
        """Count an event in the bars that it belongs to, the second first; tell those that it closes."""
        second, closed = self._time.bar_of(recv_ns, seq)
        for name, bar in closed:
            told.append(BarUpdate(name, bar, True, seq, recv_ns, row))
        second.count(seq, rank)
        bars = [second]
        for kind in self._kinds:
            bars.append(kind.enter(recv_ns, seq, rank))
        return bars

    def _trade(self, trade: tuple[float, float, int], about: BarUpdate, told: list[BarUpdate]) -> None:
        for kind in self._kinds:
            full = kind.trade(*trade)
            if full is not None:
                told.append(about._replace(name=kind.name, bar=full))

    def _tell_forming(self, recv_ns: int, seq: int, row: int, told: list[BarUpdate]) -> None:
        self._due_ns = recv_ns - recv_ns % self._forming_ns + self._forming_ns
        closed = {update.name for update in told if update.asof_seq == seq}
        for name in TIMEFRAMES_S:
            bar = self._time.forming(name) if name not in closed else None
            if bar is not None:
                told.append(BarUpdate(name, bar, False, seq, recv_ns, row))
        for kind in self._kinds:
            bar = kind.state.bar
            if bar is not None and kind.name not in closed:
                told.append(BarUpdate(kind.name, msgspec.structs.replace(bar), False, seq, recv_ns, row))
