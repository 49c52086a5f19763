"""The recorded connections of one venue, as its handler meets live ones: opened, lost, replaced, and with gaps."""

from collections.abc import Callable, Sequence

from foretick.ingest.adapters.connections.side import SideReceiver
from foretick.ingest.adapters.replay.files import Entry
from foretick.ingest.adapters.replay.formats import require_format
from foretick.ingest.adapters.replay.survey import Survey, is_side, read_listing
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.listing import Listing
from foretick.ingest.ports import FrameReceiver
from foretick.market.recording.records import EVERY_CONNECTION, GapReason, RecordKind, gap_of, ownership_of

_OK_BELOW = 400


def _tell_nobody(source: int, symbols: Sequence[str], epoch: int) -> None:
    """Stand for a venue of which no two processes recorded the same."""


class ReplayedVenue:
    """One venue of a replay: a ``VenueSession`` whose frames are recorded. Books are those that the recording holds.

    source: the one whose records it takes; None for all
    relist: is told a listing that stands in the recording
    claim: is told what the process of a source published from then on: source, symbols and epoch
    """

    receiver: FrameReceiver

    def __init__(self, venue: str, survey: Survey, source: int | None = None) -> None:
        self.source = source
        self.relist: Callable[[Sequence[Listing]], object] = list
        self.claim: Callable[[int, Sequence[str], int], None] = _tell_nobody
        self._venue = venue
        self._format = require_format(venue)
        self._listed = {listing.symbol for listing in survey.listings[venue]}
        self._symbols = survey.symbols
        self._replaced = survey.replaced
        self._only_symbol = survey.only_symbol
        self._connected: dict[int, int] = {}
        self._held: dict[int, list[Received]] = {}
        self._batch: list[Received] = []
        self._aside: list[Received] = []
        self._side: SideReceiver | None = None

    def request_snapshot(self, symbol: str) -> None:
        """Do nothing: the recording holds the books that there are."""

    def roll_over(self) -> None:
        """Do nothing: what followed on a recorded notice is recorded too."""

    def symbols_of(self, connection: int) -> Sequence[str]:
        """Return what the frames of ``connection`` are about."""
        return [symbol for symbol in self._symbols.get(connection, ()) if symbol in self._listed]

    def follow(self, symbols: Sequence[str]) -> None:
        """Do nothing: all of the recording is played."""

    def leave(self, symbols: Sequence[str]) -> None:
        """Do nothing: all of the recording is played."""

    def take(self, entry: Entry, now_ns: int, hand_on: Callable[[int], None]) -> bool:
        """Take the next record; return whether it waits for ``hand_on``, which is called before anything else.

        Raises:
            Malformed: for a gap, a listing or an ownership that cannot be read
        """
        if self.source not in (None, entry.source):
            return False
        record = entry.record
        if record.kind is RecordKind.RECEIVED:
            return self._take_frame(entry, now_ns)
        if record.kind is RecordKind.REST:
            return self._take_reply(entry, now_ns)
        hand_on(now_ns)
        self._take_event(entry)
        return False

    def _take_event(self, entry: Entry) -> None:
        record = entry.record
        match record.kind:
            case RecordKind.OPENED:
                self._open(entry)
            case RecordKind.CLOSED:
                self._close(entry.connection, record.payload.decode(errors="replace"))
            case RecordKind.RETIRED:
                self._retire(entry.connection)
            case RecordKind.GAP:
                self._miss(entry)
            case RecordKind.LISTING:
                self.relist([read_listing(record.payload, self._venue)])
            case RecordKind.OWNED:
                owned = ownership_of(record)
                self.claim(entry.source, [symbol for symbol in owned.symbols if symbol in self._listed], owned.epoch)
            case _:
                pass

    def hand_on(self) -> None:
        """Hand on what waits."""
        if self._aside:
            aside, self._aside = self._aside, []
            self._side = self._side or SideReceiver(self.receiver)
            self._side.on_frames(aside)
        if self._batch:
            batch, self._batch = self._batch, []
            self.receiver.on_frames(batch)

    def disconnect_all(self, reason: str, source: int | None = None) -> None:
        """Tell that every connection has ended; only those of ``source`` where it is given."""
        for connection, of_source in list(self._connected.items()):
            if source in (None, of_source):
                self._close(connection, reason)

    def _take_reply(self, entry: Entry, now_ns: int) -> bool:
        record = entry.record
        symbol = record.symbol or self._format.symbol_of(record.url)
        if not (symbol or record.url):
            symbol = self._only_symbol(self._venue, entry.source)
        if symbol in self._listed and record.status < _OK_BELOW and not self._format.is_of_listings(record.url):
            self._batch.append(Received(now_ns, record.payload, symbol))
            return True
        return False

    def _take_frame(self, entry: Entry, now_ns: int) -> bool:
        received = Received(now_ns, entry.record.payload, None, entry.connection)
        if is_side(entry.number):
            self._aside.append(received)
            return True
        if entry.connection not in self._connected and entry.connection not in self._held:
            self._open(entry)
        if entry.connection in self._held:
            self._held[entry.connection].append(received)
            return False
        self._batch.append(received)
        return True

    def _open(self, entry: Entry) -> None:
        connection = entry.connection
        if is_side(entry.number):
            return
        if self._replaced.get(connection) in self._connected:
            self._held[connection] = []
            return
        carried = {symbol for other in self._connected for symbol in self.symbols_of(other)}
        self._connected[connection] = entry.source
        new = [symbol for symbol in self.symbols_of(connection) if symbol not in carried]
        self.receiver.on_connected(new, connection)  # some clients follow each kind of stream on its own connection

    def _close(self, connection: int, reason: str) -> None:
        self._held.pop(connection, None)
        if self._connected.pop(connection, None) is not None:
            self.receiver.on_disconnected(self.symbols_of(connection), connection, reason)

    def _retire(self, connection: int) -> None:
        """Put the connection that was held in the place of ``connection``; without one, it is only gone."""
        self._held.pop(connection, None)
        source = self._connected.pop(connection, None)
        successor = next((other for other in self._held if self._replaced.get(other) == connection), None)
        if source is None:
            return
        if successor is None:
            self.receiver.on_disconnected(self.symbols_of(connection), connection, "retired, and nothing took over")
            return
        self._connected[successor] = source
        self.receiver.on_replaced(self.symbols_of(successor), connection, self._held.pop(successor))

    def _miss(self, entry: Entry) -> None:
        """Doubt the books of what the recorder missed, though its venue's stream went on."""
        gap = gap_of(entry.record)
        if gap.reason is GapReason.DISCONNECTED:
            return  # the connection was told to be closed, and is told when it opens
        reason = f"the recorder missed something here: {gap.reason}"
        if gap.reason is GapReason.NOT_RUNNING:
            self.disconnect_all(reason, entry.source)
            return
        for connection, source in list(self._connected.items()):
            if source == entry.source and (entry.number == EVERY_CONNECTION or connection == entry.connection):
                symbols = self.symbols_of(connection)
                self.receiver.on_disconnected(symbols, connection, reason)
                self.receiver.on_connected(symbols, connection)
