"""What a WebSocket client sends, as bytes (RFC 6455): for clients that misbehave, and those that must cost nothing."""

TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
"""First bytes of a frame: final fragment and opcode."""

_LENGTH_16 = 126
_MASKED = 0x80
_NO_MASK = bytes(4)


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
