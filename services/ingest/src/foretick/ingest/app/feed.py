"""Wiring of the ``feed`` role: venue sockets or recordings -> feed engines -> ``ticks``, ``books``, ``instruments``."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from foretick.common.contracts import Origin, encode
from foretick.common.errors import InvalidSettings, Malformed
from foretick.common.ownership import Shard
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.leases import Leases, LeaseTerms
from foretick.ingest.adapters.bus.client import BusOutlet
from foretick.ingest.adapters.bus.metrics import FeedMetrics
from foretick.ingest.adapters.bus.statuses import BusStatuses
from foretick.ingest.adapters.bus.storage import StorageWatch
from foretick.ingest.adapters.connections.http import RecordReply
from foretick.ingest.adapters.connections.listings import learn_listings
from foretick.ingest.adapters.connections.polls import RestPolls
from foretick.ingest.adapters.connections.pool import ConnectionPool
from foretick.ingest.adapters.connections.side import SIDE_NUMBERS, AllConnections, FollowedTogether, SideReceiver
from foretick.ingest.adapters.connector import Connector, ConnectorSettings, Session
from foretick.ingest.adapters.recordings.folder import RecordingFolder, RecordingLimits
from foretick.ingest.adapters.recordings.metrics import RecordingMetrics
from foretick.ingest.adapters.recordings.sink import RawTap
from foretick.ingest.adapters.recordings.writer import RecordingWriter
from foretick.ingest.adapters.replay.client import Pace, ReplaySession
from foretick.ingest.adapters.replay.files import ReplayFiles, until
from foretick.ingest.adapters.replay.formats import FORMATS
from foretick.ingest.adapters.replay.span import Span
from foretick.ingest.adapters.replay.survey import Survey
from foretick.ingest.adapters.venues import opener_of
from foretick.ingest.domain.engine import FeedEngine
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.runs import Identity
from foretick.ingest.domain.session_watch import SessionWatch
from foretick.ingest.handlers.custody import FeedCustodian, Venue
from foretick.ingest.handlers.feed import FeedHandler
from foretick.ingest.handlers.venue_watch import VenueWatch
from foretick.ingest.settings import IngestSettings
from foretick.market.compiled_book import warm
from foretick.market.integrity import Anchor

CLOCK_TURN_S = 0.1
"""How often a live feed looks whether quiet instruments need a clock event."""

OBSERVE_S = 1.0
"""How often metrics and readiness follow the feed's counters."""

TERMS = LeaseTerms(linger_s=5.0)
"""An instrument is handed over after the next owner has had time to follow it."""


class FeedWiring:
    """What all venues of a feed process share."""

    def __init__(self, rt: Runtime, settings: IngestSettings) -> None:
        self.rt = rt
        self.settings = settings
        self.outlet = BusOutlet(rt)
        self.custodian = FeedCustodian(self.outlet)
        self.metrics = FeedMetrics(rt.metrics)
        self.recorder = _open_recorder(rt, settings) if settings.record_raw_dir and not settings.replay else None
        self.statuses = BusStatuses(rt)
        shard = Shard(settings.shard_index, settings.shard_count)
        self.leases = Leases(rt, shard, self.custodian, TERMS, self.custodian.expect)
        self.outlet.is_sound = lambda: self.leases.are_sound


async def build(rt: Runtime, settings: IngestSettings) -> None:
    """Follow what this shard should own; publish what it does own."""
    await asyncio.to_thread(warm)  # else the first book would hold the loop up
    wiring = FeedWiring(rt, settings)
    if settings.replay:
        await _build_replay(wiring)
        return
    for venue in settings.venues:
        rt.health.set(f"venue.{venue}", ok=False, detail="asking the venue for its listings")
        rt.spawn(_feed_live(wiring, venue), name=f"feed-{venue}")
    await wiring.leases.open()


