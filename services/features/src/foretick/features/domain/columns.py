"""Turns frames into the columns that the kernel folds, in buffers that are used again."""

import numpy as np
from numpy.typing import NDArray

from foretick.common.contracts import TRUST_SEVERITY, Level, TickFrame, Trust
from foretick.common.errors import Malformed
from foretick.common.subjects import TICKS
from foretick.quant.events import DEPTH_COLUMNS, VALUE_COLUMNS, EventKind, depth_values

_KINDS = np.full(256, EventKind.CLOCK, np.uint8)
"""By letter; events that no feature is made of still move data time."""

for _letter, _kind in (("T", EventKind.TRADE), ("Q", EventKind.QUOTE)):
    _KINDS[ord(_letter)] = _kind


class EventColumns:
    """Columns of one run of events at a time: kind, recv_ns, v and depth as ``foretick.quant.events`` lays them out."""

    def __init__(self, rows: int = 64) -> None:
        self._allot(rows)

    def put_ticks(self, frame: TickFrame, skip: int) -> int:
        """Lay out the events of ``frame`` after the first ``skip``; return how many there are.

        Raises:
            Malformed: its columns do not match its kinds.
        """
        check_ticks(frame)
        if len(frame.kinds) == 1:
            self._put_tick(frame)
            return 1
        return self._put_columns(frame, skip)

    def put_depth(self, row: int, recv_ns: int, bids: list[Level], asks: list[Level]) -> None:
        """Lay out the top levels of a live book as event ``row``."""
        self.kind[row] = EventKind.DEPTH
        self.recv_ns[row] = recv_ns
        self.v[row] = (row, 0.0, 0.0, 0.0)
        self.depth[row] = depth_values(bids, asks)

    def put_state(self, row: int, recv_ns: int, trust: Trust) -> None:
        """Lay out, as event ``row``, that the book is not live."""
        self.kind[row] = EventKind.STATE
        self.recv_ns[row] = recv_ns
        self.v[row] = (TRUST_SEVERITY[trust], 0.0, 0.0, 0.0)

    def reserve(self, rows: int) -> None:
        """Make room for ``rows`` events."""
        if rows > len(self.kind):
            self._allot(2 * rows)

    @property
    def arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """The columns, as the kernel takes them."""
        return self.kind, self.recv_ns, self.v, self.depth

    def _allot(self, rows: int) -> None:
        self.kind = np.zeros(rows, np.uint8)
        self.recv_ns = np.zeros(rows, np.int64)
        self.v = np.zeros((rows, VALUE_COLUMNS))
        self.depth = np.zeros((rows, DEPTH_COLUMNS))

    def _put_tick(self, frame: TickFrame) -> None:
        kind = frame.kinds
        self.recv_ns[0] = frame.recv_ns[0]
        if kind == "T":
            trades = frame.trades
            self.kind[0] = EventKind.TRADE
            self.v[0] = (trades.price[0], trades.qty[0], trades.side[0], 0.0)
        elif kind == "Q":
            quotes = frame.quotes
            self.kind[0] = EventKind.QUOTE
            self.v[0] = (quotes.bid[0], quotes.bid_qty[0], quotes.ask[0], quotes.ask_qty[0])
        else:
            self.kind[0] = EventKind.CLOCK

    def _put_columns(self, frame: TickFrame, skip: int) -> int:
        kind = _KINDS[np.frombuffer(frame.kinds.encode(), np.uint8)]
        v = np.zeros((len(kind), VALUE_COLUMNS))
        if frame.trades.price:
            v[kind == EventKind.TRADE, :3] = np.array((frame.trades.price, frame.trades.qty, frame.trades.side)).T
        if frame.quotes.bid:
            quotes = frame.quotes
            v[kind == EventKind.QUOTE] = np.array((quotes.bid, quotes.bid_qty, quotes.ask, quotes.ask_qty)).T
        count = len(kind) - skip
        self.reserve(count)
        self.kind[:count], self.v[:count] = kind[skip:], v[skip:]
        self.recv_ns[:count] = frame.recv_ns[skip:]
        return count


def check_ticks(frame: TickFrame) -> None:
    """Raise ``Malformed`` unless every column of ``frame`` has a row for each event of its kind."""
    kinds, trades, quotes = frame.kinds, frame.trades, frame.quotes
    trade_count, quote_count = kinds.count("T"), kinds.count("Q")
    if not (
        len(kinds) == len(frame.recv_ns) == len(frame.event_ns)
        and len(trades.price) == len(trades.qty) == len(trades.side) == trade_count
        and len(quotes.bid) == len(quotes.bid_qty) == len(quotes.ask) == len(quotes.ask_qty) == quote_count
    ):
        raise Malformed(TICKS.of(frame.venue, frame.symbol), f"columns of frame {frame.seq} do not match its kinds")
