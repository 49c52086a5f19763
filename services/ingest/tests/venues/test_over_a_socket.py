"""Bitstamp, Coinbase and Kraken over a real socket: their streams begin with the book, break, and begin again."""

import zlib
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from foretick.common.contracts import Trust
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.connections import pool as module
from foretick.ingest.adapters.connector import ConnectorSettings
from foretick.ingest.adapters.venues import CONNECTORS
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid

from ..conftest import T0
from .sockets import Client, SpokenVenue, following, speaking

TIME = "2027-01-15T08:00:00Z"
GRID = PriceGrid(0.01, 1e-8)


def trust(feed) -> Trust:
    (instrument,) = feed.engine.feeds.values()
    return instrument.local.trust


def best(feed):
    (instrument,) = feed.engine.feeds.values()
    return instrument.local.book.best_bid, instrument.local.book.best_ask


@asynccontextmanager
async def connected(new_feed, name: str, venue: SpokenVenue, symbol: str):
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(speaking(venue))
        connector = await CONNECTORS[name](name, ConnectorSettings(ws_url=venue.url), stack)
        feed = new_feed([Listing(symbol, "BTC", "USD", GRID)], rules=connector.rules, wire=connector.wire)
        feed.handler.on_time(T0)
        pool = await stack.enter_async_context(following(connector, feed))
        yield feed, pool


class Coinbase(SpokenVenue):
    """Numbers every message of a connection, and begins a subscribed book with its snapshot."""

    def __init__(self) -> None:
        super().__init__(self.subscribe)
        self.number = 0

    def message(self, channel: str, event: dict) -> dict:
        self.number += 1
        return {"channel": channel, "timestamp": TIME, "sequence_num": self.number, "events": [event]}

    def book(self, kind: str, bid: str, ask: str) -> dict:
        levels = [
            {"side": side, "event_time": TIME, "price_level": price, "new_quantity": "1"}
            for side, price in (("bid", bid), ("offer", ask))
        ]
        return self.message("l2_data", {"type": kind, "product_id": "BTC-USD", "updates": levels})

    def subscribe(self, request: dict, _: Client) -> list:
        if request["type"] == "subscribe" and request["channel"] == "level2":
            return [self.book("snapshot", "99", "101")]
        return [self.message("subscriptions", {"subscriptions": {}})]


async def test_coinbase_begins_its_book_anew_after_a_number_is_missing(new_feed):
    venue = Coinbase()
    async with connected(new_feed, "coinbase", venue, "BTC-USD") as (feed, pool):
        await eventually(lambda: trust(feed) is Trust.LIVE)
        (client,) = venue.clients
        await client.send(venue.book("update", "99.5", "101"))
        await eventually(lambda: best(feed)[0] == (99.5, 1.0))
        venue.number += 1  # a message that never came
        await client.send(venue.book("update", "99.7", "101"))
        await eventually(lambda: trust(feed) is Trust.RESYNC)
        await eventually(lambda: trust(feed) is Trust.LIVE)
        level2 = [sent["type"] for sent in client.sent if sent["channel"] == "level2"]
        assert level2 == ["subscribe", "unsubscribe", "subscribe"]
        assert best(feed) == ((99.0, 1.0), (101.0, 1.0))
        assert (pool.counters.connects, pool.snapshots_requested) == (1, 1)
        assert feed.outlet.rejected == []


def kraken_book(kind: str, bid: float, ask: float, checksum: int | None = None) -> dict:
    text = "".join(f"{round(price * 100)}{10**8}" for price in (ask, bid))
    data = {
        "symbol": "BTC/USD", "bids": [{"price": bid, "qty": 1.0}], "asks": [{"price": ask, "qty": 1.0}],
        "checksum": zlib.crc32(text.encode()) if checksum is None else checksum, "timestamp": TIME,
    }  # fmt: skip
    return {"channel": "book", "type": kind, "data": [data]}


