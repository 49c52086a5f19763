"""The HTTP server of a process: uvicorn on the service's own event loop."""

import asyncio
import socket

import uvicorn
from starlette.types import ASGIApp

from foretick.common.errors import Fatal
from foretick.common.runtime.websocket_protocol import BoundedWebSocket


class HttpServer:
    """Serves an ASGI application until stopped; signals are left to the bootstrap."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._socket = _listen(host, port)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws=BoundedWebSocket, timeout_graceful_shutdown=3,
            ws_max_size=1 << 20, ws_per_message_deflate=False,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to serve; returns once connections are accepted."""
        self._task = asyncio.create_task(self._server._serve([self._socket]), name="http")
        while not self._server.started and not self._task.done():  # noqa: ASYNC110 - uvicorn offers no event for it
            await asyncio.sleep(0.001)
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        """Stop accepting, let requests end, close."""
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.wait([self._task], timeout=5)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Fatal(
            f"cannot listen on {host}:{port}: {error.strerror}. Another program has this port: stop it, or set "
            "HTTP_PORT (API_PORT for the gateway) to a free one"
        ) from error
    listener.listen(1024)
    listener.setblocking(False)
    return listener
