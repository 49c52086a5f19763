"""A WebSocket server for many clients: picows reads, and whole frames go straight to the socket."""

import asyncio
import socket
from collections.abc import Callable

from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from foretick.common.errors import Fatal
from foretick.common.runtime.websocket_protocol import SEND_BUFFER_BYTES
from foretick.gateway.adapters.picows.door import Door
from foretick.gateway.domain.outbox import CloseCode
from foretick.gateway.ports import Batch, ConnectionEvents, Transport

PING_S = 20.0
"""A client that has said nothing for this long is pinged, and given up when it does not answer for as long again."""

MAX_FRAME_BYTES = 1 << 20
"""A frame beyond is refused unread; the session refuses a message long before."""

_BACKLOG = 1024

Connect = Callable[[Transport], ConnectionEvents]


class FeedServer:
    """Listens and hands each client that the door lets in to ``connect``.

    share_port: several processes listen on the port, and the kernel deals out the clients
    """

    def __init__(self, door: Door, connect: Connect, *, share_port: bool = False) -> None:
        self._door = door
        self._connect = connect
        self._share_port = share_port
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Begin to listen; port 0 takes a free one.

        Raises:
            Fatal: when the port is taken.
        """
        try:
            self._server = await ws_create_server(
                self._receive, host, port, logger_name="feed", enable_auto_ping=True, auto_ping_idle_timeout=PING_S,
                auto_ping_reply_timeout=PING_S, enable_auto_pong=False, max_frame_size=MAX_FRAME_BYTES,
                read_buffer_init_size=1024, backlog=_BACKLOG, reuse_port=self._share_port,
            )  # fmt: skip
        except OSError as error:
            raise Fatal(
                f"cannot listen on {host}:{port}: {error.strerror}. Another program has this port: stop it, or set "
                "WEBSOCKET_PORT to a free one"
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Let nobody in any more; who is in stays."""
        if self._server is not None:
            self._server.close()

    def _receive(self, request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        refusal = self._door.refusal(request)
        return Socket(self._connect) if refusal is None else WSUpgradeResponseWithListener(refusal, None)


class Socket(WSListener):
    """One client's connection: the transport of its conversation, and the listener that picows calls."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._fragments = bytearray()
        self._fragments_type = WSMsgType.TEXT
        self._is_closing = False
        self._is_full = False
        self._pong: bytes | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Begin the conversation."""
        self._transport = transport
        self._out = transport.underlying_transport
        self._out.set_write_buffer_limits(high=0)  # what the kernel does not take pauses: no second queue here
        self._out.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._connection = self._connect(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take what the client sends."""
        kind = frame.msg_type
        if kind == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif self._is_closing:
            return
        elif kind == WSMsgType.PING:
            self._answer_ping(frame.get_payload_as_bytes())
        elif kind == WSMsgType.TEXT and frame.fin:
            self._take(kind, frame.get_payload_as_bytes())
        elif kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._take_fragment(kind, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """End the conversation."""
        self._connection.end()

    def pause_writing(self) -> None:
        """Learn that the kernel's buffer is full."""
        self._is_full = True
        self._connection.pause()

    def resume_writing(self) -> None:
        """Learn that it has room."""
        self._is_full = False
        self._connection.resume()
        if self._pong is not None:
            self._answer_ping(self._pong)

    def write(self, batch: Batch) -> None:
        """Send the frames in one write."""
        if not self._out.is_closing():
            self._out.write(batch.joined)

    def close(self, code: int, reason: str) -> None:
        """Say that the connection ends; the client's answer ends it, or the caller after a while."""
        self._is_closing = True
        self._transport.send_close(WSCloseCode(code), reason.encode())

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.disconnect(graceful=False)

    def _answer_ping(self, payload: bytes) -> None:
        """Answer now; while the client takes nothing, only its latest ping waits (RFC 6455, section 5.5.3)."""
        self._pong = payload if self._is_full else None
        if not self._is_full:
            self._transport.send_pong(payload)

    def _take_fragment(self, kind: WSMsgType, frame: WSFrame) -> None:
        if kind != WSMsgType.CONTINUATION:
            self._fragments_type = kind
        self._fragments += frame.get_payload_as_bytes()
        if len(self._fragments) > MAX_FRAME_BYTES:
            self._fragments.clear()
            self._connection.break_off(CloseCode.TOO_LARGE, f"a message has at most {MAX_FRAME_BYTES} bytes")
        elif frame.fin:
            payload, self._fragments = bytes(self._fragments), bytearray()
            self._take(self._fragments_type, payload)

    def _take(self, kind: WSMsgType, payload: bytes) -> None:
        if kind == WSMsgType.BINARY:
            self._connection.receive(payload)
            return
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            self._connection.break_off(CloseCode.NOT_TEXT, "a text frame holds UTF-8")
            return
        self._connection.receive(text)
