"""What all venues of a feed process share: outlet, leases, metrics, the raw recording."""

import asyncio
from pathlib import Path

from foretick.common.ownership import Shard
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.leases import Leases, LeaseTerms
from foretick.ingest.adapters.bus.client import BusOutlet
from foretick.ingest.adapters.bus.metrics import FeedMetrics
from foretick.ingest.adapters.bus.statuses import BusStatuses
from foretick.ingest.adapters.recordings.folder import RecordingFolder, RecordingLimits
from foretick.ingest.adapters.recordings.metrics import RecordingMetrics
from foretick.ingest.adapters.recordings.writer import RecordingWriter
from foretick.ingest.domain.session_watch import SessionWatch
from foretick.ingest.handlers.custody import FeedCustodian, Publisher
from foretick.ingest.settings import IngestSettings

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
        self.metrics = FeedMetrics(rt.metrics)
        self.recorder = _open_recorder(rt, settings) if settings.record_raw_dir and not settings.replay else None
        self.custodian = FeedCustodian(self.outlet, *([self.recorder.on_owned] if self.recorder else []))
        self.statuses = BusStatuses(rt)
        shard = Shard(settings.shard_index, settings.shard_count)
        self.leases = Leases(rt, shard, self.custodian, TERMS, self.custodian.expect)
        self.outlet.is_sound = lambda: self.leases.are_sound


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


async def observe(wiring: FeedWiring, handler: Publisher, sessions: SessionWatch) -> None:
    """Let metrics and readiness follow what ``handler`` publishes."""
    while True:
        engine = handler.engine
        wiring.metrics.observe(engine, sum(handler.unknown_kinds.values()))
        live, followed, closed = engine.live_count, len(engine.feeds), len(sessions.closed)
        detail = f"{live} of {followed} books are live" + (f", {closed} are of a closed exchange" if closed else "")
        wiring.rt.health.set(f"venue.{engine.identity.venue}", ok=live > 0 or closed == followed, detail=detail)
        await asyncio.sleep(OBSERVE_S)
