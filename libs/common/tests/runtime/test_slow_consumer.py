"""A consumer that stops reading delays nobody, and is cut off. Control: nats-server's default does delay others."""

import asyncio
import json
import socket
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlparse

import pytest
from nats.aio.client import Client

from foretick.common.runtime.data_plane.wire import Wire
from foretick.common.runtime.embedded import NatsServer, free_port
from foretick.common.testing import eventually

PAYLOAD = bytes(32_000)
MAX_PENDING_BYTES = 9_000_000
MESSAGES = 1300
"""42 MB: more than the server holds for one client and the sockets between them together."""
STRETCH = 25
STALL_S = 0.002
"""The least that nats-server, by default, holds up a producer for one message to a consumer that is 3/4 full."""
OPTION = "no_fast_producer_stall: true\n"


class SmallServer(NatsServer):
    """The embedded server with a small ``max_pending``; ``stalls``: with nats-server's default towards producers."""

    def __init__(self, data_dir: Path, *, stalls: bool) -> None:
        super().__init__(data_dir, monitoring_port=free_port())
        self.stalls = stalls

    def _prepare(self) -> None:
        super()._prepare()
        config = self._config_path.read_text()
        assert config.count(OPTION) == 1
        assert config.count("max_pending: ") == 1
        config = config.replace(OPTION, "" if self.stalls else OPTION)
        self._config_path.write_text(config.replace("max_pending: ", f"max_pending: {MAX_PENDING_BYTES} #"))

    def slow_consumers(self) -> int:
        """Return how many clients the server has cut off for not reading."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.monitoring_port}/varz") as reply:
            return json.load(reply)["slow_consumers"]


@asynccontextmanager
async def wire_on(url: str) -> AsyncIterator[Wire]:
    client = Client()
    wire = Wire(client)
    await client.connect(url)
    yield wire
    await client.close()


def freeze_on(url: str) -> socket.socket:
    """Subscribe to everything and read nothing."""
    address = urlparse(url)
    frozen = socket.create_connection((address.hostname, address.port))
    frozen.sendall(b'CONNECT {"verbose":false}\r\nSUB load 1\r\nPING\r\n')
    received = b""
    while b"PONG" not in received:
        received += frozen.recv(4096)
    return frozen


async def trips(sender: Wire, receiver: Wire) -> list[float]:
    """Send message after message and return the seconds until each was received."""
    loop = asyncio.get_running_loop()
    arrived = loop.create_future()

    def receive(_subject: bytes, payload: bytes) -> None:
        assert len(payload) == len(PAYLOAD)
        arrived.set_result(time.perf_counter())

    subscription = await receiver.tap("load", receive)
    await receiver.flush()
    seconds = []
    for _ in range(MESSAGES):
        arrived = loop.create_future()
        start_s = time.perf_counter()
        assert sender.send([b"PUB load %d\r\n%b\r\n" % (len(PAYLOAD), PAYLOAD)])
        seconds.append(await asyncio.wait_for(arrived, 10) - start_s)
    await receiver.untap(subscription)
    return seconds


def hold_up(seconds: list[float]) -> float:
    """Return by how much every message of the slowest stretch was late: noise spares some, a stalled producer none."""
    return max(min(seconds[at : at + STRETCH]) for at in range(len(seconds) - STRETCH))


@pytest.mark.parametrize("stalls", [False, True], ids=["embedded", "control"])
async def test_consumer_that_stops_reading_delays_nobody_and_is_cut_off(tmp_path: Path, stalls: bool) -> None:
    with SmallServer(tmp_path, stalls=stalls) as server:
        async with wire_on(server.url) as sender, wire_on(server.url) as receiver:
            frozen = freeze_on(server.url)
            seconds = await trips(sender, receiver)
            await eventually(lambda: server.slow_consumers() >= 1, deadline_s=20)
            frozen.close()
    assert (hold_up(seconds) >= STALL_S) is stalls
