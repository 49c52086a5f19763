"""Kraken's wire format v2: documented shapes, damaged ones, what is listed, and how its streams are asked for."""

import json

import pytest

from foretick.common.errors import Malformed, RetryLater, Transient
from foretick.ingest.adapters.kraken.parse import KrakenWire, parse_pairs, read_refusal
from foretick.ingest.adapters.kraken.streams import KrakenStreams, limits_of
from foretick.ingest.domain.events import Maintenance, Quiet, Trade, Unknown, VenueError
from foretick.market.integrity import Delta, Snapshot

T_NS = 1696613755_440_295_000
"""2023-10-06T17:35:55.440295Z, by ``date -u -d 2023-10-06T17:35:55 +%s``."""


def message(channel: str, kind: str, *data: dict) -> bytes:
    return json.dumps({"channel": channel, "type": kind, "data": list(data)}, separators=(",", ":")).encode()


def book(kind: str, **fields) -> bytes:
    usual = {
        "symbol": "BTC/USD", "bids": [{"price": 45283.5, "qty": 0.1}], "asks": [{"price": 45285.2, "qty": 0}],
        "checksum": 3310070434, "timestamp": "2023-10-06T17:35:55.440295Z",
    }  # fmt: skip
    return message("book", kind, usual | fields)


def trade(trade_id: int, side: str = "sell") -> dict:
    return {
        "symbol": "BTC/USD", "side": side, "price": 105944.2, "qty": 0.00027625, "ord_type": "limit",
        "trade_id": trade_id, "timestamp": "2023-10-06T17:35:55.440295Z",
    }  # fmt: skip


UPDATE = book("update")
TRADES = message("trade", "update", trade(10218208, "buy"), trade(10218209))


def parse(payload: bytes) -> list:
    return list(KrakenWire("kraken").parse(payload))


def changed(payload: bytes, old: str, new: str) -> bytes:
    assert old.encode() in payload
    return payload.replace(old.encode(), new.encode())


def test_snapshot_is_a_full_book_with_its_checksum():
    expected = Snapshot(0, [(45283.5, 0.1)], [(45285.2, 0.0)], T_NS, 3310070434)
    assert parse(book("snapshot")) == [("BTC/USD", expected)]


def test_update_is_a_delta_with_the_checksum_after_it():
    expected = Delta(0, 0, [(45283.5, 0.1)], [(45285.2, 0.0)], T_NS, None, 3310070434)
    assert parse(UPDATE) == [("BTC/USD", expected)]


def test_update_of_one_side_may_leave_out_the_other():
    payload = message("book", "update", {"symbol": "BTC/USD", "asks": [{"price": 2, "qty": 1}], "checksum": 7})
    assert parse(payload) == [("BTC/USD", Delta(0, 0, [], [(2.0, 1.0)], checksum=7))]


def test_trades_have_the_side_of_who_took():
    assert parse(TRADES) == [
        ("BTC/USD", Trade(105944.2, 0.00027625, 1, 10218208, T_NS)),
        ("BTC/USD", Trade(105944.2, 0.00027625, -1, 10218209, T_NS)),
    ]


def test_trades_of_a_snapshot_are_history_oldest_first():
    payload = message("trade", "snapshot", trade(9), trade(8))
    assert [(event.trade_id, event.is_history) for _, event in parse(payload)] == [(8, True), (9, True)]


def status(system: str) -> bytes:
    data = {"api_version": "v2", "connection_id": 12393906104898154338, "system": system, "version": "2.0.0"}
    return message("status", "update", data)


@pytest.mark.parametrize(
    ("payload", "notice"),
    [
        (status("online"), Maintenance("")),
        (status("maintenance"), Maintenance("the exchange is in maintenance")),
        (status("cancel_only"), Maintenance("the exchange is in cancel_only")),
        (b'{"channel":"heartbeat"}', Quiet()),
        (b'{"method":"pong","req_id":42,"time_in":"2023-09-25T09:05:00Z","time_out":"2023-09-25T09:05:00Z"}', Quiet()),
        (b'{"method":"subscribe","result":{"channel":"book","symbol":"BTC/USD"},"success":true}', Quiet()),
        (
            b'{"error":"Currency pair not supported","method":"subscribe","success":false,"symbol":"X/Y"}',
            VenueError(0, "subscribe X/Y Currency pair not supported"),
        ),
        (b'{"error":"Malformed request","success":false}', VenueError(0, "Malformed request")),
        (b'{"channel":"ohlc","type":"update","data":[{"symbol":"BTC/USD"}]}', Unknown("ohlc")),
        (b"{}", Unknown("nameless")),
    ],
)
def test_message_beside_the_market_is_a_notice(payload, notice):
    assert parse(payload) == [("", notice)]


