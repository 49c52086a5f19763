"""Recordings of raw venue frames: one line ``recv_ns json`` a frame, gzip or plain, ordered by receive time.

What cannot be read is told with its file and line and does not end the reading: a recorder that died leaves a torn last
line or a torn gzip member, and all before it is good.
"""

import gzip
import heapq
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple, Protocol, TypeVar

from foretick.common.errors import Malformed

MAX_LINE_BYTES = 16 * 1024 * 1024

_GZIP_MAGIC = b"\x1f\x8b"
_EARLIEST_NS = 1_000_000_000_000_000_000  # 2001: anything below is not in nanoseconds
_LATEST_NS = 4_102_444_800_000_000_000  # 2100


class RecordedFrame(NamedTuple):
    """One frame: when its bytes were received (UTC ns) and the bytes."""

    recv_ns: int
    payload: bytes


class BadLine(Malformed):
    """A line of a recording that is not ``recv_ns json``; the frames around it are good."""

    def __init__(self, source: str, line: int, reason: str, payload: bytes) -> None:
        super().__init__(source, f"line {line}: {reason}", payload)
        self.line = line


class TruncatedRecording(Malformed):
    """The recording ends in the middle; every frame before ``line`` was read."""

    def __init__(self, source: str, line: int, reason: str) -> None:
        super().__init__(source, f"truncated at line {line}: {reason}")
        self.line = line


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


class Timed(Protocol):
    """Anything that was received at an instant."""

    @property
    def recv_ns(self) -> int:
        """When, UTC ns."""
        ...


T = TypeVar("T", bound=Timed)


def merge_recordings(sources: Iterable[Iterable[T | Malformed]]) -> Iterator[T | Malformed]:
    """Yield what several recordings hold, ordered by receive time; equal times in the order of ``sources``.

    A fault keeps its place after the frame before it.
    """
    return (item for _, item in heapq.merge(*map(_timed, sources), key=_time))


def _timed(items: Iterable[T | Malformed]) -> Iterator[tuple[int, T | Malformed]]:
    recv_ns = 0
    for item in items:
        if not isinstance(item, Malformed):
            recv_ns = item.recv_ns
        yield recv_ns, item


def _time(timed: tuple[int, object]) -> int:
    return timed[0]


def _frame(source: str, number: int, line: bytes) -> RecordedFrame | BadLine:
    stamp, separator, payload = line.rstrip(b"\r\n").partition(b" ")
    if not separator:
        return BadLine(source, number, "no space between receive time and frame", line)
    if not stamp.isdigit() or not _EARLIEST_NS <= int(stamp[:20]) < _LATEST_NS:
        return BadLine(source, number, "does not begin with UTC nanoseconds", line)
    if not payload:
        return BadLine(source, number, "the frame is empty", line)
    return RecordedFrame(int(stamp), payload)
