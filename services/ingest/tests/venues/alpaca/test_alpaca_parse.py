"""Alpaca's wire format: documented messages, damaged ones, what is listed, and how its stream is asked for."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretick.common.errors import Malformed
from foretick.ingest.adapters.alpaca.parse import (
    AlpacaWire,
    listing_of_test_feed,
    parse_assets,
    parse_time_ns,
    read_refusal,
)
from foretick.ingest.adapters.alpaca.streams import AlpacaStreams, limits_of
from foretick.ingest.domain.events import Maintenance, Quiet, Trade, Unknown, VenueError
from foretick.market.integrity import Snapshot, Top

from ..conformance.fuzz import assert_sound, mutated

TRADE = (
    b'[{"T":"t","i":96921,"S":"AAPL","x":"D","p":126.55,"s":1,"t":"2021-02-22T15:51:44.208Z","c":["@","I"],"z":"C"}]'
)
QUOTE = (
    b'[{"T":"q","S":"AMD","bx":"U","bp":87.66,"bs":1,"ax":"Q","ap":87.68,"as":4,"t":"2021-02-22T15:51:45.335689322Z",'
    b'"c":["R"],"z":"C"}]'
)
CORRECTION = (
    b'[{"T":"c","S":"EEM","x":"M","oi":52983525033527,"op":39.1582,"os":440000,"oc":[" ","7"],"ci":52983525034326,'
    b'"cp":39.1809,"cs":440000,"cc":[" ","7"],"z":"B","t":"2023-04-06T14:25:06.542305024Z"}]'
)
CANCEL = (
    b'[{"T":"x","S":"GOOGL","i":465,"x":"D","p":105.31,"s":300,"a":"C","z":"C","t":"2023-04-06T13:15:42.83540958Z"}]'
)
HALT = (
    b'[{"T":"s","S":"AAPL","sc":"H","sm":"Trading Halt","rc":"T12","rm":"Trading Halted; For information requested by '
    b'NASDAQ","t":"2021-02-22T19:15:00Z","z":"C"}]'
)
BAND = b'[{"T":"l","S":"IONM","u":3.24,"d":2.65,"i":"B","t":"2023-04-06T13:34:45.565004401Z","z":"C"}]'
SUBSCRIPTION = (
    b'[{"T":"subscription","trades":["AAPL"],"quotes":["AMD","CLDR"],"bars":["*"],"updatedBars":[],"dailyBars":["VOO"],'
    b'"statuses":["*"],"lulds":[],"corrections":["AAPL"],"cancelErrors":["AAPL"]}]'
)
DOCUMENTED = [TRADE, QUOTE, CORRECTION, CANCEL, HALT, BAND, SUBSCRIPTION]

TRADE_NS, QUOTE_NS = 1614009104_208_000_000, 1614009105_335_689_000
"""2021-02-22T15:51:44.208Z and :45.335689Z, by ``date -u -d 2021-02-22T15:51:44 +%s``."""


def parse(payload: bytes):
    (parsed,) = AlpacaWire("alpaca").parse(payload)
    return parsed


def changed(payload: bytes, old: str, new: str) -> bytes:
    assert old.encode() in payload
    return payload.replace(old.encode(), new.encode())


def test_trade_is_named_by_its_exchange_and_has_no_side():
    assert parse(TRADE) == ("AAPL", Trade(126.55, 1.0, 0, None, TRADE_NS, text_id="D96921"))


@pytest.mark.parametrize("condition", ["C", "W", "Z", "M", "7"])
def test_sale_that_is_not_one_of_now_is_counted_and_is_no_trade(condition):
    payload = changed(TRADE, '["@","I"]', f'["@","{condition}"]')
    assert parse(payload) == ("", Unknown(f"trade of condition {condition}"))


def test_quote_is_the_best_bid_and_ask():
    assert parse(QUOTE) == ("AMD", Top(None, 87.66, 1.0, 87.68, 4.0, QUOTE_NS))


@pytest.mark.parametrize(
    ("old", "new", "bids", "asks"),
    [
        ('"bp":87.66,"bs":1', '"bp":0,"bs":0', [], [(87.68, 4.0)]),
        ('"ap":87.68,"as":4', '"ap":0,"as":0', [(87.66, 1.0)], []),
        ('"ap":87.68', '"ap":87.66', [(87.66, 1.0)], [(87.66, 4.0)]),
    ],
    ids=["no bid", "no ask", "locked"],
)
def test_quote_that_is_no_spread_is_a_book_of_what_there_is(old, new, bids, asks):
    assert parse(changed(QUOTE, old, new)) == ("AMD", Snapshot(0, bids, asks, QUOTE_NS))


def test_message_with_several_parts_keeps_their_order():
    payload = TRADE[:-1] + b"," + BAND[1:-1] + b"," + QUOTE[1:]
    parsed = AlpacaWire("alpaca").parse(payload)
    assert [(symbol, type(event)) for symbol, event in parsed] == [("AAPL", Trade), ("", Unknown), ("AMD", Top)]


def test_halt_is_maintenance_until_trading_resumes():
    wire = AlpacaWire("alpaca")
    text = "AAPL is halted: T12 Trading Halted; For information requested by NASDAQ"
    quotation = changed(changed(HALT, '"sc":"H"', '"sc":"Q"'), 'Trading Halt"', 'Quotation Resumption"')
    assert wire.parse(HALT) == [("", Maintenance(text))]
    assert wire.parse(quotation) == [("", Maintenance(text))]
    assert wire.parse(changed(HALT, '"sc":"H"', '"sc":"T"')) == [("", Maintenance(""))]


def test_halts_of_the_other_tapes_have_codes_of_their_own():
    wire = AlpacaWire("alpaca")
    halted = changed(changed(HALT, '"sc":"H"', '"sc":"2"'), '"AAPL"', '"IBM"')
    assert wire.parse(halted)[0][1].text.startswith("IBM is halted")
    assert wire.parse(changed(halted, '"sc":"2"', '"sc":"3"')) == [("", Maintenance(""))]


@pytest.mark.parametrize(
    ("payload", "notice"),
    [
        (b'[{"T":"success","msg":"connected"}]', Quiet()),
        (b'[{"T":"success","msg":"authenticated"}]', Quiet()),
        (SUBSCRIPTION, Quiet()),
        (b'[{"T":"error","code":402,"msg":"auth failed"}]', VenueError(402, "auth failed")),
        (b'[{"T":"error","code":405,"msg":"symbol limit exceeded"}]', VenueError(405, "symbol limit exceeded")),
        (CORRECTION, Unknown("trade corrected")),
        (CANCEL, Unknown("trade cancelled")),
        (BAND, Unknown("l")),
    ],
)
def test_part_beside_the_market_is_a_notice(payload, notice):
    assert parse(payload) == ("", notice)


MALFORMED = {
    "empty": b"",
    "not json": b"hello",
    "torn": TRADE[:-20],
    "not utf-8": TRADE.replace(b"AAPL", b"\xff\xfe\xfd"),
    "no list": TRADE[1:-1],
    "list of numbers": b"[1]",
    "deep": b"[" * 100_000,
    "no type": changed(TRADE, '"T":"t",', ""),
    "nan price": changed(TRADE, "126.55", "NaN"),
    "negative price": changed(TRADE, "126.55", "-126.55"),
    "zero price": changed(TRADE, "126.55", "0"),
    "price as text": changed(TRADE, "126.55", '"126.55"'),
    "price overflows": changed(TRADE, "126.55", "1e400"),
    "zero trade": changed(TRADE, '"s":1', '"s":0'),
    "negative id": changed(TRADE, "96921", "-1"),
    "no symbol": changed(TRADE, '"S":"AAPL",', ""),
    "no time zone": changed(TRADE, "44.208Z", "44.208"),
    "time beyond 2100": changed(TRADE, "2021-", "2121-"),
    "negative bid": changed(QUOTE, '"bp":87.66', '"bp":-87.66'),
    "no ask size": changed(QUOTE, '"as":4,', ""),
    "status without its code": changed(HALT, '"sc":"H",', ""),
    "one part of several": TRADE[:-1] + b',{"T":"q","S":"AMD"}]',
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_message_is_refused_with_its_bytes(payload):
    with pytest.raises(Malformed) as caught:
        AlpacaWire("alpaca").parse(payload)
    assert caught.value.payload == payload
    assert caught.value.source == "alpaca"


@given(payload=st.one_of(mutated(DOCUMENTED), st.binary(max_size=200)))
@settings(max_examples=400, deadline=None)
def test_mutated_message_is_malformed_or_sound(payload):
    try:
        parsed = AlpacaWire("alpaca").parse(payload)
    except Malformed:
        return
    for symbol, event in parsed:
        assert_sound(symbol, event)


def test_reply_that_nothing_was_asked_for_is_malformed():
    with pytest.raises(Malformed, match="AAPL"):
        AlpacaWire("alpaca").parse_reply("AAPL", b"{}")


def asset(**fields) -> dict:
    usual = {
        "id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415", "class": "us_equity", "exchange": "NASDAQ", "symbol": "AAPL",
        "name": "Apple Inc. Common Stock", "status": "active", "tradable": True, "fractionable": True,
    }  # fmt: skip
    return usual | fields


def test_listing_is_a_stock_in_dollars_with_the_exchanges_session():
    payload = json.dumps([asset(), asset(symbol="BRK.A", exchange="NYSE", fractionable=False)]).encode()
    apple, berkshire = parse_assets(payload, "alpaca")
    assert (apple.symbol, apple.base, apple.quote, apple.kind, apple.session) == (
        "AAPL", "AAPL", "USD", "equity", "XNYS",
    )  # fmt: skip
    assert (apple.grid.tick_size, apple.grid.lot_size, apple.aliases) == (0.0001, 1.0, [])
    assert (apple.order_step_qty, berkshire.order_step_qty) == (None, 1.0)


def test_what_no_exchange_trades_is_not_listed():
    assert parse_assets(json.dumps([asset(exchange="OTC")]).encode(), "alpaca") == []


def test_made_up_stock_trades_at_all_hours():
    assert (listing_of_test_feed().symbol, listing_of_test_feed().session) == ("FAKEPACA", "24/7")


def test_clock_is_read():
    payload = b'{"timestamp":"2021-02-22T10:51:45.335689322-05:00","is_open":true,"next_open":"x","next_close":"x"}'
    assert parse_time_ns(payload, "alpaca") == QUOTE_NS


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"timestamp":"yesterday"}', b'{"timestamp":"1921-02-22T10:51:45Z"}'])
def test_malformed_clock_is_refused(payload):
    with pytest.raises(Malformed):
        parse_time_ns(payload, "alpaca")


def test_refusal_of_a_rest_request_is_read():
    refusal = b'{"code":40110000,"message":"request is not authorized"}'
    assert read_refusal(refusal) == ("40110000", "request is not authorized")
    assert read_refusal(b'{"message": "forbidden."}') == ("0", "forbidden.")
    assert read_refusal(b"[]") is None
    assert read_refusal(b"<html>") is None


def test_stream_is_asked_for_by_symbols():
    plan = AlpacaStreams("wss://host", "sip", limits_of(30.0))
    assert plan.url(["AAPL"]) == "wss://host/v2/sip"
    symbols = ["AAPL", "MSFT"]
    channels = {"trades": symbols, "quotes": symbols, "statuses": symbols}
    assert [json.loads(request) for request in plan.opening(symbols)] == [{"action": "subscribe", **channels}]
    assert [json.loads(request) for request in plan.unsubscribe(symbols)] == [{"action": "unsubscribe", **channels}]
    assert plan.renew("AAPL") == ()
