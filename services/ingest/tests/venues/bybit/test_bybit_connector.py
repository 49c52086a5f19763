"""How Bybit is connected to, subscribed to, and asked."""

import json
from contextlib import AsyncExitStack

import pytest

from foretick.common.errors import Refused, RetryLater
from foretick.ingest.adapters.bybit.streams import BybitStreams, limits_of
from foretick.ingest.adapters.connector import ConnectorSettings
from foretick.ingest.adapters.venues import CONNECTORS

from ..answers import serving


async def connector_of(venue: str, stack: AsyncExitStack, **fields):
    return await CONNECTORS[venue](venue, ConnectorSettings(**fields), stack)


def topics(requests) -> list[tuple[str, list[str]]]:
    return [(message["op"], message["args"]) for message in map(json.loads, requests)]


async def test_spot_follows_book_and_trades():
    async with AsyncExitStack() as stack:
        plan = (await connector_of("bybit", stack)).plan
    assert plan.url(["BTCUSDT"]) == "wss://stream.bybit.com/v5/public/spot"
    assert topics(plan.opening(["BTCUSDT"])) == [("subscribe", ["orderbook.200.BTCUSDT", "publicTrade.BTCUSDT"])]


async def test_contracts_are_followed_with_their_state_and_liquidations():
    async with AsyncExitStack() as stack:
        plan = (await connector_of("bybit-linear", stack, book_depth=20)).plan
    assert plan.url(["BTCUSDT"]) == "wss://stream.bybit.com/v5/public/linear"
    expected = ["orderbook.50.BTCUSDT", "publicTrade.BTCUSDT", "tickers.BTCUSDT", "allLiquidation.BTCUSDT"]
    assert topics(plan.subscribe(["BTCUSDT"])) == [("subscribe", expected)]
    assert topics(plan.unsubscribe(["BTCUSDT"])) == [("unsubscribe", expected)]


def test_request_holds_no_more_topics_than_the_venue_takes_and_a_connection_no_more_characters():
    plan = BybitStreams("wss://host", 200, ("publicTrade", "tickers", "allLiquidation"), limits_of(30.0))
    symbols = [f"1000000TOKEN{number:03}USDT" for number in range(plan.limits.symbols_per_connection)]
    requests = topics(plan.opening(symbols))
    assert max(len(args) for _, args in requests) <= 10
    assert sum(len(args) for _, args in requests) == 4 * len(symbols)
    assert sum(len(json.dumps(args)) for _, args in requests) < 21_000


def test_book_is_renewed_alone():
    plan = BybitStreams("wss://host", 200, ("publicTrade",), limits_of(30.0))
    book = ["orderbook.200.BTCUSDT"]
    assert topics(plan.renew("BTCUSDT")) == [("unsubscribe", book), ("subscribe", book)]


def test_connection_is_kept_by_pings_of_the_venues_own_form():
    keepalive = limits_of(30.0).keepalive
    assert keepalive is not None
    assert (json.loads(keepalive[0]), keepalive[1]) == ({"op": "ping"}, 20.0)


def page(symbols: list[str], cursor: str) -> bytes:
    listed = [
        {
            "symbol": symbol, "status": "Trading", "baseCoin": symbol.removesuffix("USDT"), "quoteCoin": "USDT",
            "contractType": "LinearPerpetual", "priceFilter": {"tickSize": "0.1"},
            "lotSizeFilter": {"qtyStep": "0.001"},
        }
        for symbol in symbols
    ]  # fmt: skip
    return json.dumps({"retCode": 0, "result": {"list": listed, "nextPageCursor": cursor}}).encode()


async def test_listings_are_read_page_by_page():
    async with AsyncExitStack() as stack:
        answers = await stack.enter_async_context(serving())
        answers.bodies = [page(["BTCUSDT"], "a%3Db"), page(["ETHUSDT"], "")]
        connector = await connector_of("bybit-linear", stack, rest_url=answers.url)
        listings, missing = await connector.rest.listings(["ETH-USDT", "BTCUSDT", "AAPL"])
    assert [each.symbol for each in listings] == ["ETHUSDT", "BTCUSDT"]
    assert missing == ["AAPL"]
    first, second = answers.asked
    assert first == "/v5/market/instruments-info?category=linear&status=Trading&limit=1000"
    assert second.startswith(f"{first}&cursor=a%253Db")


async def test_clock_is_asked_for():
    async with AsyncExitStack() as stack:
        answers = await stack.enter_async_context(serving())
        answers.bodies = [b'{"retCode":0,"result":{"timeNano":"1688639403423213947"}}']
        connector = await connector_of("bybit", stack, rest_url=answers.url)
        assert await connector.rest.time_ns() == 1688639403423213947


@pytest.mark.parametrize(("status", "wait_s"), [(403, 600.0), (429, 60.0)])
async def test_whoever_asks_too_often_is_told_to_wait(status, wait_s):
    async with AsyncExitStack() as stack:
        answers = await stack.enter_async_context(serving(status))
        connector = await connector_of("bybit", stack, rest_url=answers.url)
        with pytest.raises(RetryLater) as caught:
            await connector.rest.time_ns()
    assert caught.value.after_s == wait_s


async def test_book_is_not_asked_for():
    async with AsyncExitStack() as stack:
        connector = await connector_of("bybit", stack)
        with pytest.raises(Refused):
            await connector.rest.book("BTCUSDT")