def kraken_answer(request: dict, _: Client) -> list:
    answer = {"method": request["method"], "success": True, "result": request["params"]}
    is_book = request["method"] == "subscribe" and request["params"]["channel"] == "book"
    return [answer, kraken_book("snapshot", 99.0, 101.0)] if is_book else [answer]


async def test_kraken_begins_its_book_anew_after_a_checksum_differs(new_feed):
    venue = SpokenVenue(kraken_answer)
    async with connected(new_feed, "kraken", venue, "BTC/USD") as (feed, _):
        await eventually(lambda: trust(feed) is Trust.LIVE)
        (client,) = venue.clients
        await client.send({"channel": "heartbeat"}, kraken_book("update", 99.0, 101.0))
        await client.send(kraken_book("update", 99.5, 101.0, checksum=1))
        await eventually(lambda: trust(feed) is Trust.RESYNC)
        await eventually(lambda: trust(feed) is Trust.LIVE)
        books = [sent["method"] for sent in client.sent if sent["params"]["channel"] == "book"]
        assert books == ["subscribe", "unsubscribe", "subscribe"]
        (instrument,) = feed.engine.feeds.values()
        assert instrument.local.counters.checksums_failed == 1
        assert best(feed)[0] == (99.0, 1.0)


def bitstamp_book(bid: str, micros: int) -> dict:
    data = {"timestamp": "1800000000", "microtimestamp": str(micros), "bids": [[bid, "1.0"]], "asks": [["101", "1.0"]]}
    return {"event": "data", "channel": "order_book_btcusd", "data": data}


def bitstamp_answer(request: dict, client: Client) -> list:
    if request["event"] == "bts:heartbeat":
        return [{"event": "bts:heartbeat", "channel": "", "data": {"status": "success"}}]
    done = {"event": "bts:subscription_succeeded", "channel": request["data"]["channel"], "data": {}}
    is_book = request["data"]["channel"].startswith("order_book")
    return [done, bitstamp_book("99", 1_800_000_000_000_000)] if is_book else [done]


async def test_bitstamp_that_asks_to_reconnect_is_left_without_a_gap(new_feed, monkeypatch):
    monkeypatch.setattr(module, "_OVERLAP_S", 0.05)
    monkeypatch.setattr(module, "_LONGEST_OVERLAP_S", 0.3)
    venue = SpokenVenue(bitstamp_answer)
    async with connected(new_feed, "bitstamp", venue, "btcusd") as (feed, pool):
        await eventually(lambda: trust(feed) is Trust.LIVE)
        feed.outlet.published.clear()
        old = venue.clients[0]
        await old.send({"event": "bts:request_reconnect", "channel": "", "data": ""})

        async def was_replaced() -> bool:
            if pool.counters.rollovers == 0:  # only from a connection that is heard beside the new one
                await old.send(bitstamp_book("99", 1_800_000_000_000_000))
            return pool.counters.rollovers == 1

        await eventually(was_replaced)
        await venue.clients[1].send(bitstamp_book("99.5", 1_800_000_001_000_000))
        await eventually(lambda: best(feed)[0] == (99.5, 1.0))
        assert {event.trust for event in feed.outlet.book_events("btcusd")} == {Trust.LIVE}
        assert (pool.counters.connects, pool.counters.disconnects) == (2, 0)


@pytest.mark.parametrize(
    ("name", "symbol", "refusal", "message"),
    [
        ("coinbase", "BTC-USD", {"type": "error", "message": "no such product"}, "no such product"),
        ("kraken", "BTC/USD", {"method": "subscribe", "success": False, "error": "no such"}, "subscribe no such"),
        (
            "bitstamp", "btcusd", {"event": "bts:error", "channel": "", "data": {"code": None, "message": "no such"}},
            "no such",
        ),
    ],
)  # fmt: skip
async def test_refused_subscription_is_told(new_feed, name, symbol, refusal, message):
    async with connected(new_feed, name, SpokenVenue(lambda *_: [refusal]), symbol) as (feed, _):
        await eventually(lambda: feed.outlet.told)
        event, fields = feed.outlet.told[0]
        assert (event, fields["message"]) == ("venue refused a request", message)
