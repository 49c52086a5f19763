"""Features from their definitions, in 50-digit decimal arithmetic and without state: what the kernel is held to.

Each is written down from its source and not from the kernel: whole series in, whole series out, windows summed anew,
slow and plain. Tests compare on well-behaved and on malicious series, ``foretick features verify`` on recorded ones.
"""

import numpy as np
from numpy.typing import NDArray

from foretick.quant.proof.bars import Bars, Series, in_decimals
from foretick.quant.proof.candles import define_candles
from foretick.quant.proof.momentum import define_core, define_momentum
from foretick.quant.proof.regime import define_regime
from foretick.quant.proof.trend import define_trend
from foretick.quant.proof.volatility import define_volatility
from foretick.quant.proof.volume import define_volume

__all__ = ["Bars", "define_features"]

_FAMILIES = (
    define_core,
    define_trend,
    define_momentum,
    define_volatility,
    define_volume,
    define_regime,
    define_candles,
)


@in_decimals
def _define(columns: NDArray[np.float64]) -> dict[str, Series]:
    bars = Bars.of(columns)
    return {name: series for define in _FAMILIES for name, series in define(bars).items()}


def define_features(columns: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return each feature of closed bars by name, one value a bar, rounded once at the end.

    columns: open, high, low, close, volume (5, n). Values before a feature's warm-up mean nothing.
    """
    return {name: np.array([float(value) for value in series]) for name, series in _define(columns).items()}
