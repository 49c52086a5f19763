"""Tardis' CSV files. Rows are of the documentation (docs.tardis.dev/downloadable-csv-files) and of its free samples."""

import gzip
import io

import pytest

from foretick.market.recording import BadLine, TruncatedRecording, WrongFormat
from foretick.market.recording.market_rows import BookRow, DerivativeRow, QuoteRow, TradeRow
from foretick.market.recording.sources import SourceFormat, detect_format, read_source
from foretick.market.recording.tardis import read_tardis

TRADES = b"exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
BOOK = b"exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
QUOTES = b"exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
DERIVATIVES = (
    b"exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,predicted_funding_rate,open_interest,"
    b"last_price,index_price,mark_price\n"
)
TRADE = b"bitmex,XBTUSD,1585699202957000,1585699203089980,d202810a-ec78-0d65-8652-42c8168f127c,buy,6425.5,12\n"


def read(data: bytes, **options: str) -> list:
    return list(read_tardis(io.BytesIO(data), "XBTUSD.csv.gz", **options))


def test_trade():
    assert read(TRADES + TRADE) == [
        TradeRow(
            1_585_699_203_089_980_000, "bitmex", "XBTUSD", 1_585_699_202_957_000_000, 6425.5, 12.0, 1,
            "d202810a-ec78-0d65-8652-42c8168f127c",
        )
    ]  # fmt: skip


def test_level_of_a_full_book_and_change():
    rows = (
        b"binance-futures,BTCUSDT,1788220800464000,1788220800991078,true,ask,78549.6,5.687\n"
        b"binance-futures,BTCUSDT,1788220801464000,1788220801991078,false,bid,78549.5,0\n"
    )
    times = (1_788_220_800_991_078_000, "binance-usdm", "BTCUSDT", 1_788_220_800_464_000_000)
    later = (1_788_220_801_991_078_000, "binance-usdm", "BTCUSDT", 1_788_220_801_464_000_000)
    assert read(BOOK + rows) == [BookRow(*times, True, -1, 78549.6, 5.687), BookRow(*later, False, 1, 78549.5, 0.0)]


def test_quote_and_one_with_an_empty_side():
    rows = (
        b"huobi-dm-swap,BTC-USD,1585699201147000,1585699201270777,86,6423,6422.9,112\n"
        b"huobi-dm-swap,BTC-USD,1585699201147000,1585699201270777,,,6422.9,112\n"
    )
    times = (1_585_699_201_270_777_000, "huobi-dm-swap", "BTC-USD", 1_585_699_201_147_000_000)
    assert read(QUOTES + rows) == [
        QuoteRow(*times, 6422.9, 112.0, 6423.0, 86.0), QuoteRow(*times, 6422.9, 112.0, None, None),
    ]  # fmt: skip


def test_derivative_tells_only_what_it_was_told():
    rows = (
        b"dydx-v4,BTC-USD,1743465600448717,1743465600448717,,0.00004405208333333333,,760.6049,,,82546.76734\n"
        b"deribit,BTC-PERPETUAL,1577836800000000,1577836800000100,1577865600000000,-0.000125,,12.345,100.00,99.50,99.75\n"
    )
    assert read(DERIVATIVES + rows) == [
        DerivativeRow(
            1_743_465_600_448_717_000, "dydx-v4", "BTC-USD", 1_743_465_600_448_717_000,
            None, 0.00004405208333333333, None, 760.6049, None, None, 82546.76734,
        ),
        DerivativeRow(
            1_577_836_800_000_100_000, "deribit", "BTC-PERPETUAL", 1_577_836_800_000_000_000,
            1_577_865_600_000_000_000, -0.000125, None, 12.345, 100.0, 99.5, 99.75,
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_file_is_recognised_by_its_header(pack):
    stream = io.BytesIO(pack(TRADES + TRADE))
    assert detect_format(stream, "x") is SourceFormat.TARDIS
    assert [type(item) for item in read_source(stream, "x")] == [TradeRow]


def test_venue_given_is_taken():
    assert read(TRADES + TRADE, venue="bitmex-test")[0].venue == "bitmex-test"


@pytest.mark.parametrize(
    "header",
    [
        b"exchange,symbol,timestamp,local_timestamp,side,id,price,amount\n",
        b"exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount\n",
        b"timestamp,price\n",
    ],
)
def test_other_columns_are_refused_with_those_that_are_read(header):
    (fault,) = read(header + TRADE)
    assert isinstance(fault, WrongFormat)
    assert fault.line == 1
    assert "ask_amount,ask_price,bid_price,bid_amount" in fault.hint


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"bitmex,XBTUSD,1585699202957000,1585699203089980,d2,buy,6425.5\n", "7 fields"),
        (b"bitmex,XBTUSD,1585699202957000,1585699203089980,d2,Buy,6425.5,12\n", "side: 'Buy'"),
        (b"bitmex,XBTUSD,1585699202957,1585699203089980,d2,buy,6425.5,12\n", "timestamp: 1585699202957 is no time"),
        (b"bitmex,XBTUSD,1585699202957000,soon,d2,buy,6425.5,12\n", "local_timestamp: 'soon'"),
        (b"bitmex,XBTUSD,1585699202957000,1585699203089980,d2,buy,price,12\n", "price: 'price'"),
        (b"bitmex,XBTUSD,1585699202957000,1585699203089980,d2,buy,nan,12\n", "price: 'nan' is not finite"),
        (b"bitmex,,1585699202957000,1585699203089980,d2,buy,1,12\n", "symbol is empty"),
        (b"bitmex,\xff,1585699202957000,1585699203089980,d2,buy,1,12\n", "ASCII"),
        (b"huobi,BTC-USD,1585699201147000,1585699201270777,86,6423,6422.9,112\n", "side: '6423'"),
        (b"\n", "1 fields"),
    ],
)
def test_bad_row_is_told_with_its_line_and_reading_goes_on(line, reason):
    items = read(TRADES + TRADE + line + TRADE)
    assert [type(item) for item in items] == [TradeRow, BadLine, TradeRow]
    assert items[1].line == 3
    assert reason in items[1].reason
    assert "XBTUSD.csv.gz" in str(items[1])


def test_file_that_ends_in_the_middle_of_a_row_is_truncated():
    items = read(TRADES + TRADE + TRADE[:40])
    assert [type(item) for item in items] == [TradeRow, TruncatedRecording]
    assert items[1].line == 3


def test_torn_gzip_is_truncated():
    packed = gzip.compress(TRADES + TRADE * 5000)
    *rows, fault = read(packed[: len(packed) // 2])
    assert isinstance(fault, TruncatedRecording)
    assert fault.line == len(rows) + 2
