"""Streams -> rows -> one commit -> one acknowledgement a stream, again and again.

A *session* is the time between two troubles. It starts by connecting, becoming the only recorder, and opening every
stream right after the last message that the database says it has. Whatever goes wrong (database or NATS away, a
consumer deleted, a message lost on the way, a commit of which nobody knows whether it succeeded) ends it, and the next
one starts from what is true. So there is one way to recover, and it is the way to start.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from foretick.common import subjects
from foretick.common.clock import Clock
from foretick.common.errors import Malformed, Transient
from foretick.common.runtime.health import Health
from foretick.common.runtime.logs import Logger
from foretick.common.runtime.metrics import Metrics
from foretick.common.sequence import SequenceTally
from foretick.common.units import NS_PER_S
from foretick.ingest.domain.fold import RECORDED, Part, fold, pass_by
from foretick.ingest.domain.rows import Rows
from foretick.ingest.domain.stream import Delivered, Offset, Start, StreamState, was_rolled_back

_HOUSEKEEPING_NS = 3600 * NS_PER_S
_QUIET_S = 1.0
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0


class StreamReader(Protocol):
    """A stream's messages in order. Trouble is ``Transient``."""

    stream: str

    async def describe(self) -> StreamState:
        """Return the stream's identity and bounds."""
        ...

    async def stored_ns(self, seq: int) -> int | None:
        """Return when message ``seq`` was stored; None if it is not there."""
        ...

    async def open(self, start: Start) -> None:
        """Begin to deliver."""
        ...

    async def take(self) -> list[Delivered]:
        """Return what has arrived since the last call."""
        ...

    async def ack(self, last: Delivered) -> None:
        """Acknowledge ``last`` and all before it."""
        ...

    async def close(self) -> None:
        """Stop delivery."""
        ...


class Record(Protocol):
    """The database. Trouble is ``Transient``, an impossible row ``Malformed``."""

    async def prepare(self) -> None:
        """Connect, waiting for the server, and bring the schema up to date."""
        ...

    async def try_lock(self) -> bool:
        """Become the only recorder; False while there is another."""
        ...

    async def offset(self, stream: str, created_ns: int) -> Offset:
        """Return how far ``stream`` is recorded."""
        ...

    async def write(self, parts: Sequence[tuple[Rows, Offset]]) -> None:
        """Write rows and offsets, all or nothing."""
        ...

    async def keep_house(self, now_ns: int, retention_days: int) -> int:
        """Make partitions, drop those older than ``retention_days``; return how many were dropped."""
        ...


@dataclass(frozen=True, slots=True)
class RecorderLimits:
    """How the recorder paces itself.

    flush_interval_s: longest time between the arrival of a message and the commit that begins for it
    sample_interval_ns: of each instrument's feature vectors, one in every such interval of data time is kept
    retention_days: older days are dropped
    """

    flush_interval_s: float
    sample_interval_ns: int
    retention_days: int


@dataclass(frozen=True, slots=True)
class RecorderOutside:
    """What the recorder needs of its process.

    open_reader: makes a reader of a stream; it calls back at each arrival, with True when it is full or broken
    ensure_streams: creates the streams where they are missing
    reject: dead-letters a message: source, reason, payload
    """

    open_reader: Callable[[str, Callable[[bool], None]], StreamReader]
    ensure_streams: Callable[[], Awaitable[None]]
    reject: Callable[[str, str, bytes], None]
    clock: Clock
    log: Logger
    health: Health


class RecorderMetrics:
    """What the recorder tells of itself."""

    def __init__(self, metrics: Metrics, sequence: SequenceTally) -> None:
        self.sequence = sequence
        self.rows = metrics.counter("recorded_rows_total", "Rows committed", ("table",))
        self.messages = metrics.counter("recorded_messages_total", "Messages committed", ("stream",))
        self.redelivered = metrics.counter(
            "redelivered_total", "Messages skipped because they were committed before", ("stream",)
        )
        self.gaps = metrics.counter("seq_gaps_total", "Gaps in instruments' sequences", ("found_by",))
        self.expired = metrics.counter(
            "expired_messages_total", "Messages the stream dropped before they were recorded", ("stream",)
        )
        self.commit_s = metrics.histogram("commit_s", "Seconds from encoding rows to their commit")
        self.pending = metrics.gauge("record_pending_messages", "Messages not yet fetched from the stream", ("stream",))
        self.lag_s = metrics.gauge("record_lag_s", "Age of the last committed message at its commit", ("stream",))
        self.is_active = metrics.gauge("record_active", "1 while this process is the one that records")
        self.sessions = metrics.counter("record_sessions_total", "Sessions begun")


@dataclass(slots=True)
class _Progress:
    """A stream being recorded."""

    reader: StreamReader
    offset: Offset


