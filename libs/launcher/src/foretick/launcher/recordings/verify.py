"""Reads all of a recording and holds it to its index, its gaps to its connections, and its segments to each other."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from foretick.common.errors import Malformed
from foretick.launcher.domain.instant import render_instant
from foretick.launcher.recordings.files import read_index
from foretick.launcher.recordings.survey import Survey, Tick, is_newest, survey_file
from foretick.market.recording.gaps import GapAudit
from foretick.market.recording.index import IndexEnd, IndexHead, SegmentIndex, compare_indexes, encode_index_line
from foretick.market.recording.records import Record
from foretick.market.recording.segments import build_index, index_name
from foretick.market.recording.sources import SourceFormat, detect_format

_SHOW_EVERY = 1024


@dataclass(slots=True)
class Verdict:
    """What reading all of a file showed.

    problems: what is not as it should be, one sentence each, beside what could not be read at all
    note: what was done about it, or why nothing was
    """

    survey: Survey
    problems: list[str] = field(default_factory=list)
    note: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether everything that was written is there."""
        return not self.problems and not self.survey.faults


def verify_file(path: Path, stream: BinaryIO, venue: str, tick: Tick) -> tuple[Verdict, SegmentIndex | None]:
    """Read all of a file; return the verdict and, of a segment, the index made anew."""
    try:
        is_segment = detect_format(stream, str(path)) is SourceFormat.SEGMENT
    except Malformed:
        is_segment = False  # surveying tells it
    if not is_segment:
        return Verdict(survey_file(path, stream, venue, tick)), None
    survey = Survey(path, SourceFormat.SEGMENT, size_bytes=path.stat().st_size)
    audit = GapAudit()

    def observe(record: Record) -> None:
        survey.see(record)
        try:
            audit.see(record)
        except Malformed:
            return  # the survey has it among its faults
        if survey.counts.total() % _SHOW_EVERY == 0:
            tick()

    rebuilt, faults = build_index(stream, path.name, observe)
    survey.faults += faults
    survey.state = "ended" if rebuilt.has_ended else "not ended"
    verdict = Verdict(survey)
    stored = read_index(path)
    if stored is None:
        verdict.problems.append("the index is missing or cannot be read: --repair makes it anew")
    else:
        verdict.problems += compare_indexes(stored, rebuilt)
    verdict.problems += [
        f"{gap.venue} {gap.connection} was closed from {render_instant(gap.from_ns)} to"
        f" {render_instant(gap.through_ns)}, and no gap tells it"
        for gap in audit.untold()
    ]
    return verdict, rebuilt


def repair_index(verdict: Verdict, rebuilt: SegmentIndex, files: list[Path]) -> None:
    """Write the index anew where it is wrong and the data is not; say in the verdict what was done.

    An index that disagrees with damaged data is left: it is the witness of what was there.
    """
    path = verdict.survey.path
    if verdict.is_whole:
        return
    if verdict.survey.state != "ended" and is_newest(path, files):
        verdict.note = "not repaired: it may be written at this moment"
        return
    if verdict.survey.faults and read_index(path) is not None:
        verdict.note = "not repaired: the data itself is damaged, and the index tells what is lost"
        return
    lines = [IndexHead(segment=path.name), *rebuilt.blocks]
    if rebuilt.has_ended:
        lines.append(IndexEnd(size_bytes=rebuilt.size_bytes, lines=rebuilt.lines))
    part = path.with_name(index_name(path.name) + ".part")
    part.write_bytes(b"".join(map(encode_index_line, lines)))
    os.replace(part, path.with_name(index_name(path.name)))
    verdict.note = "its index was made anew"


def check_series(verdicts: Sequence[Verdict]) -> None:
    """Add to the verdicts where a segment does not follow the one before: one between them is missing."""
    latest: dict[str, str] = {}
    for verdict in verdicts:
        head = verdict.survey.head
        if head is None:
            continue
        before = latest.get(head.producer)
        if before is not None and head.previous != before:
            verdict.problems.append(f"it follows {head.previous or 'nothing'}, which is not here")
        latest[head.producer] = verdict.survey.path.name
