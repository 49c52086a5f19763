"""Where a return stops being flat. The labels themselves are ``foretick.quant.labels``."""

import numpy as np
from numpy.typing import NDArray

ROUNDING_BPS = 1e-6
"""Returns closer than this are the same return: a price move of one ten-billionth is rounding, not a tick."""


def flat_threshold_bps(returns_bps: NDArray[np.float64]) -> float:
    """Return the threshold between flat and a direction: just above the lower tercile of the absolute return.

    Prices move in ticks, so returns take few values; the threshold lies half-way between the tercile and the next
    larger value, where rounding cannot move a return across it. Where over a third of the returns are zero, flat means
    unmoved.

    Raises:
        ValueError: no return is known.

    >>> flat_threshold_bps(np.array([0.0, 0.0, 0.5, -1.0]))
    0.25
    """
    sizes = np.sort(np.abs(returns_bps[np.isfinite(returns_bps)]))
    if not len(sizes):
        raise ValueError("no return is known, so there is no threshold")
    tercile = sizes[(len(sizes) - 1) // 3]
    larger = sizes[sizes > tercile + ROUNDING_BPS]
    return float((tercile + larger[0]) / 2 if len(larger) else tercile)
