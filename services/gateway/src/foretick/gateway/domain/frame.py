"""WebSocket text frames as they travel (RFC 6455, section 5): from a server, whole and unmasked.

A message becomes a frame once, and every connection that gets it shares those bytes. A transport whose server frames by
itself takes the text back out, which costs a slice.
"""

TEXT = 0x81
"""First byte: final fragment, opcode text."""

_SMALL = 126
_LENGTH_16 = 126
_LENGTH_64 = 127
_MAX_16 = 1 << 16


def make_frame(payload: bytes) -> bytes:
    """Return ``payload``, UTF-8, as one text frame.

    >>> make_frame(b"Hello").hex()
    '810548656c6c6f'
    """
    size = len(payload)
    if size < _SMALL:
        return bytes((TEXT, size)) + payload
    if size < _MAX_16:
        return bytes((TEXT, _LENGTH_16)) + size.to_bytes(2, "big") + payload
    return bytes((TEXT, _LENGTH_64)) + size.to_bytes(8, "big") + payload


def text_of(frame: bytes) -> str:
    """Return the text in a frame that ``make_frame`` made."""
    length = frame[1]
    start = 2 if length < _SMALL else 4 if length == _LENGTH_16 else 10
    return frame[start:].decode()
