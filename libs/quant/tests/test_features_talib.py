"""Features of bars against TA-Lib, wherever it has them, on well-conditioned series: equal to 1e-9."""

import numpy as np
import pytest
import talib

from foretick.quant.kernel import Grid, fold_history
from foretick.quant.registry import FEATURES, INDEX
from foretick.quant.testing import trade_bars

GRID = Grid(interval_ns=1_000_000_000, window_steps=100)
EMA = talib.MA_Type.EMA


def random_bars(seed: int, n: int, tick: float = 0.0) -> np.ndarray:
    """Open, high, low, close, volume of a random walk; prices on a grid of ``tick`` if it is given."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.002, n)))
    opened = np.roll(close, 1) * np.exp(rng.normal(0.0, 0.0015, n))
    opened[0] = 100.0
    top = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0.0, 0.001, n)) * rng.integers(0, 2, n))
    bottom = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0.0, 0.001, n)) * rng.integers(0, 2, n))
    prices = np.array([opened, top, bottom, close])
    if tick:
        prices = np.round(prices / tick) * tick
    return np.vstack([prices, rng.lognormal(5.0, 1.0, n)])


def fold_bars(columns: np.ndarray) -> np.ndarray:
    """The features after each bar, (n, features)."""
    return fold_history(trade_bars(columns), GRID).values[1:]


def bps(part, whole):
    return 1e4 * part / whole


def gap(average):
    return lambda o, h, lo, c, v: bps(c - average(o, h, lo, c, v), average(o, h, lo, c, v))


def later(series: np.ndarray) -> np.ndarray:
    return np.concatenate([[np.nan], series[:-1]])


def donchian(o, h, lo, c, v):
    upper, _, lower = talib.DONCHIAN(h, lo, 20)
    return (c - later(lower)) / (later(upper) - later(lower))


def keltner(o, h, lo, c, v):
    upper, _, lower = talib.KC(h, lo, c, 20, 10, 2.0)
    return (c - lower) / (upper - lower)


def bollinger_width(o, h, lo, c, v):
    upper, middle, lower = talib.BBANDS(c, 20, 2.0, 2.0)
    return bps(upper - lower, middle)


def fit(o, h, lo, c, v):
    return talib.CORREL(c, np.arange(len(c), dtype=float), 14) ** 2


ORACLES = {
    "rsi": lambda o, h, lo, c, v: talib.RSI(c, 14),
    "macd_histogram_bps": lambda o, h, lo, c, v: bps(talib.MACD(c, 12, 26, 9)[2], c),
    "atr_bps": lambda o, h, lo, c, v: bps(talib.ATR(h, lo, c, 14), c),
    "adx": lambda o, h, lo, c, v: talib.ADX(h, lo, c, 14),
    "sma_gap_bps": gap(lambda o, h, lo, c, v: talib.SMA(c, 20)),
    "ema_gap_bps": gap(lambda o, h, lo, c, v: talib.EMA(c, 20)),
    "wma_gap_bps": gap(lambda o, h, lo, c, v: talib.WMA(c, 20)),
    "trima_gap_bps": gap(lambda o, h, lo, c, v: talib.TRIMA(c, 20)),
    "hma_gap_bps": gap(lambda o, h, lo, c, v: talib.HMA(c, 20)),
    "dema_gap_bps": gap(lambda o, h, lo, c, v: talib.DEMA(c, 20)),
    "tema_gap_bps": gap(lambda o, h, lo, c, v: talib.TEMA(c, 20)),
    "t3_gap_bps": gap(lambda o, h, lo, c, v: talib.T3(c, 5, 0.7)),
    "kama_gap_bps": gap(lambda o, h, lo, c, v: talib.KAMA(c, 10)),
    "regression_slope_bps": lambda o, h, lo, c, v: bps(talib.LINEARREG_SLOPE(c, 14), c),
    "regression_forecast_bps": lambda o, h, lo, c, v: bps(talib.TSF(c, 14) - c, c),
    "regression_fit": fit,
    "sar_gap_bps": lambda o, h, lo, c, v: bps(c - talib.SAR(h, lo, 0.02, 0.2), c),
    "aroon_oscillator": lambda o, h, lo, c, v: talib.AROONOSC(h, lo, 25),
    "vortex": lambda o, h, lo, c, v: np.subtract(*talib.VORTEX(h, lo, c, 14)),
    "directional_balance": lambda o, h, lo, c, v: talib.PLUS_DI(h, lo, c, 14) - talib.MINUS_DI(h, lo, c, 14),
    "ichimoku_bps": lambda o, h, lo, c, v: bps(talib.MIDPRICE(h, lo, 9) - talib.MIDPRICE(h, lo, 26), c),
    "bull_power_bps": lambda o, h, lo, c, v: bps(talib.ERI(h, lo, c, 13)[0], c),
    "bear_power_bps": lambda o, h, lo, c, v: bps(talib.ERI(h, lo, c, 13)[1], c),
    "stochastic_k": lambda o, h, lo, c, v: talib.STOCH(h, lo, c, 14, 3, 0, 3, 0)[0],
    "stochastic_d": lambda o, h, lo, c, v: talib.STOCH(h, lo, c, 14, 3, 0, 3, 0)[1],
    "stochastic_rsi": lambda o, h, lo, c, v: talib.STOCHRSI(c, 14, 14, 3)[0],
    "williams_r": lambda o, h, lo, c, v: talib.WILLR(h, lo, c, 14),
    "cci": lambda o, h, lo, c, v: talib.CCI(h, lo, c, 20),
    "mfi": lambda o, h, lo, c, v: talib.MFI(h, lo, c, v, 14),
    "rate_of_change_bps": lambda o, h, lo, c, v: 1e4 * talib.ROCP(c, 10),
    "momentum_atr": lambda o, h, lo, c, v: talib.MOM(c, 10) / talib.ATR(h, lo, c, 14),
    "cmo": lambda o, h, lo, c, v: talib.CMOU(c, 14),
    "ppo_bps": lambda o, h, lo, c, v: 100.0 * talib.PPO(c, 12, 26, EMA),
    "trix_bps": lambda o, h, lo, c, v: 100.0 * talib.TRIX(c, 20),
    "ultimate_oscillator": lambda o, h, lo, c, v: talib.ULTOSC(h, lo, c, 7, 14, 28),
    "true_strength": lambda o, h, lo, c, v: talib.TSI(c, 25, 13),
    "awesome_oscillator_bps": lambda o, h, lo, c, v: bps(talib.AO(h, lo, 5, 34), c),
    "balance_of_power": lambda o, h, lo, c, v: talib.BOP(o, h, lo, c),
    "intraday_momentum": lambda o, h, lo, c, v: talib.IMI(o, c, 14),
    "qstick_bps": lambda o, h, lo, c, v: bps(talib.QSTICK(o, c, 8), c),
    "bollinger_width_bps": bollinger_width,
    "keltner_position": keltner,
    "donchian_position": donchian,
    "donchian_width_bps": lambda o, h, lo, c, v: bps(talib.MAX(h, 20) - talib.MIN(lo, 20), c),
    "range_expansion": lambda o, h, lo, c, v: talib.TRANGE(h, lo, c) / talib.ATR(h, lo, c, 14),
    "volume_ratio": lambda o, h, lo, c, v: v / talib.SMA(v, 20),
    "vwma_gap_bps": gap(lambda o, h, lo, c, v: talib.VWMA(c, v, 20)),
    "chaikin_money_flow": lambda o, h, lo, c, v: talib.CMF(h, lo, c, v, 20),
    "chaikin_oscillator": lambda o, h, lo, c, v: talib.ADOSC(h, lo, c, v, 3, 10) / talib.SMA(v, 20),
    "force_index_bps": lambda o, h, lo, c, v: bps(talib.EFI(c, v, 13), c) / later_ema(v),
    "volume_oscillator": lambda o, h, lo, c, v: talib.PVO(v, 12, 26, EMA),
    "price_volume_correlation": lambda o, h, lo, c, v: talib.CORREL(c, v, 20),
    "efficiency_ratio": lambda o, h, lo, c, v: talib.ER(c, 10),
}


def later_ema(v: np.ndarray) -> np.ndarray:
    """The average of the volume from the second bar on: the force index has no first one."""
    return np.concatenate([[np.nan], talib.EMA(v[1:], 13)])


PATTERNS = {
    "doji": "CDLDOJI", "dragonfly_doji": "CDLDRAGONFLYDOJI", "gravestone_doji": "CDLGRAVESTONEDOJI",
    "hammer": "CDLHAMMER", "hanging_man": "CDLHANGINGMAN", "inverted_hammer": "CDLINVERTEDHAMMER",
    "shooting_star": "CDLSHOOTINGSTAR", "marubozu": "CDLMARUBOZU", "spinning_top": "CDLSPINNINGTOP",
    "engulfing": "CDLENGULFING", "harami": "CDLHARAMI", "piercing": "CDLPIERCING", "dark_cloud": "CDLDARKCLOUDCOVER",
    "morning_star": "CDLMORNINGSTAR", "evening_star": "CDLEVENINGSTAR",
    "three_white_soldiers": "CDL3WHITESOLDIERS", "three_black_crows": "CDL3BLACKCROWS",
}  # fmt: skip


@pytest.fixture(scope="module", params=[1, 2, 3])
def folded(request):
    columns = random_bars(request.param, 1_500)
    return columns, fold_bars(columns)


@pytest.mark.parametrize("name", ORACLES)
def test_feature_is_talibs(folded, name):
    columns, values = folded
    got, wanted = values[:, INDEX[name]], ORACLES[name](*columns)
    warmup = FEATURES[INDEX[name]].warmup.count
    assert np.isnan(got[: warmup - 1]).all()
    assert np.isfinite(got[warmup - 1 :]).all()
    known = np.isfinite(wanted) & np.isfinite(got)
    assert known.sum() > len(got) - 70
    np.testing.assert_allclose(got[known], wanted[known], rtol=1e-9, atol=1e-9 * np.abs(wanted[known]).max())


@pytest.fixture(scope="module")
def many():
    """Bars enough for every pattern to occur."""
    columns = random_bars(4, 60_000)
    return columns, fold_bars(columns)


@pytest.mark.parametrize("name", PATTERNS)
def test_pattern_is_talibs(many, name):
    columns, values = many
    got = values[:, INDEX[name]]
    arguments = {"penetration": 0.5} if name == "dark_cloud" else {}
    wanted = getattr(talib, PATTERNS[name])(*columns[:4], **arguments) / 100.0
    first = FEATURES[INDEX[name]].warmup.count - 1
    assert np.isnan(got[:first]).all()
    assert np.count_nonzero(wanted) > 5, "the series has too few of them to tell"
    np.testing.assert_array_equal(got[first:], wanted[first:])
