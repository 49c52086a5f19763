"""Messages in -> engine -> messages out, for the ``feed`` role."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from foretick.common.contracts import TickFrame, Trust
from foretick.common.errors import Malformed
from foretick.common.subjects import BOOKS, INSTRUMENT_LISTINGS, TICKS
from foretick.ingest.domain.engine import FeedEngine
from foretick.ingest.domain.events import Notice, Received, ShutdownNotice, Unknown, VenueError
from foretick.ingest.ports import FrameOutlet, VenueSession, WireFormat

_MAX_UNKNOWN_KINDS = 100


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where an earlier process of this run stopped: its data time, and the next number of each instrument."""

    data_ns: int = 0
    next_seqs: Mapping[str, int] = field(default_factory=dict[str, int])


class FeedHandler:
    """Takes what a venue's transport delivers, folds it, and publishes the frames: a ``FrameReceiver``.

    Numbering begins with the first input after ``resumption.data_ns``: of a recording, what an earlier process has
    published already is only folded.
    """

    def __init__(
        self, engine: FeedEngine, wire: WireFormat, outlet: FrameOutlet, venue: VenueSession, resumption: Resumption
    ) -> None:
        self.engine = engine
        self.unknown_kinds: dict[str, int] = {}
        self._wire = wire
        self._outlet = outlet
        self._venue = venue
        self._resumption: Resumption | None = resumption
        self._source = engine.identity.venue

    def on_connected(self, symbols: Sequence[str]) -> None:
        """Begin to collect the streams of ``symbols`` towards a sync."""
        self._distrust(symbols, Trust.RESYNC, "connected, the book is awaited")

    def on_disconnected(self, symbols: Sequence[str], reason: str) -> None:
        """Mark the books of ``symbols`` stale."""
        self._outlet.tell("venue stream ended", venue=self._source, symbols=len(symbols), reason=reason)
        self._distrust(symbols, Trust.STALE, reason)

    def on_frames(self, batch: Sequence[Received]) -> None:
        """Fold a batch and publish what came of it."""
        ingest_ns = self._outlet.now_ns()
        for received in batch:
            if self._resumption is not None:
                self._begin(received.recv_ns, ingest_ns)
            try:
                self._fold(received, ingest_ns)
            except Malformed as error:
                self._outlet.reject(self._source, error.reason, received.payload)
        self._flush()

    def on_time(self, now_ns: int) -> None:
        """Let data time pass."""
        ingest_ns = self._outlet.now_ns()
        if self._resumption is not None:
            self._begin(now_ns, ingest_ns)
        self.engine.advance(now_ns, ingest_ns)
        self._flush()

    def on_bus_back(self, last_kept_seqs: Mapping[str, int], now_ns: int) -> None:
        """Tell of the events after ``last_kept_seqs``, lost while the bus was away, and go on."""
        self.engine.record_losses(last_kept_seqs, now_ns, self._outlet.now_ns())
        self.publish_instruments(now_ns)
        self._flush()

    def publish_instruments(self, now_ns: int) -> None:
        """Publish every listing."""
        wall_ns = self._outlet.now_ns()
        for instrument in self.engine.instruments(now_ns, wall_ns, wall_ns):
            self._outlet.publish(INSTRUMENT_LISTINGS, instrument)

    def _begin(self, recv_ns: int, ingest_ns: int) -> None:
        resumption = self._resumption
        if resumption is not None and recv_ns > resumption.data_ns:
            self._resumption = None
            self.engine.begin(resumption.next_seqs, recv_ns, ingest_ns)

    def _fold(self, received: Received, ingest_ns: int) -> None:
        recv_ns, payload, symbol = received
        if symbol is not None:
            self.engine.fold(symbol, self._wire.parse_book(payload), recv_ns, ingest_ns)
            return
        symbol, event = self._wire.parse(payload)
        if isinstance(event, Notice):
            self._notice(event)
        else:
            self.engine.fold(symbol, event, recv_ns, ingest_ns)

    def _notice(self, notice: Notice) -> None:
        match notice:
            case ShutdownNotice():
                self._outlet.tell("venue announced a shutdown, reconnecting", venue=self._source)
                self._venue.roll_over()
            case VenueError(code, message):
                self._outlet.tell("venue refused a request", venue=self._source, code=code, message=message)
            case Unknown(kind):
                if kind in self.unknown_kinds or len(self.unknown_kinds) < _MAX_UNKNOWN_KINDS:
                    self.unknown_kinds[kind] = self.unknown_kinds.get(kind, 0) + 1

    def _distrust(self, symbols: Sequence[str], trust: Trust, reason: str) -> None:
        wall_ns = self._outlet.now_ns()
        self.engine.distrust(symbols, (trust, reason), self.engine.now_ns, wall_ns)
        self._flush()

    def _flush(self) -> None:
        for symbol in self.engine.wanting_snapshots():
            self._venue.request_snapshot(symbol)
        if self._resumption is not None or self._outlet.is_away:
            self.engine.lose_pending()
            return
        for frame in self.engine.drain(self._outlet.now_ns()):
            self._outlet.publish(TICKS if type(frame) is TickFrame else BOOKS, frame)
