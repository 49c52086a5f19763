"""What a file of a recording holds: as its index tells, or by reading all of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from foretick.common.errors import Malformed
from foretick.launcher.recordings.files import read_index
from foretick.market.recording.blocks import read_blocks
from foretick.market.recording.faults import TruncatedRecording, WrongFormat
from foretick.market.recording.index import SegmentIndex
from foretick.market.recording.records import Gap, Record, RecordKind, SegmentHead, gap_of
from foretick.market.recording.segments import (
    decode_block,
    decode_head,
    parse_segment_name,
    read_segment,
)
from foretick.market.recording.sources import SourceFormat, detect_format, read_source
from foretick.market.recording.tables import table_of

_SHOW_EVERY = 1024
Tick = Callable[[], None]


@dataclass(slots=True)
class Survey:
    """What one file holds.

    state: of a segment: ``ended`` in order, else ``not ended``: it is being written, or its process was killed
    counts: records by ``venue kind``, rows by ``venue table``
    faults: what could not be read
    """

    path: Path
    format: str = ""
    head: SegmentHead | None = None
    state: str = ""
    size_bytes: int = 0
    first_ns: int = 0
    last_ns: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    gaps: list[Gap] = field(default_factory=list)
    faults: list[Malformed] = field(default_factory=list)

    @property
    def producer(self) -> str:
        """Who wrote the segment; empty of another format."""
        return self.head.producer if self.head is not None else ""

    @property
    def records(self) -> int:
        """How many records or rows it holds."""
        return sum(self.counts.values())

    @property
    def venues(self) -> list[str]:
        """The venues in it."""
        return sorted({name.partition(" ")[0] for name in self.counts} - {"*"})

    def see(self, item: Any) -> None:
        """Count an item of the file."""
        if isinstance(item, Malformed):
            self.faults.append(item)
            return
        what = item.kind if isinstance(item, Record) else table_of(item)
        self.counts[f"{item.venue} {what}"] += 1
        self.first_ns = min(self.first_ns or item.recv_ns, item.recv_ns)
        self.last_ns = max(self.last_ns, item.recv_ns)
        if isinstance(item, Record):
            self._see_record(item)

    def _see_record(self, record: Record) -> None:
        try:
            if record.kind is RecordKind.GAP:
                self.gaps.append(gap_of(record))
            elif record.kind is RecordKind.BEGIN and self.head is None:
                self.head = decode_head(record, self.path.name)
        except Malformed as fault:
            self.faults.append(fault)


def survey_file(path: Path, stream: BinaryIO, venue: str, tick: Tick) -> Survey:
    """Return what the file holds; of a segment with an index without reading all of it."""
    survey = Survey(path, size_bytes=path.stat().st_size)
    try:
        survey.format = detect_format(stream, str(path))
    except (WrongFormat, TruncatedRecording) as fault:
        survey.faults.append(fault)
        return survey
    index = read_index(path) if survey.format == SourceFormat.SEGMENT else None
    if index is not None:
        _survey_by_index(survey, stream, index)
    else:
        for number, item in enumerate(read_source(stream, str(path), venue)):
            survey.see(item)
            if number % _SHOW_EVERY == 0:
                tick()
    if survey.format == SourceFormat.SEGMENT:
        has_ended = index.has_ended if index is not None else any(name == "* end" for name in survey.counts)
        survey.state = "ended" if has_ended else "not ended"
    return survey


def _survey_by_index(survey: Survey, stream: BinaryIO, index: SegmentIndex) -> None:
    """Read the first block, those with gaps, and what lies behind the index; take the rest from the index."""
    for number, entry in enumerate(index.blocks):
        is_read = number == 0 or any(name.endswith(f" {RecordKind.GAP}") for name in entry.counts)
        if not is_read:
            survey.counts.update(entry.counts)
            survey.first_ns = min(survey.first_ns or entry.first_ns, entry.first_ns)
            survey.last_ns = max(survey.last_ns, entry.last_ns)
            continue
        for block in islice(read_blocks(stream, entry.offset_bytes), 1):
            _see_all(survey, decode_block(block, survey.path.name, 0))
    _see_all(survey, read_segment(stream, survey.path.name, index.size_bytes, index.lines))


def _see_all(survey: Survey, items: Any) -> None:
    for item in items:
        survey.see(item)


def is_newest(path: Path, others: list[Path]) -> bool:
    """Tell whether no later segment of the same producer is among ``others``."""
    name = parse_segment_name(path.name)
    if name is None:
        return False
    named = [parsed for other in others if (parsed := parse_segment_name(other.name)) is not None]
    return all(other.producer != name.producer or other <= name for other in named)
