"""WebSocket clients from bytes up (RFC 6455): for those that misbehave, and those that must cost nothing."""

import asyncio
import fcntl
import json
import socket
import struct
import termios
from typing import Any

TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
"""First bytes of a frame: final fragment and opcode."""

_LENGTH_16 = 126
_MASKED = 0x80
_NO_MASK = bytes(4)
_NARROW_BYTES = 4096
_ANSWER_S = 10.0


def handshake(address: str, path: str = "/ws/realtime", **headers: str) -> bytes:
    """Return the request to upgrade; ``address``: host and port, ``headers`` come over those that must be."""
    fields = {"Host": address, "Upgrade": "websocket", "Connection": "Upgrade"}
    fields |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} | headers
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def client_frame(payload: bytes, first: int = TEXT) -> bytes:
    """Return ``payload``, below 64 kB, as a client's frame: masked with zeros.

    >>> client_frame(b"Hello").hex()
    '81850000000048656c6c6f'
    """
    size = len(payload)
    length = bytes([_MASKED | size]) if size < _LENGTH_16 else bytes([_MASKED | _LENGTH_16]) + size.to_bytes(2, "big")
    return bytes([first]) + length + _NO_MASK + payload


async def open_narrow(address: str, request: Any) -> socket.socket:
    """Return a connected client with a small window that has sent ``request`` as JSON and reads nothing more."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NARROW_BYTES)
    client.setblocking(False)
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (host, int(port)))
    await loop.sock_sendall(client, handshake(address))
    head = await asyncio.wait_for(loop.sock_recv(client, 64), _ANSWER_S)
    if not head.startswith(b"HTTP/1.1 101"):
        raise ConnectionError(f"no WebSocket: {head!r}")
    await loop.sock_sendall(client, client_frame(json.dumps(request).encode()))
    return client


def unsent_bytes(transport: asyncio.Transport) -> tuple[int, int]:
    """Return how much of what was written the process holds, and how much the kernel does (SIOCOUTQ, tcp(7))."""
    answer = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    return transport.get_write_buffer_size(), struct.unpack("i", answer)[0]
