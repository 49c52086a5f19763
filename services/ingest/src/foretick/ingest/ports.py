"""What the feed and the recorder need of the outside, and what the feed offers to it."""

from collections.abc import Sequence
from typing import Any, Protocol

from foretick.common.contracts import ConsolidatedQuote, Message
from foretick.common.subjects import Subject
from foretick.ingest.domain.events import MarketEvent, Notice, Received
from foretick.ingest.domain.rows import EncodedRows, Rows
from foretick.ingest.domain.stream import Delivered, Offset, Start, StreamState
from foretick.market.integrity import Snapshot


class FrameOutlet(Protocol):
    """Where frames go, and this process's wall clock."""

    @property
    def is_away(self) -> bool:
        """Whether what is published now would be lost, or would leave before an earlier loss has been told."""
        ...

    def now_ns(self) -> int:
        """Return this process's wall clock, UTC ns."""
        ...

    def publish(self, subject: Subject, message: Message) -> None:
        """Send ``message`` in order."""
        ...

    def reject(self, source: str, reason: str, payload: bytes) -> None:
        """Keep malformed input for inspection, and count it."""
        ...

    def tell(self, event: str, **fields: Any) -> None:
        """Tell the operator that something needs attention."""
        ...


class WireFormat(Protocol):
    """A venue's wire format."""

    def parse(self, payload: bytes) -> tuple[str, MarketEvent | Notice]:
        """Return the symbol (empty for a notice) and the event; raises ``Malformed``."""
        ...

    def parse_book(self, payload: bytes) -> Snapshot:
        """Return the full book of a body that a snapshot request got; raises ``Malformed``."""
        ...


class VenueSession(Protocol):
    """The other side of the feed: a live venue or a recording of one."""

    def request_snapshot(self, symbol: str) -> None:
        """Ask for a full book of ``symbol``; it arrives as a ``Received`` that names the symbol. Repeating is free."""
        ...

    def roll_over(self) -> None:
        """Replace the connections: the venue is about to close them."""
        ...


class FrameReceiver(Protocol):
    """What a transport drives. All calls are synchronous, on one loop."""

    def on_connected(self, symbols: Sequence[str]) -> None:
        """Take note that the streams of ``symbols`` begin now."""
        ...

    def on_disconnected(self, symbols: Sequence[str], reason: str) -> None:
        """Take note that the streams of ``symbols`` ended."""
        ...

    def on_frames(self, batch: Sequence[Received]) -> None:
        """Take a natural batch: what one read of a socket held, or what a recording has due."""
        ...

    def on_time(self, now_ns: int) -> None:
        """Take note that data time has reached ``now_ns`` though nothing was received."""
        ...


class StreamReader(Protocol):
    """A stream's messages in order. Trouble is ``Transient``."""

    stream: str

    async def describe(self) -> StreamState:
        """Return the stream's identity and bounds."""
        ...

    async def stored_ns(self, seq: int) -> int | None:
        """Return when message ``seq`` was stored; None if it is not there."""
        ...

    async def open(self, start: Start) -> None:
        """Begin to deliver."""
        ...

    async def take(self) -> list[Delivered]:
        """Return what has arrived since the last call."""
        ...

    async def ack(self, last: Delivered) -> None:
        """Acknowledge ``last`` and all before it."""
        ...

    async def close(self) -> None:
        """Stop delivery."""
        ...


class Record(Protocol):
    """The database. Trouble is ``Transient``, an impossible row ``Malformed``."""

    async def prepare(self) -> None:
        """Connect, waiting for the server, and bring the schema up to date."""
        ...

    async def try_lock(self) -> bool:
        """Become the only recorder; False while there is another."""
        ...

    async def offset(self, stream: str, created_ns: int) -> Offset:
        """Return how far ``stream`` is recorded."""
        ...

    def encode(self, rows: Rows) -> EncodedRows:
        """Return ``rows`` as ``write`` takes them. It does not touch the database."""
        ...

    async def write(self, parts: Sequence[tuple[EncodedRows, Offset]]) -> None:
        """Write rows and, of each stream, the last offset: all or nothing."""
        ...

    async def keep_house(self, now_ns: int, retention_days: int) -> int:
        """Make partitions, drop those older than ``retention_days``; return how many were dropped."""
        ...


class QuoteOutlet(Protocol):
    """Where consolidated quotes go, and this process's wall clock."""

    def now_ns(self) -> int:
        """Return this process's wall clock, UTC ns."""
        ...

    def publish(self, quote: ConsolidatedQuote) -> None:
        """Send ``quote`` in order."""
        ...

    def tell(self, event: str, **fields: Any) -> None:
        """Tell the operator that something needs attention."""
        ...
