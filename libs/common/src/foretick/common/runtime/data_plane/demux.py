"""The server's byte stream parted: messages of tapped subscriptions to their receivers, everything else passed on.

The NATS client protocol (https://docs.nats.io/reference/reference-protocols/nats-protocol): every item is a line that
ends in CRLF; ``MSG <subject> <sid> [reply] <bytes>`` and ``HMSG <subject> <sid> [reply] <header bytes> <all bytes>``
are followed by so many bytes and another CRLF.
"""

from collections.abc import Callable

Receiver = Callable[[bytes, bytes], None]
"""Takes the subject and the payload of one message; it must not raise."""

WholeReceiver = Callable[[bytes, bytes, bytes, bytes], None]
"""Takes subject, reply subject, headers as they stand on the wire, and payload; it must not raise."""

_M, _H = b"MH"
_CRLF = b"\r\n"


class Demux:
    """Takes the stream in pieces cut anywhere. ``receivers``, ``whole``: by the subscription's id on the wire."""

    def __init__(self, receivers: dict[bytes, Receiver], whole: dict[bytes, WholeReceiver] | None = None) -> None:
        self.receivers = receivers
        self.whole = {} if whole is None else whole
        self._pieces: list[bytes] = []
        self._missing_bytes = 0

    def feed(self, data: bytes) -> bytes:
        """Hand on what is complete; return, byte for byte and in order, what is not for a receiver.

        Headers of a tapped message are left out. A message line that cannot be read is returned with all that follows:
        whoever reads it there refuses the connection.
        """
        if self._missing_bytes > len(data):
            self._pieces.append(data)
            self._missing_bytes -= len(data)
            return b""
        if self._pieces:
            self._pieces.append(data)
            data = b"".join(self._pieces)
            self._pieces = []
        self._missing_bytes = 0
        passed, at = self._part(data)
        if at < len(data):
            self._pieces.append(data[at:])
        return passed

    def _part(self, data: bytes) -> tuple[bytes, int]:
        """Return what is passed on, and where the first incomplete item begins."""
        receivers = self.receivers
        passed: list[bytes] = []
        at = taken = 0  # start of the item at hand; end of the latest tapped message
        end = len(data)
        while at < end:
            line_end = data.find(_CRLF, at)
            if line_end < 0:
                self._missing_bytes = 1
                break
            begin = line_end + 2
            if data[at] not in (_M, _H):
                at = begin
                continue
            words = data[at:line_end].split()
            try:
                stop = begin + int(words[-1])
                skipped = int(words[-2]) if data[at] == _H else 0
                receive = receivers.get(words[2]) or self._receiver_of(words, data[begin : begin + skipped])
            except (ValueError, IndexError):
                at = end
                break
            if stop + 2 > end:
                self._missing_bytes = stop + 2 - end
                break
            if receive is not None:
                if taken < at:
                    passed.append(data[taken:at])
                taken = stop + 2
                receive(words[1], data[begin + skipped : stop])
            at = stop + 2
        if taken < at:
            passed.append(data[taken:at])
        return b"".join(passed), at

    def _receiver_of(self, words: list[bytes], headers: bytes) -> Receiver | None:
        """Return who takes the whole message with these ``words`` and ``headers``, if anybody does."""
        take = self.whole.get(words[2])
        if take is None:
            return None
        reply = words[3] if len(words) == (6 if words[0].startswith(b"H") else 5) else b""
        return lambda subject, payload: take(subject, reply, headers, payload)
