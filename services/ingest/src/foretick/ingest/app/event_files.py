"""``python -m foretick.ingest.app.event_files RECORDING... --out DIR``: recordings to files of events.

Told as JSON lines; ``foretick evaluate`` starts it. Each has ``event``: ``progress``, ``finished`` with the files, or
``failed`` with ``message`` and ``hint``. Exit code 0, or 2: it cannot be done as asked.
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import structlog

from foretick.common.contracts import Origin
from foretick.common.errors import Malformed
from foretick.common.runtime.step_lines import run_step, tell
from foretick.ingest.adapters.event_files.collector import EventCollector
from foretick.ingest.adapters.event_files.store import store
from foretick.ingest.adapters.replay.client import Pace, ReplaySession
from foretick.ingest.adapters.replay.files import Entry, ReplayFiles
from foretick.ingest.adapters.replay.survey import Survey
from foretick.ingest.app.replay import join_venue
from foretick.ingest.domain.place import Place
from foretick.ingest.domain.runs import Identity
from foretick.ingest.ports import FrameReceiver

Progress = Callable[[str, float], None]
"""Told what is being done, and which share of it is."""

_STEP_FRAC = 0.02


def main() -> int:
    """Run once; return the exit code."""
    parser = argparse.ArgumentParser(prog="foretick.ingest.app.event_files", description=__doc__)
    parser.add_argument("recording", nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    return run_step(
        lambda: _run(options.recording, options.out),
        {Malformed: "give recordings that foretick recordings list can read"},
        "no file is half written: run it again",
    )


def _run(recording: Sequence[Path], out: Path) -> None:
    collected = asyncio.run(collect(recording, lambda stage, done: tell("progress", stage=stage, done=done)))
    files = store(collected, recording, out)
    tell("finished", files=[str(path) for path in files], rejected=collected.rejected)


async def collect(paths: Sequence[Path], progress: Progress) -> EventCollector:
    """Return the events of every instrument of ``paths``, merged by receive time, as a live feed would number them.

    Raises:
        Malformed: a file that no connector reads, or nothing to play.
    """
    files = ReplayFiles(paths)
    progress("surveying", 0.0)
    survey = Survey(files.entries(), files.names)
    outlet = EventCollector()

    async def keep_all() -> None:
        """Return at once: what is published is kept already."""

    session = ReplaySession(survey, outlet.reject, keep_all, structlog.get_logger())
    receivers: dict[str, Sequence[FrameReceiver]] = {}
    for name, listings in survey.listings.items():
        publisher, receivers[name] = join_venue(
            Identity(name, Origin.REPLAY, "evaluation", "event-files", 1), survey, session, outlet
        )
        publisher.take_over({listing.symbol: Place(0, survey.first_ns - 1) for listing in listings}, 1)
    entries = _with_progress(files.entries(), survey, progress)
    await session.run(receivers, entries, Pace(0, survey.first_ns - 1))
    return outlet


def _with_progress(
    entries: Iterator[Entry | Malformed], survey: Survey, progress: Progress
) -> Iterator[Entry | Malformed]:
    length_ns, told = max(1, survey.last_ns - survey.first_ns), 0.0
    for entry in entries:
        if not isinstance(entry, Malformed):
            share = min(1.0, (entry.recv_ns - survey.first_ns) / length_ns)
            if share >= told + _STEP_FRAC:
                told = share
                progress("replaying", share)
        yield entry


if __name__ == "__main__":
    sys.exit(main())
