"""The exchange over real sockets: REST, streams, faults, slow clients, farewell, and its life after a kill."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from foretick.common.errors import Fatal
from foretick.common.testing import FakeRuntime, eventually
from foretick.ingest.adapters.simulator.checkpoint import restore_checkpoint, write_checkpoint
from foretick.ingest.adapters.simulator.server import ExchangeServer
from foretick.ingest.domain.exchange import Exchange, VenueMessage
from foretick.market.simulation import SimulatedMarket

SYMBOLS = ("BTCUSDT", "AAPL")
STREAMS = "btcusdt@trade/btcusdt@depth@100ms/btcusdt@bookTicker"
DEADLINE_S = 10.0


class Served:
    """A running exchange on a free port, and its clock: data time goes on when a test advances it."""

    def __init__(self) -> None:
        self.rt = FakeRuntime("ingest", "simulate")
        self.exchange = Exchange(SimulatedMarket(SYMBOLS, 5, self.rt.clock.now_ns()))
        self.server = ExchangeServer(self.exchange, self.rt.clock, self.rt.log)

    @property
    def rest(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def client(self, query: str = f"?streams={STREAMS}", **options: object) -> connect:
        return connect(f"ws://127.0.0.1:{self.server.port}/stream{query}", **options)  # type: ignore[arg-type]

    async def connected(self, clients: int = 1) -> None:
        await eventually(lambda: self.server.client_count == clients, DEADLINE_S)


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    served = Served()
    await served.server.start("127.0.0.1", 0)
    running = asyncio.create_task(served.server.run())
    try:
        yield served
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await served.server.drain()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as served:
        yield served


async def receive(client: ClientConnection) -> dict:
    return json.loads(await asyncio.wait_for(client.recv(), DEADLINE_S))


async def test_rest_answers_as_the_venue_does(served: Served):
    async with httpx.AsyncClient(base_url=served.rest) as client:
        assert (await client.get("/api/v3/ping")).json() == {}
        now_ms = served.rt.clock.now_ns() // 1_000_000
        assert (await client.get("/api/v3/time")).json() == {"serverTime": now_ms}
        book = (await client.get("/api/v3/depth", params={"symbol": "BTCUSDT", "limit": 7})).json()
        assert list(book) == ["lastUpdateId", "bids", "asks"]
        assert (len(book["bids"]), len(book["asks"])) == (7, 7)
        assert float(book["bids"][0][0]) < float(book["asks"][0][0])
        info = (await client.get("/api/v3/exchangeInfo", params={"symbols": '["AAPL"]'})).json()
        assert [symbol["symbol"] for symbol in info["symbols"]] == ["AAPL"]
        assert info["symbols"][0]["filters"][0]["tickSize"] == "0.00100000"
        assert len((await client.get("/api/v3/exchangeInfo")).json()["symbols"]) == len(SYMBOLS)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v3/depth?symbol=NOPE", 400, -1121),
        ("/api/v3/depth", 400, -1102),
        ("/api/v3/depth?symbol=btc/usdt", 400, -1100),
        ("/api/v3/depth?symbol=BTCUSDT&limit=-5", 400, -1100),
        ("/api/v3/depth?symbol=BTCUSDT&limit=0", 400, -1100),
        ("/api/v3/exchangeInfo?symbols=BTCUSDT", 400, -1100),
        ("/api/v3/exchangeInfo?symbols=%5B%22NOPE%22%5D", 400, -1121),
        ("/api/v3/order", 404, -1000),
    ],
)
async def test_bad_rest_requests_get_the_venues_errors(served: Served, path: str, status: int, code: int):
    async with httpx.AsyncClient(base_url=served.rest) as client:
        response = await client.get(path)
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_clients_get_the_streams_they_asked_for(served: Served):
    async with served.client() as one, served.client("?streams=aapl@bookTicker") as other:
        await served.connected(2)
        served.rt.clock.advance(900_000_000)
        kinds: set[str] = set()
        while kinds != set(STREAMS.split("/")):
            kinds.add((await receive(one))["stream"])
            assert kinds <= set(STREAMS.split("/"))
            served.rt.clock.advance(100_000_000)
        assert (await receive(other))["stream"] == "aapl@bookTicker"


async def test_requests_are_answered_over_the_socket(served: Served):
    async with served.client("") as client:
        await client.send('{"method":"SUBSCRIBE","params":["aapl@bookTicker"],"id":9}')
        assert await receive(client) == {"result": None, "id": 9}
        served.rt.clock.advance(900_000_000)
        assert (await receive(client))["stream"] == "aapl@bookTicker"


async def test_faults_are_injected_over_the_same_port(served: Served):
    async with httpx.AsyncClient(base_url=served.rest) as client, served.client() as stream:
        await served.connected()
        reply = await client.post("/sim/faults", json={"kind": "disconnect", "symbol": "BTCUSDT"})
        told = {"injected": "disconnect", "symbol": "BTCUSDT", "venue": "sim"}
        assert (reply.status_code, reply.json()) == (200, told)
        await asyncio.wait_for(stream.wait_closed(), DEADLINE_S)
        assert (await client.get("/api/v3/ping")).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/sim/faults", b'{"kind":"flood","symbol":"BTCUSDT"}', 400),
        ("/sim/faults", b'{"kind":"gap","symbol":"NOPE"}', 400),
        ("/sim/faults", b'{"kind":"gap","symbol":"BTCUSDT","venue":"sim-okx"}', 400),
        ("/sim/faults", b'{"kind":"corrupt_checksum","symbol":"BTCUSDT","venue":"sim-coinbase"}', 400),
        ("/sim/faults", b"junk", 400),
        ("/sim/faults", b"x" * 20_000, 413),
        ("/api/v3/order", b"{}", 404),
    ],
)
async def test_bad_posts_are_refused_and_the_exchange_lives(served: Served, path: str, body: bytes, status: int):
    async with httpx.AsyncClient(base_url=served.rest) as client:
        assert (await client.post(path, content=body)).status_code == status
        assert (await client.get("/api/v3/ping")).status_code == 200


async def test_a_client_that_does_not_read_is_dropped_and_others_are_not(served: Served):
    async with served.client("?streams=load") as reader:
        loop = asyncio.get_running_loop()
        with socket.socket() as idle:
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            idle.setblocking(False)
            await loop.sock_connect(idle, ("127.0.0.1", served.server.port))
            await loop.sock_sendall(
                idle,
                b"GET /stream?streams=load HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            )
            await served.connected(2)
            message = [VenueMessage(0, "load", b'"' + b"x" * 65_536 + b'"')]
            for _ in range(1_000):
                served.server.send(message)
                await asyncio.wait_for(reader.recv(), DEADLINE_S)
                if served.server.dropped_clients:
                    break
            assert served.server.dropped_clients == 1
            assert served.server.client_count == 1
            served.server.send([VenueMessage(0, "load", b'"still here"')])
            assert await receive(reader) == "still here"  # type: ignore[comparison-overlap]


async def test_before_it_closes_clients_are_told(served: Served):
    async with served.client() as client:
        await served.connected()
        draining = asyncio.create_task(served.server.drain())
        assert (await receive(client))["e"] == "serverShutdown"
        await client.close()
        await draining


async def test_a_taken_port_is_reported_with_what_to_do(served: Served):
    other = Served()
    with pytest.raises(Fatal, match="SIM_PORT"):
        await other.server.start("127.0.0.1", served.server.port)


def test_a_restarted_exchange_goes_on_with_its_prices_and_greater_ids(tmp_path: Path):
    rt = FakeRuntime()
    path = tmp_path / "exchange" / "market.npz"
    market = SimulatedMarket(SYMBOLS, 5, 0)
    market.run_silently(30_000_000_000)
    write_checkpoint(path, market)
    book = [market.book(i, 1000) for i in range(len(SYMBOLS))]
    market.run_silently(32_000_000_000)  # what was sent after the checkpoint
    restarted = SimulatedMarket(SYMBOLS, 99, 0)
    assert restore_checkpoint(path, restarted, 40_000_000_000, rt.log)
    assert [restarted.book(i, 1000) for i in range(len(SYMBOLS))] == book
    assert restarted.now_ns == 40_000_000_000
    for i in range(len(SYMBOLS)):
        assert restarted.last_update_id(i) > market.last_update_id(i)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04 torn"])
def test_a_damaged_checkpoint_opens_a_new_market(tmp_path: Path, content: bytes):
    path = tmp_path / "market.npz"
    path.write_bytes(content)
    market = SimulatedMarket(SYMBOLS, 5, 0)
    before = market.book(0, 5)
    assert not restore_checkpoint(path, market, 10**9, FakeRuntime().log)
    assert market.book(0, 5) == before


def test_a_checkpoint_of_other_symbols_opens_a_new_market(tmp_path: Path):
    path = tmp_path / "market.npz"
    write_checkpoint(path, SimulatedMarket(("MSFT", "AAPL"), 5, 0))
    assert not restore_checkpoint(path, SimulatedMarket(SYMBOLS, 5, 0), 10**9, FakeRuntime().log)
    assert not restore_checkpoint(tmp_path / "none.npz", SimulatedMarket(SYMBOLS, 5, 0), 10**9, FakeRuntime().log)
