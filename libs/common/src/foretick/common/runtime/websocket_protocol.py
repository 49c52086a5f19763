"""The WebSocket side of the HTTP server: uvicorn's, with bounds on what a client costs that takes nothing."""

import asyncio
import socket

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

SEND_BUFFER_BYTES = 128 * 1024
"""What the kernel may hold for a client: a slow one is behind by no more before its connection is full.

Left alone, Linux lets it grow to megabytes (tcp_wmem, tcp(7)).
"""


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """One connection. While the client takes nothing, only its latest ping waits for its answer (RFC 6455, 5.5.3)."""

    _pong = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def handle_ping(self) -> None:
        """Answer now, or once there is room; the first ping of a read finds the answers to all of them."""
        answers = self.conn.data_to_send()
        if self.writable.is_set():
            self.transport.write(b"".join(answers))
        elif answers:
            self._pong = answers[-1]

    def resume_writing(self) -> None:
        """Learn that there is room."""
        super().resume_writing()
        if self._pong:
            pong, self._pong = self._pong, b""
            self.transport.write(pong)
