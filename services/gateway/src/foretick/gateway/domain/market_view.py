"""The price of one instrument as a screen shows it: last trade, best quote, five minutes of history."""

from collections import deque

from foretick.common.contracts import Origin, TickFrame, Trust
from foretick.common.units import NS_PER_S, micros_from_nanos
from foretick.gateway.domain.payloads import TickData, TickSnapshot
from foretick.market.spread import SpreadWindow

WINDOW_S = 300
_US_PER_S = 1_000_000


class _Second:
    """One second of data time: the last mid in it and what was traded."""

    __slots__ = ("mid", "number", "volume_qty")

    def __init__(self, number: int, mid: float | None) -> None:
        self.number = number
        self.mid = mid
        self.volume_qty = 0.0


class MarketView:
    """Folds tick frames. Memory is one row a second, at most ``WINDOW_S`` of them."""

    def __init__(self) -> None:
        self.price: float | None = None
        self.mid: float | None = None
        self._quote: tuple[float, float, float, float] | None = None
        self._seconds: deque[_Second] = deque()
        self._closed_volume_qty = 0.0
        self.spread = SpreadWindow()
        self.trust = Trust.RESYNC
        self.origin = Origin.LIVE
        self.ts_recv_ns = 0

    @property
    def is_empty(self) -> bool:
        """Whether no frame has been folded."""
        return self.ts_recv_ns == 0

    def fold(self, frame: TickFrame, skip: int = 0) -> None:
        """Fold the events of ``frame`` after the first ``skip``."""
        kinds, trades, quotes = frame.kinds, frame.trades, frame.quotes
        trade, quote = kinds.count("T", 0, skip), kinds.count("Q", 0, skip)
        is_sound = frame.trust is Trust.LIVE
        if not is_sound and skip < len(kinds):
            self.spread.interrupt(frame.recv_ns[skip])
        for index in range(skip, len(kinds)):
            second = self._second(frame.recv_ns[index] // NS_PER_S)
            kind = kinds[index]
            if kind == "T":
                self.price = trades.price[trade]
                second.volume_qty += trades.qty[trade]
                trade += 1
            elif kind == "Q":
                bid, ask = quotes.bid[quote], quotes.ask[quote]
                if is_sound and (not self.spread.is_known or self._quote is None or (bid, ask) != self._quote[::2]):
                    self.spread.observe(frame.recv_ns[index], bid, ask)
                self._quote = (bid, quotes.bid_qty[quote], ask, quotes.ask_qty[quote])
                self.mid = (bid + ask) / 2
                second.mid = self.mid
                quote += 1
        self.trust = frame.trust
        self.origin = frame.origin
        self.ts_recv_ns = frame.ts_recv_ns

    def data(self) -> TickData:
        """Return the present state without history."""
        bid, bid_qty, ask, ask_qty = self._quote or (None, None, None, None)
        change_frac, change_window_s = self._change()
        return TickData(
            price=self.price,
            bid=bid,
            bid_qty=bid_qty,
            ask=ask,
            ask_qty=ask_qty,
            mid=self.mid,
            change_frac=change_frac,
            change_window_s=change_window_s,
            volume_qty=self._volume_qty(),
            trust=self.trust,
            origin=self.origin,
            ts_recv_us=micros_from_nanos(self.ts_recv_ns),
        )

    def snapshot(self) -> TickSnapshot:
        """Return the present state with history."""
        data = self.data()
        fields = {name: getattr(data, name) for name in TickData.__struct_fields__}
        return TickSnapshot(**fields, history=self.history())

    def history(self) -> list[tuple[int, float]]:
        """Return (start of the second in us, last mid in it), oldest first; seconds without a mid are left out."""
        return [(row.number * _US_PER_S, row.mid) for row in self._seconds if row.mid is not None]

    def _second(self, number: int) -> _Second:
        seconds = self._seconds
        if seconds and seconds[-1].number >= number:
            return seconds[-1]
        row = _Second(number, self.mid)
        seconds.append(row)
        while seconds[0].number <= number - WINDOW_S:
            seconds.popleft()
        # summed anew each second: adding and subtracting would let rounding errors pile up
        self._closed_volume_qty = sum(second.volume_qty for second in seconds)
        return row

    def _volume_qty(self) -> float:
        return self._closed_volume_qty + (self._seconds[-1].volume_qty if self._seconds else 0.0)

    def _change(self) -> tuple[float | None, int]:
        for row in self._seconds:
            if row.mid is not None and self.mid is not None:
                return self.mid / row.mid - 1, self._seconds[-1].number - row.number
        return None, 0
