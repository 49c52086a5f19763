"""The bridge on an exchange class of ccxt's interface: books, trades, failures, what is followed and left."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from foretick.common.contracts import BookProof, Trust
from foretick.common.errors import InvalidSettings, Refused, Transient
from foretick.common.runtime.settings import load_settings
from foretick.common.testing.fakes import ManualClock
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.ccxt import session as module
from foretick.ingest.adapters.ccxt.connector import rules_of
from foretick.ingest.adapters.ccxt.library import make_exchange
from foretick.ingest.adapters.ccxt.parse import CcxtWire
from foretick.ingest.adapters.ccxt.rest import CcxtRest
from foretick.ingest.adapters.ccxt.session import CcxtSession
from foretick.ingest.adapters.recordings.sink import RawTap
from foretick.ingest.domain.listing import Listing
from foretick.ingest.settings import IngestSettings
from foretick.market.book import PriceGrid

from ...conftest import T0

BTC, ETH = "BTC/USDT", "ETH/USDT"


class BaseError(Exception):
    """As ccxt's."""


class NetworkError(BaseError):
    """As ccxt's."""


@dataclass
class Exchange:
    """Gives what the test puts in, by symbol; an exception is raised."""

    id: str = "gate"
    has: dict[str, Any] = field(default_factory=lambda: {"watchOrderBook": True, "watchTrades": True})
    precisionMode: int = 4
    fees: dict[str, Any] = field(default_factory=dict)
    markets: Any = field(default_factory=dict)
    time: Any = None
    books: dict[str, asyncio.Queue] = field(default_factory=lambda: {BTC: asyncio.Queue(), ETH: asyncio.Queue()})
    trades: dict[str, asyncio.Queue] = field(default_factory=lambda: {BTC: asyncio.Queue(), ETH: asyncio.Queue()})
    watched: list[str] = field(default_factory=list)

    async def watch_order_book(self, symbol: str) -> Any:
        self.watched.append(symbol)
        return given(await self.books[symbol].get())

    async def watch_trades(self, symbol: str) -> Any:
        return given(await self.trades[symbol].get())

    async def load_markets(self, reload: bool = False) -> Any:
        assert reload, "a listing may have changed since the last call"
        return given(self.markets)

    async def fetch_time(self) -> Any:
        return given(self.time)

    async def close(self) -> None:
        pass


def given(what: Any) -> Any:
    if isinstance(what, Exception):
        raise what
    return what


