"""The role feed as it runs: real NATS, real sockets, several processes' worth of servers in one test."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from foretick.common.errors import Fatal
from foretick.common.runtime.embedded import free_port
from foretick.common.subjects import FEATURE_VECTORS, INSTRUMENT_LISTINGS, PREDICTION_MESSAGES
from foretick.common.testing.builders import feature_vector, instrument, prediction
from foretick.common.testing.raw_websocket import client_frame, handshake
from foretick.common.testing.waiting import eventually
from foretick.gateway.handlers.feed import FeedHandler

DEADLINE_S = 10.0
SUBSCRIBE = '{"action":"subscribe","symbols":["BTCUSDT"],"channels":["predictions"]}'
SUBSCRIBE_FEATURES = '{"action":"subscribe","symbols":["BTCUSDT"],"channels":["features"]}'
StartFeed = Callable[..., Any]


async def receive_until(client: ClientConnection, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            message = json.loads(await client.recv())
            if wanted(message):
                return message


async def is_listening(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def of(kind: str) -> Callable[[dict[str, Any]], bool]:
    return lambda message: message["type"] == kind


def seq_is(seq: int) -> Callable[[dict[str, Any]], bool]:
    return lambda message: message.get("seq") == seq


async def closing_of(client: ClientConnection) -> tuple[int, str]:
    async with asyncio.timeout(DEADLINE_S):
        try:
            while True:
                await client.recv()
        except ConnectionClosed:
            return client.close_code or 0, client.close_reason or ""


async def subscribed(client: ClientConnection, request: str = SUBSCRIBE) -> None:
    await client.send(request)
    await receive_until(client, of("ack"))


# ---- the same conversation -----------------------------------------------------------------------------------------


async def test_message_on_nats_reaches_a_subscribed_client(start_feed: StartFeed):
    feed = await start_feed()
    await feed.publish(INSTRUMENT_LISTINGS, instrument())
    async with feed.open() as client:
        assert json.loads(await client.recv())["type"] == "welcome"
        await subscribed(client)
        await feed.publish(PREDICTION_MESSAGES, prediction(asof_seq=41))
        assert (await receive_until(client, seq_is(41)))["type"] == "snapshot"
        await feed.publish(PREDICTION_MESSAGES, prediction(asof_seq=42))
        delta = await receive_until(client, of("delta"))
        assert (delta["prev"], delta["seq"]) == (41, 42)
        assert (await receive_until(client, of("heartbeat")))["connections"] == 1
    await eventually(lambda: feed.metric("connections") == 0)


async def test_any_process_resumes_any_client(start_feed: StartFeed):
    one, two = await start_feed(), await start_feed()
    async with one.open() as client:
        await subscribed(client)
        for seq in (1, 2):
            await one.publish(PREDICTION_MESSAGES, prediction(asof_seq=seq))
            held = await receive_until(client, seq_is(seq))
    for seq in (3, 4, 5):
        await one.publish(PREDICTION_MESSAGES, prediction(asof_seq=seq))
    await eventually(lambda: two.metric("updates_total") >= 5)
    async with two.open() as client:
        since = {"predictions:sim:BTCUSDT": {"epoch": held["epoch"], "seq": held["seq"]}}
        await client.send(json.dumps(json.loads(SUBSCRIBE) | {"since": since}))
        assert (await receive_until(client, of("ack")))["resumed"] == ["predictions:sim:BTCUSDT"]
        chain = [await receive_until(client, of("delta")) for _ in range(3)]
        assert [(delta["prev"], delta["seq"]) for delta in chain] == [(2, 3), (3, 4), (4, 5)]


async def test_processes_share_a_port(start_feed: StartFeed):
    port = free_port()
    one = await start_feed(WEBSOCKET_PORT=port, FEED_PROCESSES=2)
    two = await start_feed(WEBSOCKET_PORT=port, FEED_PROCESSES=2)
    clients = [await one.open() for _ in range(24)]
    await eventually(lambda: one.metric("connections") + two.metric("connections") == 24)
    assert one.metric("connections") > 0  # the kernel deals them out: all 24 on one side is a chance of 2**-23
    assert two.metric("connections") > 0
    for client in clients:
        await client.close()


async def test_process_closes_clients_with_1012_on_sigterm_and_exits_cleanly(nats_url: str):
    port = free_port()
    environment = {"NATS_URL": nats_url, "WEBSOCKET_PORT": str(port), "RUN_ID": "test", "LOG_LEVEL": "ERROR"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "foretick.gateway", "feed", env={**os.environ, **environment}
    )
    try:
        await eventually(lambda: is_listening(port), 30)
        async with connect(f"ws://127.0.0.1:{port}/ws/realtime", proxy=None) as client:
            await receive_until(client, of("welcome"))
            process.send_signal(signal.SIGTERM)
            code, reason = await closing_of(client)
            assert code == 1012
            assert "reconnect" in reason
        assert await asyncio.wait_for(process.wait(), DEADLINE_S) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_taken_port_is_refused_and_named(start_feed: StartFeed):
    feed = await start_feed()
    with pytest.raises(Fatal, match=rf"cannot listen on 127.0.0.1:{feed.port}.*WEBSOCKET_PORT"):
        await start_feed(WEBSOCKET_PORT=feed.port)


async def test_feed_is_spared_what_only_the_api_needs():
    code = "import foretick.gateway.app.feed, sys; print([m for m in ('fastapi', 'numba') if m in sys.modules])"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert (await process.communicate())[0].strip() == b"[]"


# ---- the door ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/ws/realtime", {"Origin": "http://evil.example"}, b"403", b"forbidden"),
        ("/ws/realtime", {"Origin": "null"}, b"403", b"forbidden"),
        ("/ws/realtime", {"Host": "evil.example"}, b"403", b"forbidden"),
        ("/ws/other", {}, b"404", b"not_found"),
        ("/", {"Host": "evil.example"}, b"403", b"forbidden"),
    ],
)
async def test_who_is_not_wanted_is_turned_away_with_a_problem(
    start_feed: StartFeed, path: str, headers: dict[str, str], status: bytes, code: bytes
):
    feed = await start_feed()
    reader, writer = await asyncio.open_connection("127.0.0.1", feed.port)
    writer.write(handshake(feed.address, path, **headers))
    answer = await asyncio.wait_for(reader.read(), DEADLINE_S)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"application/problem+json" in answer
    assert b'"code":"' + code in answer
    writer.close()
    assert feed.metric("connections") == 0


async def test_page_of_our_own_is_let_in(start_feed: StartFeed):
    feed = await start_feed(ALLOWED_ORIGINS="https://desk.example")
    for origin in (f"http://127.0.0.1:{feed.port}", "http://localhost:5173", "https://desk.example"):
        async with feed.open(origin=origin) as client:
            assert json.loads(await client.recv())["type"] == "welcome"
    with pytest.raises(InvalidStatus):
        await feed.open(origin="https://other.example")


async def test_connections_beyond_the_limit_are_told_and_closed(start_feed: StartFeed):
    feed = await start_feed(MAX_CONCURRENT_CONNECTIONS=1)
    async with feed.open() as one:
        await receive_until(one, of("welcome"))
        async with feed.open() as two:
            assert json.loads(await two.recv())["code"] == "too_many_connections"
            assert (await closing_of(two))[0] == 1013


# ---- what clients get wrong ----------------------------------------------------------------------------------------


async def test_junk_binary_unknown_and_oversize_messages(start_feed: StartFeed):
    feed = await start_feed()
    async with feed.open() as client:
        for message, code in (
            ("junk", "malformed"),
            (b"\x00\x01", "malformed"),
            ('{"action":"dance"}', "unknown_action"),
            ('{"action":"subscribe","symbols":["NOPE"]}', "unknown_symbol"),
        ):
            await client.send(message)
            assert (await receive_until(client, of("error")))["code"] == code
        await client.send("x" * 65_537)
        assert (await receive_until(client, of("error")))["code"] == "too_large"
        assert (await closing_of(client))[0] == 1009


async def test_fragments_are_one_message_and_a_ping_is_answered(start_feed: StartFeed):
    feed = await start_feed()
    async with feed.open() as client:
        await client.send(['{"action":', '"ping",', '"req_id":"f"}'])
        assert (await receive_until(client, of("pong")))["req_id"] == "f"
        await asyncio.wait_for(await client.ping(), DEADLINE_S)


@pytest.mark.parametrize("piece_bytes", [40_000, 3_000_000])
async def test_message_far_beyond_the_limit_closes_with_1009(start_feed: StartFeed, piece_bytes: int):
    feed = await start_feed()
    async with feed.open() as client:
        with contextlib.suppress(ConnectionClosed):
            await client.send("x" * piece_bytes for _ in range(3_000_000 // piece_bytes))
        assert (await closing_of(client))[0] == 1009
    await eventually(lambda: feed.metric("connections") == 0)


async def test_text_that_is_not_utf8_closes_with_1007(start_feed: StartFeed):
    feed = await start_feed()
    reader, writer = await asyncio.open_connection("127.0.0.1", feed.port)
    writer.write(handshake(feed.address) + client_frame(b"\xff\xfe"))
    received = b""
    async with asyncio.timeout(DEADLINE_S):
        while b"\x88" not in received or struct.pack(">H", 1007) not in received:
            received += await reader.read(4096)
    writer.close()


async def test_client_that_says_goodbye_is_forgotten_at_once(start_feed: StartFeed):
    feed = await start_feed()
    async with feed.open() as client:
        await subscribed(client)
    assert client.close_code == 1000
    await eventually(lambda: feed.metric("connections") == 0)


# ---- frozen, slow, churning and dead clients -----------------------------------------------------------------------

BIG: list[float | None] = [0.123456789] * 20_000
"""A vector of 240 kB: the kernel's buffers fill soon."""


