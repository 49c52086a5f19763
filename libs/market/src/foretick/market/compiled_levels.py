"""The levels of a book as sorted columns, compiled: text or floats in, exact ticks and quantities in place.

A side is a run of ``keys[side, start:end]``, ascending towards the best price (bids: ticks, asks: minus ticks), so that
the best is last and most changes move few of them. A level that is removed stays as a key of quantity 0, for prices
come and go at the same places: in six recorded minutes of BTCUSDT futures every second insertion finds its key still
there. Such keys are swept out when they are more than a quarter of the side.

An update is read as a whole before anything of it is applied. What these functions cannot read exactly (an exponent, a
blank, a value off its grid) they refuse, and the caller takes the slow way, which tells why. All is in one file, for
numba's cache knows only the file of the function that is called.

Shapes: ``keys`` int64, ``qtys`` float64 (2, capacity); ``marks`` int64 (2, 3) of ``START, END, LIVE``; ``grid`` int64
(2, 3) of ``NUMERATOR, DENOMINATOR, DECIMALS`` of tick and lot; decimals are -1 for a step that is no power of ten.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

BID, ASK = 0, 1
START, END, LIVE = 0, 1, 2
NUMERATOR, DENOMINATOR, DECIMALS = 0, 1, 2

OPEN, CROSSED, UNREADABLE, NO_ROOM = 0, 1, -1, -2
"""What became of an update: applied, the best bid below the best ask or not; or refused, with nothing changed."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Outcome = tuple[int, int, int, int, int]
"""Status, number of bid levels read and of all, and where the text of bids and that of asks ends."""

_QUOTE, _COMMA, _POINT, _OPEN, _CLOSE, _ZERO = 34, 44, 46, 91, 93, 48
_EXACT = 2**53
_MOST_STEPS = 2**62
_MOST_LOTS = 2.0**80
_OFF_GRID = 1e-6
_OFF_GRID_FRAC = 4e-16
MOST_DIGITS = 15
_TENS = np.array([10**n for n in range(MOST_DIGITS + 1)], np.int64)
_LARGEST = _MOST_STEPS // _TENS


@njit(cache=True)
def apply_text(  # noqa: PLR0913 - compiled
    bids: bytes, asks: bytes, grid: Ints, keys: Ints, qtys: Floats, marks: Ints, numbers: Ints, ticks: Ints,
    amounts: Floats, text: Bytes, max_levels: int, replace: bool,
) -> Outcome:  # fmt: skip
    """Apply levels as venues write them, ``[["61800.20","2.507"],...]``; further columns of a row are not looked at.

    ``text`` gets the same levels as JSON numbers: bids, then asks; it is at least as long as both inputs. ``ticks`` and
    ``amounts`` hold what was read, bids first, ``numbers`` (2, 2 x their length) what it was made from. Six bytes of
    input make a level at most.
    """
    bid_numbers, bid_end = _read_rows(bids, numbers[0], numbers[1], text, 0, 0)
    if bid_numbers < 0:
        return UNREADABLE, 0, 0, 0, 0
    last, ask_end = _read_rows(asks, numbers[0], numbers[1], text, bid_numbers, bid_end)
    if last < 0 or not _put_on_grid(numbers[0], numbers[1], last, grid, ticks, amounts):
        return UNREADABLE, 0, 0, 0, 0
    bid_rows, rows = bid_numbers // 2, last // 2
    status = apply_steps(ticks, amounts, bid_rows, rows, keys, qtys, marks, max_levels, replace)
    return status, bid_rows, rows, bid_end, ask_end


@njit(cache=True)
def apply_floats(  # noqa: PLR0913 - compiled
    bids: Floats, asks: Floats, grid: Ints, keys: Ints, qtys: Floats, marks: Ints, ticks: Ints, amounts: Floats,
    max_levels: int, replace: bool,
) -> int:  # fmt: skip
    """Apply levels as floats, price and quantity in turn; ``ticks`` and ``amounts`` are half as long as both inputs."""
    bid_rows = _round_rows(bids, grid, ticks, amounts, 0)
    if bid_rows < 0:
        return UNREADABLE
    rows = _round_rows(asks, grid, ticks, amounts, bid_rows)
    if rows < 0:
        return UNREADABLE
    return apply_steps(ticks, amounts, bid_rows, rows, keys, qtys, marks, max_levels, replace)


