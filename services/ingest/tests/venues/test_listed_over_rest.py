"""How Bitstamp, Coinbase and Kraken are asked for what they list, of a real HTTP server on this machine."""

import json
from contextlib import AsyncExitStack

import pytest

from foretick.common.errors import Malformed, Refused, RetryLater, Transient
from foretick.ingest.adapters.connector import ConnectorSettings
from foretick.ingest.adapters.venues import CONNECTORS

from .answers import serving

_BITSTAMP = [
    {
        "market_symbol": f"{base.lower()}usd", "base_currency": base, "base_decimals": 8, "counter_currency": "USD",
        "counter_decimals": 2, "trading": "Enabled", "market_type": "SPOT",
    }
    for base in ("ETH", "BTC")
]  # fmt: skip
_COINBASE = {
    "products": [
        {
            "product_id": f"{base}-USD", "base_currency_id": base, "quote_currency_id": "USD", "status": "online",
            "base_increment": "0.00000001", "price_increment": "0.01", "base_min_size": "0.0001",
        }
        for base in ("ETH", "BTC")
    ]
}  # fmt: skip
_KRAKEN = {
    "error": [],
    "result": {
        f"{base}USD": {"altname": f"{base}USD", "wsname": f"{base}/USD", "pair_decimals": 1, "lot_decimals": 8}
        for base in ("ETH", "XBT")
    },
}
VENUES = {
    "bitstamp": (_BITSTAMP, "/api/v2/markets/", ["btcusd", "ethusd"]),
    "coinbase": (_COINBASE, "/api/v3/brokerage/market/products?product_type=SPOT", ["BTC-USD", "ETH-USD"]),
    "kraken": (_KRAKEN, "/0/public/AssetPairs", ["BTC/USD", "ETH/USD"]),
}


async def connector_of(venue: str, stack: AsyncExitStack, **fields):
    return await CONNECTORS[venue](venue, ConnectorSettings(**fields), stack)


@pytest.mark.parametrize("venue", VENUES)
async def test_symbols_of_other_venues_find_their_listing(venue):
    body, path, symbols = VENUES[venue]
    async with AsyncExitStack() as stack:
        answers = await stack.enter_async_context(serving())
        answers.bodies = [json.dumps(body).encode()]
        connector = await connector_of(venue, stack, rest_url=answers.url)
        listings, missing = await connector.rest.listings(["BTCUSD", "eth-usd", "BTC/USD", "AAPL"])
        assert [each.symbol for each in listings] == symbols
        assert missing == ["AAPL"]
        assert answers.asked == [path]
        assert 0 < connector.rest.budget_used_frac < 1


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize(("status", "error"), [(429, RetryLater), (503, Transient), (404, Malformed)])
async def test_failure_is_told_by_what_to_do(venue, status, error):
    async with AsyncExitStack() as stack:
        answers = await stack.enter_async_context(serving(status))
        answers.bodies = [b"<html>"]
        connector = await connector_of(venue, stack, rest_url=answers.url)
        with pytest.raises(error):
            await connector.rest.listings(["BTCUSD"])


@pytest.mark.parametrize("venue", VENUES)
async def test_book_is_not_asked_for(venue):
    async with AsyncExitStack() as stack:
        connector = await connector_of(venue, stack)
        with pytest.raises(Refused):
            await connector.rest.book("BTCUSD")


@pytest.mark.parametrize("venue", ["bitstamp", "kraken"])
async def test_venue_without_a_fine_clock_is_not_asked_for_it(venue):
    async with AsyncExitStack() as stack:
        assert await (await connector_of(venue, stack)).rest.time_ns() is None


async def test_clock_of_coinbase_is_asked_for():
    async with AsyncExitStack() as stack:
        answers = await stack.enter_async_context(serving())
        answers.bodies = [b'{"iso":"2026-08-09T21:05:48Z","epochSeconds":"1786309548","epochMillis":"1786309548170"}']
        connector = await connector_of("coinbase", stack, rest_url=answers.url)
        assert await connector.rest.time_ns() == 1786309548170_000_000
        assert answers.asked == ["/api/v3/brokerage/time"]


async def test_kraken_follows_books_as_deep_as_it_serves_and_was_asked():
    async with AsyncExitStack() as stack:
        connector = await connector_of("kraken", stack, book_depth=20)
        (book, _) = connector.plan.subscribe(["BTC/USD"])
        assert json.loads(book)["params"]["depth"] == connector.rules.book.max_levels == 25
