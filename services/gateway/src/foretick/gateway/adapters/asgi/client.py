"""A transport over Starlette's WebSocket, as FastAPI gives it."""

from collections.abc import Sequence

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from foretick.gateway.ports import Disconnected


class AsgiTransport:
    """One accepted WebSocket of an ASGI server.

    The server queues the frames of a ``send`` without yielding, and uvloop hands what one turn queued to the kernel in
    one write. ``send`` waits while the server's buffer is above its high-water mark.
    """

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> str | bytes:
        """Return the next message."""
        event = await self._socket.receive()
        if event["type"] != "websocket.receive":
            raise Disconnected
        text = event.get("text")
        return text if text is not None else event["bytes"]

    async def send(self, texts: Sequence[str]) -> None:
        """Send each text as a message."""
        try:
            for text in texts:
                await self._socket.send({"type": "websocket.send", "text": text})
        except (WebSocketDisconnect, RuntimeError, OSError) as error:
            raise Disconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Close the connection."""
        if self._socket.client_state is WebSocketState.DISCONNECTED:
            return
        try:
            await self._socket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError, OSError) as error:
            raise Disconnected from error
