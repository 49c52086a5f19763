"""A WebSocket server of a venue, on this machine, and a feed that is connected to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from websockets.asyncio.server import ServerConnection, serve

from foretick.common.testing.fakes import ManualClock
from foretick.ingest.adapters.connections.pool import ConnectionPool
from foretick.ingest.adapters.connector import Connector
from foretick.ingest.adapters.recordings.sink import RawFrameSink, RawTap

from ..conftest import T0, Feed

Answer = Callable[[Any, "Client"], list[Any]]


@dataclass
class Client:
    """A connection: its handshake's headers, and what it has sent."""

    connection: ServerConnection
    headers: Any
    sent: list[Any] = field(default_factory=list)

    async def send(self, *messages: Any) -> None:
        for message in messages:
            await self.connection.send(message if isinstance(message, bytes) else json.dumps(message))

    async def close(self) -> None:
        await self.connection.close()


@dataclass
class SpokenVenue:
    """Answers each request of a client with what ``answer`` returns; ``greet`` is said first."""

    answer: Answer
    greet: Callable[[Client], list[Any]] = lambda _: []
    url: str = ""
    clients: list[Client] = field(default_factory=list)

    async def accept(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        client = Client(connection, request.headers)
        self.clients.append(client)
        await client.send(*self.greet(client))
        async for text in connection:
            message = json.loads(text)
            client.sent.append(message)
            await client.send(*self.answer(message, client))


@asynccontextmanager
async def speaking(venue: SpokenVenue) -> AsyncIterator[SpokenVenue]:
    """Serve until the context ends."""
    async with serve(venue.accept, "127.0.0.1", 0, ping_interval=None, max_size=None) as server:
        venue.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield venue


@asynccontextmanager
async def following(
    connector: Connector, feed: Feed, sink: RawFrameSink | None = None
) -> AsyncIterator[ConnectionPool]:
    """Follow all instruments of ``feed`` at ``connector``, until the context ends."""
    pool = ConnectionPool(
        connector.plan, ManualClock(T0), structlog.get_logger(), None, RawTap(connector.venue, sink), connector.headers
    )  # fmt: skip
    feed.handler._venue = pool
    pool.follow(list(feed.engine.feeds))
    task = asyncio.ensure_future(pool.run(feed.handler))
    try:
        yield pool
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
