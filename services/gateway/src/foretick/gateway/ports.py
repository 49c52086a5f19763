"""What the handlers need of the outside."""

from collections.abc import Sequence
from typing import Protocol

from foretick.common.contracts import Explanation, ModelLife, Outcome
from foretick.gateway.domain.bars import BarData
from foretick.gateway.domain.directory import Identity
from foretick.gateway.domain.outbox import CloseCode


class Batch:
    """Frames of one write. Clients that are due the same frames share the batch, and so the bytes."""

    __slots__ = ("_joined", "frames")

    def __init__(self, frames: Sequence[bytes]) -> None:
        self.frames = frames
        self._joined: bytes | None = None

    @property
    def joined(self) -> bytes:
        """The frames one after another: what a raw connection writes."""
        if self._joined is None:
            self._joined = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        return self._joined


class BarRecord(Protocol):
    """The bars of the record."""

    async def read(self, identity: Identity, timeframe: str, limit: int) -> list[BarData]:
        """Return the bars of the last ``limit`` lengths that the record has, the oldest first.

        Raises:
            Transient: it does not answer
        """
        ...


class Explanations(Protocol):
    """The predictor that owns an instrument."""

    async def ask(self, identity: Identity) -> Explanation:
        """Return what each feature adds to the latest prediction.

        Raises:
            Refused: there is none; the code says why
        """
        ...


class Past(Protocol):
    """What became of predictions and models, as far back as the streams go."""

    async def outcomes(self, identity: Identity, instants_ns: Sequence[int]) -> list[Outcome]:
        """Return the first outcome of an instrument at or after each instant (wall clock), each once, in order.

        Raises:
            Transient: it does not answer
        """
        ...

    async def lives(self, instants_ns: Sequence[int]) -> list[ModelLife]:
        """Return the first word of the watch at or after each instant (wall clock), each once, in order.

        Raises:
            Transient: it does not answer
        """
        ...


class Transport(Protocol):
    """The way out of one WebSocket connection, whatever carries it.

    Nothing of it waits. It tells its connection (``ConnectionEvents``) what comes in and whether more may go out.
    """

    def write(self, batch: Batch) -> None:
        """Send the frames in order. One that cannot take more now calls ``pause`` first, and ``resume`` later.

        On a connection that has gone nothing happens.
        """
        ...

    def close(self, code: int, reason: str) -> None:
        """Say that the connection ends and end it once the client has agreed, or not in time."""
        ...

    def abort(self) -> None:
        """End the connection at once."""
        ...


class ConnectionEvents(Protocol):
    """What a transport tells."""

    def receive(self, message: str | bytes) -> None:
        """Take the next message: text, or the bytes of a binary frame."""
        ...

    def break_off(self, code: CloseCode, reason: str) -> None:
        """Learn that the client broke the rules of WebSockets: the conversation ends."""
        ...

    def pause(self) -> None:
        """Learn that the client's side is full."""
        ...

    def resume(self) -> None:
        """Learn that it can take more."""
        ...

    def end(self) -> None:
        """Learn that the connection has gone; more than once does no harm."""
        ...


class Dispatch(Protocol):
    """The dead-letter side of the data plane."""

    def reject(self, source: str, reason: str, payload: bytes = b"") -> None:
        """Count a malformed input and keep it for inspection."""
        ...
