"""Candlestick patterns as TA-Lib tells them apart (compiled): the features of ``catalogue.candles``.

What is long, short or a doji is told by the mean of the 10 bars before that candle, what is near by that of 5. Means
are compared as sums times whole numbers, so that equality on a grid of prices is decided by the prices and not by
rounding.
"""

import numba

from foretick.quant import parameters as p
from foretick.quant.catalogue.candles import CANDLES
from foretick.quant.kernel.series import CLOSE, HIGH, LAST, LOW, OPEN, share

NAMES = tuple(feature.name for feature in CANDLES)
(
    _DOJI, _DRAGONFLY, _GRAVESTONE, _HAMMER, _HANGING_MAN, _INVERTED_HAMMER, _SHOOTING_STAR, _MARUBOZU, _SPINNING_TOP,
    _ENGULFING, _HARAMI, _PIERCING, _DARK_CLOUD, _MORNING_STAR, _EVENING_STAR, _SOLDIERS, _CROWS, _UPPER, _LOWER,
) = range(len(NAMES))  # fmt: skip

_N = float(p.BODY_BARS)


@numba.njit(error_model="numpy")
def fold_candles(recent, out) -> None:  # noqa: ANN001 - compiled
    """Write the values for the newest bar of ``recent`` to ``out``: 1 or -1, 0.8 or -0.8 where ends meet, or 0."""
    _write_single(recent, out)
    _write_pairs(recent, out)
    _write_stars(recent, out)
    out[_SOLDIERS] = 1.0 if _are_soldiers(recent) else 0.0
    out[_CROWS] = -1.0 if _are_crows(recent) else 0.0


@numba.njit(error_model="numpy")
def _body(recent, i):  # noqa: ANN001, ANN202 - compiled
    return abs(recent[CLOSE, i] - recent[OPEN, i])


@numba.njit(error_model="numpy")
def _top(recent, i):  # noqa: ANN001, ANN202 - compiled
    return max(recent[CLOSE, i], recent[OPEN, i])


@numba.njit(error_model="numpy")
def _bottom(recent, i):  # noqa: ANN001, ANN202 - compiled
    return min(recent[CLOSE, i], recent[OPEN, i])


@numba.njit(error_model="numpy")
def _colour(recent, i):  # noqa: ANN001, ANN202 - compiled
    return 1.0 if recent[CLOSE, i] >= recent[OPEN, i] else -1.0


@numba.njit(error_model="numpy")
def _bodies_before(recent, i):  # noqa: ANN001, ANN202 - compiled
    total = 0.0
    for j in range(i - p.BODY_BARS, i):
        total += _body(recent, j)
    return total


@numba.njit(error_model="numpy")
def _ranges_before(recent, i, count):  # noqa: ANN001, ANN202 - compiled
    total = 0.0
    for j in range(i - count, i):
        total += recent[HIGH, j] - recent[LOW, j]
    return total


@numba.njit(error_model="numpy")
def _write_single(recent, out) -> None:  # noqa: ANN001 - compiled
    body, colour = _body(recent, LAST), _colour(recent, LAST)
    upper, lower = recent[HIGH, LAST] - _top(recent, LAST), _bottom(recent, LAST) - recent[LOW, LAST]
    whole = recent[HIGH, LAST] - recent[LOW, LAST]
    out[_UPPER], out[_LOWER] = share(upper, whole, 0.0), share(lower, whole, 0.0)
    ranges, bodies = _ranges_before(recent, LAST, p.BODY_BARS), _bodies_before(recent, LAST)
    is_doji, is_short = 10.0 * _N * body <= ranges, _N * body < bodies
    no_upper, no_lower = 10.0 * _N * upper < ranges, 10.0 * _N * lower < ranges
    some_upper, some_lower = 10.0 * _N * upper > ranges, 10.0 * _N * lower > ranges
    out[_DOJI] = 1.0 if is_doji else 0.0
    out[_DRAGONFLY] = 1.0 if is_doji and no_upper and some_lower else 0.0
    out[_GRAVESTONE] = 1.0 if is_doji and no_lower and some_upper else 0.0
    out[_MARUBOZU] = colour if _N * body > bodies and no_upper and no_lower else 0.0
    out[_SPINNING_TOP] = colour if is_short and upper > body and lower > body else 0.0
    hangs, stands = is_short and lower > body and no_upper, is_short and upper > body and no_lower
    near = _ranges_before(recent, LAST - 1, p.NEAR_BARS)  # 0.2 of the mean of 5 is 1/25 of the sum
    is_low = 25.0 * (_bottom(recent, LAST) - recent[LOW, LAST - 1]) <= near
    is_high = 25.0 * (recent[HIGH, LAST - 1] - _bottom(recent, LAST)) <= near
    out[_HAMMER] = 1.0 if hangs and is_low else 0.0
    out[_HANGING_MAN] = -1.0 if hangs and is_high else 0.0
    out[_INVERTED_HAMMER] = 1.0 if stands and _top(recent, LAST) < _bottom(recent, LAST - 1) else 0.0
    out[_SHOOTING_STAR] = -1.0 if stands and _bottom(recent, LAST) > _top(recent, LAST - 1) else 0.0


