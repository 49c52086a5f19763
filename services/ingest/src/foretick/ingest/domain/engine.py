"""The feed engine: the instruments of one venue, from parsed events to frames. A fold: no clock, no I/O, no batches.

How events are cut into calls changes only where frames end, never the numbered events.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from foretick.common.contracts import BookFrame, Instrument, TickFrame, Trust
from foretick.ingest.domain.events import DerivativeState, Liquidation, MarketEvent, Trade
from foretick.ingest.domain.instrument_feed import InstrumentFeed
from foretick.ingest.domain.listing import Listing
from foretick.ingest.domain.place import Place
from foretick.ingest.domain.rules import MarketRules
from foretick.ingest.domain.runs import Identity
from foretick.market.integrity import Anchor, Delta, Snapshot, Top

_FOLDS = {
    Top: InstrumentFeed.fold_quote,
    Trade: InstrumentFeed.fold_trade,
    Delta: InstrumentFeed.fold_delta,
    Snapshot: InstrumentFeed.fold_snapshot,
    DerivativeState: InstrumentFeed.fold_derivative,
    Liquidation: InstrumentFeed.fold_liquidation,
}


@dataclass(slots=True)
class EngineCounters:
    """Events that no instrument of this feed took."""

    events_unlisted: int = 0


class FeedEngine:
    """All instruments of one venue that this process follows.

    ``recv_ns`` is data time throughout; ``ingest_ns`` and ``sent_ns`` are this process's wall clock, only passed on.
    """

    def __init__(self, identity: Identity, listings: Iterable[Listing], rules: MarketRules) -> None:
        self.identity = identity
        self.rules = rules
        self.counters = EngineCounters()
        self.feeds = {listing.symbol: InstrumentFeed(identity, listing, rules) for listing in listings}
        self._due_ns = 0
        self._starting: set[str] = set()
        self._touched: dict[str, InstrumentFeed] = {}

    @property
    def now_ns(self) -> int:
        """Data time: that of the latest event of any instrument."""
        return max((feed.last_ns for feed in self.feeds.values()), default=0)

    @property
    def live_count(self) -> int:
        """How many books may be believed."""
        return sum(feed.local.trust is Trust.LIVE for feed in self.feeds.values())

    def instruments(self, symbols: Iterable[str], recv_ns: int, ingest_ns: int, sent_ns: int) -> list[Instrument]:
        """Return the listings of ``symbols`` as messages."""
        return [self.feeds[symbol].instrument(recv_ns, ingest_ns, sent_ns) for symbol in symbols]

    def take_over(self, places: Mapping[str, Place], epoch: int) -> None:
        """Own each instrument of ``places`` from the first input later than its place on."""
        for symbol, place in places.items():
            self.feeds[symbol].take_over(place, epoch)
        self._starting.update(places)
        self._due_ns = 0

    def begin_due(self, now_ns: int, ingest_ns: int) -> None:
        """Begin to number the instruments that were taken over, once data time is past their places."""
        for symbol in tuple(self._starting):
            feed = self.feeds[symbol]
            feed.begin_if_due(now_ns, ingest_ns)
            if feed.is_owned:
                self._starting.discard(symbol)
                self._touched[symbol] = feed

    def lose(self, symbols: Iterable[str]) -> None:
        """Own ``symbols`` no longer."""
        for symbol in symbols:
            self.feeds[symbol].lose()
            self._starting.discard(symbol)

    def hand_over(self, symbols: Iterable[str], reason: str, recv_ns: int, ingest_ns: int) -> None:
        """Tell consumers of ``symbols`` that nobody vouches for their books now, and own them no longer."""
        for symbol in symbols:
            self.feeds[symbol].hand_over(reason, recv_ns, ingest_ns)
            self._starting.discard(symbol)
            self._touched[symbol] = self.feeds[symbol]

    def fold(self, symbol: str, event: MarketEvent, recv_ns: int, ingest_ns: int) -> None:
        """Fold one event of the venue.

        Raises:
            Malformed: for an event that its instrument's grid refuses.
        """
        if recv_ns >= self._due_ns or self._starting:
            self.advance(recv_ns, ingest_ns)
        feed = self.feeds.get(symbol)
        if feed is None:
            self.counters.events_unlisted += 1
            return
        self._touched[symbol] = feed
        _FOLDS[type(event)](feed, event, recv_ns, ingest_ns)  # type: ignore[operator]

    def advance(self, now_ns: int, ingest_ns: int) -> None:
        """Let data time pass: quiet instruments get their clock events, silent books are found."""
        if self._starting:
            self.begin_due(now_ns, ingest_ns)
        for symbol, feed in self.feeds.items():
            if feed.due_ns <= now_ns:
                feed.advance(now_ns, ingest_ns)
                self._touched[symbol] = feed
        self._due_ns = min((feed.due_ns for feed in self.feeds.values()), default=now_ns)

    def distrust(self, symbols: Iterable[str], state: tuple[Trust, str], recv_ns: int, ingest_ns: int) -> None:
        """Stop believing the books of ``symbols``: ``state`` is the trust and the reason."""
        for symbol in symbols:
            feed = self.feeds[symbol]
            feed.distrust(*state, recv_ns, ingest_ns)
            self._touched[symbol] = feed

    def lose_updates(self, symbols: Iterable[str], reason: str, recv_ns: int, ingest_ns: int) -> None:
        """Take note that updates of any of ``symbols`` may be missing, for ``reason``."""
        for symbol in symbols:
            feed = self.feeds[symbol]
            feed.lose_update(reason, recv_ns, ingest_ns)
            self._touched[symbol] = feed

    def refuse_update(self, symbol: str, reason: str, recv_ns: int, ingest_ns: int) -> None:
        """Take note that an update of ``symbol``, if that is followed, could not be read, for ``reason``."""
        feed = self.feeds.get(symbol)
        if feed is not None:
            feed.refuse_update(reason, recv_ns, ingest_ns)
            self._touched[symbol] = feed

    def relist(self, listing: Listing, ingest_ns: int) -> None:
        """Go on with ``listing`` in the place of the one of the same symbol."""
        feed = self.feeds[listing.symbol]
        feed.relist(listing, ingest_ns)
        self._touched[listing.symbol] = feed

    def begin_rebuild(self, symbols: Iterable[str]) -> None:
        """Build the books of ``symbols`` anew from what comes now, unseen until ``end_rebuild``.

        Only of a venue whose streams begin with a full book; others go on with the chain that they have.
        """
        if self.rules.book.anchor is Anchor.STREAM:
            for symbol in symbols:
                self.feeds[symbol].begin_rebuild()

    def end_rebuild(self, symbols: Iterable[str], ingest_ns: int) -> None:
        """Tell what became of the books of ``symbols``."""
        if self.rules.book.anchor is Anchor.STREAM:
            for symbol in symbols:
                self.feeds[symbol].end_rebuild(ingest_ns)
                self._touched[symbol] = self.feeds[symbol]

    def wanting_snapshots(self) -> list[str]:
        """Return those symbols, of events since the last ``drain``, whose books a full book would help now."""
        return [symbol for symbol, feed in self._touched.items() if feed.wants_snapshot]

    def forget_pending(self) -> None:
        """Give up the events that wait to be sent, of every instrument."""
        for feed in self.feeds.values():
            feed.forget_pending()
        self._touched.clear()

    def drain(self, sent_ns: int) -> list[TickFrame | BookFrame]:
        """Return the frames of all events since the last call; those of an instrument in the order of their numbers."""
        touched, self._touched = self._touched, {}
        return [frame for feed in touched.values() for frame in feed.drain(sent_ns)]
