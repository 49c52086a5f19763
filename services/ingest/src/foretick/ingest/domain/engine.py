"""The feed engine: the instruments of one venue, from parsed events to frames. A fold: no clock, no I/O, no batches.

How events are cut into calls changes only where frames end, never the numbered events.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from foretick.common.contracts import BookFrame, Instrument, TickFrame, Trust
from foretick.ingest.domain.events import MarketEvent, Trade
from foretick.ingest.domain.instrument_feed import CLOCK_NS, InstrumentFeed
from foretick.ingest.domain.listing import Listing
from foretick.ingest.domain.runs import Identity
from foretick.market.integrity import ChainRule, Delta, Snapshot, Top


@dataclass(slots=True)
class EngineCounters:
    """Events that no instrument of this feed took."""

    events_unlisted: int = 0


class FeedEngine:
    """All instruments of one venue that this process feeds.

    ``recv_ns`` is data time throughout; ``ingest_ns`` and ``sent_ns`` are this process's wall clock, only passed on.
    """

    def __init__(self, identity: Identity, listings: Iterable[Listing], rule: ChainRule) -> None:
        self.identity = identity
        self.counters = EngineCounters()
        self.feeds = {listing.symbol: InstrumentFeed(identity, listing, rule) for listing in listings}
        self._clock_due_ns = 0
        self._touched: dict[str, InstrumentFeed] = {}

    def begin(self, next_seqs: Mapping[str, int], recv_ns: int, ingest_ns: int) -> None:
        """Number each instrument's events from its entry in ``next_seqs``, or from 1, on."""
        self._clock_due_ns = 0
        for symbol, feed in self.feeds.items():
            next_seq = next_seqs.get(symbol, 1)
            feed.begin(next_seq, "restart" if next_seq > 1 else "start", recv_ns, ingest_ns)
            self._touched[symbol] = feed

    @property
    def now_ns(self) -> int:
        """Data time: that of the latest event of any instrument."""
        return max((feed.last_ns for feed in self.feeds.values()), default=0)

    @property
    def live_count(self) -> int:
        """How many books may be believed."""
        return sum(feed.local.trust is Trust.LIVE for feed in self.feeds.values())

    def instruments(self, recv_ns: int, ingest_ns: int, sent_ns: int) -> list[Instrument]:
        """Return every listing as a message."""
        return [feed.instrument(recv_ns, ingest_ns, sent_ns) for feed in self.feeds.values()]

    def fold(self, symbol: str, event: MarketEvent, recv_ns: int, ingest_ns: int) -> None:
        """Fold one event of the venue.

        Raises:
            Malformed: for an event that its instrument's grid refuses.
        """
        if recv_ns >= self._clock_due_ns:
            self.advance(recv_ns, ingest_ns)
        feed = self.feeds.get(symbol)
        if feed is None:
            self.counters.events_unlisted += 1
            return
        self._touched[symbol] = feed
        kind = type(event)
        if kind is Top:
            feed.fold_quote(event, recv_ns, ingest_ns)  # type: ignore[arg-type]
        elif kind is Trade:
            feed.fold_trade(event, recv_ns, ingest_ns)  # type: ignore[arg-type]
        elif kind is Delta:
            feed.fold_delta(event, recv_ns, ingest_ns)  # type: ignore[arg-type]
        elif kind is Snapshot:
            feed.fold_snapshot(event, recv_ns, ingest_ns)  # type: ignore[arg-type]

    def advance(self, now_ns: int, ingest_ns: int) -> None:
        """Let data time pass: quiet instruments get their clock events."""
        for symbol, feed in self.feeds.items():
            if now_ns - feed.last_ns >= CLOCK_NS:
                feed.advance(now_ns, ingest_ns)
                self._touched[symbol] = feed
        self._clock_due_ns = min((feed.last_ns for feed in self.feeds.values()), default=now_ns) + CLOCK_NS

    def distrust(self, symbols: Iterable[str], state: tuple[Trust, str], recv_ns: int, ingest_ns: int) -> None:
        """Stop believing the books of ``symbols``: ``state`` is the trust and the reason."""
        for symbol in symbols:
            feed = self.feeds[symbol]
            feed.distrust(*state, recv_ns, ingest_ns)
            self._touched[symbol] = feed

    def wanting_snapshots(self) -> list[str]:
        """Return those symbols, of events since the last ``drain``, whose books a snapshot would help now."""
        return [symbol for symbol, feed in self._touched.items() if feed.local.wants_snapshot]

    def lose_pending(self) -> None:
        """Give up the events that wait to be sent, of every instrument."""
        for feed in self.feeds.values():
            feed.lose_pending()
        self._touched.clear()

    def record_losses(self, last_kept_seqs: Mapping[str, int], recv_ns: int, ingest_ns: int) -> None:
        """Tell of the events of each instrument after its entry in ``last_kept_seqs``: they never arrived."""
        for symbol, feed in self.feeds.items():
            feed.record_loss(last_kept_seqs.get(symbol, 0), recv_ns, ingest_ns)
            self._touched[symbol] = feed

    def drain(self, sent_ns: int) -> list[TickFrame | BookFrame]:
        """Return the frames of all events since the last call; those of an instrument in the order of their numbers."""
        touched, self._touched = self._touched, {}
        return [frame for feed in touched.values() for frame in feed.drain(sent_ns)]
