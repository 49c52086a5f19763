"""Feed processes on a real bus and a real venue socket: instruments change hands and no number or trade is lost."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import msgspec
import nats
import pytest

from foretick.common.contracts import BookFrame, TickFrame, Trust
from foretick.common.ownership import Shard
from foretick.common.runtime.embedded import free_port
from foretick.common.subjects import BOOKS, TICKS
from foretick.common.testing import eventually
from foretick.market.simulation import LISTINGS

SYMBOLS = list(LISTINGS)[:6]


@contextmanager
def process(role: str, **settings: str) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-m", "foretick.ingest", role]
    defaults = {"RUN_ID": "test", "HTTP_PORT": "0", "LOG_LEVEL": "WARNING", "DEFAULT_SYMBOLS": ",".join(SYMBOLS)}
    running = subprocess.Popen(command, env=os.environ | defaults | settings)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


class Listener:
    """All that the feeds publish."""

    def __init__(self) -> None:
        self.frames: dict[str, list[TickFrame | BookFrame]] = {symbol: [] for symbol in SYMBOLS}

    async def open(self, url: str) -> nats.NATS:
        client = await nats.connect(url)

        async def receive(msg) -> None:
            contract = TickFrame if msg.subject.startswith("ticks.") else BookFrame
            frame = msgspec.json.decode(msg.data, type=contract)
            self.frames[frame.symbol].append(frame)

        for subject in (TICKS, BOOKS):
            await client.subscribe(subject.wildcard, cb=receive)
        await client.flush()
        return client

    def served_by(self, shards: int, after: dict[str, int] | None = None) -> bool:
        """Whether each instrument's latest frame is LIVE, and came from its owner among ``shards``, anew."""
        return all(
            frames
            and frames[-1].trust is Trust.LIVE
            and frames[-1].producer == f"ingest.feed-{owner(symbol, shards)}"
            and frames[-1].epoch > (after or {}).get(symbol, 0)
            for symbol, frames in self.frames.items()
        )

    def epochs(self) -> dict[str, int]:
        return {symbol: frames[-1].epoch for symbol, frames in self.frames.items()}


def owner(symbol: str, shards: int) -> int:
    return next(index for index in range(shards) if Shard(index, shards).owns("sim", symbol))


@pytest.fixture
async def listener(nats_url):
    listener = Listener()
    client = await listener.open(nats_url)
    yield listener
    await client.close()


async def test_scale_up_rolling_update_and_scale_down_lose_no_number_and_no_trade(nats_url, listener, tmp_path):
    assert {owner(symbol, 2) for symbol in SYMBOLS} == {0, 1}
    port = str(free_port())
    venue = {"SIM_WS_URL": f"ws://127.0.0.1:{port}", "SIM_REST_URL": f"http://127.0.0.1:{port}", "NATS_URL": nats_url}
    with ExitStack() as processes:

        def run(index: int, count: int) -> tuple[subprocess.Popen, str]:
            http_port = str(free_port())
            shard = {"SHARD_INDEX": str(index), "SHARD_COUNT": str(count), "HTTP_PORT": http_port}
            return processes.enter_context(process("feed", **venue, **shard)), http_port

        processes.enter_context(process("simulate", SIM_PORT=port, SIM_RATE="3", DATA_DIR=str(tmp_path)))
        alone, _ = run(0, 1)
        await eventually(lambda: listener.served_by(1), deadline_s=60)

        run(1, 2)  # scale-up
        await eventually(lambda: listener.served_by(2), deadline_s=60)

        before = listener.epochs()
        mine = {symbol: epoch for symbol, epoch in before.items() if owner(symbol, 2) == 0}
        newer, newer_port = run(0, 2)  # rolling update: the new process follows the venue beside the old one
        await eventually(lambda: is_following(newer_port, set(mine)), deadline_s=30)
        alone.send_signal(signal.SIGTERM)
        await eventually(lambda: listener.served_by(2, mine), deadline_s=60)

        _, last_port = run(0, 1)  # scale-down: shard 1 hands everything over while it runs
        await eventually(lambda: is_following(last_port, set(mine)), deadline_s=30)
        newer.send_signal(signal.SIGTERM)
        await eventually(lambda: listener.served_by(1, mine), deadline_s=60)
        assert_whole(listener)


async def is_following(port: str, symbols: set[str]) -> bool:
    """Whether the process holds a LIVE book of each of ``symbols``, published or not."""
    try:
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    except httpx.HTTPError:
        return False
    return symbols <= set(re.findall(r'foretick_ingest_book_live\{symbol="(\w+)",venue="sim"\} 1\.0', text))


def assert_whole(listener: Listener) -> None:
    for symbol, frames in listener.frames.items():
        seqs = sorted(
            number
            for frame in frames
            for number in range(
                frame.seq, frame.seq + len(frame.kinds if isinstance(frame, TickFrame) else frame.events)
            )
        )
        assert seqs == list(range(1, len(seqs) + 1)), symbol
        in_order = sorted((frame for frame in frames if isinstance(frame, TickFrame)), key=lambda frame: frame.seq)
        trades = [trade_id for frame in in_order for trade_id in frame.trades.trade_id]
        assert trades == list(range(trades[0], trades[0] + len(trades))), symbol
        assert len(trades) > 50
        epochs = [frame.epoch for frame in sorted(frames, key=lambda frame: frame.seq)]
        assert epochs == sorted(epochs)
    assert len({frame.producer for frames in listener.frames.values() for frame in frames}) == 2