async def test_frozen_client_is_bounded_and_the_others_miss_nothing(start_feed: StartFeed):
    feed = await start_feed()
    async with feed.open() as healthy:
        await subscribed(healthy, SUBSCRIBE_FEATURES)
        frozen = [await feed.narrow(("features",)) for _ in range(5)]
        await eventually(lambda: feed.metric("connections") == 6)
        last = 0
        while feed.metric("conflated_total") < 5 * 20:
            last += 1
            assert last < 500, "the frozen clients were never conflated"
            await feed.publish(FEATURE_VECTORS, feature_vector(BIG, asof_seq=last))
            message = await receive_until(healthy, seq_is(last))
            assert message["type"] == ("snapshot" if last == 1 else "delta")
        encoded = feed.metric("updates_encoded_total")
        assert encoded <= last
    for client in frozen:
        client.close()
    await eventually(lambda: feed.metric("connections") == 0)


async def test_slow_client_is_conflated_and_catches_up(start_feed: StartFeed):
    feed = await start_feed()
    slow_socket = socket.socket()
    slow_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow_socket.setblocking(False)
    await asyncio.get_running_loop().sock_connect(slow_socket, ("127.0.0.1", feed.port))
    async with feed.open(sock=slow_socket, max_queue=1) as slow, feed.open() as fast:
        for client in (slow, fast):
            await subscribed(client, SUBSCRIBE_FEATURES)
        last = 0
        while feed.metric("conflated_total") == 0:
            last += 1
            assert last < 500, "the slow client was never conflated"
            await feed.publish(FEATURE_VECTORS, feature_vector(BIG, asof_seq=last))
            await receive_until(fast, seq_is(last))
        assert (await receive_until(slow, seq_is(last)))["type"] == "snapshot"
        await feed.publish(FEATURE_VECTORS, feature_vector(BIG, asof_seq=last + 1))
        assert (await receive_until(slow, seq_is(last + 1)))["prev"] == last


