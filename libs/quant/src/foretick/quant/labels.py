"""What a prediction is held to: the forward return of the mid, and its class. Arrays of one instrument's vectors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.common.units import BPS_PER_UNIT

DOWN, FLAT, UP = 0, 1, 2
"""Classes, in the order of the model's probabilities."""

UNKNOWN = -1
"""The class of a vector whose outcome is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The outcome of each vector.

    return_bps: float64 (n), log return of the mid over the horizon; NaN where unknown
    direction: int8 (n), 0 down, 1 flat, 2 up, -1 unknown
    end: int64 (n), index of the vector that ends the horizon; -1 where unknown. Split data so that no training row's
        end lies in the test part.
    """

    return_bps: NDArray[np.float64]
    direction: NDArray[np.int8]
    end: NDArray[np.int64]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which vectors have an outcome."""
        return self.end >= 0


def label_vectors(step: NDArray[np.int64], mid: NDArray[np.float64], horizon_steps: int, flat_bps: float) -> Labels:
    """Label vectors by the mid ``horizon_steps`` later.

    The horizon of a vector of step s ends with the first vector of a step at or after ``s + horizon_steps``, if that
    step is before ``s + 2 * horizon_steps``; beyond, or without a mid at either end, the outcome is unknown. A return
    of size at most ``flat_bps`` is flat. Appending vectors never changes an outcome that is known.

    Args:
        step: strictly increasing step numbers, shape (n,)
        mid: mid prices, NaN where unknown, shape (n,)
        horizon_steps: at least 1
        flat_bps: threshold, not negative

    Raises:
        ValueError: an argument is out of its range.
    """
    if horizon_steps < 1 or not flat_bps >= 0:
        raise ValueError(f"horizon_steps {horizon_steps} must be at least 1 and flat_bps {flat_bps} not negative")
    if step.shape != mid.shape or np.any(np.diff(step) <= 0):
        raise ValueError("step must increase strictly and match mid in length")
    end = np.searchsorted(step, step + horizon_steps, side="left").astype(np.int64)
    inside = end < len(step)
    last = np.where(inside, end, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return_bps = BPS_PER_UNIT * np.log(mid[last] / mid) if len(step) else np.empty(0)
    known = inside & (step[last] - step < 2 * horizon_steps) & np.isfinite(return_bps) if len(step) else inside
    return Labels(
        return_bps=np.where(known, return_bps, np.nan),
        direction=np.where(known, classify(return_bps, flat_bps), UNKNOWN).astype(np.int8),
        end=np.where(known, end, -1),
    )


def classify(return_bps: NDArray[np.float64], flat_bps: float) -> NDArray[np.int8]:
    """Return 0 (down), 1 (flat) or 2 (up) for each return; NaN counts as flat."""
    return (FLAT + (return_bps > flat_bps).astype(np.int8) - (return_bps < -flat_bps).astype(np.int8)).astype(np.int8)
