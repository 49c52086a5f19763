"""The bridge on ccxt itself, speaking Kraken's protocol with a server on this machine. Skips without ccxt."""

import asyncio
import json

import pytest
import structlog

from foretick.common.contracts import Trust
from foretick.common.testing.fakes import ManualClock
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.ccxt.connector import fees_of, rules_of
from foretick.ingest.adapters.ccxt.library import make_exchange
from foretick.ingest.adapters.ccxt.parse import CcxtWire
from foretick.ingest.adapters.ccxt.rest import CcxtRest
from foretick.ingest.adapters.ccxt.session import CcxtSession
from foretick.ingest.adapters.recordings.sink import RawTap

from ...conftest import T0
from ..answers import serving
from ..sockets import Client, SpokenVenue, speaking

library = pytest.importorskip("ccxt.pro", reason="ccxt is not installed: pip install ccxt")

SYMBOL = "BTC/USD"
PAIR = {
    "altname": "XBTUSD", "wsname": "XBT/USD", "aclass_base": "currency", "base": "XXBT", "aclass_quote": "currency",
    "quote": "ZUSD", "lot": "unit", "cost_decimals": 5, "pair_decimals": 1, "lot_decimals": 8, "lot_multiplier": 1,
    "leverage_buy": [], "leverage_sell": [], "fees": [[0, 0.4]], "fees_maker": [[0, 0.25]], "ordermin": "0.00005",
    "costmin": "0.5", "tick_size": "0.1", "status": "online",
}  # fmt: skip


def book(kind: str, bids: list, asks: list) -> dict:
    levels = [[{"price": price, "qty": qty} for price, qty in side] for side in (bids, asks)]
    data = {"symbol": SYMBOL, "bids": levels[0], "asks": levels[1], "checksum": 1, "timestamp": "2027-01-15T08:00:00Z"}
    return {"channel": "book", "type": kind, "data": [data]}


def trades() -> dict:
    data = {
        "symbol": SYMBOL, "side": "sell", "price": 99.0, "qty": 0.25, "ord_type": "limit", "trade_id": 42,
        "timestamp": "2027-01-15T08:00:01.000000Z",
    }  # fmt: skip
    return {"channel": "trade", "type": "update", "data": [data]}


def answer(request: dict, _: Client) -> list:
    if request["method"] != "subscribe":
        return []
    channel = request["params"]["channel"]
    done = {"method": "subscribe", "success": True, "req_id": request["req_id"], "result": {"channel": channel}}
    return [done, book("snapshot", [(99.0, 1.0), (98.5, 2.0)], [(101.0, 3.0)]) if channel == "book" else trades()]


async def test_books_and_trades_come_through_ccxt_and_a_lost_connection_shows(new_feed):
    async with speaking(SpokenVenue(answer)) as venue, serving() as answers:
        answers.bodies = [json.dumps({"error": [], "result": {"XXBTZUSD": PAIR}}).encode()]
        exchange = make_exchange(library, "ccxt-kraken")
        exchange.urls["api"] |= {"public": answers.url}
        exchange.urls["api"]["ws"]["publicV2"] = venue.url
        exchange.has["fetchCurrencies"] = False
        rest = CcxtRest(exchange, library.BaseError, library.NetworkError, "ccxt-kraken")
        listings, _ = await rest.listings(["BTCUSD"])
        feed = new_feed(listings, rules=rules_of(fees_of(exchange.fees)), wire=CcxtWire("ccxt-kraken"))
        feed.handler.on_time(T0)
        session = CcxtSession(exchange, ManualClock(T0), structlog.get_logger(), RawTap())
        feed.handler._venue = session
        session.follow([SYMBOL])
        task = asyncio.ensure_future(session.run(feed.handler))
        local = feed.engine.feeds[SYMBOL].local
        try:
            await eventually(lambda: local.trust is Trust.LIVE and feed.engine.feeds[SYMBOL].counters.trades == 1)
            await venue.clients[0].send(book("update", [(99.0, 0), (98.7, 4.0)], []))
            await eventually(lambda: local.book.top(5) == ([(98.7, 4.0), (98.5, 2.0)], [(101.0, 3.0)]))
            await venue.clients[0].close()
            await eventually(lambda: local.trust is Trust.STALE)
            await eventually(lambda: local.trust is Trust.LIVE)
            assert feed.outlet.rejected == []
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await exchange.close()
