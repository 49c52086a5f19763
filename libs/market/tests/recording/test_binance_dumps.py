"""Files of data.binance.vision. Rows are of github.com/binance/binance-public-data's README, and of files there."""

import io
import zipfile

import pytest

from foretick.market.recording import BadLine, TruncatedRecording, WrongFormat
from foretick.market.recording.binance_dumps import parse_dump_name, read_binance_dump
from foretick.market.recording.market_rows import BarRow, QuoteRow, TradeRow
from foretick.market.recording.sources import SourceFormat, detect_format, read_source

SPOT_AGGREGATED = b"0,0.20000000,50.00000000,0,0,1608872400000,False,True\n"
SPOT_TRADE = b"51175358,17.80180000,5.69000000,101.29224200,1583709433583,True,True\n"
KLINE = (
    b"1601510340000,4.15070000,4.15870000,4.15060000,4.15540000,539.23000000,1601510399999,2240.39860900,13,"
    b"401.82000000,1669.98121300,0\n"
)
USDM_AGGREGATED = b"26129,0.01633102,4.70443515,27781,27781,1498793709153,true\n"
USDM_TRADE = b"28457,4.00000100,12.00000000,48.00,1499865549590,true\n"
AGGREGATED_HEADER = b"agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
TRADES_HEADER = b"id,price,qty,quote_qty,time,is_buyer_maker\n"
KLINES_HEADER = (
    b"open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,"
    b"ignore\n"
)
TICKER_HEADER = b"update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n"
TICKER = b"1,27077.3,19.35,27077.4,8.6,1684237787209,1684237787214\n"


def read(data: bytes, name: str, **options: str) -> list:
    return list(read_binance_dump(io.BytesIO(data), name, **options))


def test_spot_aggregated_trade():
    ns = 1_608_872_400_000_000_000
    assert read(SPOT_AGGREGATED, "BNBUSDT-aggTrades-2020-12.csv") == [
        TradeRow(ns, "binance", "BNBUSDT", ns, 0.2, 50.0, 1, "0", 1)
    ]


def test_spot_trade():
    ns = 1_583_709_433_583_000_000
    assert read(SPOT_TRADE, "BNBUSDT-trades-2020-03-08.csv") == [
        TradeRow(ns, "binance", "BNBUSDT", ns, 17.8018, 5.69, -1, "51175358")
    ]


def test_spot_times_from_2025_on_are_in_microseconds():
    rows = (
        b"1,64100.00,0.100,1001,2001,1786394553105007,False,False\n"
        b"2,64101.00,0.200,2002,2002,1786394553105008,True,False\n"
    )
    first, second = read(rows, "BTCUSDT-aggTrades-2026-08-10.csv")
    assert (first.event_ns, first.side, first.fills) == (1_786_394_553_105_007_000, 1, 1001)
    assert (second.event_ns, second.side, second.fills) == (1_786_394_553_105_008_000, -1, 1)


def test_bar_ends_with_the_last_unit_that_the_venue_names():
    (bar,) = read(KLINE, "data/spot/monthly/klines/BNBUSDT/1m/BNBUSDT-1m-2020-09.zip")
    assert bar == BarRow(
        1_601_510_400_000_000_000, "binance", "BNBUSDT", 1_601_510_340_000_000_000, 1_601_510_400_000_000_000,
        4.1507, 4.1587, 4.1506, 4.1554, 539.23, 2240.398609, 13, 401.82, 1669.981213,
    )  # fmt: skip
    micro = KLINE.replace(b"1601510340000", b"1735689600000000").replace(b"1601510399999", b"1735689659999999")
    (bar,) = read(micro, "BNBUSDT-1m-2025-01-01.csv")
    assert (bar.venue, bar.open_ns, bar.close_ns) == (
        "binance", 1_735_689_600_000_000_000, 1_735_689_660_000_000_000,
    )  # fmt: skip


