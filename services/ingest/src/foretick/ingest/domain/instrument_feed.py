"""The feed of one instrument: venue events in, numbered events out, one sequence over ticks and books.

Every process that follows an instrument folds it; only its owner numbers its events. One that does not own it keeps the
book and the latest trades, so that it can go on at once when the owner is gone.
"""

from dataclasses import dataclass

from foretick.common.contracts import BookEventKind, BookFrame, Instrument, TickFrame, Trust
from foretick.common.errors import Malformed
from foretick.common.units import NS_PER_S
from foretick.ingest.domain.events import DerivativeState, Liquidation, Trade
from foretick.ingest.domain.listing import Listing
from foretick.ingest.domain.numbering import Numbering
from foretick.ingest.domain.place import Place
from foretick.ingest.domain.rules import MarketRules
from foretick.ingest.domain.runs import Identity
from foretick.ingest.domain.silence import Silence
from foretick.ingest.domain.trade_audit import RecentTrades, TradeAudit, Verdict
from foretick.market.integrity import BookChange, Delta, LocalBook, Snapshot, Top

CLOCK_NS = NS_PER_S
"""A quiet instrument gets a clock event after this much data time."""

ANCHOR_NS = 10 * NS_PER_S
"""A full book, or why there is none, is published at least this often, so that late consumers can join."""

MAX_CATCH_UP_NS = 60 * NS_PER_S
"""After a longer silence of everything (the machine slept) one clock event stands for all."""


@dataclass(slots=True)
class FeedCounters:
    """What became of the events of an instrument; its book's own counters are in ``LocalBook``.

    trades_recovered: trades that a predecessor did not get to tell, told in its place
    events_lost: numbered events that the bus did not take
    """

    trades: int = 0
    quotes: int = 0
    clocks: int = 0
    derivatives: int = 0
    liquidations: int = 0
    book_events: int = 0
    trades_repeated: int = 0
    trades_recovered: int = 0
    quotes_outdated: int = 0
    events_lost: int = 0