@njit(cache=True)
def apply_steps(  # noqa: PLR0913 - compiled
    ticks: Ints, amounts: Floats, bid_rows: int, rows: int, keys: Ints, qtys: Floats, marks: Ints, max_levels: int,
    replace: bool,
) -> int:  # fmt: skip
    """Apply ``rows`` levels that are on their grid, of which the first ``bid_rows`` are bids."""
    for side in range(2):
        held = 0 if replace else marks[side, END] - marks[side, START]
        if held + (bid_rows if side == BID else rows - bid_rows) > keys.shape[1]:
            return NO_ROOM
    for side in range(2):
        first, last = (0, bid_rows) if side == BID else (bid_rows, rows)
        sign = 1 if side == BID else -1
        if replace:
            _clear(marks[side], sign * ticks[first:last], keys.shape[1])
        if last > first:
            _update(keys[side], qtys[side], marks[side], ticks[first:last], amounts[first:last], sign)
            _tidy(keys[side], qtys[side], marks[side], max_levels)
    if marks[BID, LIVE] == 0 or marks[ASK, LIVE] == 0:
        return OPEN
    return CROSSED if keys[BID, marks[BID, END] - 1] >= -keys[ASK, marks[ASK, END] - 1] else OPEN


@njit(cache=True)
def _clear(marks: Ints, to_come: Ints, room: int) -> None:
    """Empty a side at the end of its room from which ``to_come`` fill it without moving what is there already."""
    place = room if len(to_come) and to_come[0] > to_come[-1] else 0
    marks[START], marks[END], marks[LIVE] = place, place, 0


@njit(cache=True)
def _read_rows(  # noqa: C901, PLR0915 - one piece: an array handed on costs reference counts, 2 us an update
    source: bytes, digits: Ints, decimals: Ints, text: Bytes, first: int, begin: int
) -> tuple[int, int]:
    """Read prices and quantities in turn, from place ``first`` on, and write them as JSON numbers from ``begin`` on.

    Of each number ``digits`` gets all but the zeros after its point, as an integer, ``decimals`` how many follow it.
    Returned are where numbers and text end; -1 for what cannot be read. Each step forward follows a look at a byte that
    is not 0, and ``bytes`` end with a 0. Unsigned places need no test for signs.
    """
    one = np.uint64(1)
    number, i, at = np.uint64(first), one, np.uint64(begin) + one
    if source[i - one] != _OPEN:
        return -1, 0
    text[at - one] = _OPEN
    while source[i] == _OPEN:
        for column in range(2):
            text[at] = source[i]
            is_quoted = source[i + one] == _QUOTE
            i, at = i + (one + one if is_quoted else one), at + one
            start, read, places, count = i, np.int64(0), np.int64(0), np.int64(0)
            digit = np.int64(source[i]) - _ZERO
            while 0 <= digit <= 9:
                read = read * 10 + digit
                text[at] = source[i]
                i, at, count = i + one, at + one, count + 1
                digit = np.int64(source[i]) - _ZERO
            kept, whole, to = read, count, at
            if source[i] == _POINT:
                text[to] = _POINT
                i, to = i + one, to + one
                digit = np.int64(source[i]) - _ZERO
                while 0 <= digit <= 9:
                    read = read * 10 + digit
                    text[to] = source[i]
                    i, to, count = i + one, to + one, count + 1
                    says = digit != 0  # chooses values, not ways: zeros come too irregularly for a branch
                    kept, places, at = (read, count - whole, to) if says else (kept, places, at)
                    digit = np.int64(source[i]) - _ZERO
            if whole == 0 or (whole > 1 and source[start] == _ZERO) or source[i - one] == _POINT or count > MOST_DIGITS:
                return -1, 0
            if is_quoted and source[i] != _QUOTE:
                return -1, 0
            i += np.uint64(is_quoted)
            if source[i] != _COMMA and (column == 0 or source[i] != _CLOSE):
                return -1, 0
            digits[number], decimals[number] = kept, places
            number += one
        while source[i] != _CLOSE:  # further columns
            if source[i] == 0 or source[i] == _OPEN:
                return -1, 0
            i += one
        text[at] = _CLOSE
        i, at = i + one, at + one
        if source[i] == _COMMA and source[i + one] == _OPEN:
            text[at] = _COMMA
            i, at = i + one, at + one
    if source[i] != _CLOSE or i + one != len(source):
        return -1, 0
    text[at] = _CLOSE
    return int(np.int64(number)), int(np.int64(at + one))


@njit(cache=True)
def _put_on_grid(digits: Ints, decimals: Ints, last: int, grid: Ints, ticks: Ints, amounts: Floats) -> bool:
    """Make ticks and quantities of the first ``last`` numbers; False where one is off the grid or too large to tell.

    On a grid of a power of ten it is enough to count decimals, as the last one is not 0; divisions are slow.
    """
    tick_decimals, lot_decimals = grid[0, DECIMALS], grid[1, DECIMALS]
    for number in range(0, last, 2):
        row, price, places = number // 2, digits[number], decimals[number]
        if places <= tick_decimals and price <= _LARGEST[tick_decimals - places]:
            ticks[row] = price * _TENS[tick_decimals - places]
        else:
            ticks[row] = _divide(price, places, grid[0, NUMERATOR], grid[0, DENOMINATOR])
        if ticks[row] <= 0:
            return False
        qty, places = digits[number + 1], decimals[number + 1]
        if places > lot_decimals and _divide(qty, places, grid[1, NUMERATOR], grid[1, DENOMINATOR]) < 0:
            return False
        amounts[row] = np.float64(qty) / np.float64(_TENS[places])
    return True


