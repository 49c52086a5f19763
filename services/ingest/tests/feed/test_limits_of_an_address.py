"""What venues count over all connections of an address, counted by a real server: handshakes and requests a second."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import structlog
from websockets.asyncio.server import serve

from foretick.common.testing.fakes import ManualClock
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.coinbase.streams import CoinbaseStreams, limits_of
from foretick.ingest.adapters.connections.budget import Budget
from foretick.ingest.adapters.connections.link import Link
from foretick.ingest.adapters.connections.pool import ConnectionPool
from foretick.ingest.adapters.okx import streams as okx
from foretick.ingest.adapters.recordings.sink import RawTap
from foretick.ingest.domain.stream_limits import StreamLimits

from ..conftest import T0
from ..venues.chaos.exchange import most_within

LINKS = 10
OPENING = 4
"""Requests that a connection to Coinbase begins with."""


class Counted:
    """A venue that writes down when it was asked."""

    def __init__(self) -> None:
        self.connects: list[float] = []
        self.requests: list[float] = []

    async def accept(self, connection) -> None:
        self.connects.append(time.monotonic())
        async for _ in connection:
            self.requests.append(time.monotonic())


class Nobody:
    """A ``FrameReceiver`` that takes no note of anything: only the requests are looked at."""

    def on_connected(self, symbols, connection) -> None: ...
    def on_disconnected(self, symbols, connection, reason) -> None: ...
    def on_replaced(self, symbols, connection, held) -> None: ...
    def on_frames(self, batch) -> None: ...
    def on_time(self, now_ns) -> None: ...


@asynccontextmanager
async def followed(limits: StreamLimits):
    """A venue to which ten connections are opened at once."""
    venue = Counted()
    async with serve(venue.accept, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        pool = ConnectionPool(CoinbaseStreams(url, limits), ManualClock(T0), structlog.get_logger())
        pool.follow([f"S{number}" for number in range(LINKS)])
        task = asyncio.ensure_future(pool.run(Nobody()))
        try:
            yield venue
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def limits(**fields) -> StreamLimits:
    return replace(limits_of(30.0), symbols_per_connection=1, **fields)


async def test_connections_of_an_address_are_opened_within_the_venues_second() -> None:
    async with followed(limits(connects_per_s=5, sends_per_s_together=None)) as venue:
        await eventually(lambda: len(venue.connects) == LINKS, 20)
        assert most_within(venue.connects, 1.0) <= 5 + 1  # one for the way to the server


async def test_requests_of_all_connections_stay_within_the_venues_second() -> None:
    async with followed(limits(connects_per_s=None, sends_per_s_together=8)) as venue:
        await eventually(lambda: len(venue.requests) == LINKS * OPENING, 20)
        assert most_within(venue.requests, 1.0) <= 8 + 1


async def test_control_without_those_limits_ten_connections_are_a_burst() -> None:
    async with followed(limits(connects_per_s=None, sends_per_s_together=None)) as venue:
        await eventually(lambda: len(venue.requests) == LINKS * OPENING, 20)
        assert most_within(venue.connects, 2.0) == LINKS
        assert most_within(venue.requests, 1.0) > 8 + 1


@pytest.mark.parametrize(
    ("kept", "connects", "requests"), [(limits_of(30.0), 8, 8), (okx.limits_of(30.0), 3, None)], ids=["coinbase", "okx"]
)
def test_venues_that_count_by_the_second_have_their_documented_limit_kept(kept, connects, requests) -> None:
    assert kept.connects_per_s is not None
    assert kept.connects_per_s < connects
    assert requests is None or kept.sends_per_s_together < requests


async def test_request_that_waits_for_its_turn_is_sent_by_whoever_goes_on_with_its_link() -> None:
    """A replacement is taken over while some of its requests still wait."""
    venue = Counted()
    budget = Budget(1.0, 3600.0, asyncio.get_running_loop().time)
    await budget.spend(1)
    async with serve(venue.accept, "127.0.0.1", 0) as server:
        link = Link(1, Nobody().on_frames, ManualClock(T0), RawTap())
        assert await link.open(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}") == ""
        link.send([b"{}"])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(link.send_forever(1000.0, budget), 0.05)
        sender = asyncio.ensure_future(link.send_forever(1000.0))
        await eventually(lambda: len(venue.requests) == 1)
        sender.cancel()
        link.drop()
