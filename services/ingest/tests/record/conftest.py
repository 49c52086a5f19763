"""A recorder between a real NATS and a real PostgreSQL, and a publisher that JetStream acknowledges."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row

from foretick.common.contracts import Message
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.data_plane.wire import Wire
from foretick.common.runtime.store import Store
from foretick.common.subjects import Subject
from foretick.common.testing import FakeRuntime
from foretick.ingest.adapters.jetstream.client import JetStreamReader, ensure_streams
from foretick.ingest.adapters.timescale.writer import RecordWriter
from foretick.ingest.domain.retention import Retention
from foretick.ingest.handlers.recorder import Recorder
from foretick.ingest.handlers.recording import RecorderLimits, RecorderMetrics, RecorderOutside

LIMITS = RecorderLimits(flush_interval_s=0.02, sample_interval_ns=1_000_000_000, retention=Retention(36500, 36500))


class TappedBus(Bus):
    """A bus with the data plane's wire, as a service has it."""

    def __init__(self, url: str, rt: FakeRuntime) -> None:
        super().__init__(url, "ingest.record-0", rt.log, rt.health)
        self.wire = Wire(self.nc)


class Rig:
    """The parts of one recorder under test; replace one before ``start``."""

    def __init__(self, bus: TappedBus, database_url: str, limits: RecorderLimits) -> None:
        self.rt = FakeRuntime("ingest", "record")
        self.bus = bus
        self.wire = bus.wire
        self.database_url = database_url
        self.store = Store(database_url, "recorder under test", self.rt.log, self.rt.health)
        self.record = RecordWriter(self.store)
        self.open_reader: Callable[..., JetStreamReader] = lambda *args: JetStreamReader(bus.nc, bus.wire, *args)
        self.limits = limits
        self.recorder: Recorder | None = None
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        outside = RecorderOutside(
            open_reader=lambda *args: self.open_reader(*args),
            ensure_streams=lambda: ensure_streams(self.bus),
            reject=self.rt.data.reject,
            clock=self.rt.clock,
            log=self.rt.log,
            health=self.rt.health,
        )
        self.recorder = Recorder(self.record, outside, RecorderMetrics(self.rt.metrics, self.rt.sequence), self.limits)
        self.task = asyncio.create_task(self.recorder.run())

    async def stop(self) -> None:
        if self.recorder is not None:
            await self.recorder.drain()
        await self.store.close()

    async def crash(self) -> None:
        """End without draining, as kill -9 does to the database's side of it: the connection breaks."""
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.store.close()

    def condition(self, name: str) -> dict[str, Any]:
        return self.rt.health.report()["conditions"].get(name, {"ok": False})  # type: ignore[attr-defined, index]

    @property
    def is_recording(self) -> bool:
        return self.rt.metric("record_active") == 1

    async def publish(self, subject: Subject, *messages: Message) -> None:
        for message in messages:
            await self.bus.js.publish(subject.of(message.venue, message.symbol), msgspec.json.encode(message))

    async def fetch(self, query: str) -> list[dict[str, Any]]:
        async with await psycopg.AsyncConnection.connect(self.database_url, row_factory=dict_row) as connection:
            return await (await connection.execute(query)).fetchall()  # type: ignore[arg-type]

    async def value(self, query: str) -> Any:
        return next(iter((await self.fetch(query))[0].values()))


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[TappedBus]:
    bus = TappedBus(url, FakeRuntime())
    await bus.connect()
    await bus.ensure_streams()
    yield bus
    await bus.close()


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[TappedBus]:
    async with connected(nats_url) as bus:
        yield bus


@pytest.fixture
async def make_rig(bus: TappedBus, postgres_url: str) -> AsyncIterator[Callable[..., Rig]]:
    rigs: list[Rig] = []

    def make(*, on: TappedBus = bus, database_url: str = postgres_url, limits: RecorderLimits = LIMITS) -> Rig:
        rigs.append(Rig(on, database_url, limits))
        return rigs[-1]

    yield make
    for rig in rigs:
        await rig.stop()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()
