"""Wiring of ingest's four roles. Each builder joins adapters, domain and bus, and returns."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from foretick.common.contracts import Instrument, Origin
from foretick.common.errors import InvalidSettings, Malformed
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.instruments import InstrumentFeed
from foretick.common.runtime.store import Store
from foretick.common.subjects import BOOKS, INSTRUMENT_LISTINGS, TICKS
from foretick.common.units import nanos_from_seconds
from foretick.ingest.adapters.binance.client import BinanceSession, StreamSettings
from foretick.ingest.adapters.binance.parse import BinanceWire
from foretick.ingest.adapters.binance.rest import BinanceRest, WeightBudget, learn_listings
from foretick.ingest.adapters.binance.snapshots import SnapshotFetcher
from foretick.ingest.adapters.bus.client import BusOutlet
from foretick.ingest.adapters.bus.metrics import FeedMetrics
from foretick.ingest.adapters.bus.quotes import BusQuotes
from foretick.ingest.adapters.bus.storage import StorageWatch
from foretick.ingest.adapters.jetstream.client import JetStreamReader, ensure_streams
from foretick.ingest.adapters.replay.client import Replay, ReplaySession
from foretick.ingest.adapters.simulator.checkpoint import checkpoint_forever, restore_checkpoint
from foretick.ingest.adapters.simulator.metrics import observe_exchange
from foretick.ingest.adapters.simulator.server import ExchangeServer
from foretick.ingest.adapters.timescale.writer import RecordWriter
from foretick.ingest.domain.engine import FeedEngine
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.exchange import Exchange
from foretick.ingest.domain.listing import owned_symbols
from foretick.ingest.domain.runs import Identity
from foretick.ingest.handlers.consolidate import ConsolidateHandler
from foretick.ingest.handlers.feed import FeedHandler, Resumption
from foretick.ingest.handlers.recorder import Recorder
from foretick.ingest.handlers.recording import RecorderLimits, RecorderMetrics, RecorderOutside
from foretick.ingest.ports import VenueSession
from foretick.ingest.settings import IngestSettings
from foretick.market.integrity import ContiguousIds
from foretick.market.simulation import LISTINGS, Pace, SimulatedMarket

CLOCK_TURN_S = 0.1
"""How often a live feed looks whether quiet instruments need a clock event."""

OBSERVE_S = 1.0
"""How often metrics and readiness follow the feed's counters."""


async def build_feed(rt: Runtime, settings: IngestSettings) -> None:
    """Venue sockets or recordings -> feed engine -> ``ticks``, ``books`` and ``instruments``."""
    metrics = FeedMetrics(rt.metrics)
    if settings.replay:
        await _build_replay(rt, settings, metrics)
        return
    for venue in settings.venues:
        rt.health.set(f"venue.{venue}", ok=False, detail="asking the venue for its listings")
        rt.spawn(_feed_live(rt, settings, venue, metrics), name=f"feed-{venue}")


async def _build_replay(rt: Runtime, settings: IngestSettings, metrics: FeedMetrics) -> None:
    outlet = BusOutlet(rt)
    replay = Replay([Path(name) for name in settings.replay], settings.replay_speed)
    session = ReplaySession(replay, outlet.reject, outlet.flush, rt.log)
    try:
        listings = session.listings()
    except Malformed as error:
        raise InvalidSettings([f"REPLAY: {error}"]) from error
    identity = Identity("binance", Origin.REPLAY, rt.run_id, rt.name, rt.epoch)
    engine = FeedEngine(identity, listings, ContiguousIds())
    handler, resumption = await _handler(rt, outlet, engine, session)
    rt.spawn(session.run(handler, listings, resumption.data_ns), name="replay")
    rt.spawn(_observe(rt, metrics, handler), name="feed-metrics")


