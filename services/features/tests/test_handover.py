"""Shards as processes on a real bus: instruments change hands while frames flow, and no vector is lost or doubled."""

import signal
import subprocess
from contextlib import ExitStack

import pytest
from msgspec import json

from foretick.common.contracts import FeatureVector
from foretick.common.ownership import Shard
from foretick.common.runtime.bus import Bus
from foretick.common.subjects import BOOKS, FEATURE_VECTORS, INSTRUMENT_LISTINGS, TICKS
from foretick.common.testing import eventually, instrument

SYMBOLS = [f"S{number}" for number in range(6)]
KEYS = [("sim", symbol) for symbol in SYMBOLS]
SEED = 40
SETTINGS = {"FEATURE_WINDOW_SIZE": "200", "FEATURE_SNAPSHOT_INTERVAL": "0.5"}


class Traffic:
    """Frames that go out while a condition is waited for, and the vectors that come back."""

    def __init__(self, bus: Bus, flow) -> None:
        self.bus = bus
        streams = [flow(SEED + n, 24_000, per_frame=4, symbol=symbol) for n, symbol in enumerate(SYMBOLS)]
        self._due = zip(*streams, strict=False)
        self.sent: list = []
        self.received: dict[str, list[FeatureVector]] = {symbol: [] for symbol in SYMBOLS}

    async def open(self) -> None:
        async def receive(msg) -> None:
            vector = json.decode(msg.data, type=FeatureVector)
            self.received[vector.symbol].append(vector)

        await self.bus.nc.subscribe(FEATURE_VECTORS.wildcard, cb=receive)
        for symbol in SYMBOLS:
            listing = instrument(symbol=symbol, run_id="test")
            await self.bus.js.publish(INSTRUMENT_LISTINGS.of("sim", symbol), json.encode(listing))

    async def send(self) -> None:
        for frame in next(self._due, ()):
            subject = TICKS if hasattr(frame, "kinds") else BOOKS
            await self.bus.nc.publish(subject.of(frame.venue, frame.symbol), json.encode(frame))
            self.sent.append(frame)
        await self.bus.nc.flush()

    async def flow_until(self, condition) -> None:
        async def holds() -> bool:
            await self.send()
            return condition()

        await eventually(holds, deadline_s=40)

    def served_by(self, shards: int) -> bool:
        """Whether each instrument's latest vector came from its owner among ``shards``."""
        return all(
            vectors and vectors[-1].producer == f"features.serve-{owner(symbol, shards)}"
            for symbol, vectors in self.received.items()
        )

    def epochs(self) -> dict[str, int]:
        return {symbol: vectors[-1].epoch for symbol, vectors in self.received.items()}


def owner(symbol: str, shards: int) -> int:
    return next(index for index in range(shards) if Shard(index, shards).owns("sim", symbol))


@pytest.fixture
async def traffic(bus, flow):
    traffic = Traffic(bus, flow)
    await traffic.open()
    return traffic


async def test_scale_up_rolling_update_kill_and_scale_down_lose_and_double_nothing(
    running, traffic, start, store, history, content
):
    assert {owner(symbol, 2) for symbol in SYMBOLS} == {0, 1}
    with ExitStack() as processes:

        def run(index: int, count: int) -> subprocess.Popen:
            shard = {"SHARD_INDEX": str(index), "SHARD_COUNT": str(count)}
            return processes.enter_context(running("serve", **SETTINGS, **shard))

        alone = run(0, 1)
        await traffic.flow_until(lambda: traffic.served_by(1))

        second = run(1, 2)  # scale-up
        await traffic.flow_until(lambda: traffic.served_by(2))

        before = traffic.epochs()
        newer = run(0, 2)  # rolling update of shard 0: the new process waits until the old one drains
        alone.send_signal(signal.SIGTERM)
        mine = [symbol for symbol in SYMBOLS if owner(symbol, 2) == 0]
        await traffic.flow_until(lambda: all(traffic.epochs()[symbol] > before[symbol] for symbol in mine))
        assert {symbol: traffic.epochs()[symbol] for symbol in SYMBOLS if symbol not in mine} == {
            symbol: before[symbol] for symbol in SYMBOLS if symbol not in mine
        }

        second.kill()  # without a word, then started again
        run(1, 2)
        theirs = [symbol for symbol in SYMBOLS if symbol not in mine]
        await traffic.flow_until(lambda: all(traffic.epochs()[symbol] > before[symbol] for symbol in theirs))

        run(0, 1)  # scale-down: shard 1 hands everything over while it runs
        newer.send_signal(signal.SIGTERM)
        await traffic.flow_until(lambda: traffic.served_by(1))

        unkilled = start(store, history).own(*KEYS)
        unkilled.frames.handle(traffic.sent)
        wanted = {s: [content(v) for v in unkilled.vectors if v.symbol == s] for s in SYMBOLS}
        await eventually(lambda: all(len(traffic.received[s]) >= len(wanted[s]) for s in SYMBOLS), deadline_s=20)
    for symbol in SYMBOLS:
        got = [content(vector) for vector in traffic.received[symbol]]
        assert [without_producer(vector) for vector in got] == [without_producer(vector) for vector in wanted[symbol]]
        epochs = [vector.epoch for vector in traffic.received[symbol]]
        assert epochs == sorted(epochs)
    assert len({vector.epoch for vectors in traffic.received.values() for vector in vectors}) >= 4


def without_producer(vector: dict) -> dict:
    return {name: value for name, value in vector.items() if name != "producer"}
