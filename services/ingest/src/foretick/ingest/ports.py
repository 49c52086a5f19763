"""What the feed and the recorder need of the outside, and what the feed offers to it."""

from collections.abc import Sequence
from typing import Any, Protocol

from foretick.common.contracts import ConsolidatedQuote, Message, VenueStatus
from foretick.common.subjects import Subject
from foretick.ingest.domain.events import Parsed, Received
from foretick.ingest.domain.listing import Listing
from foretick.ingest.domain.retention import Kept, Retention
from foretick.ingest.domain.rows import EncodedRows, Rows
from foretick.ingest.domain.stream import Delivered, Offset, Start, StreamState
from foretick.ingest.domain.stream_limits import StreamLimits


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
    """A venue's wire format. Pure, but for remembering what it has seen of names."""

    def parse(self, payload: bytes) -> Sequence[Parsed]:
        """Return what one frame of a stream says, in its order; raises ``Malformed``."""
        ...

    def parse_reply(self, symbol: str, payload: bytes) -> Sequence[Parsed]:
        """Return what the body of a request about ``symbol`` says: as a rule a full book; raises ``Malformed``."""
        ...


class VenueSession(Protocol):
    """The other side of the feed: a live venue or a recording of one."""

    def request_snapshot(self, symbol: str) -> None:
        """Ask for a full book of ``symbol``.

        It arrives as a ``Received`` that names the symbol, or on its stream, subscribed anew. Repeating is free.
        """
        ...

    def roll_over(self) -> None:
        """Replace the connections: the venue is about to close them."""
        ...

    def symbols_of(self, connection: int) -> Sequence[str]:
        """Return what is followed on ``connection``."""
        ...


class FrameReceiver(Protocol):
    """What a transport drives. All calls are synchronous, on one loop."""

    def on_connected(self, symbols: Sequence[str], connection: int) -> None:
        """Take note that the streams of ``symbols`` begin now, on ``connection``."""
        ...

    def on_disconnected(self, symbols: Sequence[str], connection: int, reason: str) -> None:
        """Take note that the streams of ``symbols`` ended."""
        ...

    def on_replaced(self, symbols: Sequence[str], connection: int, held: Sequence[Received]) -> None:
        """Take note that another connection carries ``symbols`` in the place of ``connection``.

        ``held`` is what it has brought so far, from its beginning.
        """
        ...

    def on_frames(self, batch: Sequence[Received]) -> None:
        """Take a natural batch: what one read of a socket held, or what a recording has due."""
        ...

    def on_time(self, now_ns: int) -> None:
        """Take note that data time has reached ``now_ns`` though nothing was received."""
        ...


class StreamPlan(Protocol):
    """How a venue's streams are spoken: addresses, requests, limits. Pure; each venue names its sources."""

    @property
    def limits(self) -> StreamLimits:
        """What the venue allows."""
        ...

    def url(self, symbols: Sequence[str]) -> str:
        """Return the address of a connection that will carry ``symbols``."""
        ...

    def opening(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return what to send first on a new connection, so that the streams of ``symbols`` begin."""
        ...

    def subscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return what adds ``symbols`` to an open connection."""
        ...

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return what takes ``symbols`` off an open connection."""
        ...

    def renew(self, symbol: str) -> Sequence[bytes]:
        """Return what makes the venue send the full book of ``symbol`` on its stream again."""
        ...


class VenueRest(Protocol):
    """A venue's request side. Trouble is ``Transient``, a refusal ``Refused``, a broken body ``Malformed``."""

    async def listings(self, symbols: Sequence[str]) -> tuple[list[Listing], list[str]]:
        """Return the listings that answer to ``symbols``, and those of ``symbols`` that none answers to."""
        ...

    async def book(self, symbol: str) -> bytes:
        """Return the body of a full book of ``symbol``. Only of venues whose books are anchored on request."""
        ...

    async def time_ns(self) -> int | None:
        """Return the venue's clock; None where it has none to ask."""
        ...

    @property
    def budget_used_frac(self) -> float:
        """How much of the venue's request budget is spent."""
        ...


class StatusOutlet(Protocol):
    """Where the statuses of venues go, and this process's wall clock."""

    def now_ns(self) -> int:
        """Return this process's wall clock, UTC ns."""
        ...

    def publish(self, status: VenueStatus) -> None:
        """Send ``status``."""
        ...

    def count_unanswered(self, venue: str) -> None:
        """Count a question for the clock of ``venue`` that was not answered."""
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

    async def keep_house(self, now_ns: int, retention: Retention) -> Kept:
        """Make the days to come, make bars final, and drop what is more than ``retention`` keeps."""
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
