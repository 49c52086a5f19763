"""Arithmetic over the recent bars, and averages that follow the price (compiled).

A window is the end of a line of ``state.recent``, newest last, of a fixed length: it is summed anew at each bar, so
that nothing drifts and nothing has to be renewed. Prices enter as differences to the newest one, which are exact
(Sterbenz), so that no offset of the price, however large, costs digits.

Averages are kept as their distance from the newest close ("gap"), for the same reason: when the close moves by
``change``, an average that stands still gets ``change`` further away.
"""

import numba

from foretick.quant import parameters as p

OPEN, HIGH, LOW, CLOSE, VOLUME, RETURN_BPS = range(6)
"""Lines of ``state.recent``: the bar's prices and volume, and 1e4 times the log of the close over the one before."""

LINES = 6
SIZE = p.RECENT_BARS
LAST = SIZE - 1


@numba.njit(error_model="numpy")
def mean_gap(line, count):  # noqa: ANN001, ANN201 - compiled
    """Return the mean of the last ``count`` values less the newest."""
    total = 0.0
    for i in range(SIZE - count, SIZE):
        total += line[i] - line[LAST]
    return total / count


@numba.njit(error_model="numpy")
def weigh_gaps(line, weights):  # noqa: ANN001, ANN201 - compiled
    """Return the weighted sum of the last values' distances from the newest; ``weights`` oldest first."""
    total, first = 0.0, SIZE - len(weights)
    for i in range(len(weights)):
        total += weights[i] * (line[first + i] - line[LAST])
    return total


@numba.njit(error_model="numpy")
def sum_of(line, count):  # noqa: ANN001, ANN201 - compiled
    """Return the sum of the last ``count`` values."""
    total = 0.0
    for i in range(SIZE - count, SIZE):
        total += line[i]
    return total


@numba.njit(error_model="numpy")
def highest(line, count, skip):  # noqa: ANN001, ANN201 - compiled
    """Return the largest of the ``count`` values before the last ``skip``."""
    top = line[LAST - skip]
    for i in range(SIZE - count - skip, SIZE - skip):
        top = max(top, line[i])
    return top


@numba.njit(error_model="numpy")
def lowest(line, count, skip):  # noqa: ANN001, ANN201 - compiled
    """Return the least of the ``count`` values before the last ``skip``."""
    bottom = line[LAST - skip]
    for i in range(SIZE - count - skip, SIZE - skip):
        bottom = min(bottom, line[i])
    return bottom


@numba.njit(error_model="numpy")
def deviation(line, count):  # noqa: ANN001, ANN201 - compiled
    """Return the population standard deviation of the last ``count`` values, in two passes."""
    mean, total = mean_gap(line, count), 0.0
    for i in range(SIZE - count, SIZE):
        gap = line[i] - line[LAST] - mean
        total += gap * gap
    return (total / count) ** 0.5


@numba.njit(error_model="numpy")
def true_range(recent, i):  # noqa: ANN001, ANN201 - compiled
    """Return the true range of the bar in column ``i``."""
    before = recent[CLOSE, i - 1]
    high, low = recent[HIGH, i], recent[LOW, i]
    return max(high - low, abs(high - before), abs(low - before))


@numba.njit(error_model="numpy")
def share(part, whole, flat):  # noqa: ANN001, ANN201 - compiled
    """Return ``part / whole``, or ``flat`` where the whole is not positive."""
    return part / whole if whole > 0.0 else flat


@numba.njit(error_model="numpy")
def follow(gap, above, change, n, period):  # noqa: ANN001, ANN201 - compiled
    """Return the gap of an EMA after a bar; a total of gaps until it is seeded with the mean of its first values.

    gap: before the bar; above: gap of what is averaged, 0 for the close itself; change: of the close; n: number of this
    value of what is averaged, from 0, negative before there is one
    """
    if n < 0:
        return 0.0
    if n < period:
        total = gap - n * change + above
        return total / period if n == period - 1 else total
    alpha = 2.0 / (period + 1)
    return alpha * above + (1.0 - alpha) * (gap - change)


@numba.njit(error_model="numpy")
def smooth(mean, value, n, period):  # noqa: ANN001, ANN201 - compiled
    """Return Wilder's mean: the sum until ``period`` values are in, there their mean, then smoothed. ``n`` from 1."""
    if n < period:
        return mean + value
    if n == period:
        return (mean + value) / period
    return (mean * (period - 1) + value) / period


@numba.njit(error_model="numpy")
def average(ema, value, n, period):  # noqa: ANN001, ANN201 - compiled
    """Return an EMA seeded with the mean of its first ``period`` values, their sum before; ``n`` from 0, idle below."""
    if n < 0:
        return ema
    if n < period - 1:
        return ema + value
    if n == period - 1:
        return (ema + value) / period
    return (value - ema) * (2.0 / (period + 1)) + ema
