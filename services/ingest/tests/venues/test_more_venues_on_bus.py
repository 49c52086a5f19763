"""Whole feeds of Alpaca, Bitstamp, Coinbase, Kraken and the ccxt bridge on a real bus, from a server here."""

import json
import zlib

import pytest

from foretick.common.contracts import BookFrame, BookProof, Instrument
from foretick.common.subjects import INSTRUMENT_LISTINGS
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.alpaca.calendar import SessionCalendar
from foretick.ingest.adapters.ccxt import connector as bridge
from foretick.ingest.app.feed import build
from foretick.ingest.domain import session_watch

from ..feed.test_feed_on_bus import consumer, reasons_of, runtime
from .ccxt.test_ccxt_session import BTC, BaseError, Exchange, NetworkError, book, trade
from .test_venues_on_bus import Script, feed_of, is_live, kinds_of, venue

TIME = "2027-01-15T08:00:00Z"


class Coinbase:
    """Numbers all that it sends, whatever the channel."""

    def __init__(self) -> None:
        self._number = 0

    def __call__(self, message: str, turn: int) -> list:
        channel, event = coinbase_event(json.loads(message)["channel"], turn)
        self._number += 1
        return [{"channel": channel, "timestamp": TIME, "sequence_num": self._number, "events": [event]}]


def coinbase_event(channel: str, turn: int) -> tuple[str, dict]:
    levels = [
        {"side": side, "event_time": TIME, "price_level": price, "new_quantity": str(1 + turn)}
        for side, price in (("bid", "99"), ("offer", "101"))
    ]
    sale = {
        "product_id": "BTC-USD",
        "trade_id": str(5 + turn),
        "price": "100",
        "size": "1",
        "time": TIME,
        "side": "BUY",
    }
    kind = "update" if turn else "snapshot"
    return {
        "level2": ("l2_data", {"type": kind, "product_id": "BTC-USD", "updates": levels}),
        "market_trades": ("market_trades", {"type": kind, "trades": [sale]}),
        "status": ("status", {"products": [{"id": "BTC-USD", "status": "online"}]}),
        "heartbeats": ("heartbeats", {"heartbeat_counter": turn}),
    }[channel]


def kraken_frames(message: str, turn: int) -> list:
    params = json.loads(message)["params"]
    kind = "update" if turn else "snapshot"
    if params["channel"] == "trade":
        sale = {
            "symbol": "BTC/USD",
            "side": "sell",
            "price": 100.0,
            "qty": 1.0,
            "trade_id": 5 + turn,
            "timestamp": TIME,
        }
        return [{"channel": "trade", "type": kind, "data": [sale]}]
    qty = 1 + turn
    checksum = zlib.crc32(f"1010{qty}00000000990{qty}00000000".encode())
    sides = {"bids": [{"price": 99.0, "qty": qty}], "asks": [{"price": 101.0, "qty": qty}]}
    return [{"channel": "book", "type": kind, "data": [{"symbol": "BTC/USD", **sides, "checksum": checksum}]}]


def bitstamp_frames(message: str, turn: int) -> list:
    request = json.loads(message)
    if request["event"] == "bts:heartbeat":
        return []
    micros = str(1_800_000_000_000_000 + turn)
    if request["data"]["channel"].startswith("live_trades"):
        sale = {"id": 5 + turn, "amount_str": "1", "price_str": "100", "type": 0, "microtimestamp": micros}
        return [{"event": "trade", "channel": "live_trades_btcusd", "data": sale}]
    whole = {"microtimestamp": micros, "bids": [["99", str(1 + turn)]], "asks": [["101", "1"]]}
    return [{"event": "data", "channel": "order_book_btcusd", "data": whole}]


SPOKEN = {
    "coinbase": (
        Coinbase(), "BTC-USD", BookProof.CHAIN, "/api/v3/brokerage/market/products",
        {
            "products": [{
                "product_id": "BTC-USD", "base_currency_id": "BTC", "quote_currency_id": "USD", "status": "online",
                "base_increment": "0.00000001", "price_increment": "0.01", "base_min_size": "0.0001",
            }]
        },
    ),
    "kraken": (
        kraken_frames, "BTC/USD", BookProof.CHECKSUM, "/0/public/AssetPairs",
        {
            "error": [],
            "result": {"X": {"altname": "XBTUSD", "wsname": "XBT/USD", "pair_decimals": 1, "lot_decimals": 8}},
        },
    ),
    "bitstamp": (
        bitstamp_frames, "btcusd", BookProof.FULL, "/api/v2/markets/",
        [{
            "market_symbol": "btcusd", "base_currency": "BTC", "base_decimals": 8, "counter_currency": "USD",
            "counter_decimals": 0, "trading": "Enabled",
        }],
    ),
}  # fmt: skip


