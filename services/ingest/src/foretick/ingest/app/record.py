"""Wiring of the ``record`` role: streams -> rows -> database."""

from functools import partial

from foretick.common.errors import InvalidSettings
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.store import Store
from foretick.common.units import nanos_from_seconds
from foretick.ingest.adapters.jetstream.client import JetStreamReader, ensure_streams
from foretick.ingest.adapters.timescale.writer import RecordWriter
from foretick.ingest.domain.retention import Retention
from foretick.ingest.handlers.recorder import Recorder
from foretick.ingest.handlers.recording import RecorderLimits, RecorderMetrics, RecorderOutside
from foretick.ingest.settings import IngestSettings


async def build(rt: Runtime, settings: IngestSettings) -> None:
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
        retention=Retention(
            settings.record_retention_days, settings.record_bar_retention_days, settings.record_max_bytes
        ),
    )
    recorder = Recorder(RecordWriter(store), outside, RecorderMetrics(rt.metrics, rt.sequence), limits)
    rt.on_drain(store.close)
    rt.on_drain(recorder.drain)
    rt.spawn(recorder.run(), "recorder")
