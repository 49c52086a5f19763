"""The simulated exchange's frames of Coinbase's protocol: by hand, against recorded ones, and through the connector."""

import json
from collections.abc import Iterable

import pytest

from foretick.ingest.adapters.coinbase.parse import CoinbaseWire, parse_products, parse_time_ns, read_refusal
from foretick.ingest.domain import exchange_coinbase as coinbase
from foretick.ingest.domain.events import Maintenance, Numbered, Trade, VenueError
from foretick.ingest.domain.exchange_events import TradeEvent
from foretick.ingest.domain.listing import choose_listings
from foretick.market.integrity import Delta, Snapshot
from foretick.market.simulation import LISTINGS

from ..venues.conformance.captures import captured, request_body
from .shapes import shape, shapes

_FILE = "COINBASE.jsonl.zst"
WIRE = coinbase.CoinbaseInstrumentWire(LISTINGS["BTCUSDT"])
AT_NS = 1_786_309_548_170_326_000
"""2026-08-09T21:05:48.170326Z, by ``date -u -d 2026-08-09T21:05:48 +%s``."""

TRADES = [TradeEvent(0, AT_NS, AT_NS, 7, (6508367, 1034), 1), TradeEvent(0, AT_NS, AT_NS, 8, (6508360, 200_000), -1)]


def sent() -> dict[str, list[bytes]]:
    """A message of each kind, by its channel and type; the numbers of prices and quantities have zeros to leave out."""
    bids, asks = [(6508366, 20371), (6508360, 5)], [(6508367, 100_000)]
    events = {
        ("level2", "snapshot"): WIRE.book(AT_NS, bids, asks, is_snapshot=True),
        ("level2", "update"): WIRE.book(AT_NS, [(6508366, 0)], asks, is_snapshot=False),
        ("market_trades", "snapshot"): WIRE.trades(TRADES, is_snapshot=True),
        ("market_trades", "update"): WIRE.trades(TRADES[:1], is_snapshot=False),
        ("heartbeats", ""): coinbase.heartbeat(AT_NS + 1, 41691),
        ("subscriptions", ""): coinbase.subscriptions({"level2": ["BTC-USDT"], "heartbeats": ["heartbeats"]}),
    }
    return kinds_of(coinbase.message(name, AT_NS, 3, written) for (name, _), written in events.items())


