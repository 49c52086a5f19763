"""Carries cross-sections into vectors (compiled): the features of ``catalogue.cross``, made by ``quant.cross_section``.

Beside the state of an instrument lie its latest cross-sections, one a line: second, how it is (``Line``), values. They
are no part of the state: a vector carries the one that is due by data time where that is there, says so, and is
otherwise without, so that when one came makes no value another.
"""

from enum import IntEnum

import numba
import numpy as np

from foretick.quant import parameters as p
from foretick.quant.cross_section import CROSS_COUNT, CrossReading, CrossReason
from foretick.quant.registry import FEATURE_COUNT


class Line(IntEnum):
    """How a line is: none, or without values for a reason; with values; without them for they are warming up."""

    ABSENT = 0
    THERE = 1
    WARMING = 2


LINE_COLUMNS = 2 + CROSS_COUNT
_FIRST = FEATURE_COUNT - CROSS_COUNT
_ABSENT, _THERE = Line.ABSENT.value, Line.THERE.value


def blank_lines(shape: tuple[int, ...]) -> np.ndarray:
    """Return lines of which nothing is known: float64 (*shape, ``LINE_COLUMNS``)."""
    return np.full((*shape, LINE_COLUMNS), np.nan)


def put_line(lines: np.ndarray, second: int, reading: CrossReading) -> None:
    """Write what the cross-section of ``second`` says of an instrument into its ``lines``."""
    line = lines[second % len(lines)]
    line[:] = np.nan
    line[0] = second
    if reading.reason is None:
        line[1], line[2:] = Line.THERE, reading.values
    else:
        line[1] = Line.WARMING if reading.reason == CrossReason.WARMING_UP else Line.ABSENT


@numba.njit(error_model="numpy")
def due_second(t_ns):  # noqa: ANN001, ANN201 - compiled
    """Return the second whose cross-section a vector at ``t_ns`` carries."""
    return t_ns // p.BAR_NS - p.CROSS_DELAY_S


@numba.njit(error_model="numpy")
def write_cross(lines, t_ns, values):  # noqa: ANN001, ANN201 - compiled
    """Write the features of the line that is due, where it has any; return how it is."""
    second = due_second(t_ns)
    line = lines[second % len(lines)]
    if line[0] != second:
        return _ABSENT
    if line[1] == _THERE:
        for i in range(CROSS_COUNT):
            values[_FIRST + i] = line[2 + i]
    return int(line[1])
