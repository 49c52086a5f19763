"""Keeps a local copy of a venue's order book, and knows at every moment whether that copy may be believed.

The venue's ``BookRule`` proves that no update was lost: numbers that form a chain, checksums, or both; a full book
anchors it. This module decides; it does not fetch, wait or publish. It answers an input with the change to tell the
world, or None.

::

                      full book that is in line
    STALE, RESYNC, CROSSED ------------------------> LIVE
      ^                                               |
      |    connection lost                 -> STALE   |
      +--- chain broke, checksum or top differs,      |
      |    silent while its market goes on -> RESYNC <+
      +--- best bid at or above ask        -> CROSSED

A book that stopped being LIVE becomes LIVE only by a new full book: it never heals by itself. GAP is about the bus
behind this book, not about the book, and is told by who publishes.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from foretick.common.contracts import BookCounts, BookEventKind, Level, Trust
from foretick.common.units import NS_PER_S
from foretick.market.book import OrderBook, PriceGrid
from foretick.market.compiled_book import CompiledBook
from foretick.market.integrity.rules import Anchor, BookRule
from foretick.market.integrity.updates import Delta, Snapshot, Top

MAX_BUFFERED = 10_000
"""Deltas kept while a snapshot is awaited: 1,000 s at ten a second."""

LATER_NS = NS_PER_S
"""An update that is later than the book by this much, by the venue's clock, cannot be one that the book contains.