class Recorder:
    """Records the streams of ``RECORDED`` until drained."""

    def __init__(
        self, record: Record, outside: RecorderOutside, metrics: RecorderMetrics, limits: RecorderLimits
    ) -> None:
        self._record = record
        self._outside = outside
        self._metrics = metrics
        self._limits = limits
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_recording = False
        self._next_housekeeping_ns = 0

    async def run(self) -> None:
        """Record; start anew after every trouble."""
        self._task = asyncio.current_task()
        wait_s = _FIRST_WAIT_S
        while not self._stopping.is_set():
            streams: list[_Progress] = []
            try:
                await self._begin(streams)
                wait_s = _FIRST_WAIT_S
                await self._record_until_stopped(streams)
            except Transient as error:
                self._outside.health.set("recorder", ok=False, detail=str(error))
                self._outside.log.warning("recording interrupted", error=str(error), retry_s=wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
            finally:
                self._is_recording = False
                self._metrics.is_active.set(0)
                for progress in streams:
                    await progress.reader.close()

    async def drain(self) -> None:
        """Commit what has arrived, then end ``run``."""
        self._stopping.set()
        self._on_arrival(True)
        if self._task is not None:
            if not self._is_recording:
                self._task.cancel()
            await asyncio.wait([self._task])

    def _on_arrival(self, is_full: bool) -> None:
        self._arrived.set()
        if is_full:
            self._full.set()

    async def _begin(self, streams: list[_Progress]) -> None:
        health = self._outside.health
        health.set("recorder", ok=False, detail="starting")
        await self._record.prepare()
        while not await self._record.try_lock():
            # Ready: a standby that said otherwise would never be let in to replace the one it waits for.
            health.set("recorder", ok=True, detail="standby: another recorder holds the lock of this database")
            await asyncio.sleep(_QUIET_S)
        await self._outside.ensure_streams()
        self._arrived.clear()
        self._full.clear()
        for stream in RECORDED:
            reader = self._outside.open_reader(stream.name, self._on_arrival)
            progress = _Progress(reader, Offset(stream.name, 0))
            streams.append(progress)
            progress.offset = await self._open(reader)
        self._metrics.sessions.inc()
        self._metrics.is_active.set(1)
        self._outside.log.info("recording", offsets={each.offset.stream: each.offset.last_seq for each in streams})
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

    async def _record_until_stopped(self, streams: list[_Progress]) -> None:
        self._is_recording = True
        while True:
            is_last = self._stopping.is_set()
            if not is_last:
                await self._wait()
            batches = [(progress, await progress.reader.take()) for progress in streams]
            await self._commit([batch for batch in batches if batch[1]])
            await self._keep_house()
            if is_last:
                return

    async def _wait(self) -> None:
        """Wait for a message, then a little for more to come with it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_QUIET_S):
                await self._arrived.wait()
        if self._arrived.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.flush_interval_s):
                    await self._full.wait()
        self._arrived.clear()
        self._full.clear()

    async def _commit(self, batches: list[tuple[_Progress, list[Delivered]]]) -> None:
        """Commit ``batches`` together; when something in them cannot be stored, in ever smaller parts."""
        folded = [(progress, self._fold(progress, delivered)) for progress, delivered in batches]
        folded = [(progress, part) for progress, part in folded if part.fresh]
        if not folded:
            return
        try:
            with self._metrics.commit_s.time():
                await self._record.write([(part.rows, part.offset) for _, part in folded])
        except Malformed as error:
            if len(folded) == 1 and len(folded[0][1].fresh) == 1:
                progress, part = folded[0]
                folded = [(progress, pass_by(progress.offset, part.fresh[0], error.reason))]
                await self._record.write([(folded[0][1].rows, folded[0][1].offset)])
            else:
                for smaller in _split([(progress, part.fresh) for progress, part in folded]):
                    await self._commit(smaller)
                return
        for progress, part in folded:
            await self._settle(progress, part)

    def _fold(self, progress: _Progress, delivered: list[Delivered]) -> Part:
        part = fold(progress.offset, delivered, self._limits.sample_interval_ns)
        if len(part.fresh) < len(delivered):
            self._metrics.redelivered.labels(part.offset.stream).inc(len(delivered) - len(part.fresh))
        return part

    async def _settle(self, progress: _Progress, part: Part) -> None:
        """Take note that ``part`` is committed, and acknowledge it."""
        metrics, stream, last = self._metrics, part.offset.stream, part.fresh[-1]
        progress.offset = part.offset
        for each, reason in part.rejected:
            self._outside.reject(each.subject, reason, each.data)
        for table, count in part.rows.counts().items():
            metrics.rows.labels(table).inc(count)
        metrics.messages.labels(stream).inc(len(part.fresh))
        metrics.sequence.add(part.rows.audit)
        for gap in part.rows.gaps:
            metrics.gaps.labels(gap.found_by).inc()
            self._outside.log.warning(
                "events missing", venue=gap.venue, symbol=gap.symbol, from_seq=gap.from_seq,
                through_seq=gap.through_seq, found_by=gap.found_by,
            )  # fmt: skip
        metrics.pending.labels(stream).set(last.pending)
        metrics.lag_s.labels(stream).set((self._outside.clock.now_ns() - last.stored_ns) / NS_PER_S)
        await progress.reader.ack(last)

    async def _keep_house(self) -> None:
        now_ns = self._outside.clock.now_ns()
        if now_ns < self._next_housekeeping_ns:
            return
        self._next_housekeeping_ns = now_ns + _HOUSEKEEPING_NS
        dropped = await self._record.keep_house(now_ns, self._limits.retention_days)
        if dropped:
            self._outside.log.info("old days dropped", partitions=dropped, retention_days=self._limits.retention_days)


def _split(batches: list[tuple[_Progress, list[Delivered]]]) -> list[list[tuple[_Progress, list[Delivered]]]]:
    """Return ``batches`` one by one; of a single one, its halves."""
    if len(batches) > 1:
        return [[batch] for batch in batches]
    (progress, delivered), middle = batches[0], len(batches[0][1]) // 2
    return [[(progress, delivered[:middle])], [(progress, delivered[middle:])]]
