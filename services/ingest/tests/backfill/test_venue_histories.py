"""What each venue is asked, and what its answers are read as: bodies of its documentation and of real ones."""

import json
from urllib.parse import urlencode

import pytest

from foretick.common.errors import Malformed
from foretick.ingest.adapters.backfill.venues import HISTORIES
from foretick.ingest.adapters.binance import backfill as binance
from foretick.ingest.adapters.bitstamp import backfill as bitstamp
from foretick.ingest.adapters.bybit import backfill as bybit
from foretick.ingest.adapters.coinbase import backfill as coinbase
from foretick.ingest.adapters.kraken import backfill as kraken
from foretick.ingest.adapters.okx import backfill as okx
from foretick.ingest.domain.history import INTERVALS_NS, Page
from foretick.market.recording.market_rows import BarRow, TradeRow
from foretick.market.recording.spans import Span

from .conftest import MINUTE, NS, T0, trade

SPAN = Span(T0, T0 + 3600 * NS)
T0_MS = T0 // 10**6
T0_S = T0 // NS


def url(request) -> str:
    return f"{request.path}?{urlencode(request.params)}"


# ---- Binance ---------------------------------------------------------------------------------------------------------


def test_binance_asks_for_the_first_trade_by_time_and_goes_on_by_id():
    plan = HISTORIES["binance"].trades("BTCUSDT", SPAN, SPAN.to_ns)
    first = plan.next_request()
    assert first is not None
    assert url(first) == f"/api/v3/aggTrades?symbol=BTCUSDT&startTime={T0_MS}&limit=1000"
    assert first.weight == 4
    plan.take(Page([trade(700 + n, n) for n in range(1000)]))
    following = plan.next_request()
    assert following is not None
    assert url(following) == "/api/v3/aggTrades?symbol=BTCUSDT&fromId=1700&limit=1000"


def test_binance_usdm_never_sends_an_id_with_a_time():
    plan = HISTORIES["binance-usdm"].trades("BTCUSDT", SPAN, SPAN.to_ns)
    for _ in range(3):
        request = plan.next_request()
        assert request is not None
        assert request.path == "/fapi/v1/aggTrades"
        assert ("fromId" in request.params) != ("startTime" in request.params)
        assert request.weight == 20
        base = int(request.params.get("fromId", "1"))
        plan.take(Page([trade(base + n, base + n) for n in range(1000)]))


def test_binance_asks_for_klines_in_windows_of_a_thousand():
    plan = HISTORIES["binance"].bars("BTCUSDT", "1m", Span(T0, T0 + 1500 * MINUTE))
    asked = []
    while (request := plan.next_request()) is not None:
        asked.append(url(request))
        plan.take(Page([]))
    end_ms = T0_MS + 60_000_000
    assert asked == [
        f"/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime={T0_MS}&endTime={end_ms - 1}&limit=1000",
        f"/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime={end_ms}&endTime={T0_MS + 90_000_000 - 1}&limit=1000",
    ]


def test_binance_trade_of_the_documentation():
    body = b'[{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27783,"T":1498793709153,"m":true,"M":true}]'
    ns = 1_498_793_709_153_000_000
    assert binance.parse_trades("binance", "BNBBTC", body).rows == [
        TradeRow(ns, "binance", "BNBBTC", ns, 0.01633102, 4.70443515, -1, "26129", 3)
    ]


def test_binance_kline_of_the_documentation():
    body = (
        b'[[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",1499644799999,'
        b'"2434.19055334",308,"1756.87402397","28.46694368","0"]]'
    )
    close_ns = 1_499_644_800_000_000_000
    assert binance.parse_bars("binance", "BNBBTC", body).rows == [
        BarRow(
            close_ns, "binance", "BNBBTC", 1_499_040_000_000_000_000, close_ns, 0.0163479, 0.8, 0.015758, 0.015771,
            148976.11427815, 2434.19055334, 308, 1756.87402397, 28.46694368,
        )
    ]  # fmt: skip


