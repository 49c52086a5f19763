"""Keeps a local copy of a venue's order book, and knows at every moment whether that copy may be believed.

The venue's numbering of its updates proves that none was lost (a ``ChainRule``); a full snapshot anchors the chain.
This module decides; it does not fetch, wait or publish. It answers an input with the change to tell the world, or None.

::

                      first snapshot that bridges
    STALE, RESYNC, CROSSED ------------------------> LIVE
      ^                                               |
      |    connection lost              -> STALE      |
      +--- chain broke, top disagrees   -> RESYNC <---+
           best bid at or above ask     -> CROSSED

A book that stopped being LIVE becomes LIVE only by a new snapshot that bridges: it never heals by itself. GAP is about
the bus behind this book, not about the book, and is told by who publishes.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from foretick.common.contracts import BookEventKind, Level, Trust
from foretick.market.book import DEFAULT_MAX_LEVELS, OrderBook, PriceGrid

MAX_BUFFERED = 10_000
"""Deltas kept while a snapshot is awaited: 1,000 s at ten a second."""


class Delta(msgspec.Struct, frozen=True, gc=False):
    """An incremental book update as a venue sent it.

    first_id, last_id: the venue's update ids that it covers, inclusive
    bids, asks: new quantity at each price that changed; 0 removes
    ts_event_ns: the venue's clock
    """

    first_id: int
    last_id: int
    bids: Sequence[Level]
    asks: Sequence[Level]
    ts_event_ns: int | None = None


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """A full book as of the venue's update ``last_id``."""

    last_id: int
    bids: Sequence[Level]
    asks: Sequence[Level]
    ts_event_ns: int | None = None


class Top(msgspec.Struct, frozen=True, gc=False):
    """The best bid and ask as of the venue's update ``update_id``, which a venue tells apart from its book."""

    update_id: int
    bid: float
    bid_qty: float
    ask: float
    ask_qty: float
    ts_event_ns: int | None = None


class ChainRule(Protocol):
    """How a venue numbers its updates."""

    def is_covered(self, delta: Delta, snapshot_id: int) -> bool:
        """Tell whether a book as of ``snapshot_id`` contains all of ``delta`` already."""
        ...

    def bridges(self, delta: Delta, snapshot_id: int) -> bool:
        """Tell whether ``delta`` is the first one to apply to a snapshot as of ``snapshot_id``."""
        ...

    def follows(self, delta: Delta, last_id: int) -> bool:
        """Tell whether ``delta`` comes right after the update ``last_id``."""
        ...


class ContiguousIds:
    """The rule of Binance spot: every update id is covered by exactly one delta, the first one kept bridges.

    Source: Binance, "How to manage a local order book correctly".
    """

    def is_covered(self, delta: Delta, snapshot_id: int) -> bool:
        """Tell whether ``delta`` ends at or before ``snapshot_id``."""
        return delta.last_id <= snapshot_id

    def bridges(self, delta: Delta, snapshot_id: int) -> bool:
        """Tell whether the update after ``snapshot_id`` lies in ``delta``."""
        return delta.first_id <= snapshot_id + 1 <= delta.last_id

    def follows(self, delta: Delta, last_id: int) -> bool:
        """Tell whether ``delta`` begins with the update after ``last_id``."""
        return delta.first_id == last_id + 1


@dataclass(frozen=True, slots=True)
class BookChange:
    """What became of the book: levels as in ``BookEvent``, and its trust afterwards."""

    kind: BookEventKind
    trust: Trust
    bids: Sequence[Level] = ()
    asks: Sequence[Level] = ()
    first_id: int | None = None
    last_id: int | None = None
    ts_event_ns: int | None = None
    reason: str = ""


@dataclass(slots=True)
class BookCounters:
    """What a local book went through; ``tops_differing`` of ``tops_compared`` disagreed with the venue's own top."""

    deltas_applied: int = 0
    deltas_repeated: int = 0
    deltas_overflowed: int = 0
    chain_breaks: int = 0
    crossings: int = 0
    syncs: int = 0
    snapshots_too_old: int = 0
    tops_compared: int = 0
    tops_differing: int = 0