Where its number says so nevertheless, the venue numbers anew and the update that began with it was lost: OKX and Bybit
number anew when their services restart.
"""


class BookChange(msgspec.Struct, frozen=True, gc=False):
    """What became of the book: levels as in ``BookEvent``, and its trust afterwards."""

    kind: BookEventKind
    trust: Trust
    bids: Sequence[Level] = ()
    asks: Sequence[Level] = ()
    first_id: int | None = None
    last_id: int | None = None
    ts_event_ns: int | None = None
    reason: str = ""
    counts: BookCounts | None = None


@dataclass(slots=True)
class BookCounters:
    """What a local book went through, see ``BookCounts``; and what was left out on the way.

    deltas_applied: updates that changed the book
    deltas_repeated: updates that it contained already
    deltas_unanchored: updates that came before the full book they belong to
    deltas_overflowed: updates that were forgotten while a full book was awaited
    snapshots_too_old: full books that the updates at hand did not connect to
    """

    deltas_applied: int = 0
    deltas_repeated: int = 0
    deltas_unanchored: int = 0
    deltas_overflowed: int = 0
    snapshots_too_old: int = 0
    syncs: int = 0
    chain_breaks: int = 0
    checksums_checked: int = 0
    checksums_failed: int = 0
    tops_compared: int = 0
    tops_differing: int = 0
    crossings: int = 0
    stalls: int = 0
    malformed: int = 0

    def told(self) -> BookCounts:
        """Return what consumers are told."""
        return BookCounts(
            syncs=self.syncs, chain_breaks=self.chain_breaks, checksums_checked=self.checksums_checked,
            checksums_failed=self.checksums_failed, tops_compared=self.tops_compared,
            tops_differing=self.tops_differing, crossings=self.crossings, stalls=self.stalls, malformed=self.malformed,
        )  # fmt: skip


@dataclass(slots=True)
class LocalBook:
    """The local copy of one instrument's book.

    Attributes:
        trust: whether the book may be believed
        reason: why not; empty while LIVE
        last_id: the venue's update that the book is as of; None before the first sync
    """

    grid: PriceGrid
    rule: BookRule
    image_levels: int = 1000
    trust: Trust = Trust.STALE
    reason: str = "not connected yet"
    last_id: int | None = None
    counters: BookCounters = field(default_factory=BookCounters)
    book: OrderBook = field(init=False)
    _buffer: deque[Delta] = field(init=False)
    _event_ns: int | None = None
    _held: Snapshot | None = None
    _top: Top | None = None
    _is_awaited: bool = True
    _is_bridged: bool = True
    """Whether an update has joined the full book that the copy began from."""

    def __post_init__(self) -> None:
        self.book = CompiledBook(self.grid, self.rule.max_levels)
        self._buffer = deque(maxlen=MAX_BUFFERED)

    @property
    def wants_snapshot(self) -> bool:
        """Whether asking for a full book would help now: the book is out of sync, and none is on its way already.

        Where there is no book, the next top is awaited.
        """
        if self.trust is Trust.LIVE or self.rule.anchor is Anchor.TOP:
            return False
        if self.rule.anchor is Anchor.REQUEST:
            return bool(self._buffer) and self._held is None
        return not self._is_awaited

    def distrust(self, trust: Trust, reason: str) -> BookChange:
        """Stop believing the book for ``reason``, and forget what was waiting for a snapshot: the stream restarts.

        Of a stream that begins with its full book, that book is awaited then.
        """
        self._buffer.clear()
        self._held = self._top = None
        self._fall(trust, reason)
        self._is_awaited = True
        return self.state()

    def give_up_waiting(self) -> None:
        """Take note that the full book that was awaited did not come: it may be asked for again."""
        self._is_awaited = False

    def stall(self, reason: str) -> BookChange:
        """Stop believing the book: its market goes on and it does not."""
        self.counters.stalls += 1
        return self._fall(Trust.RESYNC, reason)

    def lose_update(self, reason: str) -> BookChange:
        """Stop believing the book: an update is missing, as something other than its own numbers shows."""
        self.counters.chain_breaks += 1
        return self._fall(Trust.RESYNC, reason)

    def on_delta(self, delta: Delta) -> BookChange | None:
        """Fold ``delta``, or keep it until a snapshot arrives.

        Raises:
            Malformed: for a level off the grid. The update is lost then: the caller calls ``refuse``.
        """
        if self.trust is not Trust.LIVE or self.last_id is None:
            return self._on_early_delta(delta)
        if not self._connects(delta, self.last_id):
            if self.rule.chain.is_covered(delta, self.last_id) and not self._is_later(delta):
                self.counters.deltas_repeated += self._is_bridged
                return None
            self.counters.chain_breaks += 1
            self._keep(delta)
            expected = f"expected the update after {self.last_id}, got {delta.first_id}..{delta.last_id}"
            return self._fall(Trust.RESYNC, f"chain broke: {expected}")
        self._apply(delta)
        fault = self._fault(delta.checksum)
        if fault is not None:
            self._fall(*fault)
        return BookChange(
            BookEventKind.DELTA, self.trust, delta.bids, delta.asks, delta.first_id, delta.last_id, delta.ts_event_ns,
            self.reason, None if fault is None else self.counters.told(),
        )  # fmt: skip

    def on_snapshot(self, snapshot: Snapshot) -> BookChange | None:
        """Take a full book: bridge from it to the deltas that wait, or hold it while there is none.

        One that contains all that waits, and so lies on this stream, is believed at once: nothing later is known. The
        next update has to bridge to it.

        A full book that the stream itself sends replaces the copy, whatever that was.

        Raises:
            Malformed: for a level off the grid; the snapshot is not used.
        """
        if self.rule.anchor is not Anchor.REQUEST:
            return self._anchor(snapshot)
        if self.trust is Trust.LIVE:
            return None
        self.grid.levels(snapshot.bids)
        self.grid.levels(snapshot.asks)
        return self._bridge(snapshot)

    def on_top(self, top: Top) -> BookChange | None:
        """Compare the book with the venue's own best levels, now or when the book reaches ``top.update_id``.

        Where there is no book, the top is all of it.

        Raises:
            Malformed: for a level off the grid, where the top is all there is.
        """
        if self.rule.anchor is Anchor.TOP:
            return self._anchor_on_top(top)
        if top.update_id is None:
            return None
        self._top = top
        if top.update_id != self.last_id or self.trust is not Trust.LIVE:
            return None
        fault = self._fault(None)
        return None if fault is None else self._fall(*fault)

    def refuse(self, reason: str) -> BookChange:
        """Take note of an update that could not be used: the chain has a hole."""
        self.counters.malformed += 1
        return self._fall(Trust.RESYNC, f"malformed book update: {reason}")

    def image(self) -> BookChange:
        """Return the book as it is, its best ``image_levels`` levels a side, as a snapshot."""
        bids, asks = self.book.top(self.image_levels)
        return BookChange(
            BookEventKind.SNAPSHOT, self.trust, bids, asks, self.last_id, self.last_id, reason=self.reason,
            counts=self.counters.told(),
        )  # fmt: skip

    def state(self) -> BookChange:
        """Return the book's trust and reason alone."""
        return BookChange(
            BookEventKind.STATE, self.trust, last_id=self.last_id, reason=self.reason, counts=self.counters.told()
        )

    def _fall(self, trust: Trust, reason: str) -> BookChange:
        self.trust, self.reason = trust, reason
        self._is_awaited = False
        return self.state()

    def _connects(self, delta: Delta, last_id: int) -> bool:
        """Return whether ``delta`` is the next after ``last_id``; the first after a full book may reach into it."""
        chain = self.rule.chain
        return chain.follows(delta, last_id) if self._is_bridged else chain.bridges(delta, last_id)

    def _is_later(self, delta: Delta) -> bool:
        known_ns, event_ns = self._event_ns, delta.ts_event_ns
        return known_ns is not None and event_ns is not None and event_ns - known_ns > LATER_NS

    def _apply(self, delta: Delta) -> None:
        self.book.apply_delta(delta.bids, delta.asks)
        self.last_id, self._event_ns, self._is_bridged = delta.last_id, delta.ts_event_ns, True
        self.counters.deltas_applied += 1

    def _keep(self, delta: Delta) -> None:
        if self.rule.anchor is Anchor.REQUEST:
            self.counters.deltas_overflowed += len(self._buffer) == MAX_BUFFERED
            self._buffer.append(delta)
        else:
            self.counters.deltas_unanchored += 1

    def _on_early_delta(self, delta: Delta) -> BookChange | None:
        self.grid.levels(delta.bids)
        self.grid.levels(delta.asks)
        self._keep(delta)
        return self._bridge(self._held) if self._held is not None else None

    def _anchor(self, snapshot: Snapshot) -> BookChange:
        """Begin anew from a full book of the stream."""
        self.book.apply_snapshot(snapshot.bids, snapshot.asks)
        self.last_id, self._event_ns, self._is_bridged = snapshot.last_id, snapshot.ts_event_ns, True
        self._top = None
        fault = self._fault(snapshot.checksum)
        return self._fall(*fault) if fault is not None else self._go_live()

    def _anchor_on_top(self, top: Top) -> BookChange | None:
        self.book.apply_snapshot([(top.bid, top.bid_qty)], [(top.ask, top.ask_qty)])
        self.last_id = top.update_id or 0
        fault = self._fault(None)
        if fault is not None:
            was = self.trust, self.reason
            return self._fall(*fault) if was != fault else None
        return None if self.trust is Trust.LIVE else self._go_live()

    def _bridge(self, snapshot: Snapshot) -> BookChange | None:
        """Sync from ``snapshot`` if the deltas that wait continue it without a hole, or lie in it."""
        chain, buffer = self.rule.chain, self._buffer
        self._held = None
        contained = None
        while buffer and chain.is_covered(buffer[0], snapshot.last_id):
            contained = buffer.popleft()
        if not buffer and contained is None:
            self._held = snapshot
            return None
        if buffer and not chain.bridges(buffer[0], snapshot.last_id):
            self.counters.snapshots_too_old += 1
            return None
        self.book.apply_snapshot(snapshot.bids, snapshot.asks)
        self.last_id, self._is_bridged = snapshot.last_id, False
        self._event_ns = contained.ts_event_ns if contained is not None else None
        return self._catch_up()

    def _catch_up(self) -> BookChange | None:
        """Apply the deltas that wait, and go live if they have no hole."""
        buffer = self._buffer
        while buffer:
            delta, last_id = buffer[0], self.last_id or 0
            if not self._connects(delta, last_id):
                if self.rule.chain.is_covered(delta, last_id):
                    buffer.popleft()
                    self.counters.deltas_repeated += 1
                    continue
                self.counters.chain_breaks += 1
                return None  # what is left in the buffer waits for a later snapshot
            self._apply(buffer.popleft())
        fault = self._fault(None)
        return self._fall(*fault) if fault is not None else self._go_live()

    def _go_live(self) -> BookChange:
        self.counters.syncs += 1
        self.trust, self.reason = Trust.LIVE, ""
        return self.image()

    def _fault(self, checksum: int | None) -> tuple[Trust, str] | None:
        """Return what the book's own look, the venue's ``checksum`` or its top disproves, if anything."""
        if checksum is not None and self.rule.checksum is not None:
            self.counters.checksums_checked += 1
            computed = self.rule.checksum(self.book)
            if computed != checksum:
                self.counters.checksums_failed += 1
                return Trust.RESYNC, f"checksum differs: the venue's {checksum}, ours {computed}"
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
