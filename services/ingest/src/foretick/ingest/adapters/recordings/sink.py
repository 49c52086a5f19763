"""What a feed tells whoever records it. All calls are synchronous, on the feed's loop, and never wait or raise."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from foretick.ingest.domain.events import Received


class ConnectionEvent(StrEnum):
    """What happened to a connection.

    OPENED: it is there; the detail is its address
    CLOSED: it ended, and its streams are missed until it is opened again under the same number
    RETIRED: it ended, and nothing is missed: another connection has taken over its streams
    """

    OPENED = "opened"
    CLOSED = "closed"
    RETIRED = "retired"


class RawFrameSink(Protocol):
    """Takes what a feed receives and sends.

    ``connection`` counts the connections of a venue from 1. A socket that replaces one that was lost keeps its number,
    so that the time between the two shows as a gap; one that is opened beside it, to take over, has its own.
    """

    def on_received(self, venue: str, connection: int, received: Received) -> None:
        """Take a frame of a socket, at the time that its bytes were read."""
        ...

    def on_sent(self, venue: str, connection: int, payload: bytes) -> None:
        """Take a frame that we have sent: a subscription, a ping."""
        ...

    def on_connection_event(self, venue: str, connection: int, event: ConnectionEvent, detail: str) -> None:
        """Take what happened to a connection; ``detail`` is its address, or why it ended."""
        ...

    def on_rest(self, venue: str, url: str, received: Received, status: int = 200) -> None:
        """Take the body of a REST answer; ``received`` names the symbol where the feed asked for a book of one."""
        ...

    def on_listing(self, venue: str, symbol: str, listing: bytes) -> None:
        """Take an instrument as the feed uses it, JSON; its latest listing stands in every segment."""
        ...

    def on_owned(self, venue: str, symbols: Sequence[str], epoch: int) -> None:
        """Take that the feed publishes ``symbols`` from now on, under ``epoch``; with 0 that it no longer does."""
        ...


@dataclass(frozen=True, slots=True)
class RawTap:
    """Where the connections of one pool tell what passes: to ``sink``, of ``venue``, numbered from ``first_number``."""

    venue: str = ""
    sink: RawFrameSink | None = None
    first_number: int = 1
