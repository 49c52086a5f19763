"""Indicators against TA-Lib on the 1-second bars, built here from the raw events in plain Python."""

import math

import numpy as np
import pytest
import talib

from foretick.quant.events import EventArrays, EventKind
from foretick.quant.kernel import Grid, Vectors, fold_history
from foretick.quant.registry import INDEX
from foretick.quant.testing import StreamShape, random_events

GRID = Grid(interval_ns=100_000_000, window_steps=1000)
SECOND_NS = 1_000_000_000


def build_bars(events: EventArrays) -> dict[str, np.ndarray]:
    """Second, high, low, close, volume, signed quote volume and closing mid of every second that had a price."""
    bars, mid, quoted_ns = [], math.nan, None
    trades: list[tuple[float, float, float]] = []
    mids: list[float] = []
    second = int(events.recv_ns[0]) // SECOND_NS

    def close() -> None:
        prices = [price for price, _, _ in trades] or mids
        if prices:
            volume, signed = sum(q for _, q, _ in trades), sum(p * q * s for p, q, s in trades)
            bars.append((second, max(prices), min(prices), prices[-1], volume, signed, mid))

    for kind, recv_ns, v in zip(events.kind, events.recv_ns.tolist(), events.v, strict=True):
        if recv_ns // SECOND_NS > second:
            close()
            second, trades, mids = recv_ns // SECOND_NS, [], [] if math.isnan(mid) else [mid]
        if kind == EventKind.TRADE:
            trades.append((v[0], v[1], v[2]))
        elif kind == EventKind.QUOTE:
            mid, quoted_ns = (v[0] + v[2]) / 2, recv_ns
            mids.append(mid)
        elif kind == EventKind.DEPTH and (quoted_ns is None or recv_ns - quoted_ns >= 2 * SECOND_NS):
            row = events.depth[int(v[0])]
            mid = (row[0] + row[20]) / 2
            mids.append(mid)
    columns = np.array(bars).T
    return dict(zip(("second", "high", "low", "close", "volume", "signed", "mid"), columns, strict=True))


def at_vectors(series: np.ndarray, bars: dict[str, np.ndarray], vectors: Vectors) -> np.ndarray:
    """The value of the last bar closed before each vector; NaN before the first."""
    index = np.searchsorted(bars["second"], vectors.recv_ns // SECOND_NS, side="left") - 1
    return np.where(index >= 0, series[np.maximum(index, 0)], np.nan)


@pytest.fixture(scope="module", params=[(1, 20), (2, 300), (3, 700)], ids=["dense", "sparse", "many mids"])
def folded(request):
    seed, gap_ms = request.param
    shape = StreamShape(shares=(10, 60, 25, 5, 0), mean_gap_ns=gap_ms * 1_000_000)
    events = random_events(seed, 8_000, shape)
    bars = build_bars(events)
    return bars, fold_history(events, GRID)


def check(folded, name: str, oracle: np.ndarray, rtol: float = 1e-9, atol: float = 1e-9) -> None:
    bars, vectors = folded
    got, wanted = vectors.values[:, INDEX[name]], at_vectors(oracle, bars, vectors)
    assert np.isfinite(wanted).sum() > 300
    np.testing.assert_allclose(got, wanted, rtol=rtol, atol=atol)


def test_rsi_is_talib(folded):
    check(folded, "rsi", talib.RSI(folded[0]["close"], 14))


def test_macd_histogram_is_talib(folded):
    close = folded[0]["close"]
    check(folded, "macd_histogram_bps", 1e4 * talib.MACD(close, 12, 26, 9)[2] / close)


def test_bollinger_b_is_talib(folded):
    close = folded[0]["close"]
    upper, _, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    check(folded, "bollinger_b", (close - lower) / (upper - lower))


def test_atr_is_talib(folded):
    bars = folded[0]
    check(folded, "atr_bps", 1e4 * talib.ATR(bars["high"], bars["low"], bars["close"], 14) / bars["close"])


def test_adx_is_talib(folded):
    bars = folded[0]
    check(folded, "adx", talib.ADX(bars["high"], bars["low"], bars["close"], 14))


def exponential_mean(values: np.ndarray, kept: float) -> np.ndarray:
    """Mean of all values so far, each weighted ``kept ** age``, from the definition."""
    ages = np.arange(len(values))
    return np.array([np.average(values[: i + 1], weights=kept ** ages[: i + 1][::-1]) for i in range(len(values))])


def test_realised_volatility_is_the_weighted_mean_square(folded):
    close = folded[0]["close"]
    r_bps = 1e4 * np.diff(np.log(close))
    oracle = np.concatenate([[np.nan], np.sqrt(exponential_mean(r_bps**2, math.exp(-1 / 60)))])
    oracle[:29] = np.nan  # 30 bars of warm-up
    check(folded, "realised_volatility_bps", oracle)


def test_obv_slope_is_the_weighted_signed_share(folded):
    bars = folded[0]
    signed = np.sign(np.diff(bars["close"])) * bars["volume"][1:]
    kept = 1 - 2 / 21
    with np.errstate(invalid="ignore"):
        share = exponential_mean(signed, kept) / exponential_mean(bars["volume"][1:], kept)
    oracle = np.concatenate([[np.nan], share])
    oracle[:19] = np.nan
    check(folded, "obv_slope", oracle)


def test_kyle_lambda_is_the_weighted_regression(folded):
    bars = folded[0]
    r_bps, x = 1e4 * np.diff(np.log(bars["mid"])), bars["signed"][1:]
    ok = np.isfinite(r_bps)
    assert ok.all() or not ok[: np.argmax(ok)].any()
    lead = len(r_bps) - ok.sum() + 1
    r_bps, x, kept = r_bps[ok], x[ok], math.exp(-1 / 60)
    mean_r, mean_x = exponential_mean(r_bps, kept), exponential_mean(x, kept)
    covariance = exponential_mean(r_bps * x, kept) - mean_r * mean_x
    variance = exponential_mean(x * x, kept) - mean_x**2
    with np.errstate(invalid="ignore", divide="ignore"):
        impact = np.where(variance > 0, covariance / variance * exponential_mean(np.abs(x), kept), 0.0)
    oracle = np.concatenate([np.full(lead, np.nan), impact])
    oracle[:29] = np.nan
    check(folded, "kyle_lambda_bps", oracle, rtol=1e-7)


def test_market_that_does_not_move_has_neutral_indicators():
    n = 4_000
    recv_ns = 1_767_225_600_000_000_000 + np.arange(n, dtype=np.int64) * 20_000_000
    v = np.tile([99.5, 2.0, 100.5, 2.0], (n, 1))
    events = EventArrays(np.full(n, EventKind.QUOTE, np.uint8), recv_ns, v, np.zeros((0, 40)))
    last = fold_history(events, GRID).values[-1]
    neutral = {
        "rsi": 50.0, "bollinger_b": 0.5, "macd_histogram_bps": 0.0, "atr_bps": 0.0, "adx": 0.0, "obv_slope": 0.0,
        "realised_volatility_bps": 0.0, "kyle_lambda_bps": 0.0, "price_position": 0.5, "log_return_bps": 0.0,
        "order_flow_imbalance_l1": 0.0, "trade_sign_imbalance": 0.0, "trade_rate_log_ratio": 0.0,
    }  # fmt: skip
    for name, value in neutral.items():
        assert last[INDEX[name]] == pytest.approx(value, abs=1e-9), name