async def _build_replay(wiring: FeedWiring) -> None:
    rt, settings = wiring.rt, wiring.settings
    try:
        files = ReplayFiles([Path(name) for name in settings.replay])
        survey = await asyncio.to_thread(Survey, files.entries(), files.names)
    except Malformed as error:
        raise InvalidSettings([f"REPLAY: {error}"]) from error
    try:
        shown = Span(survey.first_ns, survey.last_ns).part(settings.replay_from, settings.replay_to)
    except Malformed as error:
        raise InvalidSettings([str(error)]) from error
    session = ReplaySession(survey, wiring.outlet.reject, wiring.outlet.flush, rt.log)
    if settings.replay_stamps == "recorded":  # then every byte of a message comes from the recording
        wiring.outlet.now_ns = session.clock.now_ns
    handlers: dict[str, FeedHandler] = {}
    for name, listings in survey.listings.items():
        format_ = FORMATS[name]
        identity = Identity(name, Origin.REPLAY, rt.run_id, rt.name, rt.epoch)
        engine = FeedEngine(identity, listings, format_.rules(survey.depth_of(name)))
        handlers[name] = FeedHandler(engine, format_.new_wire(name), wiring.outlet, session.venues[name])
        wiring.custodian.add(name, Venue(handlers[name], session.venues[name], None))
        rt.spawn(_observe(wiring, handlers[name], SessionWatch({})), name=f"feed-metrics-{name}")
    wiring.custodian.shown_ns = shown.from_ns - 1  # what comes before makes the books
    await wiring.leases.open([(name, symbol) for name, each in handlers.items() for symbol in each.engine.feeds])
    pace = Pace(settings.replay_speed, max(wiring.custodian.data_ns, shown.from_ns - 1))
    rt.spawn(session.run(handlers, until(files.entries(), shown.to_ns), pace), name="replay")


async def _feed_live(wiring: FeedWiring, name: str) -> None:
    rt, settings, outlet = wiring.rt, wiring.settings, wiring.outlet
    async with AsyncExitStack() as stack:
        connector = await opener_of(name)(name, _connector_settings(wiring, name), stack)
        identity = Identity(name, connector.origin, rt.run_id, rt.name, rt.epoch)
        watch = VenueWatch(identity, connector.rest, wiring.statuses)
        stack.callback(rt.spawn(watch.run(), name=f"watch-{name}").cancel)
        listings = await learn_listings(connector.rest, name, settings.default_symbols, rt.log, rt.epoch)
        if not listings:
            symbols = ", ".join(settings.default_symbols)
            rt.health.set(f"venue.{name}", ok=False, detail=f"{name} lists none of {symbols}")
            return
        engine = FeedEngine(identity, listings, connector.rules)
        sides = [
            ConnectionPool(plan, rt.clock, rt.log, tap=RawTap(name, wiring.recorder, (index + 1) * SIDE_NUMBERS))
            for index, plan in enumerate(connector.side_plans)
        ]
        session, handler = _join(wiring, connector, engine, sides)
        watch.follow(handler, AllConnections(session, sides))
        _record_listings(wiring, engine)
        sessions = SessionWatch(connector.calendars)
        polls = [RestPolls(poll, handler.on_frames, rt.clock, rt.log) for poll in connector.polls]
        wiring.custodian.add(name, Venue(handler, FollowedTogether(session, *sides, *polls), rt.clock))
        wiring.leases.learn([(name, symbol) for symbol in engine.feeds])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(session.run(handler))
            for side in sides:
                tasks.create_task(side.run(SideReceiver(handler)))
            for poll in polls:
                tasks.create_task(poll.run())
            tasks.create_task(_pass_time(rt, handler))
            tasks.create_task(_watch_sessions(rt, handler, sessions))
            tasks.create_task(_observe(wiring, handler, sessions))
            tasks.create_task(StorageWatch(rt, outlet, engine, wiring.metrics).run())


