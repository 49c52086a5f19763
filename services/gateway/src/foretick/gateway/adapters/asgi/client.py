"""A transport over Starlette's WebSocket, as FastAPI gives it."""

import asyncio
from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

from foretick.gateway.domain.frame import text_of
from foretick.gateway.ports import Batch, ConnectionEvents, Transport


class AsgiTransport:
    """One accepted WebSocket of an ASGI server.

    An ASGI ``send`` is a coroutine, so a task writes; while it does, the connection is paused. The server queues the
    frames of a batch without yielding, and uvloop hands what one turn queued to the kernel in one write. ``send`` waits
    while the server's buffer is above its high-water mark.
    """

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._connection: ConnectionEvents | None = None
        self._frames: list[bytes] = []
        self._closing: tuple[int, str] | None = None
        self._filled = asyncio.Event()
        self._aborted = asyncio.Event()

    async def carry(self, connect: Callable[[Transport], ConnectionEvents]) -> None:
        """Carry a conversation until it ends; an exception in it is raised here."""
        connection = self._connection = connect(self)
        tasks = [
            asyncio.create_task(self._read(connection)),
            asyncio.create_task(self._write(connection)),
            asyncio.create_task(self._aborted.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            connection.end()
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    def write(self, batch: Batch) -> None:
        """Send each frame as a message."""
        self._frames.extend(batch.frames)
        self._filled.set()
        if self._connection is not None:
            self._connection.pause()

    def close(self, code: int, reason: str) -> None:
        """Close the connection."""
        self._closing = code, reason
        self._filled.set()

    def abort(self) -> None:
        """End the conversation; the server closes what is left of the connection."""
        self._aborted.set()

    async def _read(self, connection: ConnectionEvents) -> None:
        while (event := await self._socket.receive())["type"] == "websocket.receive":
            text = event.get("text")
            connection.receive(text if text is not None else event["bytes"])

    async def _write(self, connection: ConnectionEvents) -> None:
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                frames, self._frames = self._frames, []
                for frame in frames:
                    await self._socket.send({"type": "websocket.send", "text": text_of(frame)})
                if self._closing is not None:
                    await self._socket.close(*self._closing)
                    return
                connection.resume()
        except (WebSocketDisconnect, RuntimeError, OSError):  # the client has gone; Starlette says so in three ways
            return
