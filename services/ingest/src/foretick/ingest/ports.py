"""What the feed needs of the outside, and what it offers to it."""

from collections.abc import Sequence
from typing import Any, Protocol

from foretick.common.contracts import Message
from foretick.common.subjects import Subject
from foretick.ingest.domain.events import MarketEvent, Notice, Received
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