def _join(
    wiring: FeedWiring, connector: Connector, engine: FeedEngine, sides: Sequence[ConnectionPool]
) -> tuple[Session, FeedHandler]:
    """Join the connections with the handler: frames one way, requests the other."""
    rt = wiring.rt

    async def fetch(symbol: str) -> None:
        body = await connector.rest.book(symbol)
        handler.on_frames([Received(rt.clock.now_ns(), body, symbol)])

    session = _open_session(wiring, connector, fetch)
    handler = FeedHandler(engine, connector.wire, wiring.outlet, AllConnections(session, sides))
    return session, handler


def _open_session(wiring: FeedWiring, connector: Connector, fetch: Callable[[str], Awaitable[None]]) -> Session:
    rt = wiring.rt
    if connector.open_session is not None:
        return connector.open_session(rt.clock, rt.log)
    assert connector.plan is not None
    is_requested = connector.rules.book.anchor is Anchor.REQUEST
    tap = RawTap(connector.venue, wiring.recorder)
    return ConnectionPool(
        connector.plan, rt.clock, rt.log, fetch if is_requested else None, tap, headers=connector.headers
    )  # fmt: skip


def _open_recorder(rt: Runtime, settings: IngestSettings) -> RecordingWriter:
    """Return what records raw frames, until the process is asked to end."""
    limits = RecordingLimits(max_bytes=round(settings.record_raw_max_gb * 1e9), max_days=settings.record_raw_days)
    writer = RecordingWriter(
        RecordingFolder(Path(settings.record_raw_dir), limits), rt.name, rt.run_id, rt.clock, rt.log
    )
    metrics = RecordingMetrics(rt.metrics)

    async def observe() -> None:
        while True:
            metrics.observe(writer.state)
            await asyncio.sleep(OBSERVE_S)

    writer.start()
    rt.on_drain(writer.close)
    rt.spawn(observe(), name="recording-metrics")
    return writer


def _record_listings(wiring: FeedWiring, engine: FeedEngine) -> None:
    if wiring.recorder is not None:
        now_ns = wiring.rt.clock.now_ns()
        for listing in engine.instruments(engine.feeds, now_ns, now_ns, now_ns):
            wiring.recorder.on_listing(listing.venue, listing.symbol, encode(listing))


def _record_replies(wiring: FeedWiring, venue: str) -> RecordReply | None:
    recorder, clock = wiring.recorder, wiring.rt.clock
    if recorder is None:
        return None

    def record(url: str, symbol: str, body: bytes, status: int) -> None:
        recorder.on_rest(venue, url, Received(clock.now_ns(), body, symbol or None), status)

    return record


def _connector_settings(wiring: FeedWiring, venue: str) -> ConnectorSettings:
    settings = wiring.settings
    return ConnectorSettings(
        ws_url=settings.ws_urls.get(venue, ""),
        rest_url=settings.rest_urls.get(venue, ""),
        book_depth=settings.feed_snapshot_depth,
        budget_frac=settings.feed_budget_frac,
        idle_timeout_s=settings.feed_idle_timeout_s,
        record=_record_replies(wiring, venue),
        **settings.account_of(venue),
    )


async def _pass_time(rt: Runtime, handler: FeedHandler) -> None:
    while True:
        handler.on_time(rt.clock.now_ns())
        await asyncio.sleep(CLOCK_TURN_S)


async def _watch_sessions(rt: Runtime, handler: FeedHandler, sessions: SessionWatch) -> None:
    while sessions.calendars:
        handler.on_closed(sessions.look(handler.engine.feeds, rt.clock.now_ns()))
        await asyncio.sleep(OBSERVE_S)


async def _observe(wiring: FeedWiring, handler: FeedHandler, sessions: SessionWatch) -> None:
    engine = handler.engine
    while True:
        wiring.metrics.observe(engine, sum(handler.unknown_kinds.values()))
        live, followed, closed = engine.live_count, len(engine.feeds), len(sessions.closed)
        detail = f"{live} of {followed} books are live" + (f", {closed} are of a closed exchange" if closed else "")
        wiring.rt.health.set(f"venue.{engine.identity.venue}", ok=live > 0 or closed == followed, detail=detail)
        await asyncio.sleep(OBSERVE_S)