MALFORMED = {
    "empty": b"",
    "not json": b"hello",
    "torn": UPDATE[:-20],
    "not utf-8": UPDATE.replace(b"BTC", b"\xff\xfe\xfd"),
    "list": b"[]",
    "deep": b"[" * 100_000,
    "no such type": changed(UPDATE, '"update"', '"upsert"'),
    "no data": b'{"channel":"book","type":"update"}',
    "data not a list": b'{"channel":"book","type":"update","data":{}}',
    "price as text": changed(UPDATE, "45283.5", '"45283.5"'),
    "nan price": changed(UPDATE, "45283.5", "NaN"),
    "negative price": changed(UPDATE, "45283.5", "-45283.5"),
    "zero price": changed(UPDATE, "45283.5", "0"),
    "price overflows": changed(UPDATE, "45283.5", "1e400"),
    "negative quantity": changed(UPDATE, '"qty":0.1', '"qty":-0.1'),
    "no checksum": changed(UPDATE, '"checksum":3310070434,', ""),
    "checksum beyond 32 bits": changed(UPDATE, "3310070434", "33100704340"),
    "no symbol": changed(UPDATE, '"symbol":"BTC/USD",', ""),
    "no time zone": changed(UPDATE, "440295Z", "440295"),
    "time beyond 2100": changed(UPDATE, "2023-", "2123-"),
    "zero trade": changed(TRADES, "0.00027625", "0"),
    "trade id as text": changed(TRADES, "10218208", '"10218208"'),
    "trade id beyond 2^53": changed(TRADES, "10218208", str(2**53 + 1)),
    "no such side": changed(TRADES, '"buy"', '"b"'),
    "nameless status": status(""),
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_message_is_refused_with_its_bytes(payload):
    with pytest.raises(Malformed) as caught:
        parse(payload)
    assert caught.value.payload == payload
    assert caught.value.source == "kraken"


def test_reply_that_nothing_was_asked_for_is_malformed():
    with pytest.raises(Malformed, match="BTC/USD"):
        KrakenWire("kraken").parse_reply("BTC/USD", b"{}")


def pairs(**fields) -> bytes:
    pair = {
        "altname": "XBTUSD", "wsname": "XBT/USD", "base": "XXBT", "quote": "ZUSD", "pair_decimals": 1,
        "lot_decimals": 8, "ordermin": "0.00005", "tick_size": "0.5", "status": "online",
    } | fields  # fmt: skip
    return json.dumps({"error": [], "result": {"XXBTZUSD": pair}}).encode()


def test_listing_goes_by_its_name_on_the_stream_and_is_as_fine_as_what_is_printed():
    (listing,) = parse_pairs(pairs(), "kraken")
    assert (listing.symbol, listing.base, listing.quote) == ("BTC/USD", "BTC", "USD")
    assert (listing.grid.tick_size, listing.grid.lot_size) == (0.1, 1e-8)
    assert (listing.order_step_qty, listing.min_order_qty) == (1e-8, 0.00005)
    assert listing.aliases == ["XBTUSD", "XBT/USD", "XXBTZUSD", "BTC-USD", "BTCUSD"]


@pytest.mark.parametrize("fields", [{"wsname": ""}, {"status": "delisted"}, {"status": "work_in_progress"}])
def test_pair_without_a_stream_is_not_listed(fields):
    assert parse_pairs(pairs(**fields), "kraken") == []


@pytest.mark.parametrize("fields", [{"pair_decimals": -1}, {"pair_decimals": 19}, {"lot_decimals": None}])
def test_pair_without_a_grid_is_malformed(fields):
    with pytest.raises(Malformed):
        parse_pairs(pairs(**fields), "kraken")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("EAPI:Rate limit exceeded", RetryLater),
        ("EService:Unavailable", Transient),
        ("EGeneral:Temporary lockout", Transient),
    ],
)
def test_trouble_of_the_moment_is_no_refusal(error, kind):
    with pytest.raises(kind, match=error):
        read_refusal(json.dumps({"error": [error]}).encode())


def test_refusal_of_a_rest_request_is_read():
    assert read_refusal(b'{"error":["EQuery:Unknown asset pair"]}') == ("EQuery", "EQuery:Unknown asset pair")
    assert read_refusal(pairs()) is None
    assert read_refusal(b"<html>") is None


@pytest.mark.parametrize(
    ("file", "events"),
    [("ws_book_snapshot", [Snapshot]), ("ws_book_update", [Delta]), ("ws_trade_update", [Trade, Trade])],
)
def test_messages_of_the_current_protocol_are_read(venue_message, file, events):
    parsed = parse(venue_message(f"kraken/{file}.json"))
    assert [type(event) for _, event in parsed] == events
    assert {symbol for symbol, _ in parsed} == {"BTC/USD"}


@pytest.mark.parametrize("file", ["ws_pong", "ws_subscribe_response"])
def test_messages_beside_the_market_are_quiet(venue_message, file):
    assert parse(venue_message(f"kraken/{file}.json")) == [("", Quiet())]


def test_listings_of_the_current_protocol_are_read(venue_message):
    listings = parse_pairs(venue_message("kraken/http_asset_pairs.json"), "kraken")
    assert [(listing.symbol, listing.grid.tick_size) for listing in listings] == [("BTC/USDT", 0.1)]


def test_streams_are_asked_for_by_channel():
    plan = KrakenStreams("wss://host", limits_of(30.0), 1000)
    assert plan.url(["BTC/USD"]) == "wss://host/v2"
    requests = [json.loads(request) for request in plan.opening(["BTC/USD", "ETH/USD"])]
    symbols = ["BTC/USD", "ETH/USD"]
    assert requests == [
        {"method": "subscribe", "params": {"channel": "book", "symbol": symbols, "depth": 1000, "snapshot": True}},
        {"method": "subscribe", "params": {"channel": "trade", "symbol": symbols, "snapshot": True}},
    ]
    left = [json.loads(request) for request in plan.unsubscribe(["ETH/USD"])]
    assert [(request["method"], request["params"]["channel"]) for request in left] == [
        ("unsubscribe", "book"), ("unsubscribe", "trade"),
    ]  # fmt: skip


def test_book_is_renewed_by_subscribing_anew():
    requests = [json.loads(request) for request in KrakenStreams("wss://host", limits_of(30.0), 10).renew("BTC/USD")]
    assert [(request["method"], request["params"]["depth"]) for request in requests] == [
        ("unsubscribe", 10), ("subscribe", 10),
    ]  # fmt: skip
