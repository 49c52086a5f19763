"""The recorder's life: one session after the other, each from what the database says is recorded.

A *session* is the time between two troubles. It starts by connecting, becoming the only recorder, and opening every
stream right after the last message that the database says it has. Whatever goes wrong (database or NATS away, a
consumer deleted, a message lost on the way, a commit of which nobody knows whether it succeeded) ends it, and the next
one starts from what is true. So there is one way to recover, and it is the way to start.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from foretick.common import subjects
from foretick.common.errors import Transient
from foretick.common.units import NS_PER_S
from foretick.ingest.domain.fold import RECORDED
from foretick.ingest.domain.stream import Offset, Start, was_rolled_back
from foretick.ingest.handlers.pipeline import Pipeline, Progress
from foretick.ingest.handlers.recording import RecorderLimits, RecorderMetrics, RecorderOutside
from foretick.ingest.ports import Record, StreamReader

_HOUSEKEEPING_NS = 3600 * NS_PER_S
_HOUSEKEEPING_AGAIN_NS = 60 * NS_PER_S
"""After housekeeping that did not come to its end: a reader, or a job of the database, held what was to go."""

_STANDBY_S = 1.0
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0


class Recorder:
    """Records the streams of ``RECORDED`` until drained."""

    def __init__(
        self, record: Record, outside: RecorderOutside, metrics: RecorderMetrics, limits: RecorderLimits
    ) -> None:
        self._record = record
        self._outside = outside
        self._metrics = metrics
        self._limits = limits
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None
        self._pipeline: Pipeline | None = None
        self._next_housekeeping_ns = 0

    async def run(self) -> None:
        """Record; start anew after every trouble."""
        self._task = asyncio.current_task()
        wait_s = _FIRST_WAIT_S
        while not self._is_stopping:
            streams: list[Progress] = []
            pipeline = Pipeline(streams, self._record, self._outside, self._metrics, self._limits)
            try:
                await self._begin(streams, pipeline.on_arrival)
                wait_s = _FIRST_WAIT_S
                await self._record_until_stopped(pipeline)
            except Transient as error:
                self._outside.health.set("recorder", ok=False, detail=str(error))
                self._outside.log.warning("recording interrupted", error=str(error), retry_s=wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
            finally:
                self._pipeline = None
                self._metrics.is_active.set(0)
                for progress in streams:
                    await progress.reader.close()

    async def drain(self) -> None:
        """Commit what has arrived, then end ``run``."""
        self._is_stopping = True
        if self._task is not None:
            if self._pipeline is None:
                self._task.cancel()
            else:
                self._pipeline.on_arrival(is_full=True)
            await asyncio.wait([self._task])

    async def _begin(self, streams: list[Progress], on_arrival: Callable[[bool], None]) -> None:
        health = self._outside.health
        health.set("recorder", ok=False, detail="starting")
        await self._record.prepare()
        while not await self._record.try_lock():
            # Ready: a standby that said otherwise would never be let in to replace the one it waits for.
            health.set("recorder", ok=True, detail="standby: another recorder holds the lock of this database")
            await asyncio.sleep(_STANDBY_S)
        await self._outside.ensure_streams()
        for stream in RECORDED:
            reader = self._outside.open_reader(stream.name, on_arrival)
            progress = Progress(reader, Offset(stream.name, 0), Offset(stream.name, 0))
            streams.append(progress)
            progress.committed = progress.folded = await self._open(reader)
        self._metrics.sessions.inc()
        self._metrics.is_active.set(1)
        self._outside.log.info(
            "recording", offsets={each.committed.stream: each.committed.last_seq for each in streams}
        )
        health.set("recorder", ok=True)

    async def _open(self, reader: StreamReader) -> Offset:
        """Open ``reader`` where the record ends; return that offset."""
        state = await reader.describe()
        offset = await self._record.offset(state.name, state.created_ns)
        start = Start(offset.last_seq + 1)
        if was_rolled_back(state, offset, await reader.stored_ns(offset.last_seq) if offset.last_seq else None):
            self._outside.log.error(
                "stream lost messages that are recorded", stream=state.name, recorded=offset.last_seq,
                hint="the machine of the NATS server went down? Recording goes on with what was stored since",
            )  # fmt: skip
            start = Start(1, after_ns=offset.last_stored_ns)
            offset = replace(offset, last_seq=0)
        elif 0 < offset.last_seq < state.first_seq - 1 and reader.stream != subjects.INSTRUMENTS.name:
            lost = state.first_seq - 1 - offset.last_seq
            self._metrics.expired.labels(state.name).inc(lost)
            self._outside.log.error("messages expired before they were recorded", stream=state.name, messages=lost)
        await reader.open(start)
        return offset

    async def _record_until_stopped(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        try:
            while await pipeline.turn(is_last=self._is_stopping):
                if self._outside.clock.now_ns() >= self._next_housekeeping_ns:
                    await pipeline.settle()
                    await self._keep_house()
        finally:
            await pipeline.close()

    async def _keep_house(self) -> None:
        now_ns = self._outside.clock.now_ns()
        self._next_housekeeping_ns = now_ns + _HOUSEKEEPING_AGAIN_NS
        retention = self._limits.retention
        kept = await self._record.keep_house(now_ns, retention)
        self._next_housekeeping_ns = now_ns + _HOUSEKEEPING_NS
        self._metrics.size_bytes.set(kept.size_bytes)
        self._metrics.dropped_days.inc(len(kept.dropped_for_space))
        if kept.dropped:
            self._outside.log.info("old days dropped", parts=kept.dropped, retention_days=retention.days)
        if kept.dropped_for_space:
            self._outside.log.warning(
                "oldest days dropped: the record was larger than it may be",
                days=[str(day) for day in kept.dropped_for_space], max_bytes=retention.max_bytes,
                size_bytes=kept.size_bytes, hint="raise RECORD_MAX_GB, or lower RECORD_RETENTION_DAYS",
            )  # fmt: skip
        if kept.is_too_large:
            self._outside.log.error(
                "today alone is larger than the record may be", size_bytes=kept.size_bytes,
                max_bytes=retention.max_bytes, hint="today is always kept: make room on the database's disk",
            )  # fmt: skip
