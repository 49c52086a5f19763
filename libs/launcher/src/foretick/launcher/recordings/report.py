"""What the commands print of recordings."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from foretick.common.errors import Malformed
from foretick.launcher.domain.instant import render_instant, render_length, render_size
from foretick.launcher.recordings.survey import Survey
from foretick.launcher.recordings.verify import Verdict
from foretick.market.recording.records import EVERY_VENUE, Gap

SHOWN_FAULTS = 20

_HEADING = f"{'from':<24}  {'length':>9}  {'records':>12}  {'size':>10}  what"


def table_lines(surveys: Iterable[Survey]) -> list[str]:
    """Return a table of files: when, how much, of whom."""
    lines = [_HEADING]
    for survey in surveys:
        if survey.first_ns:
            when = render_instant(survey.first_ns)
            length = render_length(survey.last_ns - survey.first_ns)
        else:
            when = length = "-"
        state = f"  [{survey.state}]" if survey.state == "not ended" else ""
        who = ", ".join(survey.venues) or "nothing"
        size = render_size(survey.size_bytes)
        lines.append(f"{when:<24}  {length:>9}  {survey.records:>12,}  {size:>10}  {survey.path.name}: {who}{state}")
    return lines


def gap_lines(gaps: list[Gap]) -> list[str]:
    """Return the gaps in words, in the order of their time."""
    if not gaps:
        return ["no gaps are told"]
    lines = [f"{len(gaps)} gaps:"]
    for gap in sorted(gaps, key=lambda gap: gap.from_ns):
        who = "every venue" if gap.venue == EVERY_VENUE else f"{gap.venue} {gap.connection}"
        lost = f", {gap.frames_lost:,} frames" if gap.frames_lost is not None else ""
        detail = f": {gap.detail}" if gap.detail else ""
        length = render_length(gap.through_ns - gap.from_ns)
        lines.append(f"  {render_instant(gap.from_ns)}  {length:>9}  {who}  {gap.reason}{lost}{detail}")
    return lines


def verdict_lines(verdict: Verdict) -> list[str]:
    """Return the verdict on a file: one line, and one for each thing that is wrong."""
    survey = verdict.survey
    word = "whole  " if verdict.is_whole else "DAMAGED"
    state = ", not ended: it is being written, or its process was killed" if survey.state == "not ended" else ""
    size = render_size(survey.size_bytes)
    first = f"{word}  {survey.path.name}  {survey.format or 'unknown'}  {survey.records:,} records  {size}{state}"
    return [first, *(f"    {line}" for line in (*fault_lines(survey.faults), *verdict.problems)), *_note(verdict)]


def fault_lines(faults: list[Malformed]) -> list[str]:
    """Return the first faults in words, and how many there are beside."""
    lines = [str(fault) for fault in faults[:SHOWN_FAULTS]]
    return lines + ([f"and {len(faults) - SHOWN_FAULTS:,} more"] if len(faults) > SHOWN_FAULTS else [])


def fields_of(survey: Survey, verdict: Verdict | None = None) -> dict[str, Any]:
    """Return all that is known of a file, for programs."""
    known: dict[str, Any] = {
        "file": str(survey.path),
        "format": survey.format,
        "producer": survey.producer,
        "state": survey.state,
        "first_ns": survey.first_ns,
        "last_ns": survey.last_ns,
        "records": survey.records,
        "size_bytes": survey.size_bytes,
        "counts": dict(sorted(survey.counts.items())),
        "gaps": [msgspec.to_builtins(gap) for gap in survey.gaps],
        "faults": [str(fault) for fault in survey.faults],
    }
    if verdict is not None:
        known |= {"is_whole": verdict.is_whole, "problems": verdict.problems, "note": verdict.note}
    return known


def as_json(files: list[dict[str, Any]]) -> str:
    """Return ``files`` as indented JSON."""
    return json.dumps(files, indent=2)


def _note(verdict: Verdict) -> list[str]:
    return [f"    {verdict.note}"] if verdict.note else []