@pytest.mark.parametrize("header", [b"", AGGREGATED_HEADER])
def test_usdm_aggregated_trade_with_header_and_without(header):
    ns = 1_498_793_709_153_000_000
    assert read(header + USDM_AGGREGATED, "BTCUSDT-aggTrades-2022-01-01.csv") == [
        TradeRow(ns, "binance-usdm", "BTCUSDT", ns, 0.01633102, 4.70443515, -1, "26129", 1)
    ]


@pytest.mark.parametrize("header", [b"", TRADES_HEADER])
def test_usdm_trade_with_header_and_without(header):
    ns = 1_499_865_549_590_000_000
    assert read(header + USDM_TRADE, "BTCUSDT-trades-2022-01-01.csv") == [
        TradeRow(ns, "binance-usdm", "BTCUSDT", ns, 4.000001, 12.0, -1, "28457")
    ]


def test_klines_with_header_are_of_usdm():
    assert read(KLINES_HEADER + KLINE, "BTCUSDT-1h-2023-01.zip")[0].venue == "binance-usdm"


def test_book_ticker():
    assert read(TICKER_HEADER + TICKER, "BTCUSDT-bookTicker-2023-05-16.zip") == [
        QuoteRow(
            1_684_237_787_214_000_000,
            "binance-usdm",
            "BTCUSDT",
            1_684_237_787_209_000_000,
            27077.3,
            19.35,
            27077.4,
            8.6,
        )
    ]


def test_zip_as_it_is_downloaded():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BNBUSDT-trades-2020-03-08.csv", SPOT_TRADE * 3)
    name = "BNBUSDT-trades-2020-03-08.zip"
    packed.seek(0)
    assert detect_format(packed, name) is SourceFormat.BINANCE_DUMP
    assert len([row for row in read_source(packed, name) if isinstance(row, TradeRow)]) == 3
    (fault,) = read_binance_dump(io.BytesIO(packed.getvalue()[:-40]), name)
    assert isinstance(fault, TruncatedRecording)


def test_klines_of_which_nothing_tells_the_market_are_refused_until_it_is_told():
    (fault,) = read(KLINE, "BNBUSDT-1m-2020-09.csv")
    assert isinstance(fault, WrongFormat)
    assert "--venue binance-usdm" in fault.hint
    (bar,) = read(KLINE, "BNBUSDT-1m-2020-09.csv", venue="binance-usdm")
    assert bar.venue == "binance-usdm"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("renamed.csv", SPOT_TRADE, "the name does not say what it is"),
        ("BNBUSDT-trades-2020-03-08.csv", KLINE, "not those of trades"),
        ("BNBUSDT-1m-2020-09.csv", SPOT_TRADE, "not those of klines"),
        ("BTCUSD_PERP-trades-2024-01-01.csv", b"id,price,qty,base_qty,time,is_buyer_maker\n", "base_qty"),
        ("BTCUSDT-aggTrades-2024-01-01.csv", TRADES_HEADER, "not those of aggTrades"),
    ],
)
def test_file_of_another_kind_is_refused(name, data, reason):
    (fault,) = read(data, name)
    assert isinstance(fault, WrongFormat)
    assert fault.line == 1
    assert reason in fault.reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (USDM_TRADE, "6 fields, not the 7"),
        (SPOT_TRADE.replace(b"True,", b"yes,", 1), "is_buyer_maker: 'yes'"),
        (SPOT_TRADE.replace(b"1583709433583", b"1583709433"), "time: 1583709433 is no time"),
        (SPOT_TRADE.replace(b"51175358", b"x"), "id: 'x'"),
    ],
)
def test_bad_row_among_good_ones_is_told_with_its_line(line, reason):
    items = read(SPOT_TRADE + line + SPOT_TRADE, "BNBUSDT-trades-2020-03-08.csv")
    assert [type(item) for item in items] == [TradeRow, BadLine, TradeRow]
    assert items[1].line == 2
    assert reason in items[1].reason


@pytest.mark.parametrize(
    "name", ["BTCUSDT.csv", "BTCUSDT-depth-2024-01-01.zip", "btcusdt-trades-2024-01.zip", "a/b.gz"]
)
def test_other_names_are_no_dumps(name):
    assert parse_dump_name(name) is None
