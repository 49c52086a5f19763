"""How Alpaca is asked for its stocks, connected to with a key, and followed: real servers, documented messages."""

import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from dataclasses import replace as replaced

import pytest

from foretick.common.contracts import InstrumentKind, Trust
from foretick.common.errors import InvalidSettings, Refused
from foretick.common.runtime.settings import load_settings
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.connector import ConnectorSettings
from foretick.ingest.adapters.venues import CONNECTORS
from foretick.ingest.domain.listing import Listing
from foretick.ingest.settings import IngestSettings
from foretick.market.book import PriceGrid

from ...conftest import T0
from ..answers import serving
from ..sockets import Client, SpokenVenue, following, speaking

KEY, SECRET = "PKTEST", "s3cret-of-the-account"
STOCKS = [Listing(s, s, "USD", PriceGrid(0.0001, 1.0), InstrumentKind.EQUITY, session="XNYS") for s in ("AAPL", "MSFT")]


def account(**fields) -> ConnectorSettings:
    return ConnectorSettings(**({"key": KEY, "secret": SECRET, "feed": "iex"} | fields))


async def connector_of(stack: AsyncExitStack, settings: ConnectorSettings):
    return await CONNECTORS["alpaca"]("alpaca", settings, stack)


class Alpaca(SpokenVenue):
    """Speaks as the document says: greets, authenticates by headers, answers what is followed."""

    def __init__(self) -> None:
        super().__init__(self.follow, self.welcome)

    def welcome(self, client: Client) -> list:
        if client.headers.get("APCA-API-KEY-ID") != KEY or client.headers.get("APCA-API-SECRET-KEY") != SECRET:
            return [[{"T": "success", "msg": "connected"}], [{"T": "error", "code": 402, "msg": "auth failed"}]]
        return [[{"T": "success", "msg": "connected"}], [{"T": "success", "msg": "authenticated"}]]

    def follow(self, request: dict, client: Client) -> list:
        channels = {name: [] for name in ("trades", "quotes", "statuses")}
        for sent in client.sent:
            for name in channels.keys() & sent.keys():
                before = [symbol for symbol in channels[name] if symbol not in sent[name]]
                channels[name] = before + (sent[name] if sent["action"] == "subscribe" else [])
        return [[{"T": "subscription", **channels, "corrections": [], "cancelErrors": []}]]


def quote(symbol: str, bid: float, ask: float) -> dict:
    return {"T": "q", "S": symbol, "bp": bid, "bs": 2, "ap": ask, "as": 3, "t": "2027-01-15T08:00:00.123456789Z"}


def trade(symbol: str, trade_id: int, price: float) -> dict:
    return {"T": "t", "S": symbol, "i": trade_id, "x": "V", "p": price, "s": 5, "t": "2027-01-15T08:00:00Z", "c": ["@"]}


@dataclass
class Tap:
    """Keeps what goes over the sockets."""

    kept: list[bytes] = field(default_factory=list)

    def on_received(self, venue: str, connection: int, received) -> None:
        self.kept.append(received.payload)

    def on_sent(self, venue: str, connection: int, payload: bytes) -> None:
        self.kept.append(payload)

    def on_connection_event(self, venue: str, connection: int, event, detail: str) -> None:
        self.kept.append(f"{event} {detail}".encode())


@asynccontextmanager
async def stream(new_feed, sink=None, **fields):
    async with AsyncExitStack() as stack:
        venue = await stack.enter_async_context(speaking(Alpaca()))
        connector = await connector_of(stack, account(ws_url=venue.url, **fields))
        feed = new_feed(STOCKS, rules=connector.rules, wire=connector.wire)
        feed.handler.on_time(T0)
        pool = await stack.enter_async_context(following(connector, feed, sink))
        yield venue, feed, pool


def trust(feed, symbol: str) -> Trust:
    return feed.engine.feeds[symbol].local.trust


async def test_quotes_and_trades_arrive_after_the_key_was_taken(new_feed):
    async with stream(new_feed) as (venue, feed, _):
        await eventually(lambda: venue.clients and venue.clients[0].sent)
        assert venue.clients[0].connection.request.path == "/v2/iex"
        assert venue.clients[0].sent[0]["quotes"] == ["AAPL", "MSFT"]
        await venue.clients[0].send([quote("AAPL", 10.0, 10.02), trade("AAPL", 7, 10.01)], [quote("MSFT", 20, 20.5)])
        await eventually(lambda: trust(feed, "MSFT") is Trust.LIVE)
        ticks = [event[3] for _, event in feed.outlet.numbered("AAPL") if isinstance(event, tuple)]
        assert ticks == [(10.0, 2.0, 10.02, 3.0), (10.01, 5.0, 0, None)]
        assert feed.engine.feeds["AAPL"].local.book.top(2) == ([(10.0, 2.0)], [(10.02, 3.0)])
        assert feed.outlet.rejected == feed.outlet.told == []


async def test_side_that_is_gone_and_a_crossed_market_show(new_feed):
    async with stream(new_feed) as (venue, feed, _):
        await eventually(lambda: venue.clients)
        await venue.clients[0].send([quote("AAPL", 10.0, 10.02)], [quote("AAPL", 0, 10.02)])
        await eventually(lambda: feed.engine.feeds["AAPL"].local.book.top(1) == ([], [(10.02, 3.0)]))
        assert trust(feed, "AAPL") is Trust.LIVE
        await venue.clients[0].send([quote("AAPL", 10.03, 10.02)])
        await eventually(lambda: trust(feed, "AAPL") is Trust.CROSSED)
        assert not feed.engine.feeds["AAPL"].wants_snapshot
        await venue.clients[0].send([quote("AAPL", 10.01, 10.02)])
        await eventually(lambda: trust(feed, "AAPL") is Trust.LIVE)


