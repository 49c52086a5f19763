"""The feed of one instrument: venue events in, numbered events out, one sequence over ticks and books."""

from dataclasses import dataclass

from foretick.common.contracts import BookEvent, BookEventKind, BookFrame, Instrument, TickFrame, Trust
from foretick.common.errors import Malformed
from foretick.common.units import NS_PER_S
from foretick.ingest.domain.events import Trade
from foretick.ingest.domain.listing import Listing
from foretick.ingest.domain.runs import BookRun, Identity, TickRun
from foretick.market.integrity import BookChange, ChainRule, Delta, LocalBook, Snapshot, Top

CLOCK_NS = NS_PER_S
"""A quiet instrument gets a clock event after this much data time."""

ANCHOR_NS = 10 * NS_PER_S
"""A full book, or why there is none, is published at least this often, so that late consumers can join."""

MAX_CATCH_UP_NS = 60 * NS_PER_S
"""After a longer silence of everything (the machine slept) one clock event stands for all."""


@dataclass(slots=True)
class FeedCounters:
    """What became of the events of an instrument; its book's own counters are in ``LocalBook``."""

    trades: int = 0
    quotes: int = 0
    clocks: int = 0
    book_events: int = 0
    trades_repeated: int = 0
    trades_missed: int = 0
    quotes_outdated: int = 0
    events_lost: int = 0


