"""Coinbase's wire format: real shapes, damaged ones, what is listed, and how its streams are asked for."""

import json

import pytest

from foretick.common.errors import Malformed
from foretick.ingest.adapters.coinbase.parse import CoinbaseWire, parse_products, parse_time_ns, read_refusal
from foretick.ingest.adapters.coinbase.streams import CoinbaseStreams, limits_of
from foretick.ingest.domain.events import Maintenance, Numbered, Quiet, Trade, Unknown, VenueError
from foretick.market.integrity import Delta, Snapshot

T_NS = 1786309548_170326_000
"""2026-08-09T21:05:48.170326Z, by ``date -u -d 2026-08-09T21:05:48 +%s``."""


def level(side: str, price: str, qty: str) -> dict:
    return {"side": side, "event_time": "2026-08-09T21:05:48.170326Z", "price_level": price, "new_quantity": qty}


def message(channel: str, *events: dict, number: int = 13) -> bytes:
    text = {"channel": channel, "timestamp": "2026-08-09T21:05:48.483587501Z", "sequence_num": number}
    return json.dumps(text | {"events": list(events)}, separators=(",", ":")).encode()


LEVELS = [level("bid", "65083.66", "0.20371215"), level("offer", "65083.67", "0.24290402")]
SNAPSHOT = message("l2_data", {"type": "snapshot", "product_id": "BTC-USD", "updates": LEVELS})
UPDATE = message("l2_data", {"type": "update", "product_id": "BTC-USD", "updates": [level("bid", "65061.91", "0")]})


def trade(trade_id: int, side: str = "SELL", price: str = "65083.67") -> dict:
    return {
        "product_id": "BTC-USD", "trade_id": str(trade_id), "price": price, "size": "0.01034361",
        "time": "2026-08-09T21:05:48.170326Z", "side": side,
    }  # fmt: skip


TRADES = message(
    "market_trades", {"type": "update", "trades": [trade(1068572096, "BUY", "65083.66"), trade(1068572095)]}
)


def parse(payload: bytes) -> list:
    number, *events = CoinbaseWire("coinbase").parse(payload)
    assert number == ("", Numbered(13))
    return events


def changed(payload: bytes, old: str, new: str) -> bytes:
    assert old.encode() in payload
    return payload.replace(old.encode(), new.encode())


def test_snapshot_is_a_full_book_without_an_id():
    assert parse(SNAPSHOT) == [("BTC-USD", Snapshot(0, [(65083.66, 0.20371215)], [(65083.67, 0.24290402)], T_NS))]


def test_update_removes_levels_of_quantity_zero():
    assert parse(UPDATE) == [("BTC-USD", Delta(0, 0, [(65061.91, 0.0)], [], T_NS))]


def test_level_from_before_the_venues_clock_has_no_time():
    payload = changed(UPDATE, "2026-08-09T21:05:48.170326Z", "1970-01-01T00:00:00Z")
    assert parse(payload)[0][1].ts_event_ns is None


def test_trades_come_oldest_first_with_the_side_of_who_took():
    assert parse(TRADES) == [
        ("BTC-USD", Trade(65083.67, 0.01034361, 1, 1068572095, T_NS)),  # the seller made: who took has bought
        ("BTC-USD", Trade(65083.66, 0.01034361, -1, 1068572096, T_NS)),
    ]


def test_trades_of_a_snapshot_are_history():
    payload = message("market_trades", {"type": "snapshot", "trades": [trade(7), trade(6)]})
    assert [(event.trade_id, event.is_history) for _, event in parse(payload)] == [(6, True), (7, True)]


def test_every_message_begins_with_its_number_whatever_its_channel():
    wire = CoinbaseWire("coinbase")
    for number, payload in enumerate((
        message("heartbeats", {"current_time": "2026-08-09 21:05:48 +0000 UTC m=+41691.26", "heartbeat_counter": 4},
                number=0),
        message("subscriptions", {"subscriptions": {"level2": ["BTC-USD"]}}, number=1),
        message("candles", {"type": "update", "candles": []}, number=2),
    )):  # fmt: skip
        assert wire.parse(payload)[0] == ("", Numbered(number))


def test_what_is_not_of_a_market_is_a_notice():
    assert parse(message("heartbeats", {"heartbeat_counter": 4})) == [("", Quiet())]
    assert parse(message("subscriptions", {"subscriptions": {}})) == [("", Quiet())]
    assert parse(message("candles", {"type": "update"})) == [("", Unknown("candles"))]


