"""Wiring of the ``feed`` role on recordings: files -> feed engines -> the same subjects as live, marked replay."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from foretick.common.contracts import Origin
from foretick.common.errors import InvalidSettings, Malformed
from foretick.common.runtime.logs import Logger
from foretick.ingest.adapters.replay.client import Pace, ReplaySession
from foretick.ingest.adapters.replay.files import ReplayFiles, ReplayStart, until
from foretick.ingest.adapters.replay.formats import require_format
from foretick.ingest.adapters.replay.seek import SegmentSeek
from foretick.ingest.adapters.replay.span import Span
from foretick.ingest.adapters.replay.survey import Survey
from foretick.ingest.app.feed_wiring import FeedWiring, observe
from foretick.ingest.domain.engine import FeedEngine
from foretick.ingest.domain.runs import Identity
from foretick.ingest.domain.session_watch import SessionWatch
from foretick.ingest.handlers.custody import Publisher, Venue
from foretick.ingest.handlers.feed import FeedHandler
from foretick.ingest.handlers.producers import RecordedProducers
from foretick.ingest.ports import FrameOutlet, FrameReceiver


class Part(NamedTuple):
    """What is replayed: ``shown``, read from ``start`` on, or from the beginning where that is None."""

    files: ReplayFiles
    survey: Survey
    shown: Span
    start: ReplayStart | None


class JoinedVenue(NamedTuple):
    """One venue of a replay: what publishes it, and what takes the frames of each of ``ReplaySession.venues``."""

    publisher: Publisher
    receivers: Sequence[FrameReceiver]


def survey_part(paths: Sequence[Path], from_text: str, to_text: str) -> Part:
    """Look at what is to be replayed. Blocking.

    Raises:
        Malformed: the recordings cannot be replayed, or an instant is none of theirs
    """
    files = ReplayFiles(paths)
    if from_text and files.are_segments:
        seek = SegmentSeek(files.sources)
        shown = seek.span().part(from_text, to_text)
        start = seek.find(shown.from_ns)
        if start is not None:
            survey = Survey(until(files.entries(start), shown.to_ns), files.names)
            if not survey.producers:
                return Part(files, survey, shown, start)
    survey = Survey(files.entries(), files.names)
    return Part(files, survey, Span(survey.first_ns, survey.last_ns).part(from_text, to_text), None)


def join_venue(identity: Identity, survey: Survey, session: ReplaySession, outlet: FrameOutlet) -> JoinedVenue:
    """Join the recorded frames of a venue with what folds and publishes them."""
    name = identity.venue
    format_ = require_format(name)
    feeds = [
        FeedHandler(
            FeedEngine(identity, survey.listings[name], format_.rules(survey.depth_of(name))),
            format_.new_wire(name), outlet, venue,
        )
        for venue in session.venues[name]
    ]  # fmt: skip
    for venue, feed in zip(session.venues[name], feeds, strict=True):
        venue.relist = feed.relist
    if name not in survey.producers:
        return JoinedVenue(feeds[0], feeds)
    producers = RecordedProducers(dict(zip(survey.producers[name], feeds, strict=True)))
    for venue in session.venues[name]:
        venue.claim = producers.claim
    return JoinedVenue(producers, feeds)


async def build_replay(wiring: FeedWiring) -> None:
    """Replay what the settings name.

    Raises:
        InvalidSettings: it cannot be replayed, or an instant is none of the recordings
    """
    rt, settings = wiring.rt, wiring.settings
    try:
        paths = [Path(name) for name in settings.replay]
        part = await asyncio.to_thread(survey_part, paths, settings.replay_from, settings.replay_to)
    except Malformed as error:
        is_instant = error.source in ("REPLAY_FROM", "REPLAY_TO")
        raise InvalidSettings([str(error) if is_instant else f"REPLAY: {error}"]) from error
    session = ReplaySession(part.survey, wiring.outlet.dead_letter, wiring.outlet.flush, rt.log)
    wiring.outlet.dead_letter = session.reject
    if settings.replay_stamps == "recorded":  # then every byte of a message comes from the recording
        wiring.outlet.now_ns = session.clock.now_ns
    joined: dict[str, JoinedVenue] = {}
    for name in part.survey.listings:
        identity = Identity(name, Origin.REPLAY, rt.run_id, rt.name, rt.epoch)
        joined[name] = join_venue(identity, part.survey, session, wiring.outlet)
        wiring.custodian.add(name, Venue(joined[name].publisher, session.venues[name][0], None))
        rt.spawn(observe(wiring, joined[name].publisher, SessionWatch({})), name=f"feed-metrics-{name}")
    wiring.custodian.shown_ns = part.shown.from_ns - 1  # what comes before makes the books
    keys = [(name, symbol) for name, each in joined.items() for symbol in each.publisher.engine.feeds]
    await wiring.leases.open(keys)
    pace = Pace(settings.replay_speed, max(wiring.custodian.data_ns, part.shown.from_ns - 1))
    rt.spawn(_play(part, session, joined, pace, rt.log), name="replay")


async def _play(
    part: Part, session: ReplaySession, joined: dict[str, JoinedVenue], pace: Pace, log: Logger
) -> None:  # fmt: skip
    receivers = {name: each.receivers for name, each in joined.items()}
    await session.run(receivers, until(part.files.entries(part.start), part.shown.to_ns), pace)
    for name, each in joined.items():
        if isinstance(each.publisher, RecordedProducers) and (refused := each.publisher.count_refused()):
            log.warning("refused: another process had taken over", venue=name, events=refused)
