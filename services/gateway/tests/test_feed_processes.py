"""Several processes of the role feed on one port, as the launcher runs them, on a real NATS; one dies."""

import asyncio
import json
import os
import resource
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import nats as nats_client
import pytest

from foretick.common.runtime.embedded import free_port
from foretick.common.subjects import FEATURE_VECTORS, PREDICTION_MESSAGES
from foretick.common.testing.builders import feature_vector, prediction
from foretick.common.testing.feed_client import FeedClient
from foretick.common.testing.waiting import eventually

SYMBOLS = ("S0", "S1")
CHANNELS = ("features", "predictions")
TOPICS = {f"{channel}:sim:{symbol}" for channel in CHANNELS for symbol in SYMBOLS}
CLIENTS = 40
START_S = 30.0
KILLED = 1006
"""RFC 6455, section 7.1.5: the connection ended without a close frame."""


@dataclass
class FeedProcess:
    """``python -m foretick.gateway feed`` as process ``index``."""

    nats_url: str
    port: int
    index: int
    count: int = 2
    settings: dict[str, str] = field(default_factory=dict)
    http_port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    async def start(self, limit_files: Callable[[], None] | None = None) -> None:
        told = {
            "NATS_URL": self.nats_url, "RUN_ID": "test", "LOG_LEVEL": "ERROR", "DEFAULT_SYMBOLS": ",".join(SYMBOLS),
            "WEBSOCKET_PORT": str(self.port), "HTTP_PORT": str(self.http_port), "FEED_PROCESSES": str(self.count),
            "SHARD_INDEX": str(self.index), "SHARD_COUNT": str(self.count),
        }  # fmt: skip
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "foretick.gateway", "feed", env=os.environ | told | self.settings,
            preexec_fn=limit_files,
        )  # fmt: skip
        await eventually(self.is_ready, START_S)

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def is_ready(self) -> bool:
        try:
            return bool(json.loads(await self.get("/health/ready"))["ready"])
        except OSError:
            return False

    async def connections(self) -> int:
        text = await self.get("/metrics")
        return next(int(float(line.split()[1])) for line in text.splitlines() if line.startswith(_CONNECTIONS))

    async def get(self, path: str) -> str:
        def read() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=5) as reply:
                return reply.read().decode()

        return await asyncio.to_thread(read)


_CONNECTIONS = "foretick_gateway_connections "


class Producer:
    """Publishes one update of every topic at a time."""

    def __init__(self, client: nats_client.NATS) -> None:
        self._client = client
        self.seq = 0

    async def publish(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            self.seq += 1
            for symbol in SYMBOLS:
                await self._tell(FEATURE_VECTORS.of("sim", symbol), feature_vector(asof_seq=self.seq, symbol=symbol))
                await self._tell(PREDICTION_MESSAGES.of("sim", symbol), prediction(asof_seq=self.seq, symbol=symbol))
        await self._client.flush()

    async def reaches(self, clients: list[FeedClient]) -> None:
        await eventually(lambda: all(client.held.keys() == TOPICS for client in clients))
        await eventually(lambda: all(client.seqs == {self.seq} for client in clients))

    async def _tell(self, subject: str, message: Any) -> None:
        await self._client.publish(subject, msgspec.json.encode(message))


@pytest.fixture
async def producer(nats_url: str) -> AsyncIterator[Producer]:
    client = await nats_client.connect(nats_url)
    yield Producer(client)
    await client.close()


@pytest.fixture
async def pair(nats_url: str) -> AsyncIterator[list[FeedProcess]]:
    port = free_port()
    processes = [FeedProcess(nats_url, port, index) for index in range(2)]
    try:
        await asyncio.gather(*(process.start() for process in processes))
        yield processes
    finally:
        await asyncio.gather(*(process.kill() for process in processes))


@pytest.fixture
async def clients(pair: list[FeedProcess]) -> AsyncIterator[list[FeedClient]]:
    clients = [FeedClient(f"ws://127.0.0.1:{pair[0].port}/ws/realtime", SYMBOLS, CHANNELS) for _ in range(CLIENTS)]
    yield clients
    await asyncio.gather(*(client.close() for client in clients))


async def served(pair: list[FeedProcess]) -> list[int]:
    return [await process.connections() for process in pair]


@pytest.mark.parametrize(("missed", "is_resumed"), [(0, True), (8, True), (9, False)])
async def test_client_of_a_killed_process_goes_on_at_the_other(
    pair: list[FeedProcess], clients: list[FeedClient], producer: Producer, missed: int, is_resumed: bool
):
    """Up to 8 missed updates of a topic are told one by one; more come as a snapshot that says so."""
    await producer.publish()
    await asyncio.gather(*(client.connect() for client in clients))
    await producer.publish(3)
    await producer.reaches(clients)

    async def all_are_counted() -> bool:
        return sum(await served(pair)) == CLIENTS

    await eventually(all_are_counted)
    before = await served(pair)
    assert min(before) > 0, "the kernel deals them out: all on one side is a chance of 2**-39"

    victim, survivor = pair
    await victim.kill()
    await eventually(lambda: sum(client.close_code is not None for client in clients) == before[0])
    lost = [client for client in clients if client.close_code is not None]
    stayed = [client for client in clients if client.close_code is None]
    assert {client.close_code for client in lost} == {KILLED}
    assert await survivor.is_ready()
    await producer.publish(missed)
    await producer.reaches(stayed)
    await asyncio.gather(*(client.connect() for client in lost))
    await producer.reaches(clients)
    for client in lost:
        assert (client.resumed, client.whole) == ((TOPICS, set()) if is_resumed else (set(), TOPICS))
    await producer.publish(3)
    await producer.reaches(clients)
    assert [client.faults for client in clients] == [[]] * CLIENTS
    assert [client.close_code for client in clients] == [None] * CLIENTS

    async def survivor_has_all() -> bool:
        return await survivor.connections() == CLIENTS

    await eventually(survivor_has_all)


async def test_process_that_comes_back_serves_new_clients_and_resumes_old_ones(
    pair: list[FeedProcess], clients: list[FeedClient], producer: Producer
):
    await producer.publish()
    await asyncio.gather(*(client.connect() for client in clients))
    await producer.reaches(clients)
    victim, survivor = pair
    await victim.kill()
    await victim.start()
    await survivor.kill()
    await eventually(lambda: all(client.close_code is not None for client in clients))
    await asyncio.gather(*(client.connect() for client in clients))
    assert [client.resumed for client in clients] == [TOPICS] * CLIENTS, "the present state is read back at the start"
    await producer.publish(3)
    await producer.reaches(clients)
    assert [client.faults for client in clients] == [[]] * CLIENTS


async def test_connections_beyond_the_shell_s_limit_of_open_files_are_taken(nats_url: str, producer: Producer):
    count = 150
    feed = FeedProcess(nats_url, free_port(), 0, count=1, settings={"MAX_CONCURRENT_CONNECTIONS": str(count)})

    def allow_few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    clients = [FeedClient(f"ws://127.0.0.1:{feed.port}/ws/realtime", SYMBOLS, CHANNELS) for _ in range(count)]
    try:
        await feed.start(allow_few_files)
        for client in clients:
            await client.connect()
        await producer.publish()
        await producer.reaches(clients)
    finally:
        await asyncio.gather(*(client.close() for client in clients))
        await feed.kill()
