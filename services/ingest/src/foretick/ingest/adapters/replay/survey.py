"""What recordings are about, from reading them once: instruments, and what each connection carries or replaced."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from foretick.common.contracts import UNDECODABLE, Instrument
from foretick.common.errors import Malformed
from foretick.ingest.adapters.connections.side import SIDE_NUMBERS
from foretick.ingest.adapters.replay.files import Entry
from foretick.ingest.adapters.replay.formats import VenueFormat, require_format
from foretick.ingest.adapters.replay.grids import GridSurvey
from foretick.ingest.domain.events import DerivativeState, Liquidation, Parsed, Trade
from foretick.ingest.domain.listing import Listing
from foretick.ingest.ports import WireFormat
from foretick.market.book import PriceGrid
from foretick.market.integrity import Delta, Snapshot, Top
from foretick.market.recording.records import Record, RecordKind, ownership_of

_MARKET_EVENTS = (Trade, Top, Delta, Snapshot, DerivativeState, Liquidation)
_DEFAULT_DEPTH = 1000
_DEPTH = re.compile(rb'"depth":\s?(\d{1,6})')

_instrument = msgspec.json.Decoder(Instrument)


@dataclass(slots=True)
class VenueSurvey:
    """What is known of a venue.

    used: the listings that the recorded feed used first
    told: those of recorded requests
    seen: the symbols of events, with the sources that each is from
    owned: the symbols that a recording process said to publish
    first_fault: the first frame that could not be read
    """

    depth: int = _DEFAULT_DEPTH
    frames: int = 0
    used: dict[str, Listing] = field(default_factory=dict[str, Listing])
    told: dict[str, Listing] = field(default_factory=dict[str, Listing])
    seen: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    owned: set[str] = field(default_factory=set[str])
    grids: dict[str, GridSurvey] = field(default_factory=dict[str, GridSurvey])
    first_fault: Malformed | None = None


class Survey:
    """Reads ``entries`` once.

    symbols: what each connection carries
    replaced: by connection, the one whose streams it took over while both were open

    producers: by venue, the sources of which several recorded one symbol: those of processes that told whose it was

    Raises:
        Malformed: for a venue that nothing can be read of, recordings of one symbol twice, or nothing at all
    """

    def __init__(self, entries: Iterable[Entry | Malformed], names: Sequence[str]) -> None:
        self.first_ns = self.last_ns = 0
        self.symbols: dict[int, list[str]] = {}
        self.replaced: dict[int, int] = {}
        self._names = names
        self._venues: dict[str, VenueSurvey] = {}
        self._open: dict[int, str] = {}
        self._bare: list[Entry] = []
        self._formats: dict[str, VenueFormat] = {}
        self._wires: dict[str, WireFormat] = {}
        for entry in entries:
            if not isinstance(entry, Malformed):
                self._see(entry)
        for entry in self._bare:
            self._see_reply(entry, self._venues[entry.venue], self.only_symbol(entry.venue, entry.source))
        self.producers = {name: found for name, venue in self._venues.items() if (found := self._shared(name, venue))}
        self.listings = {name: self._listings(name, venue) for name, venue in self._venues.items() if venue.frames}
        if not self.listings:
            raise Malformed(", ".join(self._names), "holds no frame of a venue")

    def depth_of(self, venue: str) -> int:
        """Return how many levels a side the books of ``venue`` were subscribed to with."""
        return self._venues[venue].depth

    def only_symbol(self, venue: str, source: int) -> str:
        """Return what a bare book in a capture of one instrument is of; empty where there are several."""
        symbols = [symbol for symbol, sources in self._venues[venue].seen.items() if source in sources]
        return symbols[0] if len(symbols) == 1 else ""

    def _see(self, entry: Entry) -> None:
        record = entry.record
        if record.kind in (RecordKind.BEGIN, RecordKind.END, RecordKind.GAP):
            return
        if entry.venue not in self._venues:
            self._formats[entry.venue] = require_format(entry.venue, self._names[entry.source])
            self._wires[entry.venue] = self._formats[entry.venue].new_wire(entry.venue)
        venue = self._venues.setdefault(entry.venue, VenueSurvey())
        self.first_ns = self.first_ns or entry.recv_ns
        self.last_ns = max(self.last_ns, entry.recv_ns)
        match record.kind:
            case RecordKind.RECEIVED:
                venue.frames += 1
                self._see_frame(entry, venue)
            case RecordKind.REST if not (record.url or record.symbol):
                self._bare.append(entry)
            case RecordKind.REST:
                self._see_reply(entry, venue)
            case _:
                self._see_event(entry, venue)

    def _see_event(self, entry: Entry, venue: VenueSurvey) -> None:
        record = entry.record
        match record.kind:
            case RecordKind.LISTING:
                listing = read_listing(record.payload, self._names[entry.source])
                venue.used.setdefault(listing.symbol, listing)  # later ones take effect where they stand
            case RecordKind.OWNED:
                self._see_owned(record, venue)
            case RecordKind.SENT if found := _DEPTH.search(record.payload):
                venue.depth = int(found[1])
            case RecordKind.OPENED:
                self._open[entry.connection] = entry.venue
            case RecordKind.RETIRED | RecordKind.CLOSED:
                self._end(entry)
            case _:
                pass

    def _see_frame(self, entry: Entry, venue: VenueSurvey) -> None:
        self._open.setdefault(entry.connection, entry.venue)
        try:
            parsed = self._wires[entry.venue].parse(entry.record.payload)
        except Malformed as fault:
            venue.first_fault = venue.first_fault or fault
            return
        symbols = self.symbols.setdefault(entry.connection, [])
        for symbol in self._see_events(entry, venue, parsed):
            if symbol not in symbols:
                symbols.append(symbol)

    def _see_reply(self, entry: Entry, venue: VenueSurvey, bare_symbol: str = "") -> None:
        record, format_ = entry.record, self._formats[entry.venue]
        try:
            if format_.is_of_listings(record.url):
                told = format_.read_listings(record.payload, self._names[entry.source])
                venue.told |= {each.symbol: each for each in told if format_.kind in (None, each.kind)}
            elif symbol := record.symbol or format_.symbol_of(record.url) or bare_symbol:
                self._see_events(entry, venue, self._wires[entry.venue].parse_reply(symbol, record.payload))
        except Malformed as fault:
            venue.first_fault = venue.first_fault or fault

    def _see_events(self, entry: Entry, venue: VenueSurvey, parsed: Sequence[Parsed]) -> set[str]:
        symbols: set[str] = set()
        for symbol, event in parsed:
            if not isinstance(event, _MARKET_EVENTS):
                continue
            symbols.add(symbol)
            venue.seen.setdefault(symbol, set()).add(entry.source)
            if not venue.used:
                venue.grids.setdefault(symbol, GridSurvey()).see(event)
        return symbols

    def _see_owned(self, record: Record, venue: VenueSurvey) -> None:
        with suppress(Malformed):  # told where it is played
            venue.owned.update(ownership_of(record).symbols)

    def _shared(self, name: str, venue: VenueSurvey) -> list[int]:
        """Return the sources of which several recorded one symbol; refuse it where nothing told whose it was."""
        shared: set[int] = set()
        for symbol, sources in venue.seen.items():
            if len(sources) > 1:
                if symbol not in venue.owned:
                    both = " and ".join(self._names[source] for source in sorted(sources))
                    raise Malformed(both, f"several recordings of one symbol: {name} {symbol}; name one of them")
                shared = set().union(*venue.seen.values())
        return sorted(shared)

    def _end(self, entry: Entry) -> None:
        """Note what took over the streams of a connection that was retired: the last one opened beside it."""
        venue = self._open.pop(entry.connection, entry.venue)
        if entry.record.kind is RecordKind.CLOSED:
            return
        carried = set(self.symbols.get(entry.connection, ()))
        for other, place in reversed(self._open.items()):
            is_after = other > entry.connection and other not in self.replaced
            if is_after and place == venue and carried & set(self.symbols.get(other, ())):
                self.replaced[other] = entry.connection
                return

    def _listings(self, name: str, venue: VenueSurvey) -> list[Listing]:
        known = venue.used or {
            symbol: venue.grids[symbol].refine(venue.told[symbol])
            for symbol in sorted(venue.seen)
            if symbol in venue.told
        }
        if not known and not venue.told:
            known = {symbol: grid.listing(symbol) for symbol, grid in sorted(venue.grids.items())}
        if not known:
            fault = venue.first_fault
            reason = f"none of its {venue.frames} frames is of an instrument that is known"
            raise Malformed(name, f"{reason}; the first that could not be read: {fault}" if fault else reason)
        return list(known.values())


def is_side(number: int) -> bool:
    """Tell whether a connection carries no books."""
    return number >= SIDE_NUMBERS


def read_listing(payload: bytes, source: str) -> Listing:
    """Return the listing of a record of kind LISTING; raise ``Malformed`` for what is none."""
    try:
        told = _instrument.decode(payload)
    except UNDECODABLE as error:
        raise Malformed(source, f"a listing that cannot be read: {error}", payload) from None
    return Listing(
        told.symbol, told.base, told.quote, PriceGrid(told.tick_size, told.lot_size), told.kind, told.contract_size,
        told.is_inverse, told.order_step_qty, told.min_order_qty, told.session, tuple(told.aliases),
    )  # fmt: skip