@pytest.mark.recordings
def test_binance_real_bodies(venue_message):
    body = venue_message("binance/http_spot_market_agg_trades.json")
    rows = binance.parse_trades("binance", "BTCUSDT", body).rows
    assert [int(row.trade_id) for row in rows] == [entry["a"] for entry in json.loads(body)]
    assert rows[2].side == -1
    assert (
        len(
            binance.parse_trades("binance-usdm", "X", venue_message("binance/http_futures_market_agg_trades.json")).rows
        )
        == 1
    )
    for name in ("klines_response", "http_futures_market_klines", "http_spot_market_klines"):
        body = venue_message(f"binance/{name}.json")
        bars = binance.parse_bars("binance", "X", body).rows
        assert [bar.open_ns // 10**6 for bar in bars] == [entry[0] for entry in json.loads(body)]


# ---- Coinbase --------------------------------------------------------------------------------------------------------


def test_coinbase_asks_back_from_the_end_and_for_the_second_of_the_oldest_again():
    plan = HISTORIES["coinbase"].trades("BTC-USD", SPAN, SPAN.to_ns)
    path = "/api/v3/brokerage/market/products/BTC-USD/ticker"
    first = plan.next_request()
    assert first is not None
    assert url(first) == f"{path}?limit=1000&start={T0_S}&end={T0_S + 3600}"
    plan.take(Page([trade(2, 1_500_500), trade(1, 1_500_250)]))
    following = plan.next_request()
    assert following is not None
    assert url(following) == f"{path}?limit=1000&start={T0_S}&end={T0_S + 1501}"


def test_coinbase_asks_for_candles_by_their_opening():
    plan = HISTORIES["coinbase"].bars("BTC-USD", "5m", Span(T0, T0 + 50 * MINUTE))
    request = plan.next_request()
    assert request is not None
    assert url(request) == (
        f"/api/v3/brokerage/market/products/BTC-USD/candles?start={T0_S}&end={T0_S + 45 * 60}&granularity=FIVE_MINUTE"
    )


def test_coinbase_trade_and_candle():
    trades = (
        b'{"trades":[{"trade_id":"995098663","product_id":"BTC-USD","price":"68923.67","size":"0.00064",'
        b'"time":"2026-04-07T00:28:58.544778Z","side":"SELL","bid":"","ask":""}],"best_bid":"1","best_ask":"2"}'
    )
    ns = 1_775_521_738_544_778_000  # date -u -d 2026-04-07T00:28:58 +%s is 1775521738
    assert coinbase.parse_trades("coinbase", "BTC-USD", trades).rows == [
        TradeRow(ns, "coinbase", "BTC-USD", ns, 68923.67, 0.00064, -1, "995098663")
    ]
    candles = b'{"candles":[{"start":"1639508050","low":"1","high":"4","open":"2","close":"3","volume":"56437345"}]}'
    open_ns = 1_639_508_050 * NS
    close_ns = open_ns + MINUTE
    assert coinbase.parse_bars("coinbase", "BTC-USD", MINUTE, candles).rows == [
        BarRow(close_ns, "coinbase", "BTC-USD", open_ns, close_ns, 2.0, 4.0, 1.0, 3.0, 56437345.0)
    ]


@pytest.mark.recordings
def test_coinbase_real_bodies(venue_message):
    trades = coinbase.parse_trades("coinbase", "BTC-USD", venue_message("coinbase/http_ticker.json")).rows
    assert [row.trade_id for row in trades] == ["995098663", "995098662", "995098661"]
    assert [row.side for row in trades] == [-1, -1, 1]
    bars = coinbase.parse_bars("coinbase", "BTC-USD", 60 * MINUTE, venue_message("coinbase/http_candles.json")).rows
    assert [(bar.open_ns // NS, bar.close) for bar in bars] == [(1712192400, 66181.6), (1712188800, 66314.59)]


# ---- Kraken ----------------------------------------------------------------------------------------------------------


def test_kraken_asks_from_the_instant_on_and_follows_its_cursor():
    plan = HISTORIES["kraken"].trades("XBT/USD", SPAN, SPAN.to_ns)
    first = plan.next_request()
    assert first is not None
    assert url(first) == f"/0/public/Trades?pair=XBTUSD&since={T0 - 1}&count=1000"
    plan.take(Page([trade(n, n) for n in range(1000)], "1786309201999000001"))
    following = plan.next_request()
    assert following is not None
    assert following.params["since"] == "1786309201999000001"


def test_kraken_bars_that_are_too_old_are_told_as_missing():
    span = Span(T0, T0 + 2000 * MINUTE)
    plan = HISTORIES["kraken"].bars("XBT/USD", "1m", span)
    request = plan.next_request()
    assert request is not None
    assert url(request) == f"/0/public/OHLC?pair=XBTUSD&interval=1&since={T0_S - 1}"
    candles = [[T0_S + 60 * n, "1", "2", "0.5", "1.5", "1.1", "10", 3] for n in range(1281, 2001)]
    body = json.dumps({"error": [], "result": {"XXBTZUSD": candles, "last": T0_S + 60 * 1999}}).encode()
    step = plan.take(plan.read(body))
    assert step.whole == Span(T0 + 1281 * MINUTE, span.to_ns)
    assert len(step.rows) == 719, "the last one is still open"
    assert "the last 720" in plan.shortfall


def test_kraken_trade_of_the_documentation():
    body = (
        b'{"error":[],"result":{"XXBTZUSD":[["30243.40000","0.34507674",1688669597.8277369,"b","m","",61044952]],'
        b'"last":"1688671969993150842"}}'
    )
    ns = 1_688_669_597_827_736_900
    assert kraken.parse_trades("kraken", "XBT/USD", body) == Page(
        [TradeRow(ns, "kraken", "XBT/USD", ns, 30243.4, 0.34507674, 1, "61044952")], "1688671969993150842"
    )


def test_kraken_trade_of_earlier_years_has_no_id():
    body = b'{"error":[],"result":{"XXBTZUSD":[["8552.90000","0.03190270",1559347203.7998,"s","m",""]],"last":"1"}}'
    ns = 1_559_347_203_799_800_000
    assert kraken.parse_trades("kraken", "XBT/USD", body).rows == [
        TradeRow(ns, "kraken", "XBT/USD", ns, 8552.9, 0.0319027, -1, "")
    ]


@pytest.mark.recordings
def test_kraken_real_bodies(venue_message):
    body = venue_message("kraken/http_trades.json")
    page = kraken.parse_trades("kraken", "XBT/USDT", body)
    entries = json.loads(body)["result"]["XBTUSDT"]
    assert [int(row.trade_id) for row in page.rows] == [entry[6] for entry in entries]
    assert page.cursor == "1762820035982277754"
    assert page.rows[-1].recv_ns == 1_762_820_035_982_277_900
    body = venue_message("kraken/http_ohlc.json")
    bars = kraken.parse_bars("kraken", "XBT/USDT", MINUTE, body).rows
    assert [bar.open_ns // NS for bar in bars] == [entry[0] for entry in json.loads(body)["result"]["XBTUSDT"]]
    assert sum(bar.trades for bar in bars) == sum(entry[7] for entry in json.loads(body)["result"]["XBTUSDT"])


# ---- Bybit -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("venue", "category", "limit"), [("bybit", "spot", 60), ("bybit-linear", "linear", 1000)])
def test_bybit_is_asked_once_for_its_latest_trades(venue, category, limit):
    plan = HISTORIES[venue].trades("BTCUSDT", SPAN, SPAN.to_ns)
    request = plan.next_request()
    assert request is not None
    assert url(request) == f"/v5/market/recent-trade?category={category}&symbol=BTCUSDT&limit={limit}"
    plan.take(Page([trade(1, 3_500_000)]))
    assert plan.next_request() is None
    assert "take older ones from its files" in plan.shortfall


def test_bybit_asks_for_klines_in_windows_of_a_thousand():
    plan = HISTORIES["bybit-linear"].bars("BTCUSDT", "1d", Span(0, 20_000 * 1440 * MINUTE))
    request = plan.next_request()
    assert request is not None
    assert url(request) == (
        f"/v5/market/kline?category=linear&symbol=BTCUSDT&interval=D&start=0&end={1000 * 86_400_000 - 1}&limit=1000"
    )


def test_bybit_klines_of_the_documentation():
    body = (
        b'{"retCode":0,"retMsg":"OK","result":{"symbol":"BTCUSD","category":"inverse","list":'
        b'[["1670608800000","17071","17073","17027","17055.5","268611","15.74462667"]]}}'
    )
    open_ns = 1_670_608_800 * NS
    close_ns = open_ns + 60 * MINUTE
    prices = (17071.0, 17073.0, 17027.0, 17055.5)
    times = ("BTCUSD", open_ns, close_ns)
    inverse = bybit.parse_bars("bybit-inverse", "BTCUSD", 60 * MINUTE, body, is_inverse=True).rows
    assert inverse == [BarRow(close_ns, "bybit-inverse", *times, *prices, 15.74462667, 268611.0)]
    linear = bybit.parse_bars("bybit-linear", "BTCUSD", 60 * MINUTE, body).rows
    assert linear == [BarRow(close_ns, "bybit-linear", *times, *prices, 268611.0, 15.74462667)]


@pytest.mark.recordings
def test_bybit_real_bodies(venue_message):
    (row,) = bybit.parse_trades("bybit-linear", "BTCUSDT", venue_message("bybit/http_get_trades_recent.json")).rows
    assert (row.price, row.qty, row.side) == (27450.5, 0.005, 1)
    assert row.trade_id == "a905d5c3-1ed0-4f37-83e4-9c73a2fe2f01"
    (bar,) = bybit.parse_bars(
        "bybit-linear", "BTCUSDT", MINUTE, venue_message("bybit/http_get_klines_linear.json")
    ).rows
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume_qty) == (27450.0, 27460.0, 27440.0, 27455.0, 123.45)


# ---- OKX -------------------------------------------------------------------------------------------------------------


def test_okx_asks_back_from_the_end_by_time_and_goes_on_by_id():
    plan = HISTORIES["okx"].trades("BTC-USDT", SPAN, SPAN.to_ns)
    first = plan.next_request()
    assert first is not None
    assert url(first) == f"/api/v5/market/history-trades?instId=BTC-USDT&type=2&after={T0_MS + 3_600_000}&limit=100"
    plan.take(Page([trade(900 - n, 1000 - n) for n in range(100)]))
    following = plan.next_request()
    assert following is not None
    assert url(following) == "/api/v5/market/history-trades?instId=BTC-USDT&type=1&after=801&limit=100"


def test_okx_trades_older_than_it_keeps_are_told_as_missing():
    old = Span(T0, T0 + NS)
    for now_ns, is_short in ((T0 + 91 * 86_400 * NS, True), (T0 + 89 * 86_400 * NS, False)):
        plan = HISTORIES["okx"].trades("BTC-USDT", old, now_ns)
        step = plan.take(Page([]))
        assert bool(plan.shortfall) is is_short
        assert step.whole == (None if is_short else old)


def test_okx_asks_for_candles_between_exclusive_bounds_in_utc():
    plan = HISTORIES["okx"].bars("BTC-USDT", "1d", Span(0, 300 * 1440 * MINUTE))
    request = plan.next_request()
    assert request is not None
    assert url(request) == (
        f"/api/v5/market/history-candles?instId=BTC-USDT&bar=1Dutc&after={100 * 86_400_000}&before=-1&limit=100"
    )


@pytest.mark.recordings
def test_okx_real_bodies(venue_message):
    rows = okx.parse_trades("okx", "BTC-USDT", venue_message("okx/http_get_trades.json")).rows
    assert [(row.trade_id, row.side, row.qty) for row in rows] == [
        ("734864333", -1, 0.00013669), ("734864332", 1, 0.0000125),
    ]  # fmt: skip
    bars = okx.parse_bars("okx", "BTC-USDT", MINUTE, venue_message("okx/http_get_candlesticks_full.json")).rows
    assert [(bar.open_ns // 10**6, bar.volume_quote) for bar in bars] == [
        (1747094040000, 1069603.34883), (1747093980000, 7364701.57952),
    ]  # fmt: skip
    assert okx.parse_bars("okx", "BTC-USDT", MINUTE, venue_message("okx/http_get_candlesticks.json")).rows == []


# ---- Bitstamp --------------------------------------------------------------------------------------------------------


def test_bitstamp_is_asked_once_for_the_trades_of_a_day():
    now_ns = T0 + 30 * 3600 * NS
    plan = HISTORIES["bitstamp"].trades("BTC/USD", Span(T0, now_ns), now_ns)
    request = plan.next_request()
    assert request is not None
    assert url(request) == "/api/v2/transactions/btcusd/?time=day"
    step = plan.take(Page([trade(1, 7 * 3_600_000)]))
    assert step.whole == Span(T0 + 6 * 3600 * NS + NS, now_ns)
    assert "the last day" in plan.shortfall


def test_bitstamp_asks_for_candles_from_a_start_on_and_no_end():
    plan = HISTORIES["bitstamp"].bars("btcusd", "1h", Span(T0, T0 + 1200 * 60 * MINUTE))
    asked = []
    while (request := plan.next_request()) is not None:
        asked.append(url(request))
        plan.take(Page([]))
    assert asked == [
        f"/api/v2/ohlc/btcusd/?step=3600&limit=1000&start={T0_S}",
        f"/api/v2/ohlc/btcusd/?step=3600&limit=200&start={T0_S + 3_600_000}",
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'[{"date":"1641343697","tid":"212567890","amount":"0.01234","type":"1","price":"46000.50"}]',
        b'[{"date":"1641343697","tid":212567890,"amount":"0.01234","type":1,"price":"46000.50"}]',
    ],
)
def test_bitstamp_trade(body):
    ns = 1_641_343_697 * NS
    assert bitstamp.parse_trades("bitstamp", "btcusd", body).rows == [
        TradeRow(ns, "bitstamp", "btcusd", ns, 46000.5, 0.01234, -1, "212567890")
    ]


def test_bitstamp_candle():
    body = (
        b'{"data":{"ohlc":[{"close":"3","high":"4","low":"1","open":"2","timestamp":"1641343680","volume":"5.5"}],'
        b'"pair":"BTC/USD"}}'
    )
    open_ns = 1_641_343_680 * NS
    close_ns = open_ns + MINUTE
    assert bitstamp.parse_bars("bitstamp", "btcusd", MINUTE, body).rows == [
        BarRow(close_ns, "bitstamp", "btcusd", open_ns, close_ns, 2.0, 4.0, 1.0, 3.0, 5.5)
    ]


# ---- all -------------------------------------------------------------------------------------------------------------

REFUSALS = {
    "binance": (b'{"code":-1121,"msg":"Invalid symbol."}', ("-1121", "Invalid symbol.")),
    "coinbase": (b'{"error":"NOT_FOUND","error_details":"x","message":"no product"}', ("NOT_FOUND", "no product")),
    "kraken": (b'{"error":["EQuery:Unknown asset pair"]}', ("EQuery:Unknown asset pair", "EQuery:Unknown asset pair")),
    "bybit": (b'{"retCode":10001,"retMsg":"params error"}', ("10001", "params error")),
    "okx": (
        b'{"code":"51001","msg":"Instrument ID does not exist","data":[]}',
        ("51001", "Instrument ID does not exist"),
    ),
    "bitstamp": (b'{"code":"404.002","message":"Market not found."}', ("404.002", "Market not found.")),
}


@pytest.mark.parametrize("venue", REFUSALS)
def test_refusal_is_read_with_its_code_and_an_answer_is_none(venue):
    body, refusal = REFUSALS[venue]
    history = HISTORIES[venue]
    assert history.read_refusal(body) == refusal
    for answer in (b"[]", b'{"trades":[]}', b'{"error":[],"result":{}}', b'{"retCode":0}', b'{"code":"0","data":[]}'):
        if not (venue == "binance" and b"code" in answer) and not (venue == "bitstamp" and b'"code"' in answer):
            assert history.read_refusal(answer) is None


@pytest.mark.parametrize("venue", HISTORIES)
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b'{"result":1}', b'[{"a":1}]', b"\xff", b"[[]]", b'{"data":[{}]}']
)
def test_answer_that_is_not_as_documented_is_malformed(venue, body):
    history = HISTORIES[venue]
    for plan in (history.trades("X", SPAN, SPAN.to_ns), history.bars("X", "1m", SPAN)):
        with pytest.raises(Malformed) as told:
            plan.read(body)
        assert told.value.payload == body


@pytest.mark.parametrize("venue", HISTORIES)
def test_limits_and_intervals_are_named_with_their_source(venue):
    history = HISTORIES[venue]
    limits = history.limits
    assert history.venue == venue
    assert history.base_url.startswith("https://")
    assert limits.budget > 0
    assert limits.period_s > 0
    assert all((limits.trades_reach, limits.bars_reach, limits.source))
    assert set(history.intervals) <= set(INTERVALS_NS)
    assert {"1m", "1h", "1d"} <= set(history.intervals)
