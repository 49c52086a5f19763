"""Messages in -> engine -> messages out, for the ``feed`` role: one handler a venue."""

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from foretick.common.contracts import TickFrame, Trust
from foretick.common.errors import Malformed
from foretick.common.subjects import BOOKS, INSTRUMENT_LISTINGS, TICKS
from foretick.ingest.domain.engine import FeedEngine
from foretick.ingest.domain.events import (
    DerivativeState,
    Liquidation,
    Maintenance,
    MalformedUpdate,
    MarketEvent,
    Notice,
    Numbered,
    Parsed,
    Quiet,
    Received,
    ShutdownNotice,
    Unknown,
    VenueError,
)
from foretick.ingest.domain.listing import Listing, grid_of
from foretick.ingest.domain.place import Place
from foretick.ingest.domain.venue_clock import VenueClock
from foretick.ingest.ports import FrameOutlet, VenueSession, WireFormat
from foretick.market.book import OffGrid
from foretick.market.integrity import Snapshot

_MAX_UNKNOWN_KINDS = 100
_MAX_NAMELESS = 4096
_NAMELESS: Final = (DerivativeState, Liquidation)
_NOTICES: Final = (Quiet, Numbered, Unknown, VenueError, ShutdownNotice, Maintenance)


def _tell_nobody(symbol: str) -> None:
    """Stand for a venue that cannot be asked, and for a feed that nobody records."""