async def _feed_live(rt: Runtime, settings: IngestSettings, venue: str, metrics: FeedMetrics) -> None:
    streams, rest_url = _venue_addresses(settings, venue)
    budget = WeightBudget(settings.feed_rest_weight_per_minute, asyncio.get_running_loop().time)
    async with BinanceRest(rest_url, venue, settings.feed_snapshot_depth, budget) as rest:
        symbols = owned_symbols(venue, settings.default_symbols, settings.shard_index, settings.shard_count)
        listings = await learn_listings(rest, symbols, rt.log, rt.epoch)
        if not listings:
            detail = f"{venue} lists none of {', '.join(symbols) or 'the symbols of this shard'}"
            rt.health.set(f"venue.{venue}", ok=not symbols, detail=detail)
            return
        identity = Identity(venue, Origin.SIM if venue == "sim" else Origin.LIVE, rt.run_id, rt.name, rt.epoch)
        engine = FeedEngine(identity, listings, ContiguousIds())

        def deliver(symbol: str, body: bytes) -> None:
            handler.on_frames([Received(rt.clock.now_ns(), body, symbol)])

        fetcher = SnapshotFetcher(rest.depth, deliver, rt.log, rt.epoch)
        session = BinanceSession(streams, fetcher, rt.clock, rt.log)
        outlet = BusOutlet(rt)
        handler, resumption = await _handler(rt, outlet, engine, session)
        rt.clock.not_before(resumption.data_ns + 1)  # else a clock set back since would hold data time still
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fetcher.run())
            tasks.create_task(session.run(handler, list(engine.feeds)))
            tasks.create_task(_pass_time(rt, handler))
            tasks.create_task(_observe(rt, metrics, handler))
            tasks.create_task(StorageWatch(rt, outlet, engine).run())


async def _handler(
    rt: Runtime, outlet: BusOutlet, engine: FeedEngine, session: VenueSession
) -> tuple[FeedHandler, Resumption]:
    """Join the engine with the bus, going on where an earlier process of this run stopped."""
    venue, symbols = engine.identity.venue, list(engine.feeds)
    places = await outlet.last_of_run(venue, symbols)
    data_ns = max((place[1] for place in places.values()), default=0)
    resumption = Resumption(data_ns, {symbol: place[0] + 1 for symbol, place in places.items()})
    handler = FeedHandler(engine, BinanceWire(venue), outlet, session, resumption)
    handler.publish_instruments(rt.clock.now_ns())

    def tell_losses(last_kept_seqs: Mapping[str, int]) -> None:
        handler.on_bus_back(last_kept_seqs, engine.now_ns)

    async def on_reconnect() -> None:
        rt.spawn(outlet.recover(venue, symbols, tell_losses), name=f"recover-{venue}")

    async def on_drain() -> None:
        handler.on_disconnected(symbols, "ingest is stopping")

    rt.bus.on_reconnect(on_reconnect)
    rt.on_drain(on_drain)
    return handler, resumption


def _venue_addresses(settings: IngestSettings, venue: str) -> tuple[StreamSettings, str]:
    if venue == "sim":
        return StreamSettings(settings.sim_ws_url, settings.feed_idle_timeout_s), settings.sim_rest_url
    return StreamSettings(settings.binance_ws_url, settings.feed_idle_timeout_s), settings.binance_rest_url


async def _pass_time(rt: Runtime, handler: FeedHandler) -> None:
    while True:
        handler.on_time(rt.clock.now_ns())
        await asyncio.sleep(CLOCK_TURN_S)


async def _observe(rt: Runtime, metrics: FeedMetrics, handler: FeedHandler) -> None:
    venue = handler.engine.identity.venue
    while True:
        metrics.observe(handler.engine, sum(handler.unknown_kinds.values()))
        live = handler.engine.live_count
        rt.health.set(f"venue.{venue}", ok=live > 0, detail=f"{live} of {len(handler.engine.feeds)} books are live")
        await asyncio.sleep(OBSERVE_S)


