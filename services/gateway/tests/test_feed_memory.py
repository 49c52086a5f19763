"""What clients that take nothing may cost, counted in messages and bytes: real sockets, the loop of the service."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from foretick.common.runtime.websocket_protocol import SEND_BUFFER_BYTES
from foretick.common.subjects import FEATURE_VECTORS, PREDICTION_MESSAGES
from foretick.common.testing.builders import feature_vector, prediction
from foretick.common.testing.raw_websocket import PING, client_frame, unsent_bytes
from foretick.common.testing.waiting import eventually
from foretick.gateway.domain.outbox import Outbox, OutboxLimits
from foretick.gateway.handlers.feed import Connection, FeedHandler

StartFeed = Callable[..., Any]
CLIENTS = 30
CHANNELS = ("features", "predictions")
VALUES: list[float | None] = [0.123456789] * 300
"""A vector of about 4 kB, so that the kernel's buffers fill soon."""
ROUNDS_FULL = 300
"""A queue of all these would be far over the bound of 8 a topic."""
LIMITS = OutboxLimits()
HEARTBEAT_AND_ANNOUNCEMENT = 2
KERNEL_BYTES = 2 * SEND_BUFFER_BYTES + LIMITS.flush_bytes
"""Linux doubles what SO_SNDBUF asks for, to have room for its own bookkeeping (socket(7)), and finishes a write."""


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> list[FeedHandler]:
    """The feed handlers of the feeds that are started from now on."""
    kept: list[FeedHandler] = []

    class Kept(FeedHandler):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            kept.append(self)

    monkeypatch.setattr("foretick.gateway.app.market.FeedHandler", Kept)
    return kept


def connections(handler: FeedHandler) -> list[Connection]:
    return list(handler._connections)


def waiting_bytes(outbox: Outbox) -> int:
    """The bytes of what waits; the snapshots that are due are made when they are sent."""
    singles = (outbox._heartbeat or b"", outbox._announcement or b"")
    return sum(map(len, (*(update.frame for update in outbox.pending), *outbox._replies, *singles)))


@pytest.mark.parametrize("count", [1, 8])
async def test_what_waits_for_a_frozen_client_is_bounded_by_its_symbols(
    start_feed: StartFeed, handlers: list[FeedHandler], count: int
):
    symbols = tuple(f"S{number}" for number in range(count))
    feed = await start_feed(DEFAULT_SYMBOLS=",".join(symbols))
    (handler,) = handlers
    frozen = [await feed.narrow(CHANNELS, symbols) for _ in range(CLIENTS)]
    topics = count * len(CHANNELS)
    frame_bytes = 0
    seq = 0

    async def publish_round() -> None:
        nonlocal seq
        seq += 1
        await feed.publish(FEATURE_VECTORS, *(feature_vector(VALUES, asof_seq=seq, symbol=name) for name in symbols))
        await feed.publish(PREDICTION_MESSAGES, *(prediction(asof_seq=seq, symbol=name) for name in symbols))
        await eventually(lambda: feed_has(seq))

    def feed_has(seq: int) -> bool:
        return all(topic.seq == seq for outbox in outboxes() for topic in outbox.topics)

    def outboxes() -> list[Outbox]:
        return [connection.outbox for connection in connections(handler)]

    await eventually(lambda: [len(outbox.topics) for outbox in outboxes()] == [topics] * CLIENTS)
    while not all(outbox.blocked for outbox in outboxes()):
        await publish_round()
        assert seq < 1000, "the clients were never full"
    full_at = seq
    seen = []
    while seq < full_at + ROUNDS_FULL:
        await publish_round()
        for outbox in outboxes():
            frame_bytes = max([frame_bytes, *(len(update.frame) for update in outbox.pending)])
            assert len(outbox.pending) <= topics * LIMITS.max_pending_updates
            assert outbox.waiting <= len(outbox.pending) + topics + HEARTBEAT_AND_ANNOUNCEMENT
            assert waiting_bytes(outbox) <= outbox.waiting * max(frame_bytes, 1024)
        seen.append(max(outbox.waiting for outbox in outboxes()))
    assert all(outbox.blocked and not outbox.pending for outbox in outboxes()), "a snapshot stands for all it missed"
    assert max(seen[-100:]) <= max(seen[:100]), "nothing grows"
    for connection in connections(handler):
        ours, kernel = unsent_bytes(connection.transport._out)
        assert 0 < ours <= LIMITS.flush_bytes + frame_bytes
        assert 0 < kernel <= KERNEL_BYTES
    for client in frozen:
        client.close()


async def test_pings_of_a_client_that_takes_nothing_are_not_kept(start_feed: StartFeed, handlers: list[FeedHandler]):
    feed = await start_feed()
    client = await feed.narrow(("features",))
    (handler,) = handlers
    await eventually(lambda: len(connections(handler)) == 1)
    (connection,) = connections(handler)
    seq = 0
    while not connection.outbox.blocked:
        seq += 1
        assert seq < 1000, "the client was never full"
        await feed.publish(FEATURE_VECTORS, feature_vector(VALUES, asof_seq=seq))
        await asyncio.sleep(0)
    before, _ = unsent_bytes(connection.transport._out)
    loop = asyncio.get_running_loop()
    pings = b"".join(client_frame(b"%0120d" % number, PING) for number in range(1000))
    for _ in range(20):
        await loop.sock_sendall(client, pings)
    await loop.sock_sendall(client, client_frame(b"last", PING))
    await eventually(lambda: connection.transport._pong == b"last")
    assert unsent_bytes(connection.transport._out)[0] == before, "20,000 pings of 120 bytes left nothing behind"
    received = await read_until_pong(client)
    assert received.count(b"\x8a\x04last") == 1
    assert b"0" * 100 not in received, "only the last ping is answered"
    client.close()


async def read_until_pong(client: socket.socket) -> bytes:
    received = b""
    async with asyncio.timeout(20):
        while b"\x8a\x04last" not in received:
            received += await asyncio.get_running_loop().sock_recv(client, 1 << 16)
    return received
