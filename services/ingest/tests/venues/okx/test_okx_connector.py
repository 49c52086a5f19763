"""How OKX is connected to, subscribed to, and asked."""

import json
from contextlib import AsyncExitStack

import pytest

from foretick.common.errors import Refused
from foretick.ingest.adapters.connector import ConnectorSettings
from foretick.ingest.adapters.okx.streams import OkxStreams, limits_of
from foretick.ingest.adapters.venues import CONNECTORS

from ..answers import serving


async def connector_of(venue: str, stack: AsyncExitStack, **fields):
    return await CONNECTORS[venue](venue, ConnectorSettings(**fields), stack)


def channels(requests) -> list[tuple[str, list[str]]]:
    """Each request's operation and its arguments, as ``channel`` or ``channel instrument``."""
    return [
        (message["op"], [" ".join(argument.values()) for argument in message["args"]])
        for message in map(json.loads, requests)
    ]


async def test_spot_follows_book_trades_and_the_venues_own_state():
    async with AsyncExitStack() as stack:
        connector = await connector_of("okx", stack)
    assert connector.plan.url(["BTC-USDT"]) == "wss://ws.okx.com:8443/ws/v5/public"
    assert channels(connector.plan.opening(["BTC-USDT"])) == [
        ("subscribe", ["books BTC-USDT", "trades BTC-USDT"]), ("subscribe", ["status"]),
    ]  # fmt: skip
    assert connector.side_plans == ()


async def test_swaps_are_followed_with_their_state_and_the_price_of_their_index():
    async with AsyncExitStack() as stack:
        plan = (await connector_of("okx-swap", stack)).plan
    symbol = "BTC-USDT-SWAP"
    own = [f"{channel} {symbol}" for channel in ("books", "trades", "mark-price", "funding-rate", "open-interest")]
    expected = [own, ["index-tickers BTC-USDT"]]
    assert channels(plan.subscribe([symbol])) == [("subscribe", each) for each in expected]
    assert channels(plan.unsubscribe([symbol])) == [("unsubscribe", each) for each in expected]


async def test_liquidations_of_all_swaps_come_on_one_connection():
    async with AsyncExitStack() as stack:
        (side,) = (await connector_of("okx-swap", stack)).side_plans
    symbols = [f"A{number}-USDT-SWAP" for number in range(5_000)]
    assert side.limits.symbols_per_connection >= len(symbols)
    assert channels(side.opening(symbols)) == [("subscribe", ["liquidation-orders SWAP"])]
    assert not [*side.subscribe(symbols), *side.unsubscribe(symbols), *side.renew("A1-USDT-SWAP")]


def test_requests_stay_below_what_the_venue_takes():
    plan = OkxStreams("wss://host", ("trades", "mark-price", "index-tickers"), limits_of(30.0))
    symbols = [f"1000000TOKEN{number:03}-USDT-SWAP" for number in range(plan.limits.symbols_per_connection)]
    requests = plan.opening(symbols)
    assert sum(map(len, requests)) < 64 * 1024
    assert plan.limits.sends_per_s <= 3
    assert plan.limits.keepalive is not None
    assert plan.limits.keepalive[0] == b"ping"
    assert plan.limits.keepalive[1] < 30


def test_book_is_renewed_alone():
    plan = OkxStreams("wss://host", ("trades",), limits_of(30.0))
    assert channels(plan.renew("BTC-USDT")) == [("unsubscribe", ["books BTC-USDT"]), ("subscribe", ["books BTC-USDT"])]


async def test_listings_and_clock_are_asked_for():
    listed = {
        "instType": "SPOT", "instId": "BTC-USDT", "state": "live", "tickSz": "0.1", "lotSz": "0.00000001",
        "baseCcy": "BTC", "quoteCcy": "USDT",
    }  # fmt: skip
    async with AsyncExitStack() as stack:
        answers = await stack.enter_async_context(serving())
        answers.bodies = [
            json.dumps({"code": "0", "data": [listed]}).encode(),
            b'{"code":"0","msg":"","data":[{"ts":"1597026383085"}]}',
        ]
        rest = (await connector_of("okx", stack, rest_url=answers.url)).rest
        listings, missing = await rest.listings(["BTCUSDT", "ETHUSDT"])
        assert await rest.time_ns() == 1597026383085_000_000
    assert ([each.symbol for each in listings], missing) == (["BTC-USDT"], ["ETHUSDT"])
    assert answers.asked == ["/api/v5/public/instruments?instType=SPOT", "/api/v5/public/time"]


async def test_book_is_not_asked_for():
    async with AsyncExitStack() as stack:
        connector = await connector_of("okx", stack)
        with pytest.raises(Refused):
            await connector.rest.book("BTC-USDT")
