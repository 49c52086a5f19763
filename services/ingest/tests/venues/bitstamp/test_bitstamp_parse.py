"""Bitstamp's wire format: recorded and documented shapes, damaged ones, what is listed, how streams are asked for."""

import json

import pytest

from foretick.common.errors import Malformed, RetryLater
from foretick.ingest.adapters.bitstamp.parse import BitstampWire, parse_markets, read_refusal
from foretick.ingest.adapters.bitstamp.streams import BitstampStreams, limits_of
from foretick.ingest.domain.events import Quiet, ShutdownNotice, Trade, Unknown, VenueError
from foretick.market.integrity import Snapshot

TRADE = (
    b'{"data":{"id":216000477,"timestamp":"1641343699","amount":0.0792,"amount_str":"0.07920000","price":3805.44,'
    b'"price_str":"3805.44","type":0,"microtimestamp":"1641343699596000","buy_order_id":1443875737346049,'
    b'"sell_order_id":1443875731320832},"channel":"live_trades_ethusd","event":"trade"}'
)
BOOK = (
    b'{"data":{"timestamp":"1641343695","microtimestamp":"1641343695681418","bids":[["3802.90","0.60000000"]],'
    b'"asks":[["3805.44","1.07920000"],["3805.50","2.00000000"]]},"channel":"order_book_ethusd","event":"data"}'
)


def parse(payload: bytes):
    (parsed,) = BitstampWire("bitstamp").parse(payload)
    return parsed


def changed(payload: bytes, old: str, new: str) -> bytes:
    assert old.encode() in payload
    return payload.replace(old.encode(), new.encode())


def test_trade_of_a_buyer_who_came_later_has_bought():
    assert parse(TRADE) == ("ethusd", Trade(3805.44, 0.0792, 1, 216000477, 1641343699596000_000))


def test_trade_of_the_other_type_has_sold():
    assert parse(changed(TRADE, '"type":0', '"type":1'))[1].side == -1


def test_book_is_whole_as_of_its_time():
    expected = Snapshot(
        1641343695681418, [(3802.9, 0.6)], [(3805.44, 1.0792), (3805.5, 2.0)], 1641343695681418_000
    )  # fmt: skip
    assert parse(BOOK) == ("ethusd", expected)


@pytest.mark.parametrize(
    ("payload", "notice"),
    [
        (b'{"event":"bts:request_reconnect","channel":"","data":""}', ShutdownNotice()),
        (b'{"event":"bts:subscription_succeeded","channel":"live_trades_ethusd","data":{}}', Quiet()),
        (b'{"event":"bts:unsubscription_succeeded","channel":"live_trades_ethusd","data":{}}', Quiet()),
        (b'{"event":"bts:heartbeat","channel":"","data":{"status":"success"}}', Quiet()),
        (b'{"event":"bts:error","channel":"","data":{"code":4009,"message":"Bad"}}', VenueError(4009, "Bad")),
        (
            b'{"event":"bts:error","channel":"","data":{"code":null,"message":"Bad subscription string."}}',
            VenueError(0, "Bad subscription string."),
        ),
        (b'{"event":"changed","channel":"live_orders_ethusd","data":{}}', Unknown("changed of live_orders_ethusd")),
        (b'{"event":"data","channel":"diff_order_book_ethusd","data":{}}', Unknown("data of diff_order_book_ethusd")),
        (b'{"event":"goodbye"}', Unknown("goodbye")),
    ],
)  # fmt: skip
def test_message_beside_the_market_is_a_notice(payload, notice):
    assert parse(payload) == ("", notice)