async def listing_of(nats_url: str, name: str, symbol: str) -> Instrument:
    async with runtime(nats_url) as (rt, _):
        return await rt.bus.last(INSTRUMENT_LISTINGS, name, symbol)


@pytest.mark.parametrize("name", SPOKEN)
async def test_books_trades_and_quotes_come_with_what_proves_them(nats_url, name):
    frames_of, symbol, proof, path, body = SPOKEN[name]
    script = Script({path: body}, on_message=frames_of)
    async with feed_of(nats_url, name, "BTCUSD", script) as comes:
        await comes(lambda frames: is_live(frames) and kinds_of(frames) >= {"T", "Q"})
    listing = await listing_of(nats_url, name, symbol)
    assert (listing.base, listing.quote, listing.proof) == ("BTC", "USD", proof)
    assert listing.taker_fee_bps > listing.maker_fee_bps > 0


def alpaca_frames(message: str, turn: int) -> list:
    if json.loads(message) == {"action": "subscribe", "trades": []}:
        return []
    quote = {"T": "q", "S": "AAPL", "bp": 10.0 + turn, "bs": 1, "ap": 11.0 + turn, "as": 1, "t": TIME}
    sale = {"T": "t", "S": "AAPL", "i": 5 + turn, "x": "V", "p": 10.5, "s": 1, "t": TIME}
    return [[quote, sale]]


def stocks(address: str) -> dict[str, str]:
    return {
        "VENUES": "alpaca", "DEFAULT_SYMBOLS": "BTCUSDT,AAPL", "ALPACA_KEY": "key", "ALPACA_SECRET": "secret",
        "VENUE_WS_URLS": f"alpaca=ws://{address}", "VENUE_REST_URLS": f"alpaca=http://{address}",
    }  # fmt: skip


ASSETS = {"/v2/assets": [{"symbol": "AAPL", "exchange": "NASDAQ", "fractionable": True}]}


async def test_stocks_are_quoted_then_told_closed_and_the_venue_stays_ready(nats_url, monkeypatch):
    monkeypatch.setattr(SessionCalendar, "is_open", lambda self, at_ns: False)
    monkeypatch.setattr(session_watch, "QUIET_NS", 0)
    script = Script(ASSETS, on_message=alpaca_frames)
    async with venue(script) as address, consumer(nats_url) as frames:
        async with runtime(nats_url, **stocks(address)) as (rt, settings):
            await build(rt, settings)

            async def comes() -> bool:
                await script.go_on()
                return is_live(frames) and kinds_of(frames) >= {"T", "Q"}

            await eventually(comes)
            await eventually(lambda: "the exchange is closed" in reasons_of(frames))
            told = "0 of 1 books are live, 1 are of a closed exchange"
            await eventually(lambda: told in str(rt.health.report()))
            assert rt.health.report()["conditions"]["venue.alpaca"]["ok"]
            frames.clear()
            await script.go_on()
            await eventually(lambda: is_live(frames))
    listing = await listing_of(nats_url, "alpaca", "AAPL")
    assert (listing.kind, listing.session, listing.proof, listing.taker_fee_bps) == ("equity", "XNYS", "top", 0.0)


class Library:
    """ccxt, as far as the bridge asks."""

    __version__, exchanges = "4.5", ("gate",)
    BaseError, NetworkError = BaseError, NetworkError

    def __init__(self) -> None:
        market = {
            "id": "BTC_USDT", "symbol": BTC, "base": "BTC", "quote": "USDT", "type": "spot",
            "precision": {"price": 0.1, "amount": 0.001},
        }  # fmt: skip
        self.exchange = Exchange(markets={BTC: market}, fees={"trading": {"maker": 0.001, "taker": 0.002}})

    def gate(self) -> Exchange:
        return self.exchange


async def test_bridge_brings_what_ccxt_streams_labelled_unproven(nats_url, monkeypatch):
    library = Library()
    monkeypatch.setattr(bridge, "load_library", lambda: library)
    monkeypatch.setattr("foretick.ingest.settings._require_ccxt", lambda *_: None)
    async with consumer(nats_url) as frames, runtime(nats_url, VENUES="ccxt-gate", DEFAULT_SYMBOLS="BTCUSDT") as made:
        await build(*made)
        await eventually(lambda: library.exchange.watched)
        library.exchange.books[BTC].put_nowait(book())
        library.exchange.trades[BTC].put_nowait([trade("a")])
        await eventually(lambda: is_live(frames) and kinds_of(frames) >= {"T", "Q"})
        assert {frame.venue for frame in frames if isinstance(frame, BookFrame)} == {"ccxt-gate"}
    listing = await listing_of(nats_url, "ccxt-gate", BTC)
    assert (listing.proof, listing.maker_fee_bps, listing.taker_fee_bps) == (BookProof.NONE, 10.0, 20.0)
