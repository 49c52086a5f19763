"""Plain captures of one connection: one line ``recv_ns json`` a frame, ordered by receive time.

What cannot be read is told with its file and line and does not end the reading: a recorder that died leaves a torn last
line or a torn gzip member, and all before it is good.
"""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from foretick.market.recording.faults import BadLine, TruncatedRecording
from foretick.market.recording.lines import EARLIEST_NS, LATEST_NS
from foretick.market.recording.records import EVERY_CONNECTION, Record, RecordKind
from foretick.market.recording.text import read_lines

_CONNECTION = 1
_REST_BOOK = b'"lastUpdateId"'
_REST_BOOK_WITHIN = 40


class RecordedFrame(NamedTuple):
    """One frame: when its bytes were received (UTC ns) and the bytes."""

    recv_ns: int
    payload: bytes


Recorded = RecordedFrame | BadLine | TruncatedRecording
"""What reading yields: a frame, or what stands in the place of one."""


def read_recording(stream: BinaryIO, source: str) -> Iterator[Recorded]:
    """Yield the frames of ``stream`` in its order, and in their places what could not be read.

    ``source`` names the recording in faults. ``stream`` is seekable; nothing is closed.
    """
    for number, line in enumerate(read_lines(stream, source), 1):
        if isinstance(line, TruncatedRecording):
            yield line
        elif not line.endswith((b"\n", b"}")):
            yield TruncatedRecording(source, number, "the last line is torn")
        else:
            yield _frame(source, number, line)


def read_stamped_lines(stream: BinaryIO, source: str, venue: str) -> Iterator[Record | BadLine | TruncatedRecording]:
    """Yield the same as records of one connection of ``venue``; a bare REST book of Binance's among them as REST."""
    for item in read_recording(stream, source):
        if not isinstance(item, RecordedFrame):
            yield item
        elif _REST_BOOK in item.payload[:_REST_BOOK_WITHIN]:
            yield Record(item.recv_ns, venue, EVERY_CONNECTION, RecordKind.REST, item.payload)
        else:
            yield Record(item.recv_ns, venue, _CONNECTION, RecordKind.RECEIVED, item.payload)


def _frame(source: str, number: int, line: bytes) -> RecordedFrame | BadLine:
    stamp, separator, payload = line.rstrip(b"\r\n").partition(b" ")
    if not separator:
        return BadLine(source, number, "no space between receive time and frame", line)
    if not stamp.isdigit() or not EARLIEST_NS <= int(stamp[:20]) < LATEST_NS:
        return BadLine(source, number, "does not begin with UTC nanoseconds", line)
    if not payload:
        return BadLine(source, number, "the frame is empty", line)
    return RecordedFrame(int(stamp), payload)
