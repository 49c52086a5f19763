"""Which features are made of closed bars: they change when a bar closes, and a vector only copies them.

``FAMILIES`` are the features of each family in the order in which it writes them; a family's slots begin at
``FIRST[name]``.
"""

import numpy as np

from foretick.quant.feature import WarmupUnit
from foretick.quant.kernel import candles, momentum, regime, trend, volatility, volume
from foretick.quant.registry import FEATURES, INDEX

CORE = (
    "kyle_lambda_bps", "realised_volatility_bps", "rsi", "macd_histogram_bps", "bollinger_b", "atr_bps", "adx",
    "obv_slope",
)  # fmt: skip
FAMILIES: dict[str, tuple[str, ...]] = {
    "core": CORE,
    "trend": trend.NAMES,
    "momentum": momentum.NAMES,
    "volatility": volatility.NAMES,
    "volume": volume.NAMES,
    "regime": regime.NAMES,
    "candles": candles.NAMES,
}
_SLOTS = [name for names in FAMILIES.values() for name in names]
SLOT_COUNT = len(_SLOTS)
FIRST = {family: _SLOTS.index(names[0]) for family, names in FAMILIES.items()}


def _warmup_bars(name: str) -> int:
    warmup = FEATURES[INDEX[name]].warmup
    if warmup.unit is not WarmupUnit.BARS:
        raise ValueError(f"{name} is made of bars, its warm-up counts {warmup.unit}")
    return warmup.count


INDEX_OF_SLOT = np.array([INDEX[name] for name in _SLOTS])
"""Where each slot stands in the vector."""

WARMUP_BARS = np.array([_warmup_bars(name) for name in _SLOTS])
"""Closed bars that each slot needs, from the registry."""
