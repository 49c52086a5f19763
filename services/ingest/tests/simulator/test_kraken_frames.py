"""The simulated exchange's frames of Kraken's protocol: by hand, against documented ones, and through the connector."""

import json
from collections.abc import Callable

import pytest

from foretick.ingest.adapters.kraken.parse import KrakenWire, parse_pairs, read_refusal
from foretick.ingest.domain import exchange_kraken as kraken
from foretick.ingest.domain.events import Maintenance, Quiet, Trade, VenueError
from foretick.ingest.domain.exchange_book import PublishedBook, window_changes
from foretick.ingest.domain.exchange_events import TradeEvent
from foretick.ingest.domain.listing import choose_listings
from foretick.market.integrity import Delta, Snapshot
from foretick.market.simulation import LISTINGS

from .shapes import shapes

WIRE = kraken.KrakenInstrumentWire(LISTINGS["BTCUSDT"])
AT_NS = 1_696_613_755_440_295_000
"""2023-10-06T17:35:55.440295Z, by ``date -u -d 2023-10-06T17:35:55 +%s``."""

TRADES = [TradeEvent(0, AT_NS, AT_NS, 7, (6508367, 1034), 1), TradeEvent(0, AT_NS, AT_NS, 8, (6508360, 200_000), -1)]
BOOK = ([(6508366, 20371), (6508360, 5)], [(6508367, 100_000)])
RESULT = {"channel": "ticker", "symbol": "BTC/USD", "snapshot": True}

WRITTEN = {
    "ws_book_snapshot": WIRE.book(AT_NS, BOOK, 2439117997, is_snapshot=True),
    "ws_trade_update": WIRE.trades(TRADES, is_snapshot=False),
    "ws_subscribe_response": kraken.subscribed(RESULT, AT_NS, 1),
    "ws_pong": kraken.pong(AT_NS, 42),
    "http_asset_pairs": kraken.pairs([LISTINGS["BTCUSDT"]]),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_frames_have_the_shapes_of_documented_ones(venue_message: Callable[[str], bytes], name: str):
    documented, written = (
        each.replace(b'"limit"', b'"market"') for each in (venue_message(f"kraken/{name}.json"), WRITTEN[name])
    )
    if name == "http_asset_pairs":
        assert keys_of(written) == keys_of(documented)
    else:
        assert shapes([written]) == shapes([documented])


def keys_of(payload: bytes) -> list:
    body = json.loads(payload)
    return [list(body), [list(pair) for pair in list(body["result"].values())[:1]]]


def test_update_has_the_documented_bytes():
    assert WIRE.book(AT_NS, ([(4528350, 10000)], [(4528520, 0)]), 3310070434, is_snapshot=False) == (
        b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USDT","bids":[{"price":45283.50,"qty":0.10000}],'
        b'"asks":[{"price":45285.20,"qty":0.00000}],"checksum":3310070434,"timestamp":"2023-10-06T17:35:55.440295Z"}]}'
    )


def test_checksum_is_of_the_ten_best_levels():
    bids = [
        (452835, 10000000), (452834, 154582015), (452821, 10000000), (452810, 10000000), (452803, 154592586),
        (452790, 7990000), (452776, 3310103), (452775, 30000000), (452773, 154602737), (452766, 15445238),
    ]  # fmt: skip
    asks = [
        (452852, 100000), (452864, 154571953), (452866, 154571109), (452896, 154560911), (452902, 15890660),
        (452918, 154553491), (452947, 4454749), (452961, 35380000), (452975, 9945542), (452995, 18772827),
    ]  # fmt: skip
    documented = 3310070434  # Kraken, "Book checksum (WebSocket v2)", the example of BTC/USD
    assert kraken.checksum(bids, asks) == documented
    assert kraken.checksum([*bids, (452000, 1)], [*asks, (453000, 1)]) == documented
    assert kraken.checksum([*bids[:9], (452766, 15445239)], asks) != documented


def parsed(payload: bytes) -> list:
    return list(KrakenWire("sim-kraken").parse(payload))


def test_connector_reads_what_was_written():
    bids, asks = [(65083.66, 0.20371), (65083.6, 0.00005)], [(65083.67, 1.0)]
    assert parsed(WRITTEN["ws_book_snapshot"]) == [("BTC/USDT", Snapshot(0, bids, asks, AT_NS, 2439117997))]
    update = WIRE.book(AT_NS, ([(6508366, 0)], []), 5, is_snapshot=False)
    assert parsed(update) == [("BTC/USDT", Delta(0, 0, [(65083.66, 0.0)], [], AT_NS, None, 5))]
    assert parsed(WIRE.trades(TRADES, is_snapshot=True)) == [
        ("BTC/USDT", Trade(65083.67, 0.01034, 1, 7, AT_NS, is_history=True)),
        ("BTC/USDT", Trade(65083.6, 2.0, -1, 8, AT_NS, is_history=True)),
    ]
    for quiet in (WRITTEN["ws_pong"], WRITTEN["ws_subscribe_response"], kraken.HEARTBEAT):
        assert parsed(quiet) == [("", Quiet())]
    assert parsed(kraken.unsubscribed(RESULT, AT_NS, None)) == [("", Quiet())]
    assert parsed(kraken.STATUS) == [("", Maintenance(""))]
    refusal = kraken.refused("subscribe", "Currency pair not supported", AT_NS, None, "X/Y")
    assert parsed(refusal) == [("", VenueError(0, "subscribe X/Y Currency pair not supported"))]


def test_pairs_are_read_and_every_simulated_symbol_is_found():
    listings = parse_pairs(kraken.pairs(LISTINGS.values()), "sim-kraken")
    found, missing = choose_listings(listings, list(LISTINGS))
    assert [each.symbol for each in found] == [f"{each.base}/{each.quote}" for each in LISTINGS.values()]
    assert missing == []
    assert [each.grid.tick_size for each in found] == [float(each.tick_size) for each in LISTINGS.values()]
    assert [each.grid.lot_size for each in found] == [float(each.lot_size) for each in LISTINGS.values()]
    assert read_refusal(kraken.rest_error("EQuery:Unknown method")) == ("EQuery", "EQuery:Unknown method")


def test_window_of_a_book_is_rebuilt_from_what_is_told_of_it():
    """Who keeps the best two of each side, and forgets what falls out, has the exchange's best two."""
    book, kept = PublishedBook([(9, 1), (8, 1), (7, 1)], [(10, 1), (11, 1), (12, 1)]), {9: 1, 8: 1}
    for changes in ([(9, 0)], [(9, 4), (8, 2)], [(6, 3)], [(9, 0), (8, 0)], [(13, 1), (14, 2)]):
        before = book.top(2)[0]
        book.apply(changes, [])
        after = book.top(2)[0]
        for ticks, lots in window_changes(before, after, changes):
            kept[ticks] = lots
        kept = dict(sorted(((t, q) for t, q in kept.items() if q), reverse=True)[:2])
        assert list(kept.items()) == after
