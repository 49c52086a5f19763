"""Requests to a venue: within the budget, each failure told apart; and full books, one at a time."""

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
import structlog

from foretick.common.errors import Refused, RetryLater, Transient
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.binance.parse import read_refusal
from foretick.ingest.adapters.binance.rest import BinanceApi, BinanceRest
from foretick.ingest.adapters.connections.budget import Budget
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.adapters.connections.listings import learn_listings
from foretick.ingest.adapters.connections.resync import Resync

LOG = structlog.get_logger()
API = BinanceApi("/api/v3", 1000, 50.0, 20.0)
BOOK = b'{"lastUpdateId":10,"bids":[["99.00","1.0"]],"asks":[["101.00","2.0"]]}'


async def test_one_request_at_a_time_and_failures_are_tried_again():
    flights = most = 0
    answered: list[str] = []
    failures = {"A": 1}

    async def fetch(symbol: str) -> None:
        nonlocal flights, most
        flights += 1
        most = max(most, flights)
        await asyncio.sleep(0)
        flights -= 1
        if failures.pop(symbol, 0):
            raise Transient("away")
        answered.append(symbol)

    resync = Resync(fetch, LOG, seed=1)
    for symbol in ("A", "B", "C", "A", "B"):
        resync.request(symbol)
    task = asyncio.ensure_future(resync.run())
    await eventually(lambda: len(answered) == 3)
    assert sorted(answered) == ["A", "B", "C"]
    assert most == 1
    task.cancel()


async def test_first_gap_is_answered_at_once_and_further_ones_or_failures_wait():
    asked: list[tuple[str, float]] = []
    seconds = asyncio.get_running_loop().time

    async def fetch(symbol: str) -> None:
        asked.append((symbol, seconds()))
        if symbol == "failing" and len(asked) == 4:
            raise Transient("away")

    resync = Resync(fetch, LOG, seed=1)
    task = asyncio.ensure_future(resync.run())
    for count, symbol in enumerate(("A", "A", "A", "failing"), 1):
        resync.request(symbol)
        await eventually(lambda wanted=count: len(asked) >= wanted)
    await eventually(lambda: len(asked) == 5)
    task.cancel()
    assert [symbol for symbol, _ in asked] == ["A", "A", "A", "failing", "failing"]
    gaps_s = [later - earlier for (_, earlier), (_, later) in pairwise(asked)]
    assert gaps_s[1] >= 0.25, "the third request of a symbol waits half a pause at least"
    assert gaps_s[3] >= 0.25, "so does the first after a failure"
    assert gaps_s[0] < 0.25


async def test_what_is_wanted_while_it_is_under_way_is_not_asked_for_again():
    """Every update that comes while a full book is under way wants one."""
    asked: list[str] = []
    answers = asyncio.Event()

    async def fetch(symbol: str) -> None:
        asked.append(symbol)
        await answers.wait()

    resync = Resync(fetch, LOG, seed=1)
    task = asyncio.ensure_future(resync.run())
    resync.request("A")
    await eventually(lambda: asked == ["A"])
    resync.request("A")
    answers.set()
    resync.request("B")
    await eventually(lambda: asked[-1] == "B")
    assert asked == ["A", "B"]
    resync.request("A")
    await eventually(lambda: asked == ["A", "B", "A"])
    task.cancel()


def budget_of(units: float = 6000) -> Budget:
    return Budget(units, 60, asyncio.get_running_loop().time)


@dataclass
class Answers:
    """A REST server's answers, by path."""

    status: int = 200
    body: bytes = b"{}"
    headers: str = ""
    port: int = 0
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
    answers.port = server.sockets[0].getsockname()[1]
    async with VenueHttp(f"http://127.0.0.1:{answers.port}", "binance", budget_of(), read_refusal) as http:
        yield BinanceRest(http, API, "binance"), answers
    server.close()


async def test_depth_is_asked_with_symbol_and_limit(rest):
    client, answers = rest
    answers.body = BOOK
    assert await client.book("BTCUSDT") == BOOK
    assert answers.asked == ["/api/v3/depth?symbol=BTCUSDT&limit=1000"]


async def test_symbols_are_found_by_any_name_and_those_not_listed_are_told(rest):
    client, answers = rest
    answers.body = (
        b'{"symbols":[{"symbol":"BTCUSDT","baseAsset":"BTC","quoteAsset":"USDT","filters":['
        b'{"filterType":"PRICE_FILTER","tickSize":"0.01"},{"filterType":"LOT_SIZE","stepSize":"0.00001"}]}]}'
    )
    listings, missing = await client.listings(["btc/usdt", "BTCUSDT", "AAPL"])
    assert ([listing.symbol for listing in listings], missing) == (["BTCUSDT"], ["AAPL"])
    assert [each.symbol for each in await learn_listings(client, "binance", ["BTC-USDT"], LOG, seed=1)] == ["BTCUSDT"]


async def test_venues_clock_is_read(rest):
    client, answers = rest
    answers.body = b'{"serverTime":1499827319559}'
    assert await client.time_ns() == 1_499_827_319_559_000_000


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
        await client.book("BTCUSDT")
    if status == 429:
        assert caught.value.after_s == 7


async def test_once_told_to_wait_nothing_is_asked_before_that_not_even_the_clock(rest):
    client, answers = rest
    answers.status, answers.headers, answers.body = 429, "Retry-After: 1\r\n", b'{"serverTime":1}'
    with pytest.raises(RetryLater):
        await client.book("BTCUSDT")
    told_s, answers.status = asyncio.get_running_loop().time(), 200
    await client.time_ns()
    assert asyncio.get_running_loop().time() - told_s >= 0.9
    assert len(answers.asked) == 2


async def test_word_to_wait_in_a_body_holds_for_every_request_too(rest):
    _, answers = rest

    def refuse_slow(payload):
        if payload == b"slow down":
            raise RetryLater("slow down", 1.0)

    url = f"http://127.0.0.1:{answers.port}"
    async with VenueHttp(url, "bybit", budget_of(), refuse_slow) as http:
        answers.body = b"slow down"
        with pytest.raises(RetryLater):
            await http.get("/v5/market/orderbook", {})
        told_s, answers.body = asyncio.get_running_loop().time(), b"{}"
        await http.get("/v5/market/time", {})
    assert asyncio.get_running_loop().time() - told_s >= 0.9


async def test_absent_rest_server_is_transient():
    async with VenueHttp("http://127.0.0.1:1", "binance", budget_of(), read_refusal) as http:
        with pytest.raises(Transient):
            await BinanceRest(http, API, "binance").book("BTCUSDT")


async def test_budget_spreads_requests_over_its_period():
    now = {"s": 0.0}

    async def sleep(seconds):
        now["s"] += seconds

    budget = Budget(600, 60, lambda: now["s"], sleep)
    for _ in range(24):
        await budget.spend(50)
    assert now["s"] == pytest.approx(60.0)  # 1,200 of weight: 600 at once, 600 in the minute after
    assert budget.used_frac == pytest.approx(1.0)


async def test_request_beyond_the_whole_budget_takes_all_of_it():
    now = {"s": 0.0}
    budget = Budget(100, 60, lambda: now["s"])
    await asyncio.wait_for(budget.spend(250), 5)
    assert budget.used_frac == pytest.approx(1.0)
