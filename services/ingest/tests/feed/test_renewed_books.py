"""Full books that come on their stream, asked for again while connections come and go: a real server, a real pool."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog
from websockets.asyncio.server import serve

from foretick.common.testing.fakes import ManualClock
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.coinbase.streams import CoinbaseStreams
from foretick.ingest.adapters.connections import pool as pool_module
from foretick.ingest.adapters.connections import resync as resync_module
from foretick.ingest.adapters.connections.pool import ConnectionPool
from foretick.ingest.domain.stream_limits import StreamLimits

from ..conftest import T0
from .test_limits_of_an_address import Nobody

LIMITS = StreamLimits(symbols_per_connection=2, sends_per_s=1000.0, connects_per_minute=6000.0, idle_timeout_s=30.0)


class Venue:
    """Writes down which books each connection ends, which is how they are asked for again."""

    def __init__(self, *, replies: bool = False) -> None:
        self.replies = replies
        self.connections: list = []
        self.renewed: list[list[str]] = []

    async def accept(self, connection) -> None:
        self.connections.append(connection)
        renewed: list[str] = []
        self.renewed.append(renewed)
        async for text in connection:
            request = json.loads(text)
            if request["type"] == "unsubscribe":
                renewed += request["product_ids"]
            if self.replies:
                await connection.send("{}")


@asynccontextmanager
async def followed(venue: Venue | None = None, limits: StreamLimits = LIMITS, receiver: Nobody | None = None):
    """A venue and a pool that follows A and B on one connection to it, which is not made yet."""
    venue = venue or Venue()
    async with serve(venue.accept, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        pool = ConnectionPool(CoinbaseStreams(url, limits), ManualClock(T0), structlog.get_logger())
        pool.follow(["A", "B"])
        task = asyncio.ensure_future(pool.run(receiver or Nobody()))
        try:
            yield venue, pool
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def renew(pool: ConnectionPool, venue: Venue, symbol: str, times: int) -> None:
    for number in range(1, times + 1):
        pool.request_snapshot(symbol)
        await eventually(lambda wanted=number: venue.renewed[-1].count(symbol) == wanted)


async def test_book_is_not_asked_for_while_its_stream_is_away() -> None:
    async with followed() as (venue, pool):
        pool.request_snapshot("A")
        await eventually(lambda: pool.open == 1)
        await renew(pool, venue, "B", 1)
        assert (venue.renewed, pool.snapshots_requested) == ([["B"]], 1)


async def test_request_that_waited_is_forgotten_when_a_new_connection_brings_the_book(monkeypatch) -> None:
    """The third request of A waits; before its time is over, another connection has begun with the book."""
    monkeypatch.setattr(resync_module, "backoff_s", lambda *_: 0.5)
    monkeypatch.setattr(pool_module, "backoff_s", lambda *_: 0.01)
    async with followed() as (venue, pool):
        await eventually(lambda: pool.open == 1)
        await renew(pool, venue, "A", 2)
        pool.request_snapshot("A")
        await venue.connections[0].close()
        await eventually(lambda: len(venue.connections) == 2 and pool.open == 1)
        await renew(pool, venue, "B", 3)  # whose third waits as long as that of A, from later on
        assert venue.renewed[1] == ["B"] * 3


async def test_replacement_takes_over_only_after_it_has_asked_for_all_of_its_streams(monkeypatch) -> None:
    """Replies to its first requests are frames too: they do not make up for a book that was not asked for yet."""
    monkeypatch.setattr(pool_module, "_OVERLAP_S", 0.1)
    venue, asked = Venue(replies=True), []

    class Noting(Nobody):
        def on_replaced(self, symbols, connection, held) -> None:
            asked.append(len(held))

    async with followed(venue, replace(LIMITS, sends_per_s=5.0), Noting()) as (_, pool):
        await eventually(lambda: pool.open == 1)
        pool.roll_over()

        async def is_asked() -> bool:
            if not asked:
                await venue.connections[0].send("{}")  # the old one is heard beside the new one
            return bool(asked)

        await eventually(is_asked)
    assert asked == [4]  # heartbeats, books, trades, status: each was answered
