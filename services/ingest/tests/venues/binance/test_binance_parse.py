"""Binance's wire format: real shapes, damaged ones, and fuzz of both."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretick.common.errors import Malformed
from foretick.ingest.adapters.binance.parse import BinanceWire, parse_depth, read_refusal
from foretick.ingest.adapters.binance.parse_listings import parse_exchange_info
from foretick.ingest.domain.events import (
    DerivativeState,
    Liquidation,
    Quiet,
    ShutdownNotice,
    Trade,
    Unknown,
    VenueError,
)
from foretick.market.book import PriceGrid
from foretick.market.compiled_book import CompiledBook
from foretick.market.integrity import Delta, Snapshot, Top

GRID = PriceGrid(0.01, 1e-8)

TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,'
    b'"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}'
)
QUOTE = (
    b'{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000",'
    b'"a":"61837.64000000","A":"1.54698000"}}'
)
DEPTH = (
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":50093239189,'
    b'"u":50093239202,"b":[["61737.63000000","0.00000000"]],"a":[["61837.64000000","1.54698000"]]}}'
)
REST_DEPTH = b'{"lastUpdateId":50093239218,"bids":[["61837.63000000","3.78826000"]],"asks":[["61837.64","1.5"]]}'

AGGREGATE = (
    b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":123456789,"a":5933014,"s":"BTCUSDT","p":"61800.30",'
    b'"q":"0.006","f":100,"l":105,"T":123456785,"m":true}}'
)
MARK = (
    b'{"stream":"btcusdt@markPrice@1s","data":{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT",'
    b'"p":"11794.15000000","i":"11784.62659091","P":"11784.25641265","r":"0.00038167","T":1562306400000}}'
)
FORCED = (
    b'{"stream":"btcusdt@forceOrder","data":{"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","S":"SELL",'
    b'"o":"LIMIT","f":"IOC","q":"0.014","p":"9910","ap":"9910","X":"FILLED","l":"0.014","z":"0.014",'
    b'"T":1568014460893}}}'
)


def parse(payload: bytes):
    (parsed,) = BinanceWire("binance").parse(payload)
    return parsed


def test_trade_of_selling_aggressor_is_parsed():
    assert parse(TRADE) == ("BTCUSDT", Trade(61837.63, 0.02, -1, 3735683259, 1723161255342_000_000))


def test_trade_of_buying_aggressor_has_positive_side():
    assert parse(TRADE.replace(b'"m":true', b'"m":false'))[1].side == 1


def test_quote_without_venue_time_is_parsed():
    assert parse(QUOTE) == ("BTCUSDT", Top(50093239212, 61837.63, 3.78826, 61837.64, 1.54698, None))


def test_quote_with_venue_time_keeps_it():
    assert parse(QUOTE.replace(b'{"u"', b'{"E":1646199228123,"u"'))[1].ts_event_ns == 1646199228123_000_000


def test_depth_update_is_parsed():
    expected = Delta(50093239189, 50093239202, [(61737.63, 0.0)], [(61837.64, 1.54698)], 1723161255208_000_000)
    assert parse(DEPTH) == ("BTCUSDT", expected)


def test_envelope_with_keys_in_another_order_is_parsed():
    message = json.loads(TRADE)
    assert parse(json.dumps({"data": message["data"], "stream": message["stream"]}).encode()) == parse(TRADE)


def test_rest_depth_is_parsed():
    assert parse_depth(REST_DEPTH, "binance") == Snapshot(50093239218, [(61837.63, 3.78826)], [(61837.64, 1.5)])


@pytest.mark.parametrize(
    ("payload", "notice"),
    [
        (b'{"e":"serverShutdown","E":1770123456789}', ShutdownNotice()),
        (b'{"stream":"!x","data":{"e":"serverShutdown","E":1770123456789}}', ShutdownNotice()),
        (b'{"error":{"code":2,"msg":"Invalid request"},"id":7}', VenueError(2, "Invalid request")),
        (b'{"code":-1121,"msg":"Invalid symbol."}', VenueError(-1121, "Invalid symbol.")),
        (b'{"result":null,"id":1}', Quiet()),
        (b'{"stream":"btcusdt@kline_1m","data":{"e":"kline"}}', Unknown("btcusdt@kline_1m")),
        (b'{"e":"outboundAccountPosition"}', Unknown("outboundAccountPosition")),
        (b"{}", Unknown("nameless")),
    ],
)
def test_message_beside_the_market_is_a_notice(payload, notice):
    assert parse(payload) == ("", notice)


def changed(payload: bytes, old: str, new: str) -> bytes:
    assert old.encode() in payload
    return payload.replace(old.encode(), new.encode())


MALFORMED = {
    "empty": b"",
    "not json": b"hello",
    "torn": TRADE[:-20],
    "not utf-8": TRADE.replace(b"BTC", b"\xff\xfe\xfd"),
    "list": b"[]",
    "number": b"12",
    "deep": b"[" * 100_000,
    "nan price": changed(TRADE, "61837.63000000", "NaN"),
    "infinite price": changed(TRADE, "61837.63000000", "Infinity"),
    "negative price": changed(TRADE, "61837.63", "-61837.63"),
    "zero price": changed(TRADE, "61837.63000000", "0.00000000"),
    "zero trade": changed(TRADE, "0.02000000", "0.00000000"),
    "price overflows": changed(TRADE, "61837.63000000", "1e400"),
    "missing field": changed(TRADE, '"t":3735683259,', ""),
    "null field": changed(TRADE, "3735683259", "null"),
    "id as fraction": changed(TRADE, "3735683259", "1.5"),
    "negative id": changed(TRADE, "3735683259", "-1"),
    "id beyond 2^53": changed(TRADE, "3735683259", str(2**53 + 1)),
    "time beyond 2100": changed(TRADE, '"T":1723161255342', '"T":1723161255342000000'),
    "other symbol": changed(TRADE, '"s":"BTCUSDT"', '"s":"ETHUSDT"'),
    "crossed quote": changed(QUOTE, "61837.64000000", "61837.62000000"),
    "locked quote": changed(QUOTE, "61837.64000000", "61837.63000000"),
    "ids reversed": changed(DEPTH, "50093239189", "50093239203"),
    "data missing": b'{"stream":"btcusdt@trade"}',
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_frame_is_refused_with_its_bytes(payload):
    with pytest.raises(Malformed) as caught:
        parse(payload)
    assert caught.value.payload == payload
    assert caught.value.source == "binance"


MALFORMED_LEVELS = {
    "level of one": changed(DEPTH, '["61837.64000000","1.54698000"]', '["61837.64000000"]'),
    "negative quantity": changed(DEPTH, "1.54698000", "-1.54698000"),
    "levels not a list": changed(DEPTH, '[["61837.64000000","1.54698000"]]', '"none"'),
    "off the grid": changed(DEPTH, "61837.64000000", "61837.64100000"),
}


@pytest.mark.parametrize("payload", MALFORMED_LEVELS.values(), ids=MALFORMED_LEVELS.keys())
def test_malformed_levels_are_refused_by_the_book(payload):
    _, delta = parse(payload)
    with pytest.raises(Malformed):
        CompiledBook(GRID).apply_delta(delta.bids, delta.asks)


@pytest.mark.parametrize("payload", [b"", b"{}", REST_DEPTH[:-5], changed(REST_DEPTH, '"bids"', '"bid"')])
def test_malformed_rest_depth_is_refused(payload):
    with pytest.raises(Malformed):
        parse_depth(payload, "binance")


def exchange_info(**fields) -> bytes:
    symbol = {
        "symbol": "BTCUSDT", "baseAsset": "BTC", "baseAssetPrecision": 8, "quoteAsset": "USDT",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.0", "stepSize": "0.00001000"},
            {"filterType": "ICEBERG_PARTS", "limit": 10},
        ],
    } | fields  # fmt: skip
    return json.dumps({"timezone": "UTC", "symbols": [symbol]}).encode()


def test_listing_has_the_venues_tick_and_the_quantities_that_books_hold():
    (listing,) = parse_exchange_info(exchange_info(), "binance")
    assert (listing.symbol, listing.base, listing.quote) == ("BTCUSDT", "BTC", "USDT")
    assert (listing.grid.tick_size, listing.grid.lot_size) == (0.01, 1e-8)
    assert listing.aliases == ["BTC-USDT", "BTC/USDT"]
    assert listing.grid.lots(25.426189) == 2_542_618_900


@pytest.mark.parametrize("filters", [[], [{"filterType": "PRICE_FILTER", "tickSize": "0.01"}]])
def test_listing_without_its_filters_is_malformed(filters):
    with pytest.raises(Malformed, match="BTCUSDT"):
        parse_exchange_info(exchange_info(filters=filters), "binance")


def test_refusal_of_a_rest_request_is_read():
    assert read_refusal(b'{"code":-1121,"msg":"Invalid symbol."}') == ("-1121", "Invalid symbol.")
    assert read_refusal(b"<html>") is None
    assert read_refusal(REST_DEPTH) is None


def usdm(payload: bytes):
    (parsed,) = BinanceWire("binance-usdm").parse(payload)
    return parsed


def test_aggregate_trade_of_futures_is_a_trade():
    assert usdm(AGGREGATE) == ("BTCUSDT", Trade(61800.3, 0.006, -1, 5933014, 123456785_000_000))


def test_depth_update_of_futures_names_the_one_before_it():
    payload = changed(DEPTH, '"u":50093239202,', '"u":50093239202,"pu":50093239100,')
    assert usdm(payload)[1].prev_id == 50093239100


def test_mark_price_comes_with_index_and_funding():
    assert usdm(MARK)[1] == DerivativeState(
        11794.15, 11784.62659091, 0.00038167, 1562306400000_000_000, None, 1562305380000_000_000
    )


def test_mark_price_of_a_delivery_contract_has_no_funding():
    state = usdm(changed(MARK, '"r":"0.00038167"', '"r":""'))[1]
    assert (state.mark_price, state.funding_rate_frac, state.next_funding_ns) == (11794.15, None, None)


@pytest.mark.parametrize("rate", ["nan", "1e9", "x"])
def test_absurd_funding_rate_is_malformed(rate):
    with pytest.raises(Malformed):
        usdm(changed(MARK, "0.00038167", rate))


@pytest.mark.parametrize(("side", "sign"), [("BUY", 1), ("SELL", -1)])
def test_forced_order_is_a_liquidation(side, sign):
    expected = Liquidation(9910.0, 0.014, sign, 1568014460893_000_000)
    assert usdm(changed(FORCED, '"S":"SELL"', f'"S":"{side}"')) == ("BTCUSDT", expected)


def test_reply_about_open_interest_is_read():
    payload = b'{"openInterest":"10659.509","symbol":"BTCUSDT","time":1589437530011}'
    (parsed,) = BinanceWire("binance-usdm").parse_reply("BTCUSDT", payload)
    assert parsed == ("BTCUSDT", DerivativeState(open_interest_qty=10659.509, ts_event_ns=1589437530011_000_000))


def test_reply_with_a_book_is_read():
    ((symbol, book),) = BinanceWire("binance").parse_reply("BTCUSDT", REST_DEPTH)
    assert (symbol, book.last_id) == ("BTCUSDT", 50093239218)


def test_contracts_are_told_from_spot():
    (spot,) = parse_exchange_info(exchange_info(), "binance")
    (perpetual,) = parse_exchange_info(exchange_info(contractType="PERPETUAL"), "binance-usdm")
    (quarterly,) = parse_exchange_info(exchange_info(contractType="CURRENT_QUARTER"), "binance-usdm")
    assert [each.kind for each in (spot, perpetual, quarterly)] == ["spot", "perpetual", "future"]
    assert (spot.order_step_qty, spot.min_order_qty) == (1e-5, 1e-5)
    assert "BTC-USDT-PERP" in perpetual.aliases


COINM_SYMBOL = {
    "symbol": "BTCUSD_PERP", "pair": "BTCUSD", "contractType": "PERPETUAL", "contractStatus": "TRADING",
    "contractSize": 100, "marginAsset": "BTC", "baseAsset": "BTC", "quoteAsset": "USD", "baseAssetPrecision": 8,
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "1000", "maxPrice": "4520958", "tickSize": "0.1"},
        {"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "1000000", "stepSize": "1"},
    ],
}  # fmt: skip


def test_coin_margined_contract_is_inverse_and_has_a_value():
    payload = json.dumps({"symbols": [COINM_SYMBOL]}).encode()
    (listing,) = parse_exchange_info(payload, "binance-coinm")
    assert (listing.kind, listing.is_inverse, listing.contract_size) == ("perpetual", True, 100.0)
    assert (listing.order_step_qty, listing.min_order_qty) == (1.0, 1.0)
    assert "BTC-USD-PERP" in listing.aliases
    (linear,) = parse_exchange_info(exchange_info(contractType="PERPETUAL", marginAsset="USDT"), "binance-usdm")
    assert (linear.is_inverse, linear.contract_size) == (False, 1.0)


def test_messages_that_futures_send_since_their_markets_were_joined_are_read():
    assert usdm(changed(MARK, '"T":1562306400000', '"T":1562306400000,"ap":"11793.1","st":1'))[1].mark_price == 11794.15
    assert usdm(changed(AGGREGATE, '"q":"0.006"', '"q":"0.006","nq":"0.004","st":1'))[1].qty == 0.006
    forced = usdm(changed(FORCED, '"s":"BTCUSDT"', '"s":"BTCUSDT","ps":"BTCUSDT","st":1'))
    assert forced[1] == Liquidation(9910.0, 0.014, -1, 1568014460893_000_000)


def test_mark_price_of_a_coin_margined_contract_is_read():
    payload = (
        b'{"stream":"btcusd_perp@markPrice@1s","data":{"e":"markPriceUpdate","E":1596095725000,"s":"BTCUSD_PERP",'
        b'"p":"10934.62615417","P":"10962.17178236","i":"10933.62615417","r":"0.00010000","T":1596096000000}}'
    )
    (parsed,) = BinanceWire("binance-coinm").parse(payload)
    state = DerivativeState(10934.62615417, 10933.62615417, 1e-4, 1596096000000_000_000, None, 1596095725000_000_000)
    assert parsed == ("BTCUSD_PERP", state)


@pytest.mark.parametrize("file", ["agg_trade_stream", "trade_stream", "ws_futures_depth_update", "book_ticker_stream"])
def test_messages_of_the_current_protocol_are_read(venue_message, file):
    data = json.loads(venue_message(f"binance/{file}.json"))
    data = data.get("data", data)
    kind = {"aggTrade": "aggTrade", "trade": "trade", "depthUpdate": "depth"}.get(data.get("e"), "bookTicker")
    payload = json.dumps({"stream": f"{data['s'].lower()}@{kind}", "data": data}).encode()
    ((symbol, event),) = BinanceWire("binance").parse(payload)
    assert symbol == data["s"]
    assert not isinstance(event, Unknown)


real = st.sampled_from([TRADE, QUOTE, DEPTH, REST_DEPTH, AGGREGATE, MARK, FORCED])


@st.composite
def mutated(draw) -> bytes:
    frame = bytearray(draw(real))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(frame) - 1)))
        match draw(st.sampled_from(["flip", "cut", "insert", "repeat"])):
            case "flip" if frame:
                frame[at] = draw(st.integers(0, 255))
            case "cut":
                del frame[at : at + draw(st.integers(1, 10))]
            case "insert":
                frame[at:at] = draw(st.sampled_from([b'"', b"}", b"[", b"-", b"e9", b"null", b",", b"\x00", b"\xff"]))
            case _:
                frame[at:at] = frame[at : at + draw(st.integers(1, 30))]
    return bytes(frame)


def assert_sound_or_malformed(bids, asks) -> None:
    book = CompiledBook(GRID)
    try:
        book.apply_snapshot(bids, asks)
    except Malformed:
        return
    assert all(0 < price < 1e15 and 0 < qty < 1e18 for side in book.top(100) for price, qty in side)


@given(payload=st.one_of(mutated(), st.binary(max_size=200)))
@settings(max_examples=400, deadline=None)
def test_mutated_frame_is_malformed_or_sound(payload):
    wire = BinanceWire("binance")
    for warm in (TRADE, QUOTE, DEPTH, AGGREGATE, MARK, FORCED):
        wire.parse(warm)
    try:
        ((symbol, event),) = wire.parse(payload)
    except Malformed:
        return
    match event:
        case Trade(price, qty, side, trade_id):
            assert 0 < price < 1e15
            assert 0 < qty < 1e15
            assert side in (1, -1)
            assert trade_id >= 0
        case Top(_, bid, bid_qty, ask, ask_qty):
            assert 0 < bid < ask < 1e15
            assert min(bid_qty, ask_qty) >= 0
        case DerivativeState(mark_price, _, rate, _, _):
            assert mark_price is None or 0 < mark_price < 1e15
            assert rate is None or -1 < rate < 1
        case Liquidation(price, qty, side):
            assert 0 < price < 1e15
            assert 0 < qty < 1e15
            assert side in (1, -1)
        case Delta(first_id, last_id, bids, asks):
            assert 0 <= first_id <= last_id
            assert_sound_or_malformed(bids, asks)
        case _:
            assert symbol == ""


@given(payload=mutated())
@settings(max_examples=100, deadline=None)
def test_mutated_rest_depth_is_malformed_or_sound(payload):
    try:
        book = parse_depth(payload, "binance")
    except Malformed:
        return
    assert_sound_or_malformed(book.bids, book.asks)