@pytest.mark.parametrize(
    ("payload", "notice"),
    [
        (
            b'{"type":"error","message":"Failed to subscribe","reason":"X is not a valid product"}',
            VenueError(0, "Failed to subscribe: X is not a valid product"),
        ),
        (b'{"type":"error","message":"authentication failure"}', VenueError(0, "authentication failure")),
        (b'{"type":"goodbye"}', Unknown("goodbye")),
        (b"{}", Unknown("nameless")),
    ],
)
def test_refusal_has_no_number(payload, notice):
    assert CoinbaseWire("coinbase").parse(payload) == (("", notice),)


def status(**statuses: str) -> bytes:
    products = [{"id": f"{name}-USD", "status": value, "status_message": ""} for name, value in statuses.items()]
    return message("status", {"type": "snapshot", "products": products})


def test_halted_products_are_maintenance_until_they_are_online_again():
    wire = CoinbaseWire("coinbase")
    said = [wire.parse(payload)[1:] for payload in (status(BTC="online", ETH="offline"), status(BTC="online"))]
    assert said == [[("", Maintenance("ETH-USD is offline"))]] * 2
    assert wire.parse(status(BTC="delisted"))[1] == ("", Maintenance("BTC-USD is delisted, ETH-USD is offline"))
    assert wire.parse(status(BTC="online", ETH="online"))[1] == ("", Maintenance(""))


def test_reason_of_a_halt_is_told():
    payload = changed(status(BTC="offline"), '"status_message":""', '"status_message":"upgrade"')
    assert parse(payload) == [("", Maintenance("BTC-USD is offline: upgrade"))]


