"""Wiring of the feature service: ticks and books -> instruments -> feature vectors."""

import asyncio

from foretick.common.runtime.bootstrap import Runtime
from foretick.common.subjects import BOOKS, TICKS
from foretick.common.units import nanos_from_seconds
from foretick.features.adapters.bus.client import DataPlanePublisher
from foretick.features.adapters.history.client import StreamHistory
from foretick.features.adapters.metrics.client import FoldMetrics
from foretick.features.adapters.state_store.client import KeyValueStateStore
from foretick.features.handlers.frames import FrameHandler
from foretick.features.handlers.recovery import Bounds, RecoveryHandler
from foretick.features.ports import Producer
from foretick.features.settings import FeaturesSettings
from foretick.quant.kernel import FeatureKernel, Grid, warm


async def build_serve(rt: Runtime, settings: FeaturesSettings) -> None:
    """Subscribe, recover what a predecessor left, go live, save state every now and then and when told to end."""
    rt.health.set("recovered", ok=False, detail="reading market data back")
    await asyncio.to_thread(warm)
    publisher = DataPlanePublisher(rt.data)
    frames = FrameHandler(
        FeatureKernel(Grid(settings.interval_ns, settings.feature_window_size_steps)),
        publisher,
        FoldMetrics(rt.metrics, rt.log, rt.sequence),
        rt.clock,
        Producer(rt.run_id, rt.name, rt.epoch),
        (settings.shard_index, settings.shard_count),
    )
    bounds = Bounds(nanos_from_seconds(settings.feature_history_s), settings.feature_catch_up_frames)
    store = await KeyValueStateStore.open(rt.bus.js)
    recovery = RecoveryHandler(frames, store, StreamHistory(rt.bus, publisher.reject), publisher, rt.clock, bounds)
    await rt.data.subscribe((TICKS, BOOKS), recovery.handle)
    await rt.bus.nc.flush()  # the subscription is with the server before the stream is read
    recovered = await recovery.recover(rt.run_id)
    rt.log.info("recovered", restored=recovered.restored, frames=recovered.frames, connects=recovered.connects)
    rt.health.set("recovered", ok=True)

    async def save() -> None:
        await recovery.save(rt.run_id)

    rt.on_drain(save)
    rt.spawn(_save_forever(rt, recovery, settings.feature_snapshot_interval_s), name="save-state")


async def _save_forever(rt: Runtime, recovery: RecoveryHandler, every_s: float) -> None:
    failures = rt.metrics.counter("save_failures_total", "Saves of state that failed")
    while True:
        await asyncio.sleep(every_s)
        try:
            await recovery.save(rt.run_id)
        except Exception:
            failures.inc()
            rt.log.exception("state not saved; the next start reads further back")


BUILDERS = {"serve": build_serve}
