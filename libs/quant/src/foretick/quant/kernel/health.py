"""Counts what is wrong with the values of each vector (compiled), as ``quant.feature`` says what they should be."""

from enum import IntEnum

import numba
import numpy as np

from foretick.quant import parameters as p
from foretick.quant.feature import Needs, WarmupUnit
from foretick.quant.registry import FEATURE_COUNT, FEATURES


class Fault(IntEnum):
    """Rows of the counts, one column a feature.

    WARMING: missing before every feature has passed its warm-up; MASKED: missing, for what it needs is not there;
    MISSING: missing for no such reason; OUTSIDE: beyond the registry's range; STALE: there, but made from
    quotes or a book of long ago
    """

    WARMING = 0
    MASKED = 1
    MISSING = 2
    OUTSIDE = 3
    STALE = 4


_WARMING, _MASKED, _MISSING, _OUTSIDE, _STALE = (fault.value for fault in Fault)
_TOLERANCE = 1e-9
_OF_LINE = (_MASKED, _MISSING, _WARMING)  # by ``cross.Line``
_LONGEST_WARMUP_BARS = max(f.warmup.count for f in FEATURES if f.warmup.unit is WarmupUnit.BARS)
_NEEDS_TOP = np.array([feature.needs is Needs.TOP for feature in FEATURES])
_NEEDS_BASKET = np.array([feature.needs is Needs.BASKET for feature in FEATURES])
_NEEDS_BOOK = np.array([feature.needs is Needs.BOOK for feature in FEATURES])


def _bounds(side: str, open_end: float, sign: float) -> np.ndarray:
    ends = [getattr(feature, side) for feature in FEATURES]
    return np.array([open_end if end is None else end + sign * _TOLERANCE * (1.0 + abs(end)) for end in ends])


_LOW, _HIGH = _bounds("low", -np.inf, -1.0), _bounds("high", np.inf, 1.0)


def no_faults() -> np.ndarray:
    """Return the counts of a kernel that has emitted nothing: int64 (faults, features)."""
    return np.zeros((len(Fault), FEATURE_COUNT), np.int64)


@numba.njit(error_model="numpy")
def count_faults(s, t_ns, is_warm, line, values, faults) -> None:  # noqa: ANN001 - compiled
    """Add what is wrong with ``values``, emitted at ``t_ns``, to ``faults``; ``line`` is how the cross-section is."""
    old_top = s.l1_ok and t_ns - s.l1_ns > p.STALE_NS
    old_book = s.depth_ok and t_ns - s.depth_ns > p.STALE_NS
    for i in range(FEATURE_COUNT):
        value = values[i]
        if value != value:
            if _NEEDS_BASKET[i]:
                faults[_OF_LINE[line], i] += 1
            elif (_NEEDS_TOP[i] and not s.l1_ok) or (_NEEDS_BOOK[i] and not s.depth_ok):
                faults[_MASKED, i] += 1
            else:
                faults[_MISSING if is_warm and s.bars >= _LONGEST_WARMUP_BARS else _WARMING, i] += 1
        elif value < _LOW[i] or value > _HIGH[i]:
            faults[_OUTSIDE, i] += 1
        elif (old_top and _NEEDS_TOP[i]) or (old_book and _NEEDS_BOOK[i]):
            faults[_STALE, i] += 1
