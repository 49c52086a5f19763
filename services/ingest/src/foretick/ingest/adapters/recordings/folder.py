"""The folder that recordings are kept in: what is there, what has to go, how much room is left. Blocking."""

import contextlib
import errno
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from foretick.market.recording.faults import BadLine
from foretick.market.recording.gaps import missed_at_end
from foretick.market.recording.index import SegmentIndex, decode_index
from foretick.market.recording.records import Gap
from foretick.market.recording.retention import DAY_NS, MAX_SEGMENT_BYTES, StoredSegment, choose_expired
from foretick.market.recording.segments import SEGMENT_SUFFIX, build_index, index_name, parse_segment_name

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class RecordingLimits:
    """What recordings may take.

    max_bytes, max_days: of all segments in the folder; the oldest go first
    min_free_bytes: room on the disk that is left to others: recording stops before it takes that
    segment_bytes: after which a segment ends, before its hour does
    """

    max_bytes: int = 50 * GIB
    max_days: float = 7.0
    min_free_bytes: int = GIB
    segment_bytes: int = MAX_SEGMENT_BYTES


class Predecessor(NamedTuple):
    """The segment before the first one of this process.

    last_ns: its last record, UTC ns
    gaps: what it had no time to tell
    """

    name: str
    last_ns: int
    gaps: list[Gap]


class RecordingFolder:
    """A folder of segments, of this process and of others."""

    def __init__(self, path: Path, limits: RecordingLimits) -> None:
        self.path = path
        self.limits = limits

    def prepare(self) -> None:
        """Make the folder where it is missing."""
        self.path.mkdir(parents=True, exist_ok=True)

    def check_room(self, wanted_bytes: int = 0) -> None:
        """Return if the disk has ``wanted_bytes`` beyond what is left to others.

        Raises:
            OSError: it has not, or cannot be asked
        """
        free_bytes = shutil.disk_usage(self.path).free
        if free_bytes < self.limits.min_free_bytes + wanted_bytes:
            mib = 1024 * 1024
            told = f"{free_bytes // mib} MiB free, {self.limits.min_free_bytes // mib} MiB are left to others"
            raise OSError(errno.ENOSPC, told, str(self.path))

    def expire(self, now_ns: int) -> list[str]:
        """Remove the segments that are too much or too old; return their names."""
        limits = self.limits
        expired = choose_expired(self._segments(), now_ns, limits.max_bytes, round(limits.max_days * DAY_NS))
        for segment in expired:
            for name in (segment.name, index_name(segment.name)):
                (self.path / name).unlink(missing_ok=True)
        return [segment.name for segment in expired]

    def predecessor(self, producer: str) -> Predecessor | None:
        """Return the last segment that ``producer`` has left and that holds anything; None for its first recording."""
        named = ((parse_segment_name(segment.name), segment.name) for segment in self._segments())
        for _, name in sorted(((parsed, name) for parsed, name in named if parsed is not None), reverse=True):
            parsed = parse_segment_name(name)
            if parsed is None or parsed.producer != producer:
                continue
            with (self.path / name).open("rb") as stream:
                index = self._index(name) or build_index(stream, name)[0]
                gaps, last_ns = ([], index.last_ns) if index.has_ended else missed_at_end(stream, name, index)
            if last_ns:
                return Predecessor(name, last_ns, gaps)
        return None

    def _index(self, name: str) -> SegmentIndex | None:
        """Return the index that stands beside the segment; None where it cannot be read."""
        with contextlib.suppress(OSError, BadLine), (self.path / index_name(name)).open("rb") as lines:
            return decode_index(lines, index_name(name))
        return None

    def _segments(self) -> Iterator[StoredSegment]:
        for path in self.path.glob(f"*{SEGMENT_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):  # another process keeps house, too
                size_bytes = path.stat().st_size
                with contextlib.suppress(FileNotFoundError):
                    size_bytes += path.with_name(index_name(path.name)).stat().st_size
                yield StoredSegment(path.name, size_bytes)
