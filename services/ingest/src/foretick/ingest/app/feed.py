"""Wiring of the ``feed`` role: venue sockets or recordings -> feed engines -> ``ticks``, ``books``, ``instruments``."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from functools import partial

from foretick.common.contracts import encode
from foretick.common.runtime.bootstrap import Runtime
from foretick.ingest.adapters.bus.storage import StorageWatch
from foretick.ingest.adapters.connections.http import RecordReply
from foretick.ingest.adapters.connections.listing_refresh import ListingRefresh
from foretick.ingest.adapters.connections.listings import learn_listings
from foretick.ingest.adapters.connections.polls import RestPolls
from foretick.ingest.adapters.connections.pool import ConnectionPool
from foretick.ingest.adapters.connections.side import SIDE_NUMBERS, AllConnections, FollowedTogether, SideReceiver
from foretick.ingest.adapters.connector import Connector, ConnectorSettings, Session
from foretick.ingest.adapters.recordings.sink import RawTap
from foretick.ingest.adapters.venues import opener_of
from foretick.ingest.app.feed_wiring import OBSERVE_S, FeedWiring, observe
from foretick.ingest.app.replay import build_replay
from foretick.ingest.domain.engine import FeedEngine
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.runs import Identity
from foretick.ingest.domain.session_watch import SessionWatch
from foretick.ingest.handlers.custody import Venue
from foretick.ingest.handlers.feed import FeedHandler
from foretick.ingest.handlers.venue_watch import VenueWatch
from foretick.ingest.settings import IngestSettings
from foretick.market.compiled_book import warm
from foretick.market.integrity import Anchor

CLOCK_TURN_S = 0.1
"""How often a live feed looks whether quiet instruments need a clock event."""


async def build(rt: Runtime, settings: IngestSettings) -> None:
    """Follow what this shard should own; publish what it does own."""
    await asyncio.to_thread(warm)  # else the first book would hold the loop up
    wiring = FeedWiring(rt, settings)
    if settings.replay:
        await build_replay(wiring)
        return
    for venue in settings.venues:
        rt.health.set(f"venue.{venue}", ok=False, detail="asking the venue for its listings")
        rt.spawn(_feed_live(wiring, venue), name=f"feed-{venue}")
    await wiring.leases.open()


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
        refresh = _join_refresh(wiring, connector, handler)
        watch.follow(handler, AllConnections(session, sides))
        _record_listings(wiring, engine, engine.feeds)
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
            tasks.create_task(refresh.run())
            tasks.create_task(_pass_time(rt, handler))
            tasks.create_task(_watch_sessions(rt, handler, sessions))
            tasks.create_task(observe(wiring, handler, sessions))
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
    rt, tap = wiring.rt, RawTap(connector.venue, wiring.recorder)
    if connector.open_session is not None:
        return connector.open_session(rt.clock, rt.log, tap)
    assert connector.plan is not None
    is_requested = connector.rules.book.anchor is Anchor.REQUEST
    return ConnectionPool(
        connector.plan, rt.clock, rt.log, fetch if is_requested else None, tap, headers=connector.headers
    )  # fmt: skip


def _join_refresh(wiring: FeedWiring, connector: Connector, handler: FeedHandler) -> ListingRefresh:
    """Join the handler's doubts in listings with the venue, and listings that have changed with the recording."""
    count = partial(wiring.metrics.count_listings, connector.venue)
    refresh = ListingRefresh(connector.rest, handler.relist, count, wiring.rt.log)
    handler.doubt_listing = refresh.request
    handler.tell_listing = lambda symbol: _record_listings(wiring, handler.engine, [symbol])
    return refresh


def _record_listings(wiring: FeedWiring, engine: FeedEngine, symbols: Iterable[str]) -> None:
    if wiring.recorder is not None:
        now_ns = wiring.rt.clock.now_ns()
        for listing in engine.instruments(symbols, now_ns, now_ns, now_ns):
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
