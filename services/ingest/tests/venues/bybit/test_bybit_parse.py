"""Bybit's wire format, V5: the venue's documented examples, real messages, and damaged ones."""

import json

import pytest

from foretick.common.errors import Malformed, RetryLater
from foretick.ingest.adapters.bybit.parse import BybitWire, parse_time_ns, read_refusal
from foretick.ingest.adapters.bybit.parse_listings import parse_page
from foretick.ingest.domain.events import DerivativeState, Liquidation, Quiet, Trade, Unknown, VenueError
from foretick.market.integrity import Delta, Snapshot

BOOK = (
    b'{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1786310818130,"data":{"s":"BTCUSDT","b":[["65093.10","0"]],'
    b'"a":[["65116.80","0.002"]],"u":15076953,"seq":753843917234},"cts":1786310818127}'
)
TRADES = (
    b'{"topic":"publicTrade.ETHUSDT","type":"snapshot","ts":1786310820347,"data":[{"T":1786310820346,"s":"ETHUSDT",'
    b'"S":"Buy","v":"0.01","p":"1922.50","L":"PlusTick","i":"19d7df56-4f10-5290-a969-d9d9f2c74cc3","BT":false,'
    b'"RPI":false,"seq":430879434439},{"T":1786310820347,"s":"ETHUSDT","S":"Sell","v":"1.30","p":"1922.40",'
    b'"L":"MinusTick","i":"4d4ad26c-901f-5146-adc0-1db29b6b9ab6","BT":false,"RPI":false,"seq":430879434440}]}'
)
TICKER = (
    b'{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","tickDirection":"PlusTick",'
    b'"lastPrice":"17216.00","markPrice":"17217.33","indexPrice":"17227.36","openInterest":"68744.761",'
    b'"nextFundingTime":"1673280000000","fundingRate":"-0.000212","bid1Price":"17215.50","bid1Size":"84.489"},'
    b'"cs":24987956059,"ts":1673272861686}'
)
LIQUIDATION = (
    b'{"topic":"allLiquidation.ROSEUSDT","type":"snapshot","ts":1739502303204,"data":[{"T":1739502302929,'
    b'"s":"ROSEUSDT","S":"Sell","v":"20000","p":"0.04499"}]}'
)
MS = 1_000_000


def parse(payload: bytes):
    return list(BybitWire("bybit").parse(payload))


def changed(payload: bytes, old: str, new: str) -> bytes:
    assert old.encode() in payload
    return payload.replace(old.encode(), new.encode())


def test_change_of_a_book_has_its_number_and_the_matching_engines_time():
    expected = Delta(15076953, 15076953, [(65093.1, 0.0)], [(65116.8, 0.002)], 1786310818127 * MS)
    assert parse(BOOK) == [("BTCUSDT", expected)]


def test_full_book_is_a_snapshot():
    ((_, book),) = parse(changed(BOOK, '"delta"', '"snapshot"'))
    assert book == Snapshot(15076953, [(65093.1, 0.0)], [(65116.8, 0.002)], 1786310818127 * MS)


def test_update_one_begins_the_book_anew_whatever_it_calls_itself():
    ((_, book),) = parse(changed(BOOK, '"u":15076953', '"u":1'))
    assert isinstance(book, Snapshot)


def test_each_trade_of_a_message_keeps_its_name():
    assert parse(TRADES) == [
        ("ETHUSDT", Trade(1922.5, 0.01, 1, None, 1786310820346 * MS, "19d7df56-4f10-5290-a969-d9d9f2c74cc3")),
        ("ETHUSDT", Trade(1922.4, 1.3, -1, None, 1786310820347 * MS, "4d4ad26c-901f-5146-adc0-1db29b6b9ab6")),
    ]


def test_full_ticker_tells_everything_and_a_delta_only_what_changed():
    state = DerivativeState(17217.33, 17227.36, -0.000212, 1673280000000 * MS, 68744.761, 1673272861686 * MS)
    assert parse(TICKER) == [("BTCUSDT", state)]
    delta = {"topic": "tickers.BTCUSDT", "type": "delta", "ts": 5, "data": {"symbol": "BTCUSDT", "markPrice": "17"}}
    assert parse(json.dumps(delta).encode()) == [("BTCUSDT", DerivativeState(mark_price=17.0, ts_event_ns=5 * MS))]


@pytest.mark.parametrize("data", [{"symbol": "BTCUSDT", "bid1Price": "1"}, {"symbol": "BTCUSDT", "fundingRate": ""}])
def test_ticker_without_anything_that_is_read_is_quiet(data):
    message = {"topic": "tickers.BTCUSDT", "type": "delta", "ts": 5, "data": data}
    assert parse(json.dumps(message).encode()) == [("", Quiet())]


@pytest.mark.parametrize(("position", "side"), [("Sell", 1), ("Buy", -1)])
def test_liquidated_position_is_closed_by_an_order_of_the_other_side(position, side):
    (parsed,) = parse(changed(LIQUIDATION, '"S":"Sell"', f'"S":"{position}"'))
    assert parsed == ("ROSEUSDT", Liquidation(0.04499, 20000.0, side, 1739502302929 * MS))


@pytest.mark.parametrize(
    ("payload", "notice"),
    [
        (b'{"success":true,"ret_msg":"","conn_id":"d8","req_id":"","op":"subscribe"}', Quiet()),
        (b'{"success":true,"ret_msg":"pong","conn_id":"0970e817","op":"ping"}', Quiet()),
        (
            b'{"success":false,"ret_msg":"Invalid topic: x","op":"subscribe"}',
            VenueError(0, "subscribe: Invalid topic: x"),
        ),
        (b'{"type":"snapshot","topic":"kline.1.BTCUSDT","data":[],"ts":1}', Unknown("kline")),
        (b"{}", Unknown("nameless")),
    ],
)
def test_message_beside_the_market_is_a_notice(payload, notice):
    assert parse(payload) == [("", notice)]


