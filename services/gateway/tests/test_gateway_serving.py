"""The gateway as it runs: real NATS, real uvicorn, real WebSocket clients."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import nats as nats_client
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.embedded import free_port
from foretick.common.runtime.http_server import HttpServer
from foretick.common.runtime.logs import configure_logging
from foretick.common.runtime.websocket_protocol import SEND_BUFFER_BYTES
from foretick.common.subjects import (
    BOOKS,
    DEAD_LETTERS,
    FEATURE_VECTORS,
    INSTRUMENT_LISTINGS,
    PREDICTION_MESSAGES,
    TICKS,
    Subject,
)
from foretick.common.testing.builders import (
    book_frame,
    feature_vector,
    instrument,
    prediction,
    tick_frame,
)
from foretick.common.testing.raw_websocket import PING, client_frame, open_narrow, unsent_bytes
from foretick.common.testing.waiting import eventually
from foretick.gateway.app.api import build
from foretick.gateway.settings import ApiSettings

DEADLINE_S = 10.0


@dataclass
class Gateway:
    """A running gateway and a producer on the same bus."""

    rt: Runtime
    address: str
    producer: nats_client.NATS
    server: HttpServer

    async def publish(self, subject: Subject, message: Any, payload: bytes | None = None) -> None:
        name = subject.of(message.venue, message.symbol)
        await self.producer.publish(name, payload or msgspec.json.encode(message))
        await self.producer.flush()

    def feed(self, **options: Any) -> connect:
        return connect(f"ws://{self.address}/ws/realtime", proxy=None, **options)

    async def get(self, path: str) -> Any:
        async with httpx.AsyncClient(base_url=f"http://{self.address}", trust_env=False) as client:
            return (await client.get(path)).json()

    def metric(self, name: str) -> float:
        return self.rt.metrics.registry.get_sample_value(f"foretick_gateway_{name}") or 0.0


Start = Callable[..., Awaitable[Gateway]]


@pytest.fixture
async def start(nats_url: str) -> AsyncIterator[Start]:
    running: list[tuple[Gateway, HttpServer]] = []

    async def start_gateway(**settings: Any) -> Gateway:
        values = ApiSettings.model_validate({"NATS_URL": nats_url, "RUN_ID": "test", "API_PORT": 0} | settings)
        rt = Runtime("gateway", "api", values, configure_logging("gateway.api", "ERROR"))
        server = HttpServer(rt.http.asgi, "127.0.0.1", 0)
        await server.start()
        await rt.bus.connect()
        await rt.bus.ensure_streams()
        rt.epoch = await rt.bus.next_epoch()
        await build(rt, values)
        gateway = Gateway(rt, f"127.0.0.1:{server.port}", await nats_client.connect(nats_url), server)
        running.append((gateway, server))
        return gateway

    yield start_gateway
    for gateway, server in running:
        await gateway.producer.close()
        await gateway.rt.drain()
        await server.stop()


async def receive(socket: ClientConnection) -> dict[str, Any]:
    return json.loads(await asyncio.wait_for(socket.recv(), DEADLINE_S))


async def receive_until(socket: ClientConnection, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            message = json.loads(await socket.recv())
            if wanted(message):
                return message


async def closing_of(socket: ClientConnection) -> tuple[int, str]:
    async with asyncio.timeout(DEADLINE_S):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed:
            return socket.close_code or 0, socket.close_reason or ""


def of(kind: str, channel: str | None = None) -> Callable[[dict[str, Any]], bool]:
    return lambda message: message["type"] == kind and (channel is None or message.get("channel") == channel)


async def test_message_on_nats_reaches_a_subscribed_client(start: Start):
    gateway = await start()
    await gateway.publish(INSTRUMENT_LISTINGS, instrument())
    async with gateway.feed() as socket:
        assert (await receive(socket))["type"] == "welcome"
        await socket.send('{"action":"subscribe","symbols":["BTCUSDT","ETHUSDT"]}')
        ack = await receive_until(socket, of("ack"))
        assert [ref["symbol"] for ref in ack["symbols"]] == ["BTCUSDT", "ETHUSDT"]
        await gateway.publish(PREDICTION_MESSAGES, prediction(asof_seq=41))
        whole = await receive_until(socket, of("snapshot", "predictions"))
        assert (whole["seq"], whole["data"]["model_id"]) == (41, "ensemble-1")
        await gateway.publish(PREDICTION_MESSAGES, prediction(asof_seq=42))
        delta = await receive_until(socket, of("delta", "predictions"))
        assert (delta["prev"], delta["seq"]) == (41, 42)
        await socket.send('{"action":"get_prediction","symbol":"BTCUSDT"}')
        answer = await receive_until(socket, of("prediction"))
        assert answer["data"]["asof_seq"] == 42
    over_rest = await gateway.get("/api/analytics/predictions/BTCUSDT")
    assert over_rest["prediction"]["asof_seq"] == 42


async def test_late_start_fills_from_the_streams(start: Start):
    first = await start()
    await first.publish(INSTRUMENT_LISTINGS, instrument())
    await first.publish(BOOKS, book_frame(seq=1))
    await first.publish(TICKS, tick_frame("QT", seq=2))
    await first.publish(PREDICTION_MESSAGES, prediction(asof_seq=3))
    await first.publish(TICKS, tick_frame("Q", seq=1, symbol="ETHUSDT", run_id="yesterday"))
    late = await start()
    depth = await late.get("/api/analytics/market-depth/BTCUSDT")
    assert (depth["trust"], depth["mid"], depth["stale"]) == ("LIVE", 100.0, True)  # sent long ago
    async with late.feed() as socket:
        welcome = await receive(socket)
        assert [entry["symbol"] for entry in welcome["instruments"]] == ["BTCUSDT"]
        await socket.send('{"action":"subscribe","symbols":["BTCUSDT"]}')
        whole = await receive_until(socket, of("snapshot", "predictions"))
        assert whole["seq"] == 3
        assert whole["age_us"] > 3_000_000
    assert (await late.get("/api/analytics/market-depth/ETHUSDT"))["seq"] is None


async def test_other_gateway_resumes_a_client(start: Start):
    one, two = await start(), await start()
    async with one.feed() as socket:
        await socket.send('{"action":"subscribe","symbols":["BTCUSDT"]}')
        for seq in (1, 2):
            await one.publish(PREDICTION_MESSAGES, prediction(asof_seq=seq))
        held = await receive_until(socket, lambda message: message.get("seq") == 2)
    await one.publish(PREDICTION_MESSAGES, prediction(asof_seq=3))
    async with two.feed() as socket:
        await eventually(lambda: _asof_seq_is(two, 3))
        since = {"predictions:sim:BTCUSDT": {"epoch": held["epoch"], "seq": held["seq"]}}
        await socket.send(json.dumps({"action": "subscribe", "symbols": ["BTCUSDT"], "since": since}))
        delta = await receive_until(socket, of("delta", "predictions"))
        assert (delta["prev"], delta["seq"]) == (2, 3)


async def test_malformed_message_on_nats_is_dead_lettered_and_the_feed_goes_on(start: Start):
    gateway = await start()
    letters: list[bytes] = []

    async def keep(message: Any) -> None:
        letters.append(message.data)

    await gateway.producer.subscribe(DEAD_LETTERS.wildcard, cb=keep)
    await gateway.publish(TICKS, tick_frame(), payload=b'{"seq":"no"}')
    await gateway.publish(TICKS, tick_frame(), payload=b"\xff\x00 junk")
    await gateway.publish(PREDICTION_MESSAGES, prediction(asof_seq=7))
    await eventually(lambda: len(letters) == 2)
    assert (await gateway.get("/api/analytics/predictions/BTCUSDT"))["prediction"]["asof_seq"] == 7


async def test_swagger_page_loads_everything_from_the_gateway_itself(start: Start):
    gateway = await start()
    async with httpx.AsyncClient(base_url=f"http://{gateway.address}", trust_env=False) as client:
        page = (await client.get("/docs")).text
        addresses = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
        assert len(addresses) == 3  # style, icon, script
        for address in addresses:
            assert httpx.URL(address).is_relative_url
            assert (await client.get(address)).status_code == 200
        (openapi,) = re.findall(r"url: ['\"]([^'\"]+)", page)
        assert (await client.get(openapi)).json()["info"]["title"] == "Foretick"


async def test_junk_binary_unknown_and_oversize_messages(start: Start):
    gateway = await start()
    async with gateway.feed() as socket:
        await receive_until(socket, of("welcome"))
        for message, code in (
            ("junk", "malformed"),
            (b"\x00\x01", "malformed"),
            ('{"action":"dance"}', "unknown_action"),
            ('{"action":"subscribe","symbols":["NOPE"]}', "unknown_symbol"),
        ):
            await socket.send(message)
            assert (await receive_until(socket, of("error")))["code"] == code
        await socket.send("x" * 65_537)
        assert (await receive_until(socket, of("error")))["code"] == "too_large"
        assert (await closing_of(socket))[0] == 1009


async def test_message_far_beyond_the_limit_closes_with_1009(start: Start):
    gateway = await start()
    async with gateway.feed() as socket:
        await socket.send("x" * 3_000_000)
        assert (await closing_of(socket))[0] == 1009


async def test_heartbeat_and_metrics_come_every_second(start: Start):
    gateway = await start()
    async with gateway.feed() as socket:
        await socket.send('{"action":"subscribe","channels":["metrics"],"symbols":[]}')
        heartbeat = await receive_until(socket, of("heartbeat"))
        assert heartbeat["connections"] == 1
        assert (await receive_until(socket, of("snapshot", "metrics")))["data"]["connections"] == 1
        await eventually(lambda: gateway.metric("connections") == 1 and gateway.metric("deliveries_total") > 0)
    await eventually(lambda: gateway.metric("connections") == 0)


async def test_connections_beyond_the_limit_are_told_and_closed(start: Start):
    gateway = await start(MAX_CONCURRENT_CONNECTIONS=2)
    async with gateway.feed() as one, gateway.feed() as two:
        await receive_until(one, of("welcome"))
        await receive_until(two, of("welcome"))
        async with gateway.feed() as three:
            assert (await receive(three))["code"] == "too_many_connections"
            assert (await closing_of(three))[0] == 1013
    await eventually(lambda: _is_welcome(gateway))


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}], ids=str
)
async def test_foreign_origin_or_host_is_refused_at_the_handshake(start: Start, headers: dict[str, str]):
    gateway = await start()
    reader, writer = await asyncio.open_connection(*gateway.address.split(":"))
    lines = {"Host": gateway.address, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    lines |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} | headers
    request = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"GET /ws/realtime HTTP/1.1\r\n{request}\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), DEADLINE_S)
    assert answer.startswith(b"HTTP/1.1 403")
    assert b'"code":"forbidden"' in answer
    writer.close()


async def test_page_of_our_own_is_let_in_and_unknown_sockets_are_not(start: Start):
    gateway = await start()
    async with gateway.feed(origin=f"http://{gateway.address}") as socket:
        assert (await receive(socket))["type"] == "welcome"
    with pytest.raises(InvalidStatus):
        await connect(f"ws://{gateway.address}/ws/other", proxy=None)


async def test_client_that_does_not_read_is_conflated_and_catches_up(start: Start):
    gateway = await start()
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(False)
    host, port = gateway.address.split(":")
    await asyncio.get_running_loop().sock_connect(narrow, (host, int(port)))
    async with gateway.feed(sock=narrow, max_queue=1, max_size=None) as slow, gateway.feed(max_size=None) as fast:
        for client in (slow, fast):
            await client.send('{"action":"subscribe","symbols":["BTCUSDT"],"channels":["features"]}')
            await receive_until(client, of("ack"))
        values: list[float | None] = [0.123456789] * 20_000  # 240 kB a vector: the kernel's buffers fill soon
        last = 0
        while gateway.metric("conflated_total") == 0:
            last += 1
            assert last < 500, "the slow client was never conflated"
            await gateway.publish(FEATURE_VECTORS, feature_vector(values, asof_seq=last))
            await receive_until(fast, lambda message: message.get("seq") == last)  # noqa: B023 - awaited in this turn
        caught_up = await receive_until(slow, lambda message: message.get("seq") == last)
        assert caught_up["type"] == "snapshot"


async def test_pings_of_a_client_that_takes_nothing_are_not_kept(start: Start):
    gateway = await start()
    loop = asyncio.get_running_loop()
    subscribe = {"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["features"]}
    frozen = await open_narrow(gateway.address, subscribe)
    (protocol,) = gateway.server._server.server_state.connections
    seq = 0
    while protocol.writable.is_set():
        seq += 1
        assert seq < 1000, "the client was never full"
        await gateway.publish(FEATURE_VECTORS, feature_vector([0.123456789] * 2_000, asof_seq=seq))
        await asyncio.sleep(0)
    before, _ = unsent_bytes(protocol.transport)
    pings = b"".join(client_frame(b"%0120d" % number, PING) for number in range(1000))
    for _ in range(20):
        await loop.sock_sendall(frozen, pings)
    await loop.sock_sendall(frozen, client_frame(b"last", PING))
    await eventually(lambda: protocol._pong == b"\x8a\x04last")
    ours, kernel = unsent_bytes(protocol.transport)
    assert ours == before, "20,000 pings of 120 bytes left nothing behind"
    assert 0 < kernel <= 3 * SEND_BUFFER_BYTES, "Linux doubles it, and finishes a write"
    received = b""
    async with asyncio.timeout(DEADLINE_S):
        while b"\x8a\x04last" not in received:
            received += await loop.sock_recv(frozen, 1 << 16)
    assert b"0" * 100 not in received, "only the last ping is answered"
    frozen.close()


async def test_sigterm_closes_clients_with_1012_and_exits_cleanly(nats_url: str):
    port = free_port()
    process = await _spawn(NATS_URL=nats_url, API_PORT=str(port), RUN_ID="test")
    try:
        await eventually(lambda: _is_ready(port), 30)
        async with connect(f"ws://127.0.0.1:{port}/ws/realtime", proxy=None) as feed:
            await receive_until(feed, of("welcome"))
            process.send_signal(signal.SIGTERM)
            code, reason = await closing_of(feed)
            assert code == 1012
            assert "reconnect" in reason
        assert await asyncio.wait_for(process.wait(), DEADLINE_S) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_invalid_settings_are_reported_together_with_exit_code_2():
    process = await _spawn(API_PORT="99999", MAX_CONCURRENT_CONNECTIONS="0", ALLOWED_ORIGINS="desk.example")
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    for name in (b"API_PORT", b"MAX_CONCURRENT_CONNECTIONS", b"ALLOWED_ORIGINS"):
        assert name in errors


async def _asof_seq_is(gateway: Gateway, seq: int) -> bool:
    prediction = (await gateway.get("/api/analytics/predictions/BTCUSDT"))["prediction"]
    return prediction is not None and prediction["asof_seq"] == seq


async def _is_welcome(gateway: Gateway) -> bool:
    async with gateway.feed() as newcomer:
        return (await receive(newcomer))["type"] == "welcome"


async def _spawn(**environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "foretick.gateway", "api",
        env={**os.environ, **environment}, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def _is_ready(port: int) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            return (await client.get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200
        except httpx.TransportError:
            return False