@njit(cache=True)
def _divide(digits: int, decimals: int, numerator: int, denominator: int) -> int:
    """Return a decimal in steps of ``numerator / denominator``; -1 where it is no whole number or too large to tell."""
    if digits > _MOST_STEPS // denominator or _TENS[decimals] > _MOST_STEPS // numerator:
        return -1
    steps, step = digits * denominator, _TENS[decimals] * numerator
    return steps // step if steps % step == 0 else -1


@njit(cache=True)
def _round_rows(values: Floats, grid: Ints, ticks: Ints, amounts: Floats, first: int) -> int:
    """Put ``values`` on the grid, as ``PriceGrid.levels`` does; return where the rows end, or -1 for a value off it."""
    row = first
    for i in range(0, len(values), 2):
        raw_ticks = values[i] * np.float64(grid[0, DENOMINATOR]) / np.float64(grid[0, NUMERATOR])
        raw_lots = values[i + 1] * np.float64(grid[1, DENOMINATOR]) / np.float64(grid[1, NUMERATOR])
        if not (0.5 < raw_ticks < _EXACT and 0.0 <= raw_lots < _MOST_LOTS):
            return -1
        whole_ticks, whole_lots = np.rint(raw_ticks), np.rint(raw_lots)
        if abs(raw_ticks - whole_ticks) > _OFF_GRID + raw_ticks * _OFF_GRID_FRAC:
            return -1
        if abs(raw_lots - whole_lots) > _OFF_GRID + raw_lots * _OFF_GRID_FRAC:
            return -1
        ticks[row] = np.int64(whole_ticks)
        numerator = whole_lots * np.float64(grid[1, NUMERATOR])
        amounts[row] = numerator / np.float64(grid[1, DENOMINATOR]) if numerator < _EXACT else values[i + 1]
        row += 1
    return row


@njit(cache=True)
def _place(keys: Ints, start: int, end: int, key: int) -> int:
    """Return the first place in ``keys[start:end]`` whose key is not below ``key``; without a branch to mispredict."""
    base, n, one = np.uint64(start), np.uint64(end - start), np.uint64(1)
    while n > one:
        half = n >> one
        if keys[base + half - one] < key:
            base += half
        n -= half
    if n == one and keys[base] < key:
        base += one
    return int(np.int64(base))


@njit(cache=True)
def _update(keys: Ints, qtys: Floats, marks: Ints, ticks: Ints, amounts: Floats, sign: int) -> None:
    start, end, live = marks[START], marks[END], marks[LIVE]
    for row in range(len(ticks)):
        key, qty = sign * ticks[row], amounts[row]
        place = _place(keys, start, end, key)
        if place < end and keys[place] == key:
            live += (qty > 0.0) - (qtys[place] > 0.0)
            qtys[place] = qty
        elif qty > 0.0:
            if end < len(keys) and (start == 0 or end - place <= place - start):
                _shift_up(keys, qtys, place, end)
                end += 1
            else:
                place -= 1
                _shift_down(keys, qtys, start, place)
                start -= 1
            keys[place], qtys[place] = key, qty
            live += 1
    marks[START], marks[END], marks[LIVE] = start, end, live


@njit(cache=True)
def _shift_up(keys: Ints, qtys: Floats, place: int, end: int) -> None:
    """Move ``[place, end)`` one up. Unsigned places spare a test for negative ones in each turn."""
    to, last, one = np.uint64(end), np.uint64(place), np.uint64(1)
    while to > last:
        keys[to], qtys[to] = keys[to - one], qtys[to - one]
        to -= one


@njit(cache=True)
def _shift_down(keys: Ints, qtys: Floats, start: int, place: int) -> None:
    """Move ``[start, place]`` one down."""
    to, last, one = np.uint64(start - 1), np.uint64(place), np.uint64(1)
    while to < last:
        keys[to], qtys[to] = keys[to + one], qtys[to + one]
        to += one


@njit(cache=True)
def _tidy(keys: Ints, qtys: Floats, marks: Ints, max_levels: int) -> None:
    """Forget the worst levels beyond ``max_levels``, and removed ones at both ends or where they are too many."""
    start, end, live = marks[START], marks[END], marks[LIVE]
    while end > start and qtys[end - 1] == 0.0:
        end -= 1
    while end > start and (live > max_levels or qtys[start] == 0.0):
        live -= qtys[start] > 0.0
        start += 1
    if end - start - live > live // 4 + 64:
        to = start
        for place in range(start, end):
            if qtys[place] > 0.0:
                keys[to], qtys[to] = keys[place], qtys[place]
                to += 1
        end = to
    marks[START], marks[END], marks[LIVE] = start, end, live
