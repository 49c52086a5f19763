"""Takes the frames of a feed in place of the bus, and keeps each instrument's events as columns."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from foretick.common.contracts import TRUST_SEVERITY, BookEventKind, BookFrame, Instrument, Message, TickFrame, Trust
from foretick.common.ownership import InstrumentKey
from foretick.common.subjects import Subject
from foretick.market.book import OrderBook, PriceGrid
from foretick.quant.events import DEPTH_COLUMNS, DEPTH_LEVELS, VALUE_COLUMNS, EventArrays, EventKind, depth_values

_Row = tuple[int, int, tuple[float, ...]]


class InstrumentEvents:
    """The events of one instrument, in the order of their numbers."""

    def __init__(self) -> None:
        self.listing: Instrument | None = None
        self._rows: list[_Row] = []
        self._depth: list[tuple[float, ...]] = []
        self._book: OrderBook | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._rows)

    def take_ticks(self, frame: TickFrame) -> None:
        """Keep the trades and quotes of ``frame``; what no feature is made of only tells the time."""
        trades = iter(zip(frame.trades.price, frame.trades.qty, frame.trades.side, strict=True))
        quotes = frame.quotes
        tops = iter(zip(quotes.bid, quotes.bid_qty, quotes.ask, quotes.ask_qty, strict=True))
        for letter, recv_ns in zip(frame.kinds, frame.recv_ns, strict=True):
            if letter == "T":
                self._rows.append((EventKind.TRADE, recv_ns, (*next(trades), 0.0)))
            elif letter == "Q":
                self._rows.append((EventKind.QUOTE, recv_ns, next(tops)))
            else:
                self._rows.append((EventKind.CLOCK, recv_ns, (0.0,) * VALUE_COLUMNS))

    def take_book(self, frame: BookFrame) -> None:
        """Keep the top levels after each event of ``frame``, or that the book is not to be believed."""
        grid = PriceGrid(frame.tick_size, frame.lot_size)
        if self._book is None or self._book.grid != grid:
            self._book = OrderBook(grid)
        for event in frame.events:
            if event.kind is BookEventKind.SNAPSHOT:
                self._book.apply_snapshot(event.bids, event.asks)
            elif event.kind is BookEventKind.DELTA:
                self._book.apply_delta(event.bids, event.asks)
            if event.trust is Trust.LIVE and not self._book.is_crossed:
                self._rows.append((EventKind.DEPTH, event.ts_recv_ns, (float(len(self._depth)), 0.0, 0.0, 0.0)))
                bids, asks = self._book.top(DEPTH_LEVELS)
                self._depth.append(depth_values(bids, asks))
            else:
                trust = event.trust if event.trust is not Trust.LIVE else Trust.CROSSED
                self._rows.append((EventKind.STATE, event.ts_recv_ns, (float(TRUST_SEVERITY[trust]), 0.0, 0.0, 0.0)))

    def columns(self) -> EventArrays:
        """Return them as the feature kernel folds them."""
        return EventArrays(
            np.array([row[0] for row in self._rows], np.uint8),
            np.array([row[1] for row in self._rows], np.int64),
            np.array([row[2] for row in self._rows], np.float64).reshape(-1, VALUE_COLUMNS),
            np.array(self._depth, np.float64).reshape(-1, DEPTH_COLUMNS),
        )


class EventCollector:
    """A ``ports.FrameOutlet`` that keeps the events of each instrument.

    rejected: how many inputs could not be read
    """

    is_away = False

    def __init__(self) -> None:
        self.instruments: dict[InstrumentKey, InstrumentEvents] = {}
        self.rejected = 0

    def now_ns(self) -> int:
        """Return 0: nothing of this process's clock goes into a file of events."""
        return 0

    def publish(self, subject: Subject, message: Message) -> None:
        """Keep the events of ``message``."""
        kept = self.instruments.setdefault((message.venue, message.symbol), InstrumentEvents())
        if isinstance(message, TickFrame):
            kept.take_ticks(message)
        elif isinstance(message, BookFrame):
            kept.take_book(message)
        elif isinstance(message, Instrument):
            kept.listing = message

    def reject(self, source: str, reason: str, payload: bytes) -> None:
        """Count input that could not be read."""
        self.rejected += 1

    def tell(self, event: str, **fields: Any) -> None:
        """Pass over what an operator of a live feed would be told: the books' states carry it."""

    def __iter__(self) -> Iterator[tuple[InstrumentKey, InstrumentEvents]]:
        """Yield each instrument that has a listing and events, by name."""
        return ((key, kept) for key, kept in sorted(self.instruments.items()) if kept.listing is not None and len(kept))