MALFORMED = {
    "empty": b"",
    "not json": b"hello",
    "torn": TRADE[:-20],
    "not utf-8": TRADE.replace(b"ethusd", b"\xff\xfe\xfd"),
    "list": b"[]",
    "deep": b"[" * 100_000,
    "no event": b'{"channel":"live_trades_ethusd"}',
    "no data": b'{"event":"data","channel":"order_book_ethusd"}',
    "no market": changed(BOOK, "order_book_ethusd", "order_book_"),
    "error without data": b'{"event":"bts:error","channel":"","data":""}',
    "nan price": changed(TRADE, '"3805.44"', '"NaN"'),
    "negative price": changed(TRADE, '"3805.44"', '"-3805.44"'),
    "price overflows": changed(TRADE, '"3805.44"', '"1e400"'),
    "zero trade": changed(TRADE, '"0.07920000"', '"0.00000000"'),
    "no such type": changed(TRADE, '"type":0', '"type":2'),
    "id as fraction": changed(TRADE, "216000477", "1.5"),
    "id beyond 2^53": changed(TRADE, "216000477", str(2**53 + 1)),
    "time beyond 2100": changed(TRADE, '"1641343699596000"', '"16413436995960000"'),
    "no time": changed(BOOK, '"microtimestamp":"1641343695681418",', ""),
    "level of one": changed(BOOK, '["3805.44","1.07920000"]', '["3805.44"]'),
    "negative quantity": changed(BOOK, '"1.07920000"', '"-1.07920000"'),
    "levels not a list": changed(BOOK, '[["3802.90","0.60000000"]]', '"none"'),
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_message_is_refused_with_its_bytes(payload):
    with pytest.raises(Malformed) as caught:
        parse(payload)
    assert caught.value.payload == payload
    assert caught.value.source == "bitstamp"


def test_reply_that_nothing_was_asked_for_is_malformed():
    with pytest.raises(Malformed, match="ethusd"):
        BitstampWire("bitstamp").parse_reply("ethusd", BOOK)


def markets(**fields) -> bytes:
    market = {
        "name": "BTC/USD", "market_symbol": "btcusd", "base_currency": "BTC", "base_decimals": 8,
        "counter_currency": "USD", "counter_decimals": 0, "minimum_order_value": "10", "trading": "Enabled",
        "instant_order_counter_decimals": 2, "instant_and_market_orders": "Enabled", "market_type": "SPOT",
    } | fields  # fmt: skip
    return json.dumps([market]).encode()


def test_listing_has_the_grid_of_its_decimals():
    (listing,) = parse_markets(markets(), "bitstamp")
    assert (listing.symbol, listing.base, listing.quote) == ("btcusd", "BTC", "USD")
    assert (listing.grid.tick_size, listing.grid.lot_size, listing.order_step_qty) == (1.0, 1e-8, 1e-8)
    assert listing.aliases == ["BTC-USD", "BTC/USD", "BTCUSD"]


@pytest.mark.parametrize("fields", [{"trading": "Disabled"}, {"market_type": "PERPETUAL"}])
def test_what_cannot_be_followed_is_not_listed(fields):
    assert parse_markets(markets(**fields), "bitstamp") == []


@pytest.mark.parametrize("fields", [{"base_decimals": -1}, {"counter_decimals": None}, {"market_symbol": ""}])
def test_market_without_a_grid_or_a_name_is_malformed(fields):
    with pytest.raises(Malformed):
        parse_markets(markets(**fields), "bitstamp")


def test_refusal_of_a_rest_request_is_read():
    old = b'{"status":"error","reason":"Missing key","code":"API0001"}'
    new = b'{"response_code":"400.003","response_explanation":"Trading for provided market is disabled."}'
    assert read_refusal(old) == ("API0001", "Missing key")
    assert read_refusal(new) == ("400.003", "Trading for provided market is disabled.")
    assert read_refusal(markets()) is None
    assert read_refusal(b"{}") is None


def test_whoever_asks_too_often_is_told_to_wait():
    with pytest.raises(RetryLater):
        read_refusal(
            b'{"response_code":"400.002","response_explanation":"Request rejected due to exceeded rate limit."}'
        )


def test_streams_are_asked_for_by_market_and_channel():
    plan = BitstampStreams("wss://host", limits_of(30.0))
    assert plan.url(["btcusd"]) == "wss://host"
    channels = [json.loads(request)["data"]["channel"] for request in plan.opening(["btcusd", "ethusd"])]
    assert channels == ["order_book_btcusd", "order_book_ethusd", "live_trades_btcusd", "live_trades_ethusd"]
    left = [json.loads(request) for request in plan.unsubscribe(["ethusd"])]
    assert {request["event"] for request in left} == {"bts:unsubscribe"}


def test_connection_is_replaced_before_it_is_90_days_old_and_kept_alive():
    limits = limits_of(30.0)
    assert limits.lifetime_s is not None
    assert limits.lifetime_s < 90 * 86_400
    assert limits.keepalive is not None
    assert json.loads(limits.keepalive[0]) == {"event": "bts:heartbeat"}
