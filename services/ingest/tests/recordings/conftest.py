"""What the tests of the recorder share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from foretick.common.testing.builders import T0_NS
from foretick.common.testing.fakes import ManualClock
from foretick.ingest.adapters.recordings.folder import RecordingFolder, RecordingLimits
from foretick.ingest.adapters.recordings.writer import RecordingWriter
from foretick.ingest.domain.events import Received
from foretick.market.recording.records import Gap, Record, RecordKind, gap_of
from foretick.market.recording.segments import SEGMENT_SUFFIX, read_segment

NO_RESERVE = RecordingLimits(min_free_bytes=0)
PRODUCER = "ingest.feed-0"


@dataclass
class KeptLog:
    """Keeps what is logged."""

    told: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda event, **fields: self.told.append((level, event, fields))

    def events(self, level: str) -> list[str]:
        return [event for told, event, _ in self.told if told == level]


def received(n: int, payload: bytes = b"") -> Received:
    return Received(T0_NS + n * 1_000_000, payload or b'{"n":%d}' % n)


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SEGMENT_SUFFIX}"))


def records_in(folder: Path) -> list[Record]:
    """Every record of a folder's segments; what cannot be read fails the test."""
    items: list[Any] = []
    for path in segments(folder):
        with path.open("rb") as stream:
            items += read_segment(stream, path.name)
    assert [item for item in items if not isinstance(item, Record)] == []
    return items


def gaps_in(folder: Path) -> list[Gap]:
    return [gap_of(record) for record in records_in(folder) if record.kind is RecordKind.GAP]


def frames_in(folder: Path) -> list[bytes]:
    return [record.payload for record in records_in(folder) if record.kind is RecordKind.RECEIVED]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def log() -> KeptLog:
    return KeptLog()


@pytest.fixture
def new_writer(tmp_path: Path, clock: ManualClock, log: KeptLog) -> Callable[..., RecordingWriter]:
    def make(limits: RecordingLimits = NO_RESERVE, folder: Path | None = None, **options: Any) -> RecordingWriter:
        where = RecordingFolder(folder or tmp_path / "raw", limits)
        return RecordingWriter(where, PRODUCER, "run-1", clock, log, **options)  # type: ignore[arg-type]

    return make