class InstrumentFeed:
    """Folds the events of one instrument; numbers them and gathers them into frames while ``is_owned``."""

    def __init__(self, identity: Identity, listing: Listing, rules: MarketRules) -> None:
        self.listing = listing
        self.rules = rules
        self.local = LocalBook(listing.grid, rules.book)
        self.counters = FeedCounters()
        self.is_owned = False
        self._has_numbered = False
        self._is_rebuilding = False
        self._start: tuple[Place, int] | None = None
        self._numbering = Numbering(identity, listing, lambda: self.local.trust)
        self._trades = TradeAudit(rules.trade_ids)
        self._recent = RecentTrades()
        self._silence = Silence(rules)
        self._quote_id = -1
        self._top: tuple[object, object] | None = None

    @property
    def trades_missed(self) -> int:
        """Trades that never came, where the venue's ids tell."""
        return self._trades.missed

    @property
    def next_seq(self) -> int:
        """The number of the next event."""
        return self._numbering.next_seq

    @property
    def is_ours(self) -> bool:
        """Whether it is owned, or will be with its next event."""
        return self.is_owned or self._start is not None

    @property
    def place(self) -> Place:
        """Where the numbered events end."""
        numbering = self._numbering
        return Place(numbering.next_seq - 1, numbering.last_ns, numbering.identity.epoch, self._trades.last_id)

    @property
    def last_ns(self) -> int:
        """Data time of the last event."""
        return self._numbering.last_ns

    @property
    def due_ns(self) -> int:
        """Data time at which ``advance`` has something to do next."""
        return min(self.last_ns + CLOCK_NS, self._silence.due_ns)

    @property
    def wants_snapshot(self) -> bool:
        """Whether a full book would help now: to believe in the book again, or to see whether it is still right."""
        return self.local.wants_snapshot or self._silence.wants_probe

    def instrument(self, recv_ns: int, ingest_ns: int, sent_ns: int) -> Instrument:
        """Return the listing as a message."""
        identity, listing, fees = self._numbering.identity, self.listing, self.rules.fees
        return Instrument(
            venue=identity.venue, symbol=listing.symbol, origin=identity.origin, run_id=identity.run_id,
            producer=identity.producer, epoch=identity.epoch, ts_recv_ns=recv_ns, ts_ingest_ns=ingest_ns,
            ts_sent_ns=sent_ns, trust=self.local.trust, base=listing.base, quote=listing.quote,
            tick_size=listing.grid.tick_size, lot_size=listing.grid.lot_size, aliases=listing.aliases,
            kind=listing.kind, contract_size=listing.contract_size, is_inverse=listing.is_inverse,
            order_step_qty=listing.order_step_qty, min_order_qty=listing.min_order_qty,
            maker_fee_bps=fees and fees.maker_bps, taker_fee_bps=fees and fees.taker_bps, session=listing.session,
            proof=self.rules.book.proof,
        )  # fmt: skip

    def take_over(self, place: Place, epoch: int) -> None:
        """Own the instrument, under ``epoch``, from the first event on that is later than ``place``.

        Of a recording that is played again, what was published already is only folded.
        """
        self._start = (place, epoch)

    def begin_if_due(self, now_ns: int, ingest_ns: int) -> None:
        """Begin to number, if ``take_over`` asked for it and ``now_ns``, data time, is late enough.

        Raises nothing; numbers what the instrument's consumers need to go on: why the numbering starts here, or which
        events were lost; trades that the predecessor did not tell; the book.
        """
        if self._start is None or now_ns <= self._start[0].data_ns:
            return
        (place, epoch), self._start = self._start, None
        is_same_writer = self._has_numbered and place.epoch <= self._numbering.identity.epoch
        if is_same_writer and place.seq < self.next_seq:
            self._go_on_after_loss(place.seq, epoch, now_ns, ingest_ns)
        else:
            self._begin(place, epoch, now_ns, ingest_ns)
        self.is_owned = self._has_numbered = True

    def lose(self) -> None:
        """Own the instrument no longer, without having said so: the bus is away, or another process took over.

        Numbers go on, so that they tell what was lost if this process is the next owner again.
        """
        self.is_owned, self._start = False, None

    def hand_over(self, reason: str, recv_ns: int, ingest_ns: int) -> None:
        """Say that nobody vouches for the book now, for ``reason``; after the next ``drain`` own it no longer."""
        if not self.is_owned:
            self.lose()
            return
        state = BookChange(BookEventKind.STATE, Trust.STALE, last_id=self.local.last_id, reason=reason)
        self._add_change(state, recv_ns, ingest_ns)
        self._has_numbered = False

    def fold_trade(self, trade: Trade, recv_ns: int, ingest_ns: int) -> None:
        """Number a trade, unless the venue's id says that it was folded before."""
        verdict = self._trades.judge(trade)
        if verdict is not Verdict.NEW:
            self.counters.trades_repeated += verdict is Verdict.REPEATED
            return
        self._recent.add(trade, recv_ns)
        self._add_trade(trade, recv_ns, ingest_ns)
        if self._silence.has_stalled(self.local.trust, recv_ns):
            reason = f"{self.rules.stall_trades} trades and more came without an update of the book"
            self._add_change(self.local.stall(reason), recv_ns, ingest_ns)

    def fold_quote(self, quote: Top, recv_ns: int, ingest_ns: int) -> None:
        """Number a best bid and ask, unless it is older than the last; then hold the book against it.

        Raises:
            Malformed: of a market without a book, for a level off the grid.
        """
        if quote.update_id is not None:
            if quote.update_id <= self._quote_id:
                self.counters.quotes_outdated += 1
                return
            self._quote_id = quote.update_id
        change = self.local.on_top(quote)
        self.counters.quotes += 1
        self._numbering.add_quote(quote, recv_ns, ingest_ns)
        if change is not None:
            self._add_change(change, recv_ns, ingest_ns)

    def fold_delta(self, delta: Delta, recv_ns: int, ingest_ns: int) -> None:
        """Fold a book update; number what became of the book.

        Raises:
            Malformed: after the book has been marked untrusted for it.
        """
        try:
            change = self.local.on_delta(delta)
        except Malformed as error:
            self._add_change(self.local.refuse(error.reason), recv_ns, ingest_ns)
            raise
        if self.local.trust is Trust.LIVE:
            self._silence.heard_of_book(recv_ns)
        if change is not None:
            self._tell(change, recv_ns, ingest_ns)
            self._anchor_if_due(ingest_ns)

    def fold_snapshot(self, snapshot: Snapshot, recv_ns: int, ingest_ns: int) -> None:
        """Fold a full book from the venue; of a LIVE book, hold it against one that was asked for.

        Raises:
            Malformed: for levels off the grid; a book that was not LIVE stays so.
        """
        if self._silence.is_probed(self.local.trust, snapshot.last_id, recv_ns):
            return
        change = self.local.on_snapshot(snapshot)
        self._silence.heard_of_book(recv_ns)
        if change is not None:
            self._tell(change, recv_ns, ingest_ns)

    def fold_derivative(self, state: DerivativeState, recv_ns: int, ingest_ns: int) -> None:
        """Number what the venue said of a derivative."""
        self.counters.derivatives += 1
        self._numbering.add_derivative(state, recv_ns, ingest_ns)

    def fold_liquidation(self, liquidation: Liquidation, recv_ns: int, ingest_ns: int) -> None:
        """Number a liquidation."""
        self.counters.liquidations += 1
        self._numbering.add_liquidation(liquidation, recv_ns, ingest_ns)

    def distrust(self, trust: Trust, reason: str, recv_ns: int, ingest_ns: int) -> None:
        """Stop believing the book and say so. STALE means that the connection is gone: ids may start anew after it."""
        if trust is Trust.STALE:
            self._quote_id = -1
            self._trades.reconnect()
        self._top = None
        self._add_change(self.local.distrust(trust, reason), recv_ns, ingest_ns)
        self._silence.begin(self.last_ns)

    def begin_rebuild(self) -> None:
        """Forget the book's state but not its trust, and tell nothing of it until ``end_rebuild``."""
        self._is_rebuilding = True
        self.local.distrust(Trust.RESYNC, "the connection was replaced and brought no full book")

    def end_rebuild(self, ingest_ns: int) -> None:
        """Tell the book as it is now."""
        self._is_rebuilding = False
        self._anchor(self.last_ns, ingest_ns)
        if self.local.trust is not Trust.LIVE:
            self.local.give_up_waiting()

    def lose_update(self, reason: str, recv_ns: int, ingest_ns: int) -> None:
        """Stop believing a LIVE book: the venue's connection proves that something was lost."""
        if self.local.trust is Trust.LIVE:
            self._add_change(self.local.lose_update(reason), recv_ns, ingest_ns)

    def refuse_update(self, reason: str, recv_ns: int, ingest_ns: int) -> None:
        """Stop believing a LIVE book: an update of it could not be read."""
        if self.local.trust is Trust.LIVE:
            self._add_change(self.local.refuse(reason), recv_ns, ingest_ns)

    def relist(self, listing: Listing, ingest_ns: int) -> None:
        """Go on with ``listing``; where its grid is another one, the book is built anew on it."""
        is_same_grid = listing.grid == self.listing.grid
        self.listing = listing
        self._numbering.relist(listing)
        if not is_same_grid:
            self.local = LocalBook(listing.grid, self.rules.book, counters=self.local.counters)
            state = self.local.distrust(Trust.RESYNC, f"the venue lists another grid: {listing.grid}")
            self.local.give_up_waiting()  # nobody knows of it yet
            self._add_change(state, self.last_ns, ingest_ns)

    def advance(self, now_ns: int, ingest_ns: int) -> None:
        """Let data time pass to ``now_ns``: a clock event for each quiet second; a book that has fallen silent is told.

        What happens in between happens in its order, however many calls it takes to get there.
        """
        if now_ns - self.last_ns > MAX_CATCH_UP_NS:
            self._clock(now_ns, ingest_ns)
        if now_ns - self._silence.due_ns > MAX_CATCH_UP_NS:
            self._silence.begin(now_ns)
        while (due_ns := self.due_ns) <= now_ns:
            if due_ns == self.last_ns + CLOCK_NS:
                self._clock(due_ns, ingest_ns)
            else:
                self._look_at_silence(ingest_ns)

    def forget_pending(self) -> None:
        """Give up the events that wait to be sent: the bus is away, or another process tells of them."""
        self._numbering.forget_runs()

    def drain(self, sent_ns: int) -> list[TickFrame | BookFrame]:
        """Return the frames of all events since the last call, in the order of their numbers; none of another's."""
        if not self.is_owned:
            self._numbering.forget_runs()
            return []
        frames = self._numbering.drain(sent_ns)
        self.is_owned = self._has_numbered
        return frames

    def _begin(self, place: Place, epoch: int, recv_ns: int, ingest_ns: int) -> None:
        numbering = self._numbering
        numbering.begin(place.seq + 1, epoch, recv_ns)
        reason = "restart" if place.seq else "start"
        state = BookChange(BookEventKind.STATE, Trust.RESYNC, last_id=self.local.last_id, reason=reason)
        self._add_change(state, recv_ns, ingest_ns)
        if place.trade_id is not None:
            missing = self._recent.after(place.trade_id)
            self._trades.go_on_after(place.trade_id)
            for trade in missing:
                self._trades.judge(trade)
                self._add_trade(trade, recv_ns, ingest_ns)
            self.counters.trades_recovered += len(missing)
        if self.local.trust is Trust.LIVE:
            self._anchor(self.last_ns, ingest_ns)

    def _go_on_after_loss(self, last_kept_seq: int, epoch: int, recv_ns: int, ingest_ns: int) -> None:
        """Put a record of the events after ``last_kept_seq``, which never arrived, on the sequence, then the book."""
        numbering = self._numbering
        numbering.begin(self.next_seq, epoch, recv_ns)
        if last_kept_seq + 1 < self.next_seq:
            lost = last_kept_seq + 1, self.next_seq - 1
            self.counters.events_lost += lost[1] - lost[0] + 1
            self.counters.book_events += 1
            numbering.add_gap(lost, self.local.last_id, recv_ns, ingest_ns)
        self._anchor(numbering.advance_to(recv_ns), ingest_ns)

    def _tell(self, change: BookChange, recv_ns: int, ingest_ns: int) -> None:
        self._add_change(change, recv_ns, ingest_ns)
        if self.rules.quotes_from_book and change.trust is Trust.LIVE and not self._is_rebuilding:
            self._quote_from_book(change.ts_event_ns, recv_ns, ingest_ns)

    def _quote_from_book(self, event_ns: int | None, recv_ns: int, ingest_ns: int) -> None:
        bids, asks = self.local.book.top_steps(1)
        if not bids or not asks or (bids[0], asks[0]) == self._top:
            return
        self._top = (bids[0], asks[0])
        grid = self.listing.grid
        quote = Top(
            None, grid.price(bids[0][0]), grid.qty(bids[0][1]), grid.price(asks[0][0]), grid.qty(asks[0][1]), event_ns
        )
        self.counters.quotes += 1
        self._numbering.add_quote(quote, recv_ns, ingest_ns)

    def _look_at_silence(self, ingest_ns: int) -> None:
        at_ns = self._silence.due_ns
        local = self.local
        if self._silence.look(local.trust, local.last_id):
            change = local.stall("the venue's book has moved on, its stream has not")
            self._add_change(change, at_ns, ingest_ns)
        elif self._silence.is_overdue(local.trust, at_ns):
            local.give_up_waiting()

    def _add_trade(self, trade: Trade, recv_ns: int, ingest_ns: int) -> None:
        self.counters.trades += 1
        self._numbering.add_trade(trade, recv_ns, ingest_ns)

    def _add_change(self, change: BookChange, recv_ns: int, ingest_ns: int) -> None:
        if self._is_rebuilding:
            return
        self.counters.book_events += 1
        self._numbering.add_change(change, recv_ns, ingest_ns)

    def _anchor(self, recv_ns: int, ingest_ns: int) -> None:
        self._numbering.anchored_ns = recv_ns
        local = self.local
        self._add_change(local.image() if local.trust is Trust.LIVE else local.state(), recv_ns, ingest_ns)

    def _anchor_if_due(self, ingest_ns: int) -> None:
        if self.last_ns - self._numbering.anchored_ns >= ANCHOR_NS:
            self._anchor(self.last_ns, ingest_ns)

    def _clock(self, recv_ns: int, ingest_ns: int) -> None:
        self.counters.clocks += 1
        self._numbering.add_clock(recv_ns, ingest_ns)
        self._anchor_if_due(ingest_ns)
