"""The live connector against a venue that is a real server on this machine: connect, sync, fail, come back."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import structlog
from websockets.asyncio.server import serve

from foretick.common.contracts import Trust
from foretick.common.errors import Refused, Transient
from foretick.common.testing.fakes import ManualClock
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.binance.client import BinanceSession, StreamSettings
from foretick.ingest.adapters.binance.rest import BinanceRest, RetryLater, WeightBudget, learn_listings
from foretick.ingest.adapters.binance.snapshots import SnapshotFetcher
from foretick.ingest.domain.events import Received

LOG = structlog.get_logger()
T0 = 1_800_000_000_000_000_000


@dataclass
class Venue:
    """WebSocket clients that are connected, and what was asked of them."""

    port: int = 0
    clients: list = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    pongs: int = 0

    async def send(self, message: dict | bytes | str) -> None:
        await self.clients[-1].send(json.dumps(message) if isinstance(message, dict) else message)


@pytest.fixture
async def venue():
    venue = Venue()

    async def accept(connection):
        venue.paths.append(connection.request.path)
        venue.clients.append(connection)
        await connection.wait_closed()

    async with serve(accept, "127.0.0.1", 0, ping_interval=None) as server:
        venue.port = server.sockets[0].getsockname()[1]
        yield venue


@asynccontextmanager
async def connected(feed, venue, idle_timeout_s=30.0, fetch=None):
    async def never(symbol: str) -> bytes:
        await asyncio.Event().wait()
        return b""

    def deliver(symbol: str, body: bytes) -> None:
        feed.handler.on_frames([Received(T0, body, symbol)])

    fetcher = SnapshotFetcher(fetch or never, deliver, LOG, seed=1)
    session = BinanceSession(
        StreamSettings(f"ws://127.0.0.1:{venue.port}", idle_timeout_s), fetcher, ManualClock(T0), LOG
    )
    feed.handler._venue = session
    tasks = [asyncio.ensure_future(session.run(feed.handler, ["BTCUSDT"])), asyncio.ensure_future(fetcher.run())]
    try:
        yield tasks[0]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def delta(first: int, last: int) -> dict:
    data = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": first, "u": last, "b": [], "a": []}
    return {"stream": "btcusdt@depth@100ms", "data": data}


BOOK = b'{"lastUpdateId":10,"bids":[["99.00","1.0"]],"asks":[["101.00","2.0"]]}'


@pytest.fixture
def new(new_feed):
    feed = new_feed()
    feed.handler.on_time(T0)
    return feed


def trust_of(feed) -> Trust:
    return feed.engine.feeds["BTCUSDT"].local.trust


async def test_connection_asks_for_all_streams_and_syncs_by_rest(new, venue):
    asked: list[str] = []

    async def fetch(symbol: str) -> bytes:
        asked.append(symbol)
        return BOOK

    async with connected(new, venue, fetch=fetch):
        await eventually(lambda: venue.clients)
        assert venue.paths == ["/stream?streams=btcusdt@trade/btcusdt@depth@100ms/btcusdt@bookTicker"]
        await venue.send(delta(11, 11))
        await eventually(lambda: trust_of(new) is Trust.LIVE)
        assert asked == ["BTCUSDT"]


async def test_pings_are_answered(new, venue):
    async with connected(new, venue):
        await eventually(lambda: venue.clients)
        pong = await venue.clients[0].ping(b"1723161255342")
        await asyncio.wait_for(pong, 5)


async def test_fragmented_and_batched_messages_arrive_whole(new, venue):
    async with connected(new, venue):
        await eventually(lambda: venue.clients)
        text = json.dumps(delta(11, 11))
        await venue.send([text[:20], text[20:50], text[50:]])
        await venue.send("{broken")
        await venue.send(delta(12, 12))
        await eventually(lambda: len(new.engine.feeds["BTCUSDT"].local._buffer) == 2)
        assert [payload for _, _, payload in new.outlet.rejected] == [b"{broken"]


async def test_closed_connection_is_stale_then_opened_again(new, venue):
    async with connected(new, venue):
        await eventually(lambda: venue.clients)
        await venue.send(delta(11, 11))
        await eventually(lambda: new.venue is not None and new.engine.feeds["BTCUSDT"].local.wants_snapshot)
        await venue.clients[0].close()
        await eventually(lambda: len(venue.clients) == 2)
        trusts = [event.trust for event in new.outlet.book_events()]
        assert trusts[-2:] == [Trust.STALE, Trust.RESYNC]


async def test_silent_connection_is_given_up(new, venue):
    async with connected(new, venue, idle_timeout_s=0.2):
        await eventually(lambda: len(venue.clients) >= 2)
        reasons = [event.reason for event in new.outlet.book_events() if event.trust is Trust.STALE]
        assert reasons[0] == "no market message for 0.2 s"


async def test_announced_shutdown_is_followed_by_a_new_connection(new, venue):
    async with connected(new, venue):
        await eventually(lambda: venue.clients)
        await venue.send({"e": "serverShutdown", "E": 1770123456789})
        await eventually(lambda: len(venue.clients) == 2)


async def test_failure_of_the_receiver_ends_the_session(new, venue):
    class Broken(Exception):
        pass

    def fail(batch):
        raise Broken

    new.handler.on_frames = fail
    async with connected(new, venue) as running:
        await eventually(lambda: venue.clients)
        await venue.send(delta(11, 11))
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.wait_for(asyncio.shield(running), 5)
        assert caught.group_contains(Broken)


async def test_absent_venue_is_tried_again_until_it_is_there(new, venue):
    port, venue.port = venue.port, 1  # nobody listens on port 1
    async with connected(new, venue) as running:
        await asyncio.sleep(0)
        assert not running.done()
    venue.port = port
    async with connected(new, venue):
        await eventually(lambda: venue.clients)


async def test_one_snapshot_request_at_a_time_and_failures_are_tried_again():
    flights = most = 0
    answered: list[str] = []
    failures = {"A": 1}

    async def fetch(symbol: str) -> bytes:
        nonlocal flights, most
        flights += 1
        most = max(most, flights)
        await asyncio.sleep(0)
        flights -= 1
        if failures.pop(symbol, 0):
            raise Transient("away")
        return symbol.encode()

    fetcher = SnapshotFetcher(fetch, lambda symbol, body: answered.append(symbol), LOG, seed=1)
    for symbol in ("A", "B", "C", "A", "B"):
        fetcher.request(symbol)
    task = asyncio.ensure_future(fetcher.run())
    await eventually(lambda: len(answered) == 3)
    assert sorted(answered) == ["A", "B", "C"]
    assert most == 1
    task.cancel()


@dataclass
class Answers:
    """A REST server's answers, by path."""

    status: int = 200
    body: bytes = b"{}"
    headers: str = ""
    asked: list[str] = field(default_factory=list)


