"""Frames and listings of all venues -> consolidated quotes, for the ``consolidate`` role."""

from collections.abc import Sequence
from dataclasses import dataclass

from foretick.common.contracts import (
    BookEvent,
    BookEventKind,
    BookFrame,
    ConsolidatedQuote,
    Instrument,
    TickFrame,
    Trust,
)
from foretick.common.ownership import InstrumentKey
from foretick.common.sequence import SequenceAudit, SequenceTally
from foretick.ingest.ports import QuoteOutlet
from foretick.market.consolidation import STEP_NS, Consolidation, Consolidator, Quote


@dataclass(slots=True)
class _Followed:
    """What is known of an instrument beside its quote. ``step``: the last one in which it was heard of."""

    audit: SequenceAudit
    trust: Trust = Trust.STALE
    step: int = -1


class ConsolidateHandler:
    """Folds every venue's best bid and ask, the trust of its book, and that it is there; publishes what is due.

    A quote is that of a tick, or the top of a full book. Of the other events only the first of an instrument in a step
    is looked at: it shows that the feed lives.
    """

    def __init__(self, run_id: str, producer: str, outlet: QuoteOutlet, tally: SequenceTally) -> None:
        self.consolidator = Consolidator()
        self._run_id = run_id
        self._producer = producer
        self._outlet = outlet
        self._tally = tally
        self._followed: dict[InstrumentKey, _Followed] = {}
        self._outliers: dict[tuple[str, str], set[str]] = {}

    def on_listings(self, batch: Sequence[Instrument]) -> None:
        """Learn instruments of this run."""
        for listing in batch:
            if listing.run_id == self._run_id:
                self.consolidator.learn(listing)

    def change_followed(self) -> tuple[list[InstrumentKey], list[InstrumentKey]]:
        """Return the instruments to follow from now on, and those to leave; the frames of others are ignored."""
        wanted = self.consolidator.keys
        to_follow, to_leave = sorted(wanted - self._followed.keys()), sorted(self._followed.keys() - wanted)
        for key in to_follow:
            self._followed[key] = _Followed(SequenceAudit())
        for key in to_leave:
            del self._followed[key]
        return to_follow, to_leave

    def on_frames(self, batch: Sequence[TickFrame | BookFrame]) -> None:
        """Fold a batch and publish what came of it."""
        for frame in batch:
            key = frame.venue, frame.symbol
            followed = self._followed.get(key)
            if followed is None:
                continue
            is_ticks = isinstance(frame, TickFrame)
            count = len(frame.kinds) if is_ticks else len(frame.events)
            admission = followed.audit.admit(frame.epoch, frame.seq, count)
            self._tally.count("ticks" if is_ticks else "books", admission)
            if admission.lost:
                self.consolidator.lose(key)
            if is_ticks:
                self._fold_ticks(key, followed, frame, admission.skip)
            else:
                for event in frame.events[admission.skip :]:
                    self._fold_book(key, followed, event)

    def _fold_ticks(self, key: InstrumentKey, followed: _Followed, frame: TickFrame, skip: int) -> None:
        kinds, quotes = frame.kinds, frame.quotes
        row = kinds.count("Q", 0, skip)
        for index in range(skip, len(kinds)):
            recv_ns = frame.recv_ns[index]
            if kinds[index] == "Q":
                quote = Quote(quotes.bid[row], quotes.bid_qty[row], quotes.ask[row], quotes.ask_qty[row])
                row += 1
                self._fold(key, followed, quote, frame.trust, recv_ns)
            else:
                self._touch(key, followed, frame.trust, recv_ns)

    def _fold_book(self, key: InstrumentKey, followed: _Followed, event: BookEvent) -> None:
        if event.kind is BookEventKind.SNAPSHOT:
            bid, ask = event.bids[0] if event.bids else (None, None), event.asks[0] if event.asks else (None, None)
            self._fold(key, followed, Quote(*bid, *ask), event.trust, event.ts_recv_ns)
        else:
            self._touch(key, followed, event.trust, event.ts_recv_ns)

    def _fold(self, key: InstrumentKey, followed: _Followed, quote: Quote, trust: Trust, recv_ns: int) -> None:
        followed.trust, followed.step = trust, recv_ns // STEP_NS
        self._publish(self.consolidator.fold(key, quote, trust, recv_ns))

    def _touch(self, key: InstrumentKey, followed: _Followed, trust: Trust, recv_ns: int) -> None:
        step = recv_ns // STEP_NS
        if step == followed.step and trust is followed.trust:
            return
        followed.trust, followed.step = trust, step
        self._publish(self.consolidator.touch(key, trust, recv_ns))

    def _publish(self, due: Sequence[Consolidation]) -> None:
        for each in due:
            self._outlet.publish(self._message(each))
            self._tell_outliers(each)

    def _message(self, each: Consolidation) -> ConsolidatedQuote:
        bid, ask, net_bid, net_ask = each.bid, each.ask, each.net_bid, each.net_ask
        return ConsolidatedQuote(
            base=each.base, quote=each.quote, origin=each.origin, run_id=self._run_id, producer=self._producer,
            ts_recv_ns=each.ts_recv_ns, ts_sent_ns=self._outlet.now_ns(),
            bid_venue=bid and bid.venue, bid=bid and bid.price, bid_qty=bid and bid.qty,
            ask_venue=ask and ask.venue, ask=ask and ask.price, ask_qty=ask and ask.qty,
            net_bid_venue=net_bid and net_bid.venue, net_bid=net_bid and net_bid.price,
            net_ask_venue=net_ask and net_ask.venue, net_ask=net_ask and net_ask.price,
            is_crossed=each.is_crossed, net_edge_bps=each.net_edge_bps, venues=each.venues,
        )  # fmt: skip

    def _tell_outliers(self, each: Consolidation) -> None:
        """Tell the operator who has become the odd one out, and who is no longer."""
        pair = each.base, each.quote
        now = {quote.venue for quote in each.venues if quote.is_outlier}
        before = self._outliers.get(pair, set())
        if now == before:
            return
        self._outliers[pair] = now
        deviations = {quote.venue: quote.deviation_bps for quote in each.venues}
        for venue in sorted(now - before):
            self._outlet.tell(
                "a venue is the odd one out and does not count", venue=venue, base=each.base, quote=each.quote,
                deviation_bps=deviations[venue],
            )  # fmt: skip
        for venue in sorted(before - now):
            self._outlet.tell("a venue counts again", venue=venue, base=each.base, quote=each.quote)