async def test_refused_key_is_told(new_feed):
    async with stream(new_feed, secret="wrong") as (_, feed, _pool):
        await eventually(lambda: feed.outlet.told)
        event, fields = feed.outlet.told[0]
        assert (event, fields["code"], fields["message"]) == ("venue refused a request", 402, "auth failed")
        assert trust(feed, "AAPL") is Trust.RESYNC


async def test_secret_is_in_nothing_that_may_be_kept(new_feed):
    tap = Tap()
    async with stream(new_feed, tap) as (venue, feed, _):
        await eventually(lambda: venue.clients and venue.clients[0].sent)
        await venue.clients[0].send([quote("AAPL", 10.0, 10.02)])
        await eventually(lambda: trust(feed, "AAPL") is Trust.LIVE)
    assert any(b"subscribe" in each for each in tap.kept)
    assert not any(SECRET.encode() in each or KEY.encode() in each for each in tap.kept)
    assert SECRET not in repr(account())


async def test_quiet_connection_is_kept_by_asking_for_nothing_more(new_feed, monkeypatch):
    async with AsyncExitStack() as stack:
        venue = await stack.enter_async_context(speaking(Alpaca()))
        connector = await connector_of(stack, account(ws_url=venue.url))
        request, _ = connector.plan.limits.keepalive
        quick = replaced(connector.plan.limits, keepalive=(request, 0.05), idle_timeout_s=0.4, sends_per_s=100.0)
        connector = replaced(connector, plan=replaced(connector.plan, limits=quick))
        feed = new_feed(STOCKS, rules=connector.rules, wire=connector.wire)
        feed.handler.on_time(T0)
        pool = await stack.enter_async_context(following(connector, feed))
        await eventually(lambda: venue.clients and len(venue.clients[0].sent) > 12)
        assert (len(venue.clients), pool.counters.disconnects) == (1, 0)
        assert feed.handler.unknown_kinds == {}


async def test_symbols_that_are_no_stocks_are_left_out():
    assets = [{"symbol": s, "exchange": "NASDAQ", "class": "us_equity"} for s in ("TSLA", "AAPL", "GOOGL", "MSFT")]
    async with AsyncExitStack() as stack:
        answers = await stack.enter_async_context(serving())
        answers.bodies = [json.dumps(assets).encode()]
        connector = await connector_of(stack, account(rest_url=answers.url))
        listings, missing = await connector.rest.listings(["BTCUSDT", "ETHUSDT", "AAPL", "MSFT"])
    assert [each.symbol for each in listings] == ["AAPL", "MSFT"]
    assert missing == ["BTCUSDT", "ETHUSDT"]
    assert answers.asked == ["/v2/assets?status=active&asset_class=us_equity"]


async def test_key_of_a_paper_account_is_tried_where_it_belongs(monkeypatch):
    async with AsyncExitStack() as stack:
        trading = await stack.enter_async_context(serving(401))
        trading.bodies = [b'{"code":40110000,"message":"request is not authorized"}']
        paper = await stack.enter_async_context(serving())
        paper.bodies = [b'{"timestamp":"2027-01-15T08:00:00Z"}']
        monkeypatch.setattr("foretick.ingest.adapters.alpaca.connector._REST_URLS", (trading.url, paper.url))
        connector = await connector_of(stack, account())
        assert await connector.rest.time_ns() == await connector.rest.time_ns() == T0
    assert (len(trading.asked), len(paper.asked)) == (1, 2)


async def test_key_that_no_address_takes_is_refused():
    async with AsyncExitStack() as stack:
        answers = await stack.enter_async_context(serving(401))
        answers.bodies = [b'{"code":40110000,"message":"request is not authorized"}']
        connector = await connector_of(stack, account(rest_url=answers.url))
        with pytest.raises(Refused, match="not authorized"):
            await connector.rest.listings(["AAPL"])


async def test_made_up_feed_has_its_one_symbol():
    async with AsyncExitStack() as stack:
        connector = await connector_of(stack, account(feed="test"))
        listings, missing = await connector.rest.listings(["AAPL", "FAKEPACA"])
        assert ([each.symbol for each in listings], missing) == (["FAKEPACA"], ["AAPL"])
        assert connector.plan.url([]) == "wss://stream.data.alpaca.markets/v2/test"


@pytest.mark.parametrize("feed", ["iex", "test"])
def test_missing_key_is_a_fault_that_says_what_to_do(monkeypatch, feed):
    monkeypatch.setenv("VENUES", "sim,alpaca")
    monkeypatch.setenv("ALPACA_KEY", KEY)
    monkeypatch.setenv("ALPACA_FEED", feed)
    with pytest.raises(InvalidSettings, match="set ALPACA_KEY and ALPACA_SECRET") as caught:
        load_settings(IngestSettings)
    assert KEY not in str(caught.value)


def test_key_reaches_its_venue_alone(monkeypatch):
    for name, value in {"VENUES": "sim,alpaca", "ALPACA_KEY": KEY, "ALPACA_SECRET": SECRET}.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(IngestSettings)
    assert settings.account_of("alpaca") == {"key": KEY, "secret": SECRET, "feed": "iex"}
    assert settings.account_of("sim") == {}
    assert SECRET not in repr(settings)
