"""Wiring of the feature service: ticks and books -> instruments -> feature vectors and bars."""

import asyncio

from foretick.common.ownership import Shard
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.instruments import InstrumentFeed, watch_instruments
from foretick.common.runtime.leases import Leases
from foretick.common.subjects import BOOKS, CROSS_SECTIONS, INSTRUMENT_LISTINGS, TICKS
from foretick.common.units import nanos_from_seconds
from foretick.features.adapters.bus.client import DataPlanePublisher
from foretick.features.adapters.history.client import StreamHistory
from foretick.features.adapters.metrics.client import CustodyMetrics, FoldMetrics
from foretick.features.adapters.state_store.client import KeyValueStateStore
from foretick.features.domain.health import HealthWindow
from foretick.features.handlers.bars import BarHandler
from foretick.features.handlers.custody import Bounds, Custodian, Outside
from foretick.features.handlers.frames import FrameHandler
from foretick.features.handlers.health import HealthHandler
from foretick.features.ports import Producer
from foretick.features.settings import FeaturesSettings
from foretick.quant.kernel import FeatureKernel, Grid, warm
from foretick.quant.parameters import CROSS_KEPT_S

_HEALTH_EVERY_S = 5.0
_CROSS_HISTORY_NS = nanos_from_seconds(2.0 * CROSS_KEPT_S)


async def build(rt: Runtime, settings: FeaturesSettings) -> None:
    """Own what this shard should own: take it over, fold it live, save it now and then, hand it over in the end."""
    await asyncio.to_thread(warm)
    publisher = DataPlanePublisher(rt.data)
    kernel = FeatureKernel(Grid(settings.interval_ns, settings.feature_window_size_steps))
    producer = Producer(rt.run_id, rt.name)
    forming_ns = nanos_from_seconds(settings.bar_forming_interval_s)
    bars = BarHandler(settings.bar_specs, forming_ns, publisher, rt.clock, producer)
    metrics = FoldMetrics(rt.metrics, rt.log, rt.sequence, kernel.faults)
    frames = FrameHandler(kernel, publisher, metrics, rt.clock, producer, bars)
    feed = InstrumentFeed(rt, (TICKS, BOOKS))
    history = StreamHistory(rt.bus, publisher.reject, rt.data.tap_whole)
    outside = Outside(
        feed,
        history,
        await KeyValueStateStore.open(rt.bus.js),
        publisher,
        CustodyMetrics(rt),
        rt.clock,
    )
    bounds = Bounds(nanos_from_seconds(settings.feature_history_s), settings.feature_catch_up_frames)
    custodian = Custodian(rt.run_id, frames, outside, bounds)
    leases = Leases(rt, Shard(settings.shard_index, settings.shard_count), custodian)
    custodian.is_owner = lambda: leases.are_sound
    feed.deliver_to(custodian.handle)
    await watch_instruments(rt, INSTRUMENT_LISTINGS, leases.learn, bars.learn)
    await rt.data.subscribe((CROSS_SECTIONS,), frames.cross.handle)
    async for sections in history.read_cross_sections(rt.clock.now_ns() - _CROSS_HISTORY_NS):
        frames.cross.restore(sections)
    await leases.open()
    window = HealthWindow(kernel.faults, rt.clock.now_ns())
    health = HealthHandler(window, lambda: metrics.vectors, publisher, rt.clock, producer, rt.epoch)
    rt.spawn(_tell_forever(health), name="tell-health")
    rt.spawn(_save_forever(rt, custodian, settings.feature_snapshot_interval_s), name="save-state")


async def _tell_forever(health: HealthHandler) -> None:
    while True:
        health.tell()
        await asyncio.sleep(_HEALTH_EVERY_S)


async def _save_forever(rt: Runtime, custodian: Custodian, every_s: float) -> None:
    failures = rt.metrics.counter("save_failures_total", "Saves of state that failed")
    while True:
        await asyncio.sleep(every_s)
        try:
            await custodian.save()
        except Exception:
            failures.inc()
            rt.log.exception("state not saved; the next start reads further back")
