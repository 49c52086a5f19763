"""OKX's wire format, V5: the venue's documented examples, real messages, and damaged ones."""

import json

import pytest

from foretick.common.contracts import Trust
from foretick.common.errors import Malformed, RetryLater, Transient
from foretick.ingest.adapters.okx.connector import SPOT_RULES
from foretick.ingest.adapters.okx.parse import OkxWire, parse_time_ns, read_refusal
from foretick.ingest.adapters.okx.parse_listings import parse_instruments
from foretick.ingest.domain.events import (
    DerivativeState,
    Liquidation,
    Maintenance,
    Quiet,
    Received,
    ShutdownNotice,
    Trade,
    Unknown,
    VenueError,
)
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid
from foretick.market.integrity import Delta, Snapshot

from ..conformance.captures import request_body
from ..conformance.discovery import source_of
from ..conformance.told import BookTold
from .sources import FILE

MS = 1_000_000
T0 = 1_800_000_000_000_000_000
BOOK = (
    b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["8476.98","415","0","13"]],'
    b'"bids":[["8476.97","256","0","12"],["8475.55","0","0","0"]],"ts":"1597026383085","checksum":-855196043,'
    b'"prevSeqId":123456,"seqId":123460}]}'
)
TRADES = (
    b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474",'
    b'"px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3","source":"0","seqId":1234}]}'
)
FUNDING = (
    b'{"arg":{"channel":"funding-rate","instId":"BTC-USD-SWAP"},"data":[{"fundingRate":"0.0001875391284828",'
    b'"fundingTime":"1700726400000","instId":"BTC-USD-SWAP","instType":"SWAP","method":"next_period",'
    b'"nextFundingRate":"0.0002608059239328","nextFundingTime":"1700755200000","ts":"1700724675402"}]}'
)
MARK = (
    b'{"arg":{"channel":"mark-price","instId":"LTC-USD-SWAP"},"data":[{"instType":"SWAP","instId":"LTC-USD-SWAP",'
    b'"markPx":"0.1","ts":"1597026383085"}]}'
)
INDEX = (
    b'{"arg":{"channel":"index-tickers","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","idxPx":"0.1",'
    b'"high24h":"0.5","low24h":"0.1","open24h":"0.1","sodUtc0":"0.1","sodUtc8":"0.1","ts":"1597026383085"}]}'
)
INTEREST = (
    b'{"arg":{"channel":"open-interest","instId":"LTC-USD-SWAP"},"data":[{"instType":"SWAP","instId":"LTC-USD-SWAP",'
    b'"oi":"5000","oiCcy":"555.55","oiUsd":"50000","ts":"1597026383085"}]}'
)
LIQUIDATION = (
    b'{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":[{"bkLoss":"0","bkPx":"0.007831",'
    b'"ccy":"","posSide":"short","side":"buy","sz":"13","ts":"1692266434010"}],"instFamily":"IOST-USDT",'
    b'"instId":"IOST-USDT-SWAP","instType":"SWAP","uly":"IOST-USDT"}]}'
)
STATUS = (
    b'{"arg":{"channel":"status"},"data":[{"begin":"1672823400000","end":"1672825980000","href":"",'
    b'"preOpenBegin":"","scheDesc":"","serviceType":"0","state":"ongoing","system":"unified","maintType":"1",'
    b'"env":"1","title":"Trading account WebSocket system upgrade","ts":"1672823400000"}]}'
)


def parse(payload: bytes, wire: OkxWire | None = None):
    return list((wire or OkxWire("okx")).parse(payload))


def changed(payload: bytes, old: str, new: str) -> bytes:
    assert old.encode() in payload
    return payload.replace(old.encode(), new.encode())


def test_update_of_a_book_names_the_one_before_it():
    bids, asks = [(8476.97, 256.0), (8475.55, 0.0)], [(8476.98, 415.0)]
    expected = Delta(123460, 123460, bids, asks, 1597026383085 * MS, 123456, -855196043)
    assert parse(BOOK) == [("BTC-USDT", expected)]


def test_checksum_of_zero_stands_for_none():
    ((_, delta),) = parse(changed(BOOK, "-855196043", "0"))
    assert delta.checksum is None


def test_full_book_is_a_snapshot():
    ((_, book),) = parse(changed(changed(BOOK, '"update"', '"snapshot"'), "123456", "-1"))
    assert isinstance(book, Snapshot)
    assert (book.last_id, book.checksum, book.asks) == (123460, -855196043, [(8476.98, 415.0)])


def test_message_of_several_updates_tells_them_in_order():
    message = json.loads(BOOK)
    message["data"].append(message["data"][0] | {"prevSeqId": 123460, "seqId": 123461})
    assert [delta.last_id for _, delta in parse(json.dumps(message).encode())] == [123460, 123461]


