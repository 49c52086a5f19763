"""The order book of one instrument: its levels, how sound it is, and what changed since it was last told."""

from foretick.common.contracts import (
    BookCounts,
    BookEvent,
    BookEventKind,
    BookFrame,
    Level,
    Origin,
    TickFrame,
    Trust,
    worst_trust,
)
from foretick.common.errors import Malformed
from foretick.common.units import micros_from_nanos
from foretick.gateway.domain.channels import BOOK_LEVELS
from foretick.gateway.domain.integrity_log import Finder, Place, TrustTrail
from foretick.gateway.domain.payloads import BookData
from foretick.market.book import OrderBook, PriceGrid

MAX_LEVELS = 1_000
NO_SNAPSHOT = "waiting for a full snapshot"


class BookView:
    """Folds book frames.

    What the producer says of the book counts, and what we lost ourselves: until the next snapshot the trust is the
    worse of the two.
    """

    def __init__(self) -> None:
        self.trail = TrustTrail()
        self._book: OrderBook | None = None
        self._told_trust = Trust.LIVE
        self._told_reason = ""
        self._own_trust = Trust.RESYNC
        self._own_reason = NO_SNAPSHOT
        self._shown_bids: dict[float, float] = {}
        self._shown_asks: dict[float, float] = {}
        self.tick_size = 0.0
        self.origin = Origin.LIVE
        self.ts_recv_ns = 0
        self.last_id: int | None = None
        self.counts: BookCounts | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no frame has been folded."""
        return self.ts_recv_ns == 0

    @property
    def trust(self) -> Trust:
        """The worse of what the producer says and what we know."""
        return worst_trust(self._told_trust, self._own_trust)

    @property
    def reason(self) -> str:
        """Why the trust is not LIVE; empty when it is."""
        if self.trust is Trust.LIVE:
            return ""
        return self._own_reason if self.trust is self._own_trust else self._told_reason

    def fold(self, frame: BookFrame, skip: int = 0) -> None:
        """Fold the events of ``frame`` after the first ``skip``.

        Raises:
            Malformed: for levels off the instrument's grid; the book is RESYNC until the next snapshot.
        """
        self.origin = frame.origin
        self.ts_recv_ns = frame.ts_recv_ns
        self._use_grid(PriceGrid(frame.tick_size, frame.lot_size))
        for seq, event in enumerate(frame.events[skip:], frame.seq + skip):
            told, own = self._told_trust, self._own_trust
            try:
                self._fold_event(event)
            finally:
                if event.trust is not told or self._own_trust is not own or not self.trail.is_begun:
                    found_by = Finder.FEED if event.trust is not told else Finder.GATEWAY
                    self._note(found_by, Place(frame.epoch, seq, event.ts_recv_ns))

    def doubt(self, trust: Trust, reason: str, before: TickFrame | BookFrame) -> None:
        """Call the book unsound until its next snapshot, for what is missing ``before`` a frame."""
        self._doubt(trust, reason)
        self._note(Finder.GATEWAY, Place(before.epoch, before.seq - 1, before.ts_recv_ns))

    def top(self, levels: int) -> tuple[list[Level], list[Level]]:
        """Return the best ``levels`` bids and asks, best first."""
        return self._book.top(levels) if self._book is not None else ([], [])

    def snapshot(self) -> BookData:
        """Return the best levels."""
        bids, asks = self.top(BOOK_LEVELS)
        return self._data(bids, asks)

    def take_delta(self) -> BookData:
        """Return the best levels that changed since the last call; quantity 0 means that a level is gone from them."""
        bids, asks = self.top(BOOK_LEVELS)
        new_bids, new_asks = dict(bids), dict(asks)
        delta = self._data(_changes(self._shown_bids, new_bids), _changes(self._shown_asks, new_asks))
        self._shown_bids, self._shown_asks = new_bids, new_asks
        return delta

    def _doubt(self, trust: Trust, reason: str) -> None:
        if worst_trust(trust, self._own_trust) is trust:
            self._own_trust, self._own_reason = trust, reason

    def _note(self, found_by: Finder, place: Place) -> None:
        self.trail.note(self.trust, self.reason, found_by, place, self.counts)

    def _fold_event(self, event: BookEvent) -> None:
        self._told_trust, self._told_reason = event.trust, event.reason
        self.last_id = event.last_id
        self.counts = event.counts or self.counts
        if self._book is None or event.kind is BookEventKind.STATE:
            return
        try:
            if event.kind is BookEventKind.DELTA:
                self._book.apply_delta(event.bids, event.asks)
                return
            self._book.apply_snapshot(event.bids, event.asks)
        except Malformed:
            self._doubt(Trust.RESYNC, "an update did not fit the instrument's grid")
            raise
        self._own_trust, self._own_reason = Trust.LIVE, ""

    def _use_grid(self, grid: PriceGrid) -> None:
        if self._book is None or self._book.grid != grid:
            self._book = OrderBook(grid, MAX_LEVELS)
            self.tick_size = grid.tick_size
            self._doubt(Trust.RESYNC, NO_SNAPSHOT)

    def _data(self, bids: list[Level], asks: list[Level]) -> BookData:
        return BookData(
            bids=bids,
            asks=asks,
            trust=self.trust,
            reason=self.reason,
            origin=self.origin,
            ts_recv_us=micros_from_nanos(self.ts_recv_ns),
            tick_size=self.tick_size,
            last_id=self.last_id,
        )


def _changes(old: dict[float, float], new: dict[float, float]) -> list[Level]:
    changed: list[Level] = [(price, qty) for price, qty in new.items() if old.get(price) != qty]
    changed.extend((price, 0.0) for price in old if price not in new)
    return changed