@numba.njit(error_model="numpy")
def _write_pairs(recent, out) -> None:  # noqa: ANN001 - compiled
    before, colour, other = LAST - 1, _colour(recent, LAST), _colour(recent, LAST - 1)
    high, low, old_high, old_low = (
        _top(recent, LAST), _bottom(recent, LAST), _top(recent, before), _bottom(recent, before)
    )  # fmt: skip
    covers = high >= old_high and low <= old_low and not (high == old_high and low == old_low)
    meets = high == old_high or low == old_low
    out[_ENGULFING] = colour * (0.8 if meets else 1.0) if covers and colour != other else 0.0
    body, old_body = _body(recent, LAST), _body(recent, before)
    was_long = _N * old_body > _bodies_before(recent, before)
    bodies = _bodies_before(recent, LAST)
    inside = was_long and _N * body <= bodies and high <= old_high and low >= old_low
    out[_HARAMI] = -other * (0.8 if meets else 1.0) if inside else 0.0
    opened, close = recent[OPEN, LAST], recent[CLOSE, LAST]
    old_open, old_close = recent[OPEN, before], recent[CLOSE, before]
    turns = was_long and colour != other
    pierces = turns and colour > 0.0 and _N * body > bodies and opened < recent[LOW, before] and close < old_open
    out[_PIERCING] = 1.0 if pierces and 2.0 * (close - old_close) > old_body else 0.0
    darkens = turns and colour < 0.0 and opened > recent[HIGH, before] and close > old_open
    out[_DARK_CLOUD] = -1.0 if darkens and 2.0 * (old_close - close) > old_body else 0.0


@numba.njit(error_model="numpy")
def _write_stars(recent, out) -> None:  # noqa: ANN001 - compiled
    first, star = LAST - 2, LAST - 1
    colour, other = _colour(recent, LAST), _colour(recent, first)
    shaped = (
        colour != other
        and _N * _body(recent, first) > _bodies_before(recent, first)
        and _N * _body(recent, star) <= _bodies_before(recent, star)
        and _N * _body(recent, LAST) > _bodies_before(recent, LAST)
        and 10.0 * colour * (recent[CLOSE, LAST] - recent[CLOSE, first]) > 3.0 * _body(recent, first)
    )
    below = _top(recent, star) < _bottom(recent, first)
    above = _bottom(recent, star) > _top(recent, first)
    out[_MORNING_STAR] = 1.0 if shaped and colour > 0.0 and below else 0.0
    out[_EVENING_STAR] = -1.0 if shaped and colour < 0.0 and above else 0.0


@numba.njit(error_model="numpy")
def _are_soldiers(recent):  # noqa: ANN001, ANN202 - compiled
    for i in range(LAST - 2, LAST + 1):
        shadow = recent[HIGH, i] - recent[CLOSE, i]
        if _colour(recent, i) < 0.0 or not 10.0 * _N * shadow < _ranges_before(recent, i, p.BODY_BARS):
            return False
    for i in range(LAST - 1, LAST + 1):
        near = _ranges_before(recent, i - 1, p.NEAR_BARS)
        opened, old_open, old_close = recent[OPEN, i], recent[OPEN, i - 1], recent[CLOSE, i - 1]
        if not (recent[CLOSE, i] > old_close and opened > old_open and 25.0 * (opened - old_close) <= near):
            return False
        if not 25.0 * (_body(recent, i - 1) - _body(recent, i)) < 3.0 * near:  # far is 0.6 of the mean of 5
            return False
    return _N * _body(recent, LAST) > _bodies_before(recent, LAST)


@numba.njit(error_model="numpy")
def _are_crows(recent):  # noqa: ANN001, ANN202 - compiled
    for i in range(LAST - 2, LAST + 1):
        shadow = recent[CLOSE, i] - recent[LOW, i]
        if _colour(recent, i) > 0.0 or not 10.0 * _N * shadow < _ranges_before(recent, i, p.BODY_BARS):
            return False
    for i in range(LAST - 1, LAST + 1):
        opened, old_open, old_close = recent[OPEN, i], recent[OPEN, i - 1], recent[CLOSE, i - 1]
        if not (opened < old_open and opened > old_close and old_close > recent[CLOSE, i]):
            return False
    return _colour(recent, LAST - 3) > 0.0 and recent[HIGH, LAST - 3] > recent[CLOSE, LAST - 2]
