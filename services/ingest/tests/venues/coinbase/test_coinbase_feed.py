"""A feed of two products on one numbered connection."""

import json

import pytest

from foretick.common.contracts import Trust
from foretick.ingest.adapters.coinbase.connector import RULES
from foretick.ingest.adapters.coinbase.parse import CoinbaseWire
from foretick.ingest.domain.events import Received, Trade
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid

from ..conformance.oracle import Oracle
from .sources import load

T0 = 1_800_000_000_000_000_000
SYMBOLS = ("BTC-USD", "ETH-USD")


def book(kind: str, symbol: str, bid: str, ask: str, qty: str = "1") -> dict:
    time = "2027-01-15T08:00:00Z"
    levels = [
        {"side": side, "event_time": time, "price_level": price, "new_quantity": qty}
        for side, price in (("bid", bid), ("offer", ask))
    ]
    return {"type": kind, "product_id": symbol, "updates": levels}


def frame(number: int, *events: dict) -> Received:
    text = {"channel": "l2_data", "timestamp": "2027-01-15T08:00:00Z", "sequence_num": number, "events": events}
    return Received(T0, json.dumps(text).encode(), None, 1)


@pytest.fixture
def live(new_feed):
    """A feed with two LIVE books, after message 1."""
    listings = [Listing(symbol, symbol[:3], "USD", PriceGrid(0.01, 1e-8)) for symbol in SYMBOLS]
    feed = new_feed(listings, rules=RULES, wire=CoinbaseWire("coinbase"))
    feed.handler.on_time(T0)
    feed.handler.on_connected(SYMBOLS, 1)
    feed.play([frame(number, book("snapshot", symbol, "99", "101")) for number, symbol in enumerate(SYMBOLS)])
    assert trusts(feed) == [Trust.LIVE, Trust.LIVE]
    return feed


def trusts(feed) -> list[Trust]:
    return [feed.engine.feeds[symbol].local.trust for symbol in SYMBOLS]


def best_bid(feed, symbol: str):
    return feed.engine.feeds[symbol].local.book.best_bid


def test_missing_number_ends_the_trust_in_every_book_of_the_connection(live):
    live.play([frame(3, book("update", "BTC-USD", "99.5", "101"))])
    assert trusts(live) == [Trust.RESYNC, Trust.RESYNC]
    live.handler.on_time(T0 + 1)
    assert sorted(live.venue.requested) == ["BTC-USD", "ETH-USD"]
    live.play([frame(4, book("snapshot", "BTC-USD", "98", "102"))])
    assert trusts(live) == [Trust.LIVE, Trust.RESYNC]


def test_message_that_cannot_be_read_is_missing_by_its_number(live):
    torn = frame(2, book("update", "BTC-USD", "99.5", "101"))
    live.play([torn._replace(payload=torn.payload[:-9]), frame(3)])
    assert len(live.outlet.rejected) == 1
    assert trusts(live) == [Trust.RESYNC, Trust.RESYNC]


def test_repeated_message_changes_nothing(live):
    live.play([frame(1, book("update", "BTC-USD", "50", "60"))])
    assert trusts(live) == [Trust.LIVE, Trust.LIVE]
    assert best_bid(live, "BTC-USD") == (99.0, 1.0)


def test_refused_event_of_a_message_leaves_its_other_events_as_they_are(live):
    refused, good = book("update", "BTC-USD", "99.001", "101"), book("update", "ETH-USD", "99.5", "101")
    live.play([frame(2, refused, good), frame(3)])
    assert [reason for _, reason, _ in live.outlet.rejected] == ["price 99.001 is off its grid of 0.01"]
    assert trusts(live) == [Trust.RESYNC, Trust.LIVE]
    assert best_bid(live, "ETH-USD") == (99.5, 1.0)


def test_deep_level_is_still_there_when_the_levels_before_it_are_gone(live):
    prices = [f"{99 - step / 100:.2f}" for step in range(9000)]
    deep = {"type": "snapshot", "product_id": "BTC-USD", "updates": [
        *(book("snapshot", "BTC-USD", price, "101")["updates"][0] for price in prices),
        book("snapshot", "BTC-USD", "1", "101")["updates"][1],
    ]}  # fmt: skip
    live.play([frame(2, deep)])
    gone = [book("update", "BTC-USD", price, "101", "0")["updates"][0] for price in prices[:-1]]
    live.play([frame(3, {"type": "update", "product_id": "BTC-USD", "updates": gone})])
    assert best_bid(live, "BTC-USD") == (9.01, 1.0)
    assert trusts(live)[0] is Trust.LIVE


def test_whole_books_of_the_capture_are_kept_to_their_deepest_level(new_feed):
    source = load()
    feed = new_feed(source.listings, rules=source.rules, wire=source.new_wire())
    feed.handler.on_time(source.frames[0].recv_ns)
    feed.handler.on_connected(source.symbols, 1)
    feed.play(source.frames)
    oracle = Oracle(source)
    for told in source.told:
        oracle.hear(list(told))
    for symbol, told in oracle.books.items():
        book = feed.engine.feeds[symbol].local.book
        bids, asks = book.top(1_000_000)
        assert (dict(bids), dict(asks)) == (told.bids, told.asks)
        assert book.depth > (6_000, 16_000)


def test_sides_of_the_captured_trades_agree_with_the_captured_book(new_feed):
    """Who takes buys at the ask and sells at the bid: the venue's side, which is the maker's, is the other one."""
    source = load()
    feed = new_feed(source.listings, rules=source.rules, wire=source.new_wire())
    feed.handler.on_time(source.frames[0].recv_ns)
    feed.handler.on_connected(source.symbols, 1)
    agreed: list[bool] = []
    for frame in source.frames:
        for symbol, event in source.new_wire().parse(frame.payload):
            book = feed.engine.feeds[symbol].local.book if symbol else None
            if isinstance(event, Trade) and not event.is_history and book is not None and book.mid is not None:
                agreed.append((event.price > book.mid) == (event.side == 1))
        feed.handler.on_frames([frame])
    assert len(agreed) > 70
    assert sum(agreed) / len(agreed) > 0.9
