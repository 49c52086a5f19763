"""Features of bars against their definitions in 50-digit decimals: also where float arithmetic is laid traps."""

import numpy as np
import pytest

from foretick.quant.feature import Group
from foretick.quant.kernel import Grid, fold_history
from foretick.quant.proof import define_features
from foretick.quant.registry import FEATURES, INDEX
from foretick.quant.testing import trade_bars

CANDLES = {feature.name for feature in FEATURES if feature.group is Group.CANDLES}
GRID = Grid(interval_ns=1_000_000_000, window_steps=100)
BARS = 260


def bars_of(steps: np.ndarray, tick: float, offset: float, seed: int) -> np.ndarray:
    """Bars whose closes walk by ``steps`` ticks from ``offset``, wicks of 0 to 2 ticks, random volumes."""
    rng = np.random.default_rng(seed)
    close = np.cumsum(steps)
    opened = np.concatenate([[0], close[:-1]]) + rng.integers(-1, 2, len(close))
    top, bottom = np.maximum(opened, close), np.minimum(opened, close)
    ticks = np.array([opened, top + rng.integers(0, 3, len(close)), bottom - rng.integers(0, 3, len(close)), close])
    return np.vstack([offset + tick * ticks, rng.integers(1, 10_000, len(close)).astype(float)])


def walk(seed: int, n: int = BARS, most: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(-most, most + 1, n)


def spike(at: int, ticks: int) -> np.ndarray:
    steps = walk(5)
    steps[at], steps[at + 1] = ticks, -ticks
    return steps


SERIES = {
    "a walk": bars_of(walk(1), 0.01, 100.0, 1),
    "ticks on a grid of powers of two": bars_of(walk(2), 2.0**-6, 64.0, 2),
    "a huge offset and a tiny variance": bars_of(walk(3), 2.0**-20, 2.0**30, 3),
    "a constant": np.vstack([np.full((4, BARS), 123.456), np.full(BARS, 7.0)]),
    "a constant after a walk": bars_of(np.concatenate([walk(4, 120), np.zeros(140, int)]), 0.01, 100.0, 4),
    "a spike": bars_of(spike(130, 2_000_000), 0.01, 100.0, 5),
    "many ties": bars_of(walk(8, 4_000, 1), 2.0**-6, 64.0, 8),
    "a trend": bars_of(np.full(BARS, 2), 0.01, 10.0, 6),
    "tiny prices": bars_of(walk(7), 1e-9, 1e-6, 7),
}
LOOSE = {
    # a decayed sum that a spike has passed through keeps its rounding: relative to the spike, not to what is left
    "a spike": 1e-5,
    "a constant after a walk": 1e-7,
}


def fold_bars(columns: np.ndarray) -> np.ndarray:
    return fold_history(trade_bars(columns), GRID).values[1:]


@pytest.fixture(scope="module", params=SERIES)
def series(request):
    columns = SERIES[request.param]
    return LOOSE.get(request.param, 1e-9), fold_bars(columns), define_features(columns)


@pytest.mark.parametrize("name", define_features(SERIES["a walk"][:, :60]))
def test_feature_is_its_definition(series, name):
    tolerance, values, definitions = series
    first = max(FEATURES[INDEX[name]].warmup.count, 14 if name in CANDLES else 1) - 1
    got, wanted = values[first:, INDEX[name]], definitions[name][first:]
    assert np.isnan(values[: FEATURES[INDEX[name]].warmup.count - 1, INDEX[name]]).all()
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * max(1e-3, np.abs(wanted).max()))


def test_very_long_series_does_not_drift():
    """After 100,000 bars every feature is what its definition says of the last 2,500: what came before is forgotten."""
    columns = bars_of(walk(9, 100_000), 0.01, 50_000.0, 9)
    values, definitions = fold_bars(columns)[-100:], define_features(columns[:, -2_500:])
    for name, series in definitions.items():
        wanted = series[-100:]
        scale = max(1e-3, np.abs(wanted).max())
        np.testing.assert_allclose(values[:, INDEX[name]], wanted, rtol=1e-9, atol=1e-9 * scale, err_msg=name)
