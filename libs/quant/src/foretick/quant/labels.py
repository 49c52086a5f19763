"""What a prediction is held to: the forward return of the mid, and its class. Arrays of one instrument's vectors.

Three rules: the mid a horizon later (``label_vectors``, what live outcomes follow), the first barrier touched within a
horizon (``label_barriers``), and the mean mid of the next events (``label_next_events``). Appending the future never
changes an outcome that is known.
"""

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


def label_barriers(
    step: NDArray[np.int64], mid: NDArray[np.float64], width_bps: NDArray[np.float64], horizon_steps: int
) -> Labels:
    """Label vectors by the barrier that the mid touches first: up, down, or (flat) the end of the horizon.

    The triple-barrier method (Lopez de Prado 2018, ch. 3). The path is followed vector by vector; the horizon ends as
    in ``label_vectors``. A path that meets an unknown mid, or the end of the data, before a barrier is unknown.

    Args:
        step: strictly increasing step numbers, shape (n,)
        mid: mid prices, NaN where unknown, shape (n,)
        width_bps: distance of both barriers, positive, such as a multiple of the volatility; NaN: unknown, shape (n,)
        horizon_steps: at least 1

    Returns:
        The return at the touch or at the end, and the index where that was.

    Raises:
        ValueError: an argument is out of its range.
    """
    if width_bps.shape != mid.shape or np.any(width_bps <= 0.0):
        raise ValueError("width_bps must be positive and match mid in length")
    ends = label_vectors(step, mid, horizon_steps, 0.0).end
    n = len(step)
    return_bps = np.full(n, np.nan)
    direction, end = np.full(n, UNKNOWN, np.int8), np.full(n, -1, np.int64)
    is_open = np.isfinite(mid) & np.isfinite(width_bps)
    for ahead in range(1, horizon_steps + 1):
        rows = np.flatnonzero(is_open[: n - ahead])
        if not len(rows):
            break
        at = rows + ahead
        moved = BPS_PER_UNIT * np.log(mid[at] / mid[rows])
        touched = np.abs(moved) >= width_bps[rows]
        # a horizon may pass over steps without a vector: what comes after it touches nothing
        is_late = step[at] > step[rows] + horizon_steps
        done = (touched & ~is_late) | (at == ends[rows])
        sign = np.where(touched & ~is_late, np.sign(moved), 0.0)
        return_bps[rows[done]], end[rows[done]] = moved[done], at[done]
        direction[rows[done]] = FLAT + sign[done].astype(np.int8)
        is_open[rows[done | np.isnan(moved) | is_late]] = False
    return Labels(return_bps, direction, end)


def label_next_events(mid: NDArray[np.float64], events: int, flat_bps: float) -> Labels:
    """Label events by the mean mid of the next ``events`` against their own: a label for horizons counted in events.

    Args:
        mid: mid prices of consecutive events, NaN where unknown, shape (n,)
        events: how many events ahead are averaged, at least 1
        flat_bps: threshold, not negative

    Raises:
        ValueError: an argument is out of its range.

    Source: Ntakaris et al. 2018 (Journal of Forecasting 37), the label of the FI-2010 benchmark.
    """
    if events < 1 or not flat_bps >= 0:
        raise ValueError(f"events {events} must be at least 1 and flat_bps {flat_bps} not negative")
    n = len(mid)
    return_bps, end = np.full(n, np.nan), np.full(n, -1, np.int64)
    if n > events:
        ahead = np.lib.stride_tricks.sliding_window_view(mid[1:], events).mean(axis=1)
        return_bps[: n - events] = BPS_PER_UNIT * np.log(ahead / mid[: n - events])
    known = np.isfinite(return_bps)
    end[known] = np.flatnonzero(known) + events
    direction = np.where(known, classify(return_bps, flat_bps), UNKNOWN).astype(np.int8)
    return Labels(return_bps, direction, end)


def classify(return_bps: NDArray[np.float64], flat_bps: float) -> NDArray[np.int8]:
    """Return 0 (down), 1 (flat) or 2 (up) for each return; NaN counts as flat."""
    return (FLAT + (return_bps > flat_bps).astype(np.int8) - (return_bps < -flat_bps).astype(np.int8)).astype(np.int8)