class FeedHandler:
    """Takes what a venue's transport delivers, folds it, and publishes the frames: a ``FrameReceiver``.

    doubt_listing: is asked for the listing of a symbol again, as levels came that are off its grid; answers ``relist``
    tell_listing: is told the symbol of a listing that has changed
    """

    def __init__(self, engine: FeedEngine, wire: WireFormat, outlet: FrameOutlet, venue: VenueSession) -> None:
        self.engine = engine
        self.clock = VenueClock()
        self.unknown_kinds: dict[str, int] = {}
        self.maintenance = ""
        self._wire = wire
        self._outlet = outlet
        self._venue = venue
        self.doubt_listing: Callable[[str], None] = _tell_nobody
        self.tell_listing: Callable[[str], None] = _tell_nobody
        self._doubted: set[str] = set()
        self._confirmed: set[str] = set()
        self._source = engine.identity.venue
        self._next_number: dict[int, int] = {}
        self._nameless: deque[tuple[str, MarketEvent]] = deque(maxlen=_MAX_NAMELESS)

    def on_connected(self, symbols: Sequence[str], connection: int) -> None:
        """Begin to collect the streams of ``symbols`` towards a sync."""
        self._distrust(symbols, Trust.RESYNC, "connected, the book is awaited")

    def on_disconnected(self, symbols: Sequence[str], connection: int, reason: str) -> None:
        """Mark the books of ``symbols`` stale."""
        self._next_number.pop(connection, None)
        self._outlet.tell("venue stream ended", venue=self._source, symbols=len(symbols), reason=reason)
        self._distrust(symbols, Trust.STALE, reason)

    def on_replaced(self, symbols: Sequence[str], connection: int, held: Sequence[Received]) -> None:
        """Go on with another connection: where it began with full books, the books are built anew from them, unseen."""
        self._next_number.pop(connection, None)
        ingest_ns = self._outlet.now_ns()
        self.engine.begin_rebuild(symbols)
        self._fold_all(held, ingest_ns, set(self._nameless))
        self.engine.end_rebuild(symbols, ingest_ns)
        self._flush()

    def on_frames(self, batch: Sequence[Received]) -> None:
        """Fold a batch and publish what came of it."""
        self._fold_all(batch, self._outlet.now_ns())
        self._flush()

    def on_time(self, now_ns: int) -> None:
        """Let data time pass."""
        self.engine.advance(now_ns, self._outlet.now_ns())
        self._flush()

    def on_closed(self, symbols: Sequence[str]) -> None:
        """Say of ``symbols`` that their exchange is closed: what was quoted last is no market until the next quote."""
        if symbols:
            self._distrust(symbols, Trust.STALE, "the exchange is closed")

    def relist(self, listings: Sequence[Listing]) -> list[str]:
        """Go on with ``listings`` where they say something new; return the symbols of those, whose books begin anew.

        A grid never gets coarser: orders of before stay where they are.
        """
        changed: list[str] = []
        for told in listings:
            feed = self.engine.feeds.get(told.symbol)
            if feed is None:
                continue
            listing = replace(told, grid=feed.listing.grid.joined(told.grid))
            if listing != feed.listing:
                self._change(listing)
                changed.append(listing.symbol)
            elif listing.symbol in self._doubted:
                self._confirmed.add(listing.symbol)
        self._flush()
        return changed

    def take_over(self, places: Mapping[str, Place], epoch: int) -> None:
        """Number and publish the instruments of ``places`` from the first input later than its place on."""
        self.engine.take_over(places, epoch)
        wall_ns = self._outlet.now_ns()
        for instrument in self.engine.instruments(places, max(self.engine.now_ns, wall_ns), wall_ns, wall_ns):
            self._outlet.publish(INSTRUMENT_LISTINGS, instrument)

    def hand_over(self, symbols: Sequence[str], reason: str) -> None:
        """Publish that nobody vouches for the books of ``symbols`` now, and nothing more of them."""
        self.engine.hand_over(symbols, reason, self.engine.now_ns, self._outlet.now_ns())
        self._flush()

    def lose(self, symbols: Sequence[str]) -> None:
        """Publish nothing more of ``symbols``: another process may."""
        self.engine.lose(symbols)

    def _fold_all(self, batch: Sequence[Received], ingest_ns: int, told: Collection[object] = ()) -> None:
        """Fold ``batch``; of the events that nothing of their own names, ``told`` are not new."""
        for received in batch:
            try:
                parsed = self._parse(received)
            except Malformed as error:
                self._outlet.reject(self._source, error.reason, received.payload)
                self._lose(received, error, ingest_ns)
            else:
                if told:
                    parsed = [each for each in parsed if not (isinstance(each[1], _NAMELESS) and each in told)]
                self._fold(parsed, received, ingest_ns)

    def _parse(self, received: Received) -> Sequence[Parsed]:
        asked = received.symbol
        return self._wire.parse(received.payload) if asked is None else self._wire.parse_reply(asked, received.payload)

    def _lose(self, received: Received, error: Malformed, ingest_ns: int) -> None:
        """Take note that an unreadable frame held an update of the book it names, or of any book of its connection."""
        if isinstance(error, MalformedUpdate):
            self.engine.refuse_update(error.symbol, error.reason, received.recv_ns, ingest_ns)
        elif received.symbol is None and self.engine.rules.book.is_loss_silent:
            symbols = self._venue.symbols_of(received.connection)
            reason = f"a message could not be read: {error.reason}"
            self.engine.lose_updates(symbols, reason, received.recv_ns, ingest_ns)

    def _fold(self, parsed: Sequence[Parsed], received: Received, ingest_ns: int) -> None:
        recv_ns = received.recv_ns
        for symbol, event in parsed:
            if not isinstance(event, _NOTICES):
                if isinstance(event, _NAMELESS):
                    self._nameless.append((symbol, event))
                if recv_ns >= self.clock.due_ns and event.ts_event_ns is not None:
                    self.clock.hear(recv_ns, event.ts_event_ns)
                try:
                    self.engine.fold(symbol, event, recv_ns, ingest_ns)
                except Malformed as error:
                    self._outlet.reject(self._source, error.reason, received.payload)
                    if isinstance(error, OffGrid):
                        self._doubt_grid(symbol, event)
            elif not isinstance(event, Numbered):
                self._notice(event)
            elif not self._is_next(event.number, received.connection):
                return

    def _doubt_grid(self, symbol: str, event: MarketEvent) -> None:
        """Have the listing looked at; where that stands and another full book is off it, widen the grid to hold that.

        So it is where a venue has made a tick coarser, and orders of before lie between the new ticks.
        """
        if symbol not in self._confirmed:
            self._doubted.add(symbol)
            self.doubt_listing(symbol)
        elif isinstance(event, Snapshot):
            listing = self.engine.feeds[symbol].listing
            self._change(replace(listing, grid=grid_of([*event.bids, *event.asks], listing.grid)))

    def _change(self, listing: Listing) -> None:
        symbol, ingest_ns = listing.symbol, self._outlet.now_ns()
        self._doubted.discard(symbol)
        self._confirmed.discard(symbol)
        self._outlet.tell("listing changed", venue=self._source, symbol=symbol, grid=str(listing.grid))
        self.engine.relist(listing, ingest_ns)
        self.tell_listing(symbol)
        if self.engine.feeds[symbol].is_ours:
            now_ns = max(self.engine.now_ns, ingest_ns)
            for instrument in self.engine.instruments([symbol], now_ns, ingest_ns, ingest_ns):
                self._outlet.publish(INSTRUMENT_LISTINGS, instrument)

    def _is_next(self, number: int, connection: int) -> bool:
        """Hold a message's number against the last of its connection; return whether the message is a new one."""
        expected = self._next_number.get(connection, number)
        if number < expected:
            return False
        self._next_number[connection] = number + 1
        if number > expected:
            reason = f"message {expected} of the connection never came, {number} did"
            symbols = self._venue.symbols_of(connection)
            self.engine.lose_updates(symbols, reason, self.engine.now_ns, self._outlet.now_ns())
        return True

    def _notice(self, notice: Notice) -> None:
        match notice:
            case ShutdownNotice():
                self._outlet.tell("venue announced a shutdown, reconnecting", venue=self._source)
                self._venue.roll_over()
            case Maintenance(text):
                if text != self.maintenance:
                    self._outlet.tell("venue speaks of maintenance", venue=self._source, notice=text or "it is over")
                self.maintenance = text
            case VenueError(code, message):
                self._outlet.tell("venue refused a request", venue=self._source, code=code, message=message)
            case Unknown(kind):
                if kind in self.unknown_kinds or len(self.unknown_kinds) < _MAX_UNKNOWN_KINDS:
                    self.unknown_kinds[kind] = self.unknown_kinds.get(kind, 0) + 1
            case _:
                pass

    def _distrust(self, symbols: Sequence[str], trust: Trust, reason: str) -> None:
        self.engine.distrust(symbols, (trust, reason), self.engine.now_ns, self._outlet.now_ns())
        self._flush()

    def _flush(self) -> None:
        for symbol in self.engine.wanting_snapshots():
            self._venue.request_snapshot(symbol)
        if self._outlet.is_away:
            self.engine.forget_pending()
            return
        for frame in self.engine.drain(self._outlet.now_ns()):
            self._outlet.publish(TICKS if type(frame) is TickFrame else BOOKS, frame)