def kinds_of(payloads: Iterable[bytes]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for payload in payloads:
        message = json.loads(payload)
        found.setdefault(f"{message['channel']} {message['events'][0].get('type', '')}", []).append(payload)
    return found


def levels_of(payload: bytes) -> set[str]:
    return {json.dumps(shape(level)) for level in json.loads(payload)["events"][0]["updates"]}


def test_frames_have_the_shapes_of_recorded_ones():
    recorded, written = kinds_of(frame.payload for frame in captured(_FILE, lambda _: None)), sent()
    assert set(written) == set(recorded) - {"candles snapshot", "candles update", "ticker snapshot", "ticker update"}
    for kind, payloads in written.items():
        if kind.startswith("l2_data"):
            known = set().union(*(levels_of(payload) for payload in recorded[kind]))
            assert all(levels_of(payload) <= known for payload in payloads), kind
        elif kind == "subscriptions ":
            assert {json.dumps([key for key, _ in shape(json.loads(p))]) for p in payloads} == {
                json.dumps([key for key, _ in shape(json.loads(p))]) for p in recorded[kind]
            }
        else:
            known = {element for found in shapes(recorded[kind]) for element in loosened(found)}
            assert all(loosened(found) <= known for found in shapes(payloads)), kind


def loosened(found: str) -> set[str]:
    """The shape of a message, and of each trade of it by itself."""
    events = dict(json.loads(found))["events"]
    return {json.dumps([key for key, _ in json.loads(found)]), *inner_lists(events)}


def inner_lists(texts: list[str]) -> set[str]:
    elements: set[str] = set()
    for text in texts:
        for key, value in json.loads(text):
            elements |= {f"{key}: {each}" for each in value} if key == "trades" else {f"{key}: {value}"}
    return elements


def test_comparison_sees_another_order_another_type_and_another_way_to_print_a_number():
    right = b'{"trade_id":"7","price":"1.5","time":"2026-08-09T21:05:48.17Z"}'
    wrong = [
        b'{"price":"1.5","trade_id":"7","time":"2026-08-09T21:05:48.17Z"}',
        b'{"trade_id":7,"price":"1.5","time":"2026-08-09T21:05:48.17Z"}',
        b'{"trade_id":"7","price":"1.50","time":"2026-08-09T21:05:48.17Z"}',
        b'{"trade_id":"7","price":"1.5","time":"2026-08-09T21:05:48.170Z"}',
    ]
    assert all(shapes([each]) != shapes([right]) for each in wrong)


def test_update_has_the_recorded_bytes():
    events = coinbase.CoinbaseInstrumentWire(LISTINGS["BTCUSDT"]).book(AT_NS, [(6506250, 583)], [], is_snapshot=False)
    assert coinbase.message("level2", 1_786_309_548_505_350_477, 14, events) == (
        b'{"channel":"l2_data","timestamp":"2026-08-09T21:05:48.505350477Z","sequence_num":14,"events":[{"type":"update",'
        b'"product_id":"BTC-USDT","updates":[{"side":"bid","event_time":"2026-08-09T21:05:48.170326Z",'
        b'"price_level":"65062.5","new_quantity":"0.00583"}]}]}'
    )


def parsed(payload: bytes) -> list:
    number, *events = CoinbaseWire("sim-coinbase").parse(payload)
    assert number == ("", Numbered(3))
    return events


def test_connector_reads_what_was_written():
    written = {kind: parsed(payloads[0]) for kind, payloads in sent().items()}
    assert written["l2_data snapshot"] == [
        ("BTC-USDT", Snapshot(0, [(65083.66, 0.20371), (65083.6, 0.00005)], [(65083.67, 1.0)], AT_NS))
    ]
    assert written["l2_data update"] == [("BTC-USDT", Delta(0, 0, [(65083.66, 0.0)], [(65083.67, 1.0)], AT_NS))]
    assert written["market_trades snapshot"] == [
        ("BTC-USDT", Trade(65083.67, 0.01034, 1, 7, AT_NS, is_history=True)),
        ("BTC-USDT", Trade(65083.6, 2.0, -1, 8, AT_NS, is_history=True)),
    ]
    assert written["market_trades update"] == [("BTC-USDT", Trade(65083.67, 0.01034, 1, 7, AT_NS))]
    status = coinbase.message("status", AT_NS, 3, coinbase.status(LISTINGS.values()))
    assert parsed(status) == [("", Maintenance(""))]
    refusal = coinbase.error("Failed to subscribe", "X-Y is not a valid product")
    told = CoinbaseWire("sim-coinbase").parse(refusal)
    assert told == (("", VenueError(0, "Failed to subscribe: X-Y is not a valid product")),)


def test_rest_bodies_are_read_and_every_simulated_symbol_is_found():
    listings = parse_products(coinbase.products(LISTINGS.values()), "sim-coinbase")
    found, missing = choose_listings(listings, list(LISTINGS))
    assert [each.symbol for each in found] == [f"{each.base}-{each.quote}" for each in LISTINGS.values()]
    assert missing == []
    assert [each.grid.tick_size for each in found] == [float(each.tick_size) for each in LISTINGS.values()]
    assert [each.grid.lot_size for each in found] == [float(each.lot_size) for each in LISTINGS.values()]
    assert parse_time_ns(coinbase.server_time(AT_NS), "sim-coinbase") == AT_NS // 1_000_000 * 1_000_000
    assert read_refusal(coinbase.rest_error("NOT_FOUND", "no such path")) == ("NOT_FOUND", "no such path")


@pytest.mark.parametrize("symbol", ["BTCUSDT"])
def test_products_have_keys_of_recorded_ones_in_their_order(symbol: str):
    recorded = list(json.loads(request_body(_FILE, "products"))["products"][0])
    written = list(json.loads(coinbase.products([LISTINGS[symbol]]))["products"][0])
    assert [key for key in recorded if key in written] == written