MALFORMED = {
    "empty": b"",
    "torn": BOOK[:-20],
    "list": b"[]",
    "deep": b"[" * 100_000,
    "no data": b'{"topic":"orderbook.200.BTCUSDT","type":"delta"}',
    "other symbol": changed(BOOK, '"s":"BTCUSDT"', '"s":"ETHUSDT"'),
    "no symbol": changed(changed(BOOK, "orderbook.200.BTCUSDT", "orderbook"), '"s":"BTCUSDT"', '"s":""'),
    "other type": changed(BOOK, '"delta"', '"image"'),
    "nan": changed(BOOK, "65093.10", "nan"),
    "negative": changed(BOOK, "65093.10", "-65093.10"),
    "huge": changed(BOOK, "0.002", "1e300"),
    "number beyond 2^53": changed(BOOK, "15076953", str(2**53 + 1)),
    "time beyond 2100": changed(TRADES, '"T":1786310820346', '"T":1786310820346000000'),
    "other side": changed(TRADES, '"S":"Buy"', '"S":"buy"'),
    "trade without a name": changed(TRADES, "19d7df56-4f10-5290-a969-d9d9f2c74cc3", ""),
    "zero trade": changed(TRADES, '"v":"0.01"', '"v":"0"'),
    "absurd funding": changed(TICKER, "-0.000212", "1e9"),
    "funding that is no number": changed(TICKER, "-0.000212", "nan"),
    "zero mark price": changed(TICKER, "17217.33", "0"),
    "negative open interest": changed(TICKER, "68744.761", "-1"),
    "funding time beyond 2100": changed(TICKER, "1673280000000", "1673280000000000000"),
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_frame_is_refused_with_its_bytes(payload):
    with pytest.raises(Malformed) as caught:
        parse(payload)
    assert (caught.value.payload, caught.value.source) == (payload, "bybit")


def test_listing_of_spot_has_its_steps(venue_message):
    listings, cursor = parse_page(venue_message("bybit/http_get_instruments_spot.json"), "bybit")
    assert cursor == ""
    btc = listings[0]
    assert (btc.symbol, btc.base, btc.quote, btc.kind) == ("BTCUSDT", "BTC", "USDT", "spot")
    assert (btc.grid.tick_size, btc.grid.lot_size, btc.min_order_qty) == (0.1, 0.0001, 0.001)


def test_listing_of_a_contract_has_its_steps(venue_message):
    listings, cursor = parse_page(venue_message("bybit/http_get_instruments_linear.json"), "bybit-linear")
    assert cursor == ""
    btc = listings[0]
    assert (btc.kind, btc.is_inverse, btc.contract_size) == ("perpetual", False, 1.0)
    assert (btc.grid.tick_size, btc.grid.lot_size, btc.order_step_qty) == (0.5, 0.001, 0.001)
    assert "BTC-USDT-PERP" in btc.aliases


def instrument(**fields) -> dict:
    usual = {
        "symbol": "BTC-27NOV26", "contractType": "LinearFutures", "status": "Trading", "baseCoin": "BTC",
        "quoteCoin": "USDC", "priceFilter": {"tickSize": "0.50"}, "lotSizeFilter": {"qtyStep": "0.001"},
    }  # fmt: skip
    return usual | fields


def page(*instruments: dict, cursor: str = "") -> bytes:
    result = {"category": "linear", "list": list(instruments), "nextPageCursor": cursor}
    return json.dumps({"retCode": 0, "retMsg": "OK", "result": result}).encode()


def test_contract_that_is_delivered_is_a_future_and_what_is_not_traded_is_left_out():
    listings, cursor = parse_page(page(instrument(), instrument(symbol="X", status="PreLaunch"), cursor="next"), "b")
    assert [(each.symbol, each.kind) for each in listings] == [("BTC-27NOV26", "future")]
    assert cursor == "next"


@pytest.mark.parametrize("step", ["0", "-1", "nan", "x"])
def test_listing_without_a_step_is_malformed(step):
    with pytest.raises(Malformed):
        parse_page(page(instrument(lotSizeFilter={"qtyStep": step})), "bybit")


def test_clock_of_the_venue_is_read():
    body = b'{"retCode":0,"retMsg":"OK","result":{"timeSecond":"1688639403","timeNano":"1688639403423213947"}}'
    assert parse_time_ns(body, "bybit") == 1688639403423213947


def test_refusal_is_read_and_haste_is_told_from_it():
    assert read_refusal(b'{"retCode":10001,"retMsg":"params error"}') == ("10001", "params error")
    assert read_refusal(b'{"retCode":0,"retMsg":"OK"}') is None
    assert read_refusal(b"<html>") is None
    with pytest.raises(RetryLater):
        read_refusal(b'{"retCode":10006,"retMsg":"Too many visits!"}')


@pytest.mark.parametrize("file", ["ws_orderbook_delta", "ws_orderbook_snapshot", "ws_ticker_linear"])
def test_messages_of_the_current_protocol_are_read(venue_message, file):
    ((symbol, event),) = parse(venue_message(f"bybit/{file}.json"))
    assert symbol == "BTCUSDT"
    assert not isinstance(event, Unknown)
