"""Gives the events of one instrument their numbers, and gathers them into runs that become frames.

Trades and quotes, nine of ten events, are numbered without a call more than needed.
"""

from collections.abc import Callable
from dataclasses import replace

from foretick.common.contracts import BookEvent, BookEventKind, BookFrame, TickFrame, Trust
from foretick.ingest.domain.events import DerivativeState, Liquidation, Trade
from foretick.ingest.domain.listing import Listing
from foretick.ingest.domain.runs import MAX_TICKS, BookRun, Identity, TickRun
from foretick.market.integrity import BookChange, Top


class Numbering:
    """One sequence over ticks and book events. Data time never goes back in it.

    Attributes:
        next_seq: the number of the next event
        last_ns: data time of the last one
    """

    def __init__(self, identity: Identity, listing: Listing, trust: Callable[[], Trust]) -> None:
        self.identity = identity
        self.next_seq = 1
        self.last_ns = 0
        self.anchored_ns = 0
        self._listing = listing
        self._trust = trust
        self._runs: list[TickRun | BookRun] = []
        self._ticks: TickRun | None = None
        self._books: BookRun | None = None

    def relist(self, listing: Listing) -> None:
        """Name ``listing`` in the frames to come."""
        self._listing = listing

    def begin(self, next_seq: int, epoch: int, recv_ns: int) -> None:
        """Number from ``next_seq`` on, under ``epoch``; what waits is forgotten."""
        self.forget_runs()
        self.identity = replace(self.identity, epoch=epoch)
        self.next_seq = next_seq
        self.advance_to(recv_ns)

    def add_trade(self, trade: Trade, recv_ns: int, ingest_ns: int) -> None:
        """Number a trade."""
        run = self._ticks
        if run is None or len(run.kinds) >= MAX_TICKS:
            run = self._new_tick_run()
        self.next_seq += 1
        if recv_ns > self.last_ns:
            self.last_ns = recv_ns
        run.add_trade(trade, self.last_ns, ingest_ns)

    def add_quote(self, quote: Top, recv_ns: int, ingest_ns: int) -> None:
        """Number a best bid and ask."""
        run = self._ticks
        if run is None or len(run.kinds) >= MAX_TICKS:
            run = self._new_tick_run()
        self.next_seq += 1
        if recv_ns > self.last_ns:
            self.last_ns = recv_ns
        run.add_quote(quote, self.last_ns, ingest_ns)

    def add_derivative(self, state: DerivativeState, recv_ns: int, ingest_ns: int) -> None:
        """Number what the venue said of a derivative."""
        self._tick_run().add_derivative(state, self.advance_to(recv_ns), ingest_ns)

    def add_liquidation(self, liquidation: Liquidation, recv_ns: int, ingest_ns: int) -> None:
        """Number a liquidation."""
        self._tick_run().add_liquidation(liquidation, self.advance_to(recv_ns), ingest_ns)

    def add_clock(self, recv_ns: int, ingest_ns: int) -> None:
        """Number a clock event."""
        self._tick_run().add_clock(self.advance_to(recv_ns), ingest_ns)

    def add_change(self, change: BookChange, recv_ns: int, ingest_ns: int) -> None:
        """Number a change of the book."""
        recv_ns = self.advance_to(recv_ns)
        if change.kind is BookEventKind.SNAPSHOT:
            self.anchored_ns = recv_ns
        self._book_run().add(change, recv_ns, ingest_ns)

    def add_gap(self, through: tuple[int, int], last_id: int | None, recv_ns: int, ingest_ns: int) -> None:
        """Number a record of the events ``through[0]`` to ``through[1]``, which never arrived."""
        gap = BookEvent(
            kind=BookEventKind.STATE, ts_recv_ns=self.advance_to(recv_ns), ts_event_ns=None, trust=Trust.GAP,
            last_id=last_id, reason="the bus was away", gap_from_seq=through[0], gap_through_seq=through[1],
        )  # fmt: skip
        self._book_run().add_event(gap, ingest_ns)

    def drain(self, sent_ns: int) -> list[TickFrame | BookFrame]:
        """Return the frames of all events since the last call, in the order of their numbers."""
        if not self._runs:
            return []
        frames = [run.frame(self.identity, self._listing, sent_ns) for run in self._runs]
        self.forget_runs()
        return frames

    def forget_runs(self) -> None:
        """Give up the events that wait to be sent; their numbers are not given again."""
        self._runs, self._ticks, self._books = [], None, None

    def advance_to(self, recv_ns: int) -> int:
        """Move data time to ``recv_ns`` unless that lies in the past, and return it."""
        if recv_ns > self.last_ns:
            self.last_ns = recv_ns
        return self.last_ns

    def _tick_run(self) -> TickRun:
        run = self._ticks
        if run is None or len(run.kinds) >= MAX_TICKS:
            run = self._new_tick_run()
        self.next_seq += 1
        return run

    def _new_tick_run(self) -> TickRun:
        run = self._ticks = TickRun(self.next_seq, self._trust())
        self._books = None
        self._runs.append(run)
        return run

    def _book_run(self) -> BookRun:
        run = self._books
        if run is None or run.is_full:
            run = self._books = BookRun(self.next_seq)
            self._ticks = None
            self._runs.append(run)
        self.next_seq += 1
        return run