MALFORMED = {
    "empty": b"",
    "not json": b"hello",
    "torn": UPDATE[:-20],
    "not utf-8": UPDATE.replace(b"BTC", b"\xff\xfe\xfd"),
    "list": b"[]",
    "deep": b"[" * 100_000,
    "no number": changed(UPDATE, '"sequence_num":13,', ""),
    "number as text": changed(UPDATE, '"sequence_num":13', '"sequence_num":"13"'),
    "negative number": changed(UPDATE, '"sequence_num":13', '"sequence_num":-1'),
    "no events": b'{"channel":"l2_data","sequence_num":13}',
    "events not a list": b'{"channel":"l2_data","sequence_num":13,"events":{}}',
    "no such kind": changed(UPDATE, '"update"', '"upsert"'),
    "no such side": changed(UPDATE, '"bid"', '"buy"'),
    "nan price": changed(UPDATE, "65061.91", "NaN"),
    "infinite price": changed(UPDATE, "65061.91", "Infinity"),
    "negative price": changed(UPDATE, "65061.91", "-65061.91"),
    "zero price": changed(UPDATE, '"65061.91"', '"0"'),
    "price overflows": changed(UPDATE, "65061.91", "1e400"),
    "negative quantity": changed(UPDATE, '"new_quantity":"0"', '"new_quantity":"-1"'),
    "null quantity": changed(UPDATE, '"new_quantity":"0"', '"new_quantity":null'),
    "no product": changed(UPDATE, '"product_id":"BTC-USD",', ""),
    "nameless product": changed(UPDATE, '"BTC-USD"', '""'),
    "no time zone": changed(UPDATE, "170326Z", "170326"),
    "time beyond 2100": changed(UPDATE, "2026-", "2126-"),
    "zero trade": changed(TRADES, "0.01034361", "0"),
    "trade id beyond 2^53": changed(TRADES, "1068572095", str(2**53 + 1)),
    "trade without a side": changed(TRADES, '"BUY"', '""'),
    "trade before 1970": changed(TRADES, "2026-", "1926-"),
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_message_is_refused_with_its_bytes(payload):
    with pytest.raises(Malformed) as caught:
        CoinbaseWire("coinbase").parse(payload)
    assert caught.value.payload == payload
    assert caught.value.source == "coinbase"


def test_reply_that_nothing_was_asked_for_is_malformed():
    with pytest.raises(Malformed, match="BTC-USD"):
        CoinbaseWire("coinbase").parse_reply("BTC-USD", b"{}")


def product(**fields) -> dict:
    usual = {
        "product_id": "BTC-USD", "base_increment": "0.00000001", "quote_increment": "0.01", "price_increment": "0.01",
        "base_min_size": "0.0001", "status": "online", "trading_disabled": False, "product_type": "SPOT",
        "quote_currency_id": "USD", "base_currency_id": "BTC", "alias": "", "alias_to": ["BTC-USDC"],
    }  # fmt: skip
    return usual | fields


def products(*entries: dict) -> bytes:
    return json.dumps({"products": list(entries), "num_products": len(entries)}).encode()


def test_listing_has_the_venues_increments_and_its_alias():
    (listing,) = parse_products(products(product()), "coinbase")
    assert (listing.symbol, listing.base, listing.quote) == ("BTC-USD", "BTC", "USD")
    assert (listing.grid.tick_size, listing.grid.lot_size) == (0.01, 1e-8)
    assert (listing.order_step_qty, listing.min_order_qty) == (1e-8, 1e-4)
    assert listing.aliases == ["BTC-USDC", "BTC/USD", "BTCUSD"]


def test_aliases_delisted_products_and_futures_are_not_listed():
    payload = products(
        product(product_id="BTC-USDC", alias="BTC-USD", alias_to=[]),
        product(product_id="OLD-USD", status="delisted", trading_disabled=True),
        product(product_id="BIP-20DEC30-CDE", status="", product_type="FUTURE", base_currency_id=""),
    )
    assert parse_products(payload, "coinbase") == []


@pytest.mark.parametrize("fields", [{"price_increment": "0"}, {"base_increment": ""}, {"product_id": ""}])
def test_listing_without_a_grid_or_a_name_is_malformed(fields):
    with pytest.raises(Malformed):
        parse_products(products(product(**fields)), "coinbase")


def test_clock_is_read():
    payload = b'{"iso":"2026-08-09T21:05:48Z","epochSeconds":"1786309548","epochMillis":"1786309548170"}'
    assert parse_time_ns(payload, "coinbase") == 1786309548170_000_000


def test_refusal_of_a_rest_request_is_read():
    refusal = b'{"error":"NOT_FOUND","error_details":"no such product","message":"no such product"}'
    assert read_refusal(refusal) == ("NOT_FOUND", "no such product")
    assert read_refusal(b"<html>") is None
    assert read_refusal(products()) is None


@pytest.mark.parametrize("file", ["ws_l2_data_snapshot", "ws_l2_data_update", "ws_market_trades"])
def test_messages_of_the_current_protocol_are_read(venue_message, file):
    number, *events = CoinbaseWire("coinbase").parse(venue_message(f"coinbase/{file}.json"))
    assert isinstance(number[1], Numbered)
    assert {symbol for symbol, _ in events} == {"BTC-USD"}


@pytest.mark.parametrize("file", ["ws_heartbeats", "ws_subscriptions"])
def test_messages_beside_the_market_are_quiet(venue_message, file):
    assert CoinbaseWire("coinbase").parse(venue_message(f"coinbase/{file}.json"))[1:] == (("", Quiet()),)


def test_listings_of_the_current_protocol_are_read(venue_message):
    listings = parse_products(venue_message("coinbase/http_products.json"), "coinbase")
    assert {"BTC-USD", "ETH-USD"} & {listing.symbol for listing in listings}


def test_streams_are_asked_for_by_channel():
    plan = CoinbaseStreams("wss://host", limits_of(30.0))
    assert plan.url(["BTC-USD"]) == "wss://host"
    requests = [json.loads(request) for request in plan.opening(["BTC-USD", "ETH-USD"])]
    assert requests[0] == {"type": "subscribe", "channel": "heartbeats"}
    assert [request["channel"] for request in requests[1:]] == ["level2", "market_trades", "status"]
    assert all(request["product_ids"] == ["BTC-USD", "ETH-USD"] for request in requests[1:])
    left = [json.loads(request) for request in plan.unsubscribe(["ETH-USD"])]
    assert {(request["type"], *request["product_ids"]) for request in left} == {("unsubscribe", "ETH-USD")}


def test_book_is_renewed_by_subscribing_anew():
    requests = [json.loads(request) for request in CoinbaseStreams("wss://host", limits_of(30.0)).renew("BTC-USD")]
    assert [(request["type"], request["channel"]) for request in requests] == [
        ("unsubscribe", "level2"), ("subscribe", "level2"),
    ]  # fmt: skip