def book(bid: float = 99.0, ask: float = 101.0) -> dict:
    return {"bids": [[bid, 1.0]], "asks": [[ask, 2.0]], "timestamp": T0 // 1_000_000, "nonce": None}


def trade(name: str, price: float = 100.0) -> dict:
    return {"id": name, "price": price, "amount": 0.5, "side": "sell", "timestamp": T0 // 1_000_000}


@asynccontextmanager
async def bridged(new_feed, symbols=(BTC,)):
    exchange = Exchange()
    listings = [Listing(symbol, symbol[:3], "USDT", PriceGrid(0.01, 1e-8)) for symbol in (BTC, ETH)]
    feed = new_feed(listings, rules=rules_of(None), wire=CcxtWire("ccxt-gate"))
    feed.handler.on_time(T0)
    session = CcxtSession(exchange, ManualClock(T0), structlog.get_logger(), RawTap())
    feed.handler._venue = session
    session.follow(symbols)
    task = asyncio.ensure_future(session.run(feed.handler))
    try:
        yield exchange, feed, session, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """What failed is watched again at once."""
    monkeypatch.setattr(module, "backoff_s", lambda attempt, chance: 0.0)


def trust(feed, symbol: str = BTC) -> Trust:
    return feed.engine.feeds[symbol].local.trust


async def test_books_and_trades_reach_the_feed_labelled_unproven(new_feed):
    async with bridged(new_feed) as (exchange, feed, session, _):
        exchange.books[BTC].put_nowait(book())
        exchange.trades[BTC].put_nowait([trade("a"), trade("b")])
        await eventually(lambda: trust(feed) is Trust.LIVE and feed.engine.feeds[BTC].counters.trades == 2)
        ticks = [event[0] for _, event in feed.outlet.numbered(BTC) if isinstance(event, tuple)]
        assert sorted(ticks) == ["Q", "T", "T"]
        assert feed.engine.instruments([BTC], 0, 0, 0)[0].proof is BookProof.NONE
        assert (session.wanted, session.open, session.counters.connects) == (1, 1, 1)


async def test_each_book_replaces_the_one_before(new_feed):
    async with bridged(new_feed) as (exchange, feed, _, _task):
        for bid in (99.0, 98.0, 99.5):
            exchange.books[BTC].put_nowait(book(bid))
        await eventually(lambda: feed.engine.feeds[BTC].local.book.top(5)[0] == [(99.5, 1.0)])


async def test_trades_that_come_again_are_not_doubled(new_feed):
    async with bridged(new_feed) as (exchange, feed, _, _task):
        exchange.trades[BTC].put_nowait([trade("a"), trade("b")])
        exchange.trades[BTC].put_nowait([trade("b"), trade("c")])
        await eventually(lambda: feed.engine.feeds[BTC].counters.trades == 3)
        assert feed.engine.feeds[BTC].counters.trades_repeated == 1


@pytest.mark.parametrize("error", [NetworkError("gone"), BaseError("checksum"), KeyError("bids")])
async def test_failure_of_the_library_ends_trust_until_the_next_book(new_feed, error):
    async with bridged(new_feed) as (exchange, feed, session, task):
        exchange.books[BTC].put_nowait(book())
        await eventually(lambda: trust(feed) is Trust.LIVE)
        exchange.books[BTC].put_nowait(error)
        await eventually(lambda: trust(feed) is Trust.STALE)
        assert "ccxt lost the book" in feed.outlet.book_events(BTC)[-1].reason
        assert session.open == 0
        exchange.books[BTC].put_nowait(book(98.0))
        await eventually(lambda: trust(feed) is Trust.LIVE)
        assert (session.counters.connects, session.counters.disconnects) == (2, 1)
        assert not task.done()


async def test_book_that_cannot_be_told_is_a_failure_of_the_library(new_feed):
    async with bridged(new_feed) as (exchange, feed, session, task):
        exchange.books[BTC].put_nowait({"bids": None})
        exchange.books[BTC].put_nowait(book())
        await eventually(lambda: trust(feed) is Trust.LIVE)
        assert not task.done()
        assert session.counters.disconnects == 0


async def test_refused_book_ends_trust_and_is_kept(new_feed):
    async with bridged(new_feed) as (exchange, feed, _, _task):
        exchange.books[BTC].put_nowait(book())
        await eventually(lambda: trust(feed) is Trust.LIVE)
        exchange.books[BTC].put_nowait(book(bid=-1.0))
        await eventually(lambda: trust(feed) is Trust.RESYNC)
        assert len(feed.outlet.rejected) == 1
        exchange.books[BTC].put_nowait(book())
        await eventually(lambda: trust(feed) is Trust.LIVE)


async def test_lost_trades_are_told_though_the_book_goes_on(new_feed):
    async with bridged(new_feed) as (exchange, feed, _, _task):
        exchange.books[BTC].put_nowait(book())
        await eventually(lambda: trust(feed) is Trust.LIVE)
        exchange.trades[BTC].put_nowait(NetworkError("gone"))
        await eventually(lambda: trust(feed) is Trust.STALE)
        assert "ccxt lost the trades" in feed.outlet.book_events(BTC)[-1].reason


async def test_instruments_are_followed_and_left_while_it_runs(new_feed):
    async with bridged(new_feed) as (exchange, feed, session, _):
        await eventually(lambda: exchange.watched == [BTC])
        session.follow([BTC, ETH])
        await eventually(lambda: exchange.watched == [BTC, ETH])
        exchange.books[ETH].put_nowait(book())
        await eventually(lambda: trust(feed, ETH) is Trust.LIVE)
        assert session.symbols_of(2) == [ETH]
        session.leave([ETH])
        assert trust(feed, ETH) is Trust.STALE
        assert (session.wanted, session.symbols_of(2)) == (1, [])


async def test_failure_of_the_receiver_ends_the_session(new_feed):
    class Broken(Exception):
        pass

    def fail(batch):
        raise Broken

    async with bridged(new_feed) as (exchange, feed, _, task):
        feed.handler.on_frames = fail
        exchange.books[BTC].put_nowait(book())
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.wait_for(asyncio.shield(task), 5)
        assert caught.group_contains(Broken)


def rest(**fields) -> CcxtRest:
    return CcxtRest(Exchange(**fields), BaseError, NetworkError, "ccxt-gate")


async def test_listings_are_ccxts_markets():
    market = {
        "id": "BTC_USDT", "symbol": BTC, "base": "BTC", "quote": "USDT", "type": "spot",
        "precision": {"price": 0.1, "amount": 0.001},
    }  # fmt: skip
    listings, missing = await rest(markets={BTC: market}).listings(["BTCUSDT", "AAPL"])
    assert ([each.symbol for each in listings], missing) == ([BTC], ["AAPL"])


@pytest.mark.parametrize(("error", "kind"), [(NetworkError("away"), Transient), (BaseError("no"), Refused)])
async def test_failed_request_is_told_by_what_to_do(error, kind):
    with pytest.raises(kind):
        await rest(markets=error).listings(["BTCUSDT"])
    with pytest.raises(kind):
        await rest(time=error, has={"fetchTime": True}).time_ns()


async def test_clock_is_asked_for_where_there_is_one():
    assert await rest(time=T0 // 1_000_000, has={"fetchTime": True}).time_ns() == T0
    assert await rest().time_ns() is None
    with pytest.raises(Refused):
        await rest().book(BTC)


@dataclass
class Library:
    """As much of ccxt as an exchange is made of."""

    gate: type = Exchange
    exchanges: tuple[str, ...] = ("gate",)
    __version__: str = "4.5"


def test_exchange_is_made_by_its_name():
    assert make_exchange(Library(), "ccxt-gate").id == "gate"


@pytest.mark.parametrize("library", [Library(), Library(gate=lambda: Exchange(has={"watchTrades": True}))])
def test_exchange_without_such_streams_is_a_fault(library):
    with pytest.raises(InvalidSettings, match="streams no books and trades"):
        make_exchange(library, "ccxt-gate" if library.gate is not Exchange else "ccxt-nowhere")


def ccxt_is(monkeypatch, folder) -> None:
    spec = None if folder is None else type("Spec", (), {"submodule_search_locations": [str(folder)]})()
    monkeypatch.setattr("foretick.ingest.settings.find_spec", lambda name: spec)


def test_missing_library_is_a_fault_that_says_what_to_do(monkeypatch):
    ccxt_is(monkeypatch, None)
    monkeypatch.setenv("VENUES", "sim,ccxt-gate")
    with pytest.raises(InvalidSettings, match="VENUES names ccxt-gate, which goes through ccxt: pip install ccxt"):
        load_settings(IngestSettings)


def test_exchange_that_the_library_does_not_stream_is_a_fault(monkeypatch, tmp_path):
    (tmp_path / "pro").mkdir()
    (tmp_path / "pro" / "gate.py").touch()
    ccxt_is(monkeypatch, tmp_path)
    monkeypatch.setenv("VENUES", "ccxt-gate")
    assert load_settings(IngestSettings).venues == ("ccxt-gate",)
    monkeypatch.setenv("VENUES", "ccxt-nowhere")
    with pytest.raises(InvalidSettings, match="streams no exchange nowhere"):
        load_settings(IngestSettings)


@pytest.mark.parametrize("name", ["ccxt-", "ccxt-../etc", "ccxtgate"])
def test_name_that_is_no_bridge_is_unknown(monkeypatch, name):
    monkeypatch.setenv("VENUES", name)
    with pytest.raises(InvalidSettings, match="no connector"):
        load_settings(IngestSettings)
