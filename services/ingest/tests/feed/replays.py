"""Recordings played to feeds on fakes, as the wiring does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from foretick.common.contracts import Origin
from foretick.ingest.adapters.replay.client import Pace, ReplaySession
from foretick.ingest.adapters.replay.files import ReplayFiles, until
from foretick.ingest.adapters.replay.survey import Survey
from foretick.ingest.app.replay import JoinedVenue, Part, join_venue, survey_part
from foretick.ingest.domain.engine import FeedEngine
from foretick.ingest.domain.place import Place
from foretick.ingest.domain.runs import Identity

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
    part: Part
    session: ReplaySession
    joined: dict[str, JoinedVenue]


async def play(paths: Sequence[Path], speed: float = 0, from_text: str = "", to_text: str = "") -> Played:
    """Play ``paths`` to the end, or the part between two instants."""
    part = survey_part(paths, from_text, to_text)
    outlet = FakeOutlet()
    session = ReplaySession(part.survey, outlet.reject, no_flush, structlog.get_logger())
    handed = FakeOutlet()
    handed.published, handed.told = outlet.published, outlet.told
    handed.reject = session.reject  # type: ignore[method-assign]
    joined: dict[str, JoinedVenue] = {}
    for name, listings in part.survey.listings.items():
        joined[name] = join_venue(
            Identity(name, Origin.REPLAY, "run", "ingest.feed-0", 1), part.survey, session, handed
        )
        places = {listing.symbol: Place(0, part.shown.from_ns - 1) for listing in listings}
        joined[name].publisher.take_over(places, 1)
    receivers = {name: each.receivers for name, each in joined.items()}
    entries = until(part.files.entries(part.start), part.shown.to_ns)
    await session.run(receivers, entries, Pace(speed, part.shown.from_ns - 1))
    return Played(outlet, {name: each.publisher.engine for name, each in joined.items()}, part, session, joined)
