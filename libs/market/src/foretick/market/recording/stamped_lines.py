"""Plain captures of one connection: one line ``recv_ns json`` a frame, gzip or plain, ordered by receive time.

What cannot be read is told with its file and line and does not end the reading: a recorder that died leaves a torn last
line or a torn gzip member, and all before it is good.
"""

import gzip
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from foretick.market.recording.faults import BadLine, TruncatedRecording
from foretick.market.recording.lines import EARLIEST_NS, LATEST_NS

MAX_LINE_BYTES = 16 * 1024 * 1024

_GZIP_MAGIC = b"\x1f\x8b"


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
    magic = stream.read(len(_GZIP_MAGIC))
    stream.seek(-len(magic), 1)
    lines = gzip.GzipFile(fileobj=stream, mode="rb") if magic == _GZIP_MAGIC else stream
    number = 0
    while True:
        try:
            line = lines.readline(MAX_LINE_BYTES + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            yield TruncatedRecording(source, number + 1, str(error))
            return
        if not line:
            return
        number += 1
        if not line.endswith(b"\n"):
            if len(line) > MAX_LINE_BYTES:
                yield TruncatedRecording(source, number, f"a line longer than {MAX_LINE_BYTES} bytes")
                return
            if not line.endswith(b"}"):
                yield TruncatedRecording(source, number, "the last line is torn")
                return
        yield _frame(source, number, line)


def _frame(source: str, number: int, line: bytes) -> RecordedFrame | BadLine:
    stamp, separator, payload = line.rstrip(b"\r\n").partition(b" ")
    if not separator:
        return BadLine(source, number, "no space between receive time and frame", line)
    if not stamp.isdigit() or not EARLIEST_NS <= int(stamp[:20]) < LATEST_NS:
        return BadLine(source, number, "does not begin with UTC nanoseconds", line)
    if not payload:
        return BadLine(source, number, "the frame is empty", line)
    return RecordedFrame(int(stamp), payload)
