"""Binance's futures are followed at the addresses that serve them, and asked for their open interest."""

from contextlib import AsyncExitStack

import pytest

from foretick.ingest.adapters.connector import ConnectorSettings
from foretick.ingest.adapters.venues import CONNECTORS
from foretick.ingest.domain.events import DerivativeState

from ..answers import serving


async def connector_of(venue: str, stack: AsyncExitStack, **fields):
    return await CONNECTORS[venue](venue, ConnectorSettings(**fields), stack)


async def test_books_and_trades_of_usdm_are_followed_at_their_own_addresses():
    async with AsyncExitStack() as stack:
        connector = await connector_of("binance-usdm", stack)
        (side,) = connector.side_plans
        assert connector.plan.url(["BTCUSDT"]) == (
            "wss://fstream.binance.com/public/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker"
        )
        assert side.url(["BTCUSDT"]) == (
            "wss://fstream.binance.com/market/stream?streams=btcusdt@aggTrade/btcusdt@markPrice@1s/btcusdt@forceOrder"
        )


async def test_all_streams_of_coinm_are_followed_at_one_address():
    async with AsyncExitStack() as stack:
        connector = await connector_of("binance-coinm", stack)
        assert connector.side_plans == ()
        url = connector.plan.url(["BTCUSD_PERP"])
        assert url.startswith("wss://dstream.binance.com/stream?streams=btcusd_perp@depth@100ms/")
        assert all(kind in url for kind in ("bookTicker", "aggTrade", "markPrice@1s", "forceOrder"))


@pytest.mark.parametrize(("venue", "prefix"), [("binance-usdm", "/fapi/v1"), ("binance-coinm", "/dapi/v1")])
async def test_open_interest_is_asked_for_within_its_share_of_the_budget(venue, prefix):
    async with AsyncExitStack() as stack:
        answers = await stack.enter_async_context(serving())
        answers.bodies = [b'{"openInterest":"10659.509","symbol":"BTCUSDT","time":1589437530011}']
        connector = await connector_of(venue, stack, rest_url=answers.url, budget_frac=0.5)
        (poll,) = connector.polls
        body = await poll.ask("BTCUSDT")
    assert answers.asked == [f"{prefix}/openInterest?symbol=BTCUSDT"]
    ((symbol, state),) = connector.wire.parse_reply("BTCUSDT", body)
    assert symbol == "BTCUSDT"
    assert state == DerivativeState(open_interest_qty=10659.509, ts_event_ns=1589437530011_000_000)
    assert poll.every_s == 10.0
    assert 60.0 / poll.least_gap_s == pytest.approx(2400 * 0.5 * 0.2)  # a fifth of our half of 2,400 a minute