class InstrumentFeed:
    """Numbers the events of one instrument and gathers them into frames.

    Nothing is numbered for good before ``begin``: what is folded earlier only builds up the book, as when a replay
    resumes in the middle of its recording.
    """

    def __init__(self, identity: Identity, listing: Listing, rule: ChainRule) -> None:
        self.identity = identity
        self.listing = listing
        self.local = LocalBook(listing.grid, rule)
        self.counters = FeedCounters()
        self.next_seq = 1
        self.last_ns = 0
        self._anchor_ns = 0
        self._trade_id: int | None = None
        self._quote_id = -1
        self._runs: list[TickRun | BookRun] = []
        self._ticks: TickRun | None = None
        self._books: BookRun | None = None

    def instrument(self, recv_ns: int, ingest_ns: int, sent_ns: int) -> Instrument:
        """Return the listing as a message."""
        return Instrument(
            venue=self.identity.venue, symbol=self.listing.symbol, origin=self.identity.origin,
            run_id=self.identity.run_id, producer=self.identity.producer, epoch=self.identity.epoch,
            ts_recv_ns=recv_ns, ts_ingest_ns=ingest_ns, ts_sent_ns=sent_ns, trust=self.local.trust,
            base=self.listing.base, quote=self.listing.quote, tick_size=self.listing.grid.tick_size,
            lot_size=self.listing.grid.lot_size, aliases=self.listing.aliases,
        )  # fmt: skip

    def begin(self, next_seq: int, reason: str, recv_ns: int, ingest_ns: int) -> None:
        """Number from ``next_seq`` on; the first event says why the numbering starts here, then comes the book."""
        self._forget_runs()
        self.counters.events_lost = 0
        self.next_seq = next_seq
        self.last_ns = max(self.last_ns, recv_ns)
        state = BookChange(BookEventKind.STATE, Trust.RESYNC, last_id=self.local.last_id, reason=reason)
        self._book_event(state, recv_ns, ingest_ns)
        if self.local.trust is Trust.LIVE:
            self._anchor(self.last_ns, ingest_ns)

    def fold_trade(self, trade: Trade, recv_ns: int, ingest_ns: int) -> None:
        """Number a trade, unless the venue's id says that it was folded before."""
        last_id = self._trade_id
        if last_id is not None:
            if trade.trade_id <= last_id:
                self.counters.trades_repeated += 1
                return
            self.counters.trades_missed += trade.trade_id - last_id - 1
        self._trade_id = trade.trade_id
        self.counters.trades += 1
        self._tick_run().add_trade(trade, self._advance_to(recv_ns), ingest_ns)

    def fold_quote(self, quote: Top, recv_ns: int, ingest_ns: int) -> None:
        """Number a best bid and ask, unless it is older than the last; then hold the book against it."""
        if quote.update_id <= self._quote_id:
            self.counters.quotes_outdated += 1
            return
        self._quote_id = quote.update_id
        self.counters.quotes += 1
        self._tick_run().add_quote(quote, self._advance_to(recv_ns), ingest_ns)
        change = self.local.on_top(quote)
        if change is not None:
            self._book_event(change, recv_ns, ingest_ns)

    def fold_delta(self, delta: Delta, recv_ns: int, ingest_ns: int) -> None:
        """Fold a book update; number what became of the book.

        Raises:
            Malformed: after the book has been marked untrusted for it.
        """
        try:
            change = self.local.on_delta(delta)
        except Malformed as error:
            self.distrust(Trust.RESYNC, f"malformed book update: {error.reason}", recv_ns, ingest_ns)
            raise
        if change is not None:
            self._book_event(change, recv_ns, ingest_ns)
            self._anchor_if_due(ingest_ns)

    def fold_snapshot(self, snapshot: Snapshot, recv_ns: int, ingest_ns: int) -> None:
        """Fold a full book from the venue.

        Raises:
            Malformed: for levels off the grid; nothing changes.
        """
        change = self.local.on_snapshot(snapshot)
        if change is not None:
            self._book_event(change, recv_ns, ingest_ns)

    def distrust(self, trust: Trust, reason: str, recv_ns: int, ingest_ns: int) -> None:
        """Stop believing the book and say so. STALE means that the connection is gone: ids may start anew after it."""
        if trust is Trust.STALE:
            self._quote_id, self._trade_id = -1, None
        self._book_event(self.local.distrust(trust, reason), recv_ns, ingest_ns)

    def advance(self, now_ns: int, ingest_ns: int) -> None:
        """Put clock events on the sequence up to ``now_ns``, data time, one for each quiet second."""
        if now_ns - self.last_ns > MAX_CATCH_UP_NS:
            self._clock(now_ns, ingest_ns)
        while now_ns - self.last_ns >= CLOCK_NS:
            self._clock(self.last_ns + CLOCK_NS, ingest_ns)

    def lose_pending(self) -> None:
        """Give up the events that wait to be sent: the bus is away. ``record_loss`` tells of them later."""
        if self._runs:
            self.counters.events_lost += self.next_seq - self._runs[0].seq
            self._forget_runs()

    def record_loss(self, last_kept_seq: int, recv_ns: int, ingest_ns: int) -> None:
        """Put a record of the events after ``last_kept_seq`` that never arrived on the sequence, then the book anew."""
        self.lose_pending()
        if last_kept_seq + 1 < self.next_seq:
            gap = BookEvent(
                kind=BookEventKind.STATE, ts_recv_ns=self._advance_to(recv_ns), ts_event_ns=None, trust=Trust.GAP,
                last_id=self.local.last_id, reason="the bus was away", gap_from_seq=last_kept_seq + 1,
                gap_through_seq=self.next_seq - 1,
            )  # fmt: skip
            self._book_run().add_event(gap, ingest_ns)
        self._anchor(self._advance_to(recv_ns), ingest_ns)

    def drain(self, sent_ns: int) -> list[TickFrame | BookFrame]:
        """Return the frames of all events since the last call, in the order of their numbers."""
        if not self._runs:
            return []
        frames = [run.frame(self.identity, self.listing, sent_ns) for run in self._runs]
        self._forget_runs()
        return frames

    def _tick_run(self) -> TickRun:
        run = self._ticks
        if run is None or run.is_full:
            run = self._ticks = TickRun(self.next_seq, self.local.trust)
            self._books = None
            self._runs.append(run)
        self.next_seq += 1
        return run

    def _book_run(self) -> BookRun:
        run = self._books
        if run is None or run.is_full:
            run = self._books = BookRun(self.next_seq)
            self._ticks = None
            self._runs.append(run)
        self.next_seq += 1
        self.counters.book_events += 1
        return run

    def _book_event(self, change: BookChange, recv_ns: int, ingest_ns: int) -> None:
        recv_ns = self._advance_to(recv_ns)
        if change.kind is BookEventKind.SNAPSHOT:
            self._anchor_ns = recv_ns
        self._book_run().add(change, recv_ns, ingest_ns)

    def _anchor(self, recv_ns: int, ingest_ns: int) -> None:
        self._anchor_ns = recv_ns
        local = self.local
        self._book_event(local.image() if local.trust is Trust.LIVE else local.state(), recv_ns, ingest_ns)

    def _anchor_if_due(self, ingest_ns: int) -> None:
        if self.last_ns - self._anchor_ns >= ANCHOR_NS:
            self._anchor(self.last_ns, ingest_ns)

    def _clock(self, recv_ns: int, ingest_ns: int) -> None:
        self.counters.clocks += 1
        self._tick_run().add_clock(self._advance_to(recv_ns), ingest_ns)
        self._anchor_if_due(ingest_ns)

    def _advance_to(self, recv_ns: int) -> int:
        if recv_ns > self.last_ns:
            self.last_ns = recv_ns
        return self.last_ns

    def _forget_runs(self) -> None:
        self._runs, self._ticks, self._books = [], None, None