def test_trade_has_the_id_of_its_last_fill():
    assert parse(TRADES) == [("BTC-USDT", Trade(42219.9, 0.12060306, 1, 130639474, 1630048897897 * MS))]


def test_state_of_a_swap_comes_from_four_channels():
    rate = DerivativeState(
        funding_rate_frac=0.0001875391284828, next_funding_ns=1700726400000 * MS, ts_event_ns=1700724675402 * MS
    )
    assert parse(FUNDING) == [("BTC-USD-SWAP", rate)]
    assert parse(MARK) == [("LTC-USD-SWAP", DerivativeState(mark_price=0.1, ts_event_ns=1597026383085 * MS))]
    assert parse(INDEX) == [("BTC-USDT-SWAP", DerivativeState(index_price=0.1, ts_event_ns=1597026383085 * MS))]
    assert parse(INTEREST) == [
        ("LTC-USD-SWAP", DerivativeState(open_interest_qty=5000.0, ts_event_ns=1597026383085 * MS))
    ]


def test_swap_without_a_funding_rate_says_nothing():
    assert parse(changed(FUNDING, "0.0001875391284828", "")) == [("", Quiet())]


@pytest.mark.parametrize(("order", "side"), [("buy", 1), ("sell", -1)])
def test_liquidation_of_an_instrument_whose_book_is_followed_is_told(order, side):
    wire = OkxWire("okx-swap")
    payload = changed(LIQUIDATION, '"side":"buy"', f'"side":"{order}"')
    assert parse(payload, wire) == []
    parse(changed(BOOK, "BTC-USDT", "IOST-USDT-SWAP"), wire)
    assert parse(payload, wire) == [("IOST-USDT-SWAP", Liquidation(0.007831, 13.0, side, 1692266434010 * MS))]


TITLE = "Trading account WebSocket system upgrade"


@pytest.mark.parametrize(
    ("state", "sent_ms", "text"),
    [
        ("ongoing", 1672823400000, TITLE),
        ("pre_open", 1672823400000, TITLE),
        ("scheduled", 1672823400000 - 3_600_000, TITLE),
        ("scheduled", 1672823400000 - 3_600_001, ""),
        ("completed", 1672823400000, ""),
        ("canceled", 1672823400000, ""),
    ],
)
def test_maintenance_is_told_while_it_lasts_and_an_hour_before(state, sent_ms, text):
    payload = changed(changed(STATUS, '"ongoing"', f'"{state}"'), '"ts":"1672823400000"', f'"ts":"{sent_ms}"')
    assert parse(payload) == [("", Maintenance(text))]


def test_maintenance_of_the_demo_is_not_ours():
    assert parse(changed(STATUS, '"env":"1"', '"env":"2"')) == [("", Quiet())]


@pytest.mark.parametrize(
    ("payload", "notice"),
    [
        (b"pong", Quiet()),
        (b'{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a4d3ae55"}', Quiet()),
        (b'{"event":"channel-conn-count","channel":"books","connCount":"1","connId":"a4d3ae55"}', Quiet()),
        (
            b'{"event":"error","code":"60012","msg":"Invalid request","connId":"a4d3ae55"}',
            VenueError(60012, "Invalid request"),
        ),
        (b'{"event":"error","code":"","msg":"?"}', VenueError(0, "?")),
        (b'{"event":"notice","code":"64008","msg":"The connection will soon be closed."}', ShutdownNotice()),
        (b'{"event":"notice","code":"1","msg":""}', Unknown("notice 1")),
        (b'{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[]}', Unknown("tickers")),
        (b"{}", Unknown("nameless")),
    ],
)
def test_message_beside_the_market_is_a_notice(payload, notice):
    assert parse(payload) == [("", notice)]


