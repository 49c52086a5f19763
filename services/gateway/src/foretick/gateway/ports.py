"""What the handlers need of the outside."""

from collections.abc import Sequence
from typing import Protocol


class Disconnected(Exception):
    """The client has gone."""


class Transport(Protocol):
    """One WebSocket connection, whatever carries it."""

    async def receive(self) -> str | bytes:
        """Return the next message: text, or the bytes of a binary frame.

        Raises:
            Disconnected: when there will be none.
        """
        ...

    async def send(self, texts: Sequence[str]) -> None:
        """Send each text as a message, in one write where possible; return when the connection can take more.

        Raises:
            Disconnected: when nothing can be sent any more.
        """
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close the connection; nothing happens when it is closed already."""
        ...


class Dispatch(Protocol):
    """The dead-letter side of the data plane."""

    def reject(self, source: str, reason: str, payload: bytes = b"") -> None:
        """Count a malformed input and keep it for inspection."""
        ...