async def test_client_that_takes_nothing_is_dropped(start_feed: StartFeed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("foretick.gateway.app.market.FeedHandler", partial(FeedHandler, stall_s=0.2))
    feed = await start_feed()
    frozen = await feed.narrow(("features",))
    await eventually(lambda: feed.metric("connections") == 1)
    seq = 0
    while feed.metric("stalled_total") == 0:
        seq += 1
        assert seq < 2000, "the frozen client was never given up"
        await feed.publish(FEATURE_VECTORS, feature_vector(BIG, asof_seq=seq))
        await asyncio.sleep(0.01)
    await eventually(lambda: feed.metric("connections") == 0)
    frozen.close()


async def test_churn_leaves_the_others_alone_and_nothing_behind(start_feed: StartFeed):
    feed = await start_feed()
    async with feed.open() as steady:
        await subscribed(steady)
        await feed.publish(PREDICTION_MESSAGES, prediction(asof_seq=1))
        held = (await receive_until(steady, seq_is(1)))["seq"]
        for seq in range(2, 60):
            visitor = await feed.open()
            await visitor.send(SUBSCRIBE)
            if seq % 2:
                visitor.transport.abort()  # leaves without a word
            else:
                await visitor.close()
            await feed.publish(PREDICTION_MESSAGES, prediction(asof_seq=seq))
            delta = await receive_until(steady, seq_is(seq))
            assert delta["prev"] == held
            held = delta["seq"]
        await eventually(lambda: feed.metric("connections") == 1)


async def test_dead_peer_is_found_by_its_silence(start_feed: StartFeed, monkeypatch: pytest.MonkeyPatch):
    """A peer whose machine lost its power takes part in nothing: no reset, no end, no pong."""
    monkeypatch.setattr("foretick.gateway.adapters.picows.server.PING_S", 1.2)
    feed = await start_feed()
    async with feed.open() as living:  # answers pings by itself
        await receive_until(living, of("welcome"))
        dead = socket.socket()
        dead.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(dead, ("127.0.0.1", feed.port))
        await loop.sock_sendall(dead, handshake(feed.address))
        await eventually(lambda: feed.metric("connections") == 2)
        await eventually(lambda: feed.metric("connections") == 1)
        await asyncio.wait_for(await living.ping(), DEADLINE_S)
        dead.close()