@dataclass(slots=True)
class LocalBook:
    """The local copy of one instrument's book.

    Attributes:
        trust: whether the book may be believed
        reason: why not; empty while LIVE
        last_id: the venue's update that the book is as of; None before the first sync
    """

    grid: PriceGrid
    rule: ChainRule
    max_levels: int = DEFAULT_MAX_LEVELS
    image_levels: int = 1000
    trust: Trust = Trust.STALE
    reason: str = "not connected yet"
    last_id: int | None = None
    counters: BookCounters = field(default_factory=BookCounters)
    book: OrderBook = field(init=False)
    _buffer: deque[Delta] = field(init=False)
    _held: Snapshot | None = None
    _top: Top | None = None

    def __post_init__(self) -> None:
        self.book = OrderBook(self.grid, self.max_levels)
        self._buffer = deque(maxlen=MAX_BUFFERED)

    @property
    def wants_snapshot(self) -> bool:
        """Whether a snapshot would help now: the book is out of sync and the stream after it has begun."""
        return self.trust is not Trust.LIVE and bool(self._buffer) and self._held is None

    def distrust(self, trust: Trust, reason: str) -> BookChange:
        """Stop believing the book for ``reason``, and forget what was waiting for a snapshot: the stream restarts."""
        self._buffer.clear()
        self._held = self._top = None
        return self._fall(trust, reason)

    def on_delta(self, delta: Delta) -> BookChange | None:
        """Fold ``delta``, or keep it until a snapshot arrives.

        Raises:
            Malformed: for a level off the grid. The update is lost then: the caller calls ``distrust``.
        """
        if self.trust is not Trust.LIVE or self.last_id is None:
            self.grid.levels(delta.bids)
            self.grid.levels(delta.asks)
            self.counters.deltas_overflowed += len(self._buffer) == MAX_BUFFERED
            self._buffer.append(delta)
            return self._bridge(self._held) if self._held is not None else None
        if self.rule.is_covered(delta, self.last_id):
            self.counters.deltas_repeated += 1
            return None
        if not self.rule.follows(delta, self.last_id):
            self.counters.chain_breaks += 1
            self._buffer.append(delta)
            expected = f"expected the update after {self.last_id}, got {delta.first_id}..{delta.last_id}"
            return self._fall(Trust.RESYNC, f"chain broke: {expected}")
        self._apply(delta)
        fault = self._fault()
        if fault is not None:
            self._fall(*fault)
        return BookChange(
            BookEventKind.DELTA, self.trust, delta.bids, delta.asks, delta.first_id, delta.last_id, delta.ts_event_ns,
            self.reason,
        )  # fmt: skip

    def on_snapshot(self, snapshot: Snapshot) -> BookChange | None:
        """Try to bridge from ``snapshot`` to the deltas that wait; hold it where they don't reach it yet.

        Raises:
            Malformed: for a level off the grid; the snapshot is not used.
        """
        if self.trust is Trust.LIVE:
            return None
        self.grid.levels(snapshot.bids)
        self.grid.levels(snapshot.asks)
        return self._bridge(snapshot)

    def on_top(self, top: Top) -> BookChange | None:
        """Compare the book with the venue's own best levels, now or when the book reaches ``top.update_id``."""
        self._top = top
        if top.update_id != self.last_id or self.trust is not Trust.LIVE:
            return None
        fault = self._fault()
        return None if fault is None else self._fall(*fault)

    def image(self) -> BookChange:
        """Return the book as it is, its best ``image_levels`` levels a side, as a snapshot."""
        bids, asks = self.book.top(self.image_levels)
        return BookChange(
            BookEventKind.SNAPSHOT, self.trust, bids, asks, self.last_id, self.last_id, reason=self.reason
        )  # fmt: skip

    def state(self) -> BookChange:
        """Return the book's trust and reason alone."""
        return BookChange(BookEventKind.STATE, self.trust, last_id=self.last_id, reason=self.reason)

    def _fall(self, trust: Trust, reason: str) -> BookChange:
        self.trust, self.reason = trust, reason
        return self.state()

    def _apply(self, delta: Delta) -> None:
        self.book.apply_delta(delta.bids, delta.asks)
        self.last_id = delta.last_id
        self.counters.deltas_applied += 1

    def _bridge(self, snapshot: Snapshot) -> BookChange | None:
        """Sync from ``snapshot`` if the deltas that wait continue it without a hole."""
        rule, buffer = self.rule, self._buffer
        self._held = None
        while buffer and rule.is_covered(buffer[0], snapshot.last_id):
            buffer.popleft()
        if not buffer:
            self._held = snapshot
            return None
        if not rule.bridges(buffer[0], snapshot.last_id):
            self.counters.snapshots_too_old += 1
            return None
        self.book.apply_snapshot(snapshot.bids, snapshot.asks)
        self.last_id = snapshot.last_id
        while buffer:
            delta = buffer[0]
            if self.last_id != snapshot.last_id:
                if rule.is_covered(delta, self.last_id):
                    buffer.popleft()
                    self.counters.deltas_repeated += 1
                    continue
                if not rule.follows(delta, self.last_id):
                    self.counters.chain_breaks += 1
                    return None  # what is left in the buffer waits for a later snapshot
            self._apply(buffer.popleft())
        fault = self._fault()
        if fault is not None:
            return self._fall(*fault)
        self.counters.syncs += 1
        self.trust, self.reason = Trust.LIVE, ""
        return self.image()

    def _fault(self) -> tuple[Trust, str] | None:
        """Return what the book's own look disproves, if anything."""
        if self.book.is_crossed:
            self.counters.crossings += 1
            return Trust.CROSSED, f"best bid {self.book.best_bid} is not below best ask {self.book.best_ask}"
        top = self._top
        if top is None or top.update_id != self.last_id:
            return None
        self._top = None
        self.counters.tops_compared += 1
        if self.book.top(1) == ([(top.bid, top.bid_qty)], [(top.ask, top.ask_qty)]):
            return None
        self.counters.tops_differing += 1
        return Trust.RESYNC, f"top of book differs from the venue's own at update {top.update_id}"