async def build_record(rt: Runtime, settings: IngestSettings) -> None:
    """Streams -> rows -> PostgreSQL, one acknowledgement per commit."""
    if settings.database_url is None:
        raise InvalidSettings(["DATABASE_URL: not set; recording needs a PostgreSQL or TimescaleDB"])
    store = Store(settings.database_url, rt.name, rt.log, rt.health)
    outside = RecorderOutside(
        open_reader=partial(JetStreamReader, rt.bus.nc, rt.data),
        ensure_streams=partial(ensure_streams, rt.bus),
        reject=rt.data.reject,
        clock=rt.clock,
        log=rt.log,
        health=rt.health,
    )
    limits = RecorderLimits(
        flush_interval_s=settings.record_flush_interval_s,
        sample_interval_ns=nanos_from_seconds(settings.feature_sample_interval_s),
        retention_days=settings.record_retention_days,
    )
    recorder = Recorder(RecordWriter(store), outside, RecorderMetrics(rt.metrics, rt.sequence), limits)
    rt.on_drain(store.close)
    rt.on_drain(recorder.drain)
    rt.spawn(recorder.run(), "recorder")


SETTLING_S = 10.0
"""How long a new market trades before anyone sees it; it also loads the compiled market before the exchange opens."""


async def build_simulate(rt: Runtime, settings: IngestSettings) -> None:
    """A local exchange that speaks Binance's spot protocol: market -> messages -> sockets, checkpointed."""
    symbols = [symbol for symbol in settings.default_symbols if symbol in LISTINGS]
    if not symbols:
        raise InvalidSettings([f"DEFAULT_SYMBOLS: the simulated exchange lists {', '.join(LISTINGS)}"])
    opened_ns = rt.clock.now_ns() - nanos_from_seconds(SETTLING_S)
    market = SimulatedMarket(symbols, settings.sim_seed, opened_ns, Pace(settings.sim_rate_frac))
    market.run_silently(rt.clock.now_ns())
    checkpoint = Path(settings.data_dir) / "exchange" / "market.npz"
    if restore_checkpoint(checkpoint, market, rt.clock.now_ns(), rt.log):
        rt.log.info("market continues from its checkpoint", path=str(checkpoint))
        rt.clock.not_before(market.now_ns)
    exchange = Exchange(market, settings.sim_faults_per_minute, settings.sim_seed)
    server = ExchangeServer(exchange, rt.clock, rt.log)
    await server.start(settings.sim_host, settings.sim_port)
    rt.log.info("exchange is open", host=settings.sim_host, port=server.port, symbols=symbols)
    rt.spawn(server.run(), name="market")
    rt.spawn(checkpoint_forever(checkpoint, market), name="checkpoint")
    rt.spawn(observe_exchange(rt.metrics, server), name="exchange-metrics")
    rt.on_drain(server.drain)


async def build_consolidate(rt: Runtime, _settings: IngestSettings) -> None:
    """Ticks, books and listings of all venues -> consolidated quotes, of the pairs that several venues list."""
    handler = ConsolidateHandler(rt.run_id, rt.name, BusQuotes(rt), rt.sequence)
    feed = InstrumentFeed(rt, (TICKS, BOOKS))
    feed.deliver_to(handler.on_frames)
    changed = asyncio.Event()

    def on_listings(batch: Sequence[Instrument]) -> None:
        handler.on_listings(batch)
        changed.set()

    async def follow() -> None:
        while True:
            changed.clear()
            to_follow, to_leave = handler.change_followed()
            await feed.leave(to_leave)
            await feed.follow(to_follow)
            pairs = handler.consolidator.pairs
            rt.health.set("pairs", ok=True, detail=f"{len(pairs)} pairs are listed by several venues")
            await changed.wait()

    await rt.data.subscribe((INSTRUMENT_LISTINGS,), on_listings)
    await rt.bus.nc.flush()  # the subscription is with the server before the stream is read
    on_listings(await rt.bus.last_of_each(INSTRUMENT_LISTINGS))
    rt.spawn(follow(), name="follow")


BUILDERS = {
    "feed": build_feed, "record": build_record, "simulate": build_simulate, "consolidate": build_consolidate,
}  # fmt: skip