MALFORMED = {
    "empty": b"",
    "ping": b"ping",
    "torn": BOOK[:-20],
    "list": b"[]",
    "deep": b"[" * 100_000,
    "no data": b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update"}',
    "no instrument": changed(BOOK, '"instId":"BTC-USDT"', '"instId":""'),
    "other action": changed(BOOK, '"update"', '"image"'),
    "nan": changed(BOOK, "8476.97", "nan"),
    "negative": changed(BOOK, "8476.97", "-8476.97"),
    "huge": changed(BOOK, "415", "1e300"),
    "level of one": changed(BOOK, '["8476.98","415","0","13"]', '["8476.98"]'),
    "number beyond 2^53": changed(BOOK, '"seqId":123460', f'"seqId":{2**53 + 1}'),
    "number before the first": changed(BOOK, '"prevSeqId":123456', '"prevSeqId":-2'),
    "no number": changed(BOOK, ',"seqId":123460', ""),
    "no number before": changed(BOOK, '"prevSeqId":123456,', ""),
    "number of null": changed(BOOK, '"seqId":123460', '"seqId":null'),
    "full book without a number": changed(changed(BOOK, '"update"', '"snapshot"'), ',"seqId":123460', ""),
    "checksum as text": changed(BOOK, "-855196043", '"x"'),
    "time beyond 2100": changed(TRADES, "1630048897897", "1630048897897000000"),
    "other instrument": changed(TRADES, '"data":[{"instId":"BTC-USDT"', '"data":[{"instId":"ETH-USDT"'),
    "other side": changed(TRADES, '"side":"buy"', '"side":"Buy"'),
    "id that is no number": changed(TRADES, "130639474", "a"),
    "zero trade": changed(TRADES, "0.12060306", "0"),
    "absurd funding": changed(FUNDING, "0.0001875391284828", "1e9"),
    "funding time beyond 2100": changed(FUNDING, "1700726400000", "1700726400000000000"),
    "zero mark price": changed(MARK, '"markPx":"0.1"', '"markPx":"0"'),
    "negative open interest": changed(INTEREST, '"oi":"5000"', '"oi":"-1"'),
    "liquidation without a side": changed(LIQUIDATION, '"side":"buy"', '"side":""'),
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_frame_is_refused_with_its_bytes(payload):
    with pytest.raises(Malformed) as caught:
        parse(payload)
    assert (caught.value.payload, caught.value.source) == (payload, "okx")


def full_book() -> bytes:
    book = changed(changed(BOOK, '"update"', '"snapshot"'), "-855196043", "0")
    return changed(book, '"prevSeqId":123456,"seqId":123460', '"prevSeqId":-1,"seqId":123456')


def followed(new_feed, wire):
    listing = Listing("BTC-USDT", "BTC", "USDT", PriceGrid(0.01, 1e-8))
    feed = new_feed([listing], rules=SPOT_RULES, wire=wire)
    feed.handler.on_time(T0)
    feed.handler.on_connected(["BTC-USDT"], 1)
    feed.play([Received(T0 + 1, full_book(), None, 1)])
    assert feed.engine.live_count == 1
    return feed


@pytest.mark.parametrize("payload", [changed(BOOK, ',"seqId":123460', ""), changed(BOOK, "8476.97", "nan")])
def test_update_that_cannot_be_read_ends_trust_in_its_book_at_once(new_feed, payload):
    feed = followed(new_feed, OkxWire("okx"))
    feed.play([Received(T0 + 2, payload, None, 1)])
    local = feed.engine.feeds["BTC-USDT"].local
    assert (local.trust, local.counters.malformed, local.counters.chain_breaks) == (Trust.RESYNC, 1, 0)
    assert [event.trust for event in feed.outlet.book_events("BTC-USDT")][-2:] == [Trust.LIVE, Trust.RESYNC]
    assert [rejected for _, _, rejected in feed.outlet.rejected] == [payload]
    assert feed.venue.requested == ["BTC-USDT"]


def test_frame_of_another_channel_or_instrument_that_cannot_be_read_leaves_the_book_alone(new_feed):
    feed = followed(new_feed, OkxWire("okx"))
    of_another = changed(changed(BOOK, "BTC-USDT", "ETH-USDT"), ',"seqId":123460', "")
    feed.play([Received(T0 + 2, changed(TRADES, "0.12060306", "0"), None, 1), Received(T0 + 3, of_another, None, 1)])
    assert feed.engine.live_count == 1
    assert len(feed.outlet.rejected) == 2


def test_capture_of_before_books_were_numbered_is_named_as_such(new_feed):
    source = source_of("captured okx SPOT of 2022")
    feed = new_feed(source.listings, rules=SPOT_RULES, wire=OkxWire("okx"))
    feed.handler.on_time(source.frames[0].recv_ns)
    feed.handler.on_connected(source.symbols, 1)
    feed.play(source.frames)
    books = [
        frame
        for frame, told in zip(source.frames, source.told, strict=True)
        if any(isinstance(each, BookTold) for each in told)
    ]
    assert [payload for _, _, payload in feed.outlet.rejected] == [frame.payload for frame in books] != []
    assert all("before books were numbered" in reason for _, reason, _ in feed.outlet.rejected)
    assert {event.trust for event in feed.outlet.book_events(source.symbols[0])} <= {Trust.RESYNC, Trust.STALE}


def test_all_checksums_of_the_capture_are_reproduced(new_feed):
    sources = [source_of("captured okx SPOT of 2022"), source_of("captured okx SWAP of 2022")]
    checked = failed = 0
    for source in sources:
        feed = new_feed(source.listings, rules=source.rules, wire=source.new_wire())
        feed.handler.on_time(source.frames[0].recv_ns)
        feed.handler.on_connected(source.symbols, 1)
        feed.play(source.frames)
        counters = [each.local.counters for each in feed.engine.feeds.values()]
        checked += sum(each.checksums_checked for each in counters)
        failed += sum(each.checksums_failed for each in counters)
    told = sum(isinstance(each, BookTold) for source in sources for said in source.told for each in said)
    assert (checked, failed) == (told, 0) == (290, 0)


def test_listings_of_the_capture_have_the_value_of_their_contracts():
    swaps = {each.symbol: each for each in parse_instruments(request_body(FILE, "instType=SWAP$"), "okx-swap")}
    inverse, linear = swaps["BTC-USD-SWAP"], swaps["BTC-USDT-SWAP"]
    assert (inverse.kind, inverse.is_inverse, inverse.contract_size) == ("perpetual", True, 100.0)
    assert (linear.kind, linear.is_inverse, linear.contract_size) == ("perpetual", False, 0.01)
    assert (linear.base, linear.quote, linear.order_step_qty) == ("BTC", "USDT", 1.0)
    assert "BTC-USDT-PERP" in linear.aliases
    (spot,) = [
        each for each in parse_instruments(request_body(FILE, "instType=SPOT$"), "okx") if each.symbol == "BTC-USDT"
    ]
    assert (spot.kind, spot.grid.tick_size, spot.grid.lot_size) == ("spot", 0.1, 1e-8)
    (future,) = [
        each
        for each in parse_instruments(request_body(FILE, "instType=FUTURES$"), "okx-swap")
        if each.symbol == "BTC-USD-220527"
    ]
    assert (future.kind, future.base, future.quote) == ("future", "BTC", "USD")


def test_listings_of_today_are_read(venue_message):
    swaps = parse_instruments(venue_message("okx/http_get_instruments_swap.json"), "okx-swap")
    assert ("ETH-USDT-SWAP", 0.1, 0.01) in [(each.symbol, each.contract_size, each.grid.lot_size) for each in swaps]
    spot = parse_instruments(venue_message("okx/http_get_instruments_spot.json"), "okx")
    assert spot[0].symbol == "BTC-USD"


def instrument(**fields) -> bytes:
    usual = {
        "instType": "SWAP", "instId": "BTC-USDT-SWAP", "state": "live", "tickSz": "0.1", "lotSz": "0.01",
        "minSz": "0.01", "uly": "BTC-USDT", "ctType": "linear", "ctVal": "0.01", "ctMult": "2",
    }  # fmt: skip
    return json.dumps({"code": "0", "data": [usual | fields]}).encode()


def test_multiplier_counts_and_what_is_not_traded_is_left_out():
    (listing,) = parse_instruments(instrument(), "okx-swap")
    assert listing.contract_size == 0.02
    assert parse_instruments(instrument(state="suspend"), "okx-swap") == []
    assert parse_instruments(instrument(instType="OPTION"), "okx-swap") == []


@pytest.mark.parametrize(
    "fields", [{"ctVal": ""}, {"ctVal": "x"}, {"uly": "BTC"}, {"ctType": ""}, {"tickSz": "0"}, {"lotSz": "nan"}]
)
def test_contract_that_says_too_little_is_malformed(fields):
    with pytest.raises(Malformed):
        parse_instruments(instrument(**fields), "okx-swap")


def test_clock_of_the_venue_is_read():
    assert parse_time_ns(b'{"code":"0","msg":"","data":[{"ts":"1597026383085"}]}', "okx") == 1597026383085 * MS
    with pytest.raises(Malformed):
        parse_time_ns(b'{"code":"0","msg":"","data":[]}', "okx")


def test_refusal_is_read_and_haste_and_trouble_are_told_from_it():
    assert read_refusal(b'{"code":"51001","msg":"Instrument ID does not exist","data":[]}') == (
        "51001", "Instrument ID does not exist",
    )  # fmt: skip
    assert read_refusal(b'{"code":"0","msg":"","data":[]}') is None
    assert read_refusal(b"<html>") is None
    with pytest.raises(RetryLater):
        read_refusal(b'{"code":"50011","msg":"Too Many Requests"}')
    with pytest.raises(Transient):
        read_refusal(b'{"code":"50001","msg":"Service temporarily unavailable"}')


@pytest.mark.parametrize("file", ["ws_books_snapshot", "ws_books_update", "ws_trades", "ws_funding_rate"])
def test_messages_of_the_current_protocol_are_read(venue_message, file):
    parsed = parse(venue_message(f"okx/{file}.json"))
    assert parsed
    assert all(symbol.startswith("BTC-USD") and not isinstance(event, Unknown) for symbol, event in parsed)
