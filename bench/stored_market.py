"""A stream of market data that is filled beforehand, and feature shards that catch up on it: for catch-up and scale."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import nats
import psutil
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from bench.turns import Turns, pin
from foretick.common.contracts import BookEventKind, BookFrame, FeatureVector, TickFrame, TradeColumns
from foretick.common.ownership import owner_of
from foretick.common.runtime.embedded import NatsServer
from foretick.common.runtime.stream_setup import ensure_all
from foretick.common.subjects import (
    BOOKS,
    EPOCHS,
    FEATURE_STATES,
    FEATURE_VECTORS,
    FEATURES,
    INSTRUMENT_LISTINGS,
    INSTRUMENTS,
    MARKET,
    TICKS,
)
from foretick.common.testing import T0_NS, book_frame, eventually, instrument, snapshot, tick_frame

RUN_ID = "test"  # of the builders
STEP_NS = 100_000_000
_TICKS_A_STEP = (13, 12)  # 125 ticks/s
_ANCHOR_STEPS = 100
_LIVE_S = 240.0


@dataclass(frozen=True, slots=True)
class CatchUp:
    """One catching up: seconds from the first shard's first read to the last one's going live, and what came out.

    busy_fracs: of a core: each shard, and nats-server last
    """

    seconds: float
    frames: int
    vectors: dict[str, str]
    busy_fracs: list[float]


def share_symbols(each: int, shards: int) -> list[str]:
    """Return ``each`` symbols for every one of ``shards``, so that no shard has more to do than another."""
    shares: list[list[str]] = [[] for _ in range(shards)]
    number = 0
    while any(len(share) < each for share in shares):
        symbol = f"S{number}"
        share = shares[owner_of("sim", symbol, shards)]
        if len(share) < each:
            share.append(symbol)
        number += 1
    return [symbol for share in shares for symbol in share]


def frames_of(symbol: str, seconds: int, *, batched: bool) -> Iterator[TickFrame | BookFrame]:
    """Yield what ingest would have published of one instrument: 125 ticks/s, 10 book updates/s, 0.1 books/s.

    ``batched``: a frame holds the ticks of 100 ms; else every tick is a frame of its own.
    """
    seq = 1
    for step in range(seconds * 10):
        start_ns = T0_NS + step * STEP_NS
        kind = BookEventKind.SNAPSHOT if step % _ANCHOR_STEPS == 0 else BookEventKind.DELTA
        yield book_frame([snapshot(kind=kind, ts_ns=start_ns)], seq=seq, symbol=symbol)
        seq += 1
        count = _TICKS_A_STEP[step % 2]
        kinds = ("TQ" * 7)[:count]
        spacing_ns = STEP_NS // 20
        whole = tick_frame(kinds, seq=seq, start_ns=start_ns + spacing_ns, spacing_ns=spacing_ns, symbol=symbol)
        yield from [whole] if batched else _split(whole)
        seq += count


def _split(whole: TickFrame) -> Iterator[TickFrame]:
    """Yield the events of ``whole``, trades and quotes, as a frame each."""
    trades, trade = whole.trades, 0
    for index, kind in enumerate(whole.kinds):
        columns: dict[str, Any] = {}
        if kind == "T":
            columns["trades"] = TradeColumns(
                price=[trades.price[trade]], qty=[trades.qty[trade]], side=[trades.side[trade]],
                trade_id=[trades.trade_id[trade]],
            )  # fmt: skip
            trade += 1
        yield tick_frame(
            kind, seq=whole.seq + index, start_ns=whole.recv_ns[index], symbol=whole.symbol, **columns
        )  # fmt: skip


@contextmanager
def stored_market(symbols: Sequence[str], seconds: int, *, batched: bool) -> Iterator["StoredMarket"]:
    """Run a nats-server whose stream MARKET holds ``seconds`` of ``symbols``, in the order of their data time."""
    with tempfile.TemporaryDirectory(prefix="foretick-bench-") as folder, NatsServer(Path(folder)) as server:
        server.start()
        market = StoredMarket(server, symbols)
        asyncio.run(market.fill(seconds, batched=batched))
        yield market


class StoredMarket:
    """The filled stream, and the shards that read it."""

    def __init__(self, server: NatsServer, symbols: Sequence[str]) -> None:
        self.url = server.url
        self._server_pid = server.pid
        self.symbols = list(symbols)
        self.stored = 0

    async def fill(self, seconds: int, *, batched: bool) -> None:
        """Fill stream MARKET."""
        nc = await nats.connect(self.url)
        await ensure_all(nc.jetstream())
        streams = [frames_of(symbol, seconds, batched=batched) for symbol in self.symbols]
        for together in zip(*streams, strict=True):
            for frame in together:
                subject = TICKS if isinstance(frame, TickFrame) else BOOKS
                await nc.publish(subject.of(frame.venue, frame.symbol), msgspec.json.encode(frame))
                self.stored += 1
            if self.stored % 4_000 < len(together):
                await nc.flush()
        await nc.flush()
        await eventually(lambda: self._holds_all(nc), deadline_s=60)
        await nc.close()

    async def _holds_all(self, nc: Client) -> bool:
        return (await nc.jetstream().stream_info(MARKET.name)).state.messages == self.stored

    def catch_up(self, shards: int, places: int | None = None) -> CatchUp:
        """Start ``shards`` cold, list the instruments when all are ready, and wait until all are live.

        places: with it, every shard has one of so many equal parts of a core, and nats-server the other core
        """
        asyncio.run(self._clear())
        with tempfile.TemporaryDirectory(prefix="foretick-bench-") as folder, ExitStack() as stack:
            logs = [Path(folder) / f"{index}.log" for index in range(shards)]
            processes = [stack.enter_context(self._running(index, shards, log)) for index, log in enumerate(logs)]
            for log in logs:
                _wait_for(log, "started")
            if places is not None:
                stack.enter_context(self._parted([process.pid for process in processes], places))
            watched = [psutil.Process(pid) for pid in (*(process.pid for process in processes), self._server_pid)]
            before = [_cpu_s(each) for each in watched]
            asyncio.run(self._list())
            ended = _wait_until_all_is_read(logs, self.stored)
            spent = [_cpu_s(each) - was for each, was in zip(watched, before, strict=True)]
            began = [line for log in logs for line in _lines(log, "taking over instruments")]
        seconds = max(line["at_s"] for line in ended) - min(line["at_s"] for line in began)
        frames = sum(int(line["frames"]) for line in ended)
        return CatchUp(seconds, frames, asyncio.run(self._digests()), [each / seconds for each in spent])

    @contextmanager
    def _parted(self, pids: Sequence[int], places: int) -> Iterator[None]:
        """Keep the shards on one core, in turns, and nats-server with this process on another."""
        before = os.sched_getaffinity(0)
        shards_core, other_core = sorted(before)[:2]
        for pid in pids:
            pin(pid, shards_core)
        for pid in (self._server_pid, os.getpid()):
            pin(pid, other_core)
        with Turns(pids, places):
            yield
        for pid in (os.getpid(), self._server_pid):
            pin(pid, *before)

    @contextmanager
    def _running(self, index: int, shards: int, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
        process = self._start(index, shards, log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)

    def _start(self, index: int, shards: int, log: Path) -> "subprocess.Popen[bytes]":
        settings = {
            "NATS_URL": self.url, "RUN_ID": RUN_ID, "HTTP_PORT": "0", "FEATURE_HISTORY": "86400",
            "FEATURE_SNAPSHOT_INTERVAL": "600", "SHARD_INDEX": str(index), "SHARD_COUNT": str(shards),
            "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1",
        }  # fmt: skip
        with log.open("wb") as out:
            command = [sys.executable, "-m", "foretick.features", "serve"]
            return subprocess.Popen(command, env={**os.environ, **settings}, stdout=out, stderr=out)

    async def _list(self) -> None:
        nc = await nats.connect(self.url)
        for symbol in self.symbols:
            listing = msgspec.json.encode(instrument(symbol=symbol))
            await nc.publish(INSTRUMENT_LISTINGS.of("sim", symbol), listing)
        await nc.flush()
        await nc.close()

    async def _clear(self) -> None:
        nc = await nats.connect(self.url)
        for name in (FEATURES.name, INSTRUMENTS.name, FEATURE_STATES.stream_name, EPOCHS.stream_name):
            with suppress(NotFoundError):
                await nc.jetstream().purge_stream(name)
        await nc.close()

    async def _digests(self) -> dict[str, str]:
        """Return a digest of every instrument's vectors, whoever sent them and when, in order."""
        nc = await nats.connect(self.url)
        digests = {symbol: await self._digest(nc, symbol) for symbol in self.symbols}
        await nc.close()
        return digests

    async def _digest(self, nc: Client, symbol: str) -> str:
        stream, subject = nc.jetstream(), FEATURE_VECTORS.of("sim", symbol)
        stored = (await stream.stream_info(FEATURES.name, subjects_filter=subject)).state.subjects or {}
        consumer = await stream.subscribe(subject, ordered_consumer=True)
        digest = blake2b(digest_size=16)
        for _ in range(stored.get(subject, 0)):
            vector = msgspec.json.decode((await consumer.next_msg(timeout=10)).data, type=FeatureVector)
            digest.update(repr((vector.asof_seq, vector.prev_asof_seq, vector.step, vector.values)).encode())
        await consumer.unsubscribe()
        return f"{stored.get(subject, 0)} {digest.hexdigest()}"


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _wait_for(log: Path, event: str) -> None:
    """Return once ``log`` tells ``event``."""
    deadline = time.monotonic() + _LIVE_S
    while not _lines(log, event):
        if time.monotonic() > deadline:
            raise RuntimeError(f"no '{event}' within {_LIVE_S:g} s:\n{log.read_text()[-2000:]}")
        time.sleep(0.05)


def _wait_until_all_is_read(logs: Sequence[Path], frames: int) -> list[dict[str, float]]:
    """Return the lines that tell a recovery, once they tell of ``frames`` in all.

    A shard recovers more than once where it heard of some instruments a moment after the others.
    """
    deadline = time.monotonic() + _LIVE_S
    while True:
        ended = [line for log in logs for line in _lines(log, "recovered")]
        if sum(int(line["frames"]) for line in ended) >= frames:
            return ended
        if time.monotonic() > deadline:
            tails = "\n".join(log.read_text()[-2000:] for log in logs)
            raise RuntimeError(f"{ended} within {_LIVE_S:g} s, of {frames} frames:\n{tails}")
        time.sleep(0.05)


def _lines(log: Path, event: str) -> list[dict[str, float]]:
    """Return the lines of ``log`` that tell ``event``, with their time as ``at_s``."""
    found = []
    for line in log.read_text().splitlines():
        with suppress(json.JSONDecodeError):
            entry = json.loads(line)
            if entry.get("event") == event:
                found.append(entry | {"at_s": datetime.fromisoformat(entry["ts"]).timestamp()})
    return found
