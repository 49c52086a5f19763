"""Clients that ask for everything and then stop reading: what a slow consumer does to a publisher."""

import contextlib
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from foretick.common.testing.raw_websocket import client_frame, handshake

_SMALL_BUFFER_BYTES = 4096
_GREETING_BYTES = 4096


def stuck_subscriber(nats_url: str, subject: str = ">") -> socket.socket:
    """Return a NATS connection that has subscribed to ``subject`` and reads nothing."""
    parts = urlsplit(nats_url)
    client = _connect(parts.hostname or "127.0.0.1", parts.port or 4222)
    client.recv(_GREETING_BYTES)
    options = {"verbose": False, "pedantic": False, "name": "stuck", "user": parts.username, "pass": parts.password}
    known = {name: value for name, value in options.items() if value is not None}
    client.sendall(f"CONNECT {json.dumps(known)}\r\nSUB {subject} 1\r\nPING\r\n".encode())
    return client


def frozen_session(feed_url: str, symbols: tuple[str, ...], channels: tuple[str, ...]) -> socket.socket:
    """Return a WebSocket that has subscribed to ``channels`` of ``symbols`` and reads nothing."""
    parts = urlsplit(feed_url)
    client = _connect(parts.hostname or "127.0.0.1", parts.port or 80)
    client.sendall(handshake(parts.netloc, parts.path))
    head = client.recv(_GREETING_BYTES)
    if b" 101 " not in head.split(b"\r\n", 1)[0]:
        raise ConnectionError(f"no WebSocket: {head[:80]!r}")
    request = json.dumps({"action": "subscribe", "symbols": symbols, "channels": channels}).encode()
    client.sendall(client_frame(request))
    return client


def is_cut_off(client: socket.socket) -> bool:
    """Whether the server has closed ``client``; reads away what had arrived, so ask when the fault is over."""
    client.settimeout(0.2)
    try:
        while client.recv(1 << 16):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def closing(*clients: socket.socket) -> Iterator[None]:
    """Close ``clients`` at the end of the block."""
    try:
        yield
    finally:
        for client in clients:
            with contextlib.suppress(OSError):
                client.close()


def _connect(host: str, port: int) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES)
    client.settimeout(10)
    client.connect((host, port))
    return client