@pytest.fixture
async def rest():
    answers = Answers()

    async def serve_one(reader, writer):
        while line := (await reader.readline()).decode():
            while (await reader.readline()).strip():
                pass
            answers.asked.append(line.split()[1])
            head = f"HTTP/1.1 {answers.status} X\r\nContent-Length: {len(answers.body)}\r\n{answers.headers}\r\n"
            writer.write(head.encode() + answers.body)
        writer.close()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    budget = WeightBudget(6000, asyncio.get_running_loop().time)
    async with BinanceRest(f"http://127.0.0.1:{port}", "binance", 1000, budget) as client:
        yield client, answers
    server.close()


async def test_depth_is_asked_with_symbol_and_limit(rest):
    client, answers = rest
    answers.body = BOOK
    assert await client.depth("BTCUSDT") == BOOK
    assert answers.asked == ["/api/v3/depth?symbol=BTCUSDT&limit=1000"]


async def test_symbol_that_the_venue_does_not_list_is_left_out(rest):
    client, answers = rest
    answers.status, answers.body = 400, b'{"code":-1121,"msg":"Invalid symbol."}'
    assert await client.listing("AAPL") is None
    assert await learn_listings(client, ["AAPL"], LOG, seed=1) == []


@pytest.mark.parametrize(
    ("status", "headers", "body", "error"),
    [
        (429, "Retry-After: 7\r\n", b"", RetryLater),
        (418, "", b"", RetryLater),
        (503, "", b"", Transient),
        (400, "", b'{"code":-1100,"msg":"Illegal characters"}', Refused),
    ],
)
async def test_refused_request_tells_what_to_do(rest, status, headers, body, error):
    client, answers = rest
    answers.status, answers.headers, answers.body = status, headers, body
    with pytest.raises(error) as caught:
        await client.depth("BTCUSDT")
    if status == 429:
        assert caught.value.after_s == 7


async def test_absent_rest_server_is_transient():
    budget = WeightBudget(6000, asyncio.get_running_loop().time)
    async with BinanceRest("http://127.0.0.1:1", "binance", 1000, budget) as client:
        with pytest.raises(Transient):
            await client.depth("BTCUSDT")


async def test_budget_spreads_requests_over_the_minute():
    now = {"s": 0.0}

    async def sleep(seconds):
        now["s"] += seconds

    budget = WeightBudget(600, lambda: now["s"], sleep)
    for _ in range(24):
        await budget.spend(50)
    assert now["s"] == pytest.approx(60.0)  # 1,200 of weight: 600 at once, 600 in the minute after
