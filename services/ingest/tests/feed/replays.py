"""Recordings played to feeds on fakes, as the wiring does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from foretick.common.contracts import Origin
from foretick.ingest.adapters.replay.client import Pace, ReplaySession
from foretick.ingest.adapters.replay.files import ReplayFiles, until
from foretick.ingest.adapters.replay.formats import FORMATS
from foretick.ingest.adapters.replay.span import Span
from foretick.ingest.adapters.replay.survey import Survey
from foretick.ingest.domain.engine import FeedEngine
from foretick.ingest.domain.place import Place
from foretick.ingest.domain.runs import Identity
from foretick.ingest.handlers.feed import FeedHandler

from ..conftest import FakeOutlet


async def no_flush() -> None:
    """Everything is with the fake outlet at once."""


def survey_of(paths: Sequence[Path]) -> tuple[ReplayFiles, Survey]:
    files = ReplayFiles(paths)
    return files, Survey(files.entries(), files.names)


@dataclass
class Played:
    """What came of a replay: everything published, and the engines by venue."""

    outlet: FakeOutlet
    engines: dict[str, FeedEngine]


async def play(paths: Sequence[Path], speed: float = 0, from_text: str = "", to_text: str = "") -> Played:
    """Play ``paths`` to the end, or the part between two instants."""
    files, survey = survey_of(paths)
    shown = Span(survey.first_ns, survey.last_ns).part(from_text, to_text)
    outlet = FakeOutlet()
    session = ReplaySession(survey, outlet.reject, no_flush, structlog.get_logger())
    handlers: dict[str, FeedHandler] = {}
    for name, listings in survey.listings.items():
        identity = Identity(name, Origin.REPLAY, "run", "ingest.feed-0", 1)
        engine = FeedEngine(identity, listings, FORMATS[name].rules(survey.depth_of(name)))
        handlers[name] = FeedHandler(engine, FORMATS[name].new_wire(name), outlet, session.venues[name])
        handlers[name].take_over({listing.symbol: Place(0, shown.from_ns - 1) for listing in listings}, 1)
    await session.run(handlers, until(files.entries(), shown.to_ns), Pace(speed, shown.from_ns - 1))
    return Played(outlet, {name: handler.engine for name, handler in handlers.items()})
