"""An order book for thousands of levels and many updates: the book of ``OrderBook``, its levels in compiled arrays.

An update is one compiled call, which takes a venue's text (``LevelText``) without making a float of it. It is for
processes that keep books from venues. It imports numba, 60 MB and 0.3 s; a process that only shows books does with
``OrderBook``.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from foretick.common.contracts import Level
from foretick.common.errors import Malformed
from foretick.market.book import DEFAULT_MAX_LEVELS, OrderBook, PriceGrid
from foretick.market.compiled_levels import (
    ASK,
    BID,
    CROSSED,
    END,
    LIVE,
    MOST_DIGITS,
    NO_ROOM,
    START,
    UNREADABLE,
    apply_floats,
    apply_steps,
    apply_text,
)
from foretick.market.level_text import LevelText

_FIRST_ROOM = 256
_EXACT = 2**53
_MOST_TICKS = 2**62  # what the columns hold
_SHORTEST_ROW_BYTES = 6  # [1,1],


class CompiledBook(OrderBook):
    """Bids and asks of one instrument, at most ``max_levels`` a side (the worst are forgotten first).

    Updates are atomic: a malformed one changes nothing. Prices are held as ticks, quantities as the very floats that
    their decimal text parses to: equal lots are equal floats, and there may be more lots than an integer column holds.
    """

    __slots__ = ("_amounts", "_crossed", "_keys", "_marks", "_numbers", "_qtys", "_steps", "_text", "_ticks", "_told")

    def __init__(self, grid: PriceGrid, max_levels: int = DEFAULT_MAX_LEVELS) -> None:
        super().__init__(grid, max_levels)
        self._steps = _steps_of(grid)
        self._keys = np.zeros((2, _FIRST_ROOM), np.int64)
        self._qtys = np.zeros((2, _FIRST_ROOM))
        self._marks = np.zeros((2, 3), np.int64)
        self._crossed = False
        self._allot(_FIRST_ROOM, _FIRST_ROOM)

    def apply_snapshot(self, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        """Replace the book by ``bids`` and ``asks``, in any order.

        Raises:
            Malformed: for a price or quantity that is negative, not finite or off the grid.
        """
        self._apply(bids, asks, replace=True)

    def apply_delta(self, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        """Set the quantity at each given price; 0 removes the level, also one that is not there.

        Raises:
            Malformed: for a price or quantity that is negative, not finite or off the grid.
        """
        self._apply(bids, asks, replace=False)

    def clear(self) -> None:
        """Forget every level."""
        self._marks[:] = 0
        self._crossed = False

    def top(self, depth: int) -> tuple[list[Level], list[Level]]:
        """Return the best ``depth`` bids and asks, best first, as (price, quantity)."""
        bid_keys, bid_qtys = self._best(BID, depth)
        ask_keys, ask_qtys = self._best(ASK, depth)
        bids = zip(self._prices(bid_keys), bid_qtys.tolist(), strict=True)
        asks = zip(self._prices(-ask_keys), ask_qtys.tolist(), strict=True)
        return list(bids), list(asks)

    def top_steps(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return the best ``depth`` bids and asks, best first, as (ticks, lots)."""
        lots = self.grid.lots
        bid_keys, bid_qtys = self._best(BID, depth)
        ask_keys, ask_qtys = self._best(ASK, depth)
        bids = zip(bid_keys.tolist(), map(lots, bid_qtys.tolist()), strict=True)
        asks = zip((-ask_keys).tolist(), map(lots, ask_qtys.tolist()), strict=True)
        return list(bids), list(asks)

    @property
    def mid(self) -> float | None:
        """Mean of best bid and best ask, quote currency; None unless both sides have a level."""
        (_, bid_end, bids), (_, ask_end, asks) = self._marks.tolist()
        if not bids or not asks:
            return None
        bid_key, ask_key = self._keys.item(BID, bid_end - 1), self._keys.item(ASK, ask_end - 1)
        return (self.grid.price(bid_key) + self.grid.price(-ask_key)) / 2

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is at or above the best ask: a book that no working market shows."""
        return self._crossed

    @property
    def is_empty(self) -> bool:
        """Whether neither side has a level."""
        return self.depth == (0, 0)

    @property
    def depth(self) -> tuple[int, int]:
        """Number of bid levels and of ask levels."""
        return int(self._marks[BID, LIVE]), int(self._marks[ASK, LIVE])

    def _apply(self, bids: Sequence[Level], asks: Sequence[Level], *, replace: bool) -> None:
        status = UNREADABLE
        if self._steps is not None:
            if type(bids) is LevelText and type(asks) is LevelText:
                status = self._apply_text(bids, asks, self._steps, replace)
            else:
                status = self._apply_floats(bids, asks, self._steps, replace)
        if status == UNREADABLE:
            status = self._apply_slowly(bids, asks, replace)
        self._crossed = status == CROSSED

    def _apply_text(self, bids: LevelText, asks: LevelText, steps: NDArray[np.int64], replace: bool) -> int:
        size = len(bids.text) + len(asks.text)
        if size > len(self._text):
            self._allot(size // _SHORTEST_ROW_BYTES + 2, size)
        while True:
            status, bid_rows, rows, bid_end, ask_end = apply_text(
                bids.text, asks.text, steps, self._keys, self._qtys, self._marks, self._numbers, self._ticks,
                self._amounts, self._text, self._max_levels, replace,
            )  # fmt: skip
            if status != NO_ROOM:
                break
            self._grow(rows)
        if status != UNREADABLE:
            bids.learn(bid_rows, self._told[:bid_end].tobytes())
            asks.learn(rows - bid_rows, self._told[bid_end:ask_end].tobytes())
        return status

    def _apply_floats(
        self, bids: Sequence[Level], asks: Sequence[Level], steps: NDArray[np.int64], replace: bool
    ) -> int:
        rows = len(bids) + len(asks)
        if rows > len(self._ticks):
            self._allot(rows, len(self._text))
        columns = _flat(bids), _flat(asks)
        while True:
            status = apply_floats(
                *columns, steps, self._keys, self._qtys, self._marks, self._ticks, self._amounts, self._max_levels,
                replace,
            )  # fmt: skip
            if status != NO_ROOM:
                return status
            self._grow(rows)

    def _apply_slowly(self, bids: Sequence[Level], asks: Sequence[Level], replace: bool) -> int:
        """Apply what the compiled readers refuse: most of it is malformed, some only unusual.

        Raises:
            Malformed: with the reason.
        """
        grid = self.grid
        levels = grid.levels(bids) + grid.levels(asks)
        if any(ticks > _MOST_TICKS for ticks, _ in levels):
            raise Malformed("book", f"price {grid.price(max(levels)[0])!r} is too large for its grid")
        ticks = np.array([ticks for ticks, _ in levels], np.int64)
        given = chain(bids, asks)
        amounts = np.array([_exact_qty(grid, lots, qty) for (_, lots), (_, qty) in zip(levels, given, strict=True)])
        while True:
            status = apply_steps(
                ticks, amounts, len(bids), len(levels), self._keys, self._qtys, self._marks, self._max_levels, replace
            )
            if status != NO_ROOM:
                return status
            self._grow(len(levels))

    def _best(self, side: int, depth: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return keys and quantities of the best ``depth`` levels, best first."""
        start, end, live = self._marks[side].tolist()
        removed = end - start - live
        window = slice(max(start, end - max(depth, 0) - removed), end)
        keys, qtys = self._keys[side, window][::-1], self._qtys[side, window][::-1]
        if removed:
            held = qtys.nonzero()[0][:depth]
            return keys[held], qtys[held]
        return keys, qtys

    def _prices(self, ticks: NDArray[np.int64]) -> list[float]:
        numerator, denominator = self.grid.tick_ratio
        if len(ticks) and max(ticks.item(0), ticks.item(-1)) * numerator < _EXACT and denominator < _EXACT:
            return (ticks * numerator / denominator).tolist()  # as the exact way does, for these are exact floats
        return [self.grid.price(count) for count in ticks.tolist()]

    def _allot(self, rows: int, text_bytes: int) -> None:
        """Make room to read updates of ``rows`` levels and ``text_bytes`` bytes."""
        self._numbers = np.empty((2, 2 * rows), np.int64)
        self._ticks = np.empty(rows, np.int64)
        self._amounts = np.empty(rows)
        self._text = np.empty(text_bytes, np.uint8)
        self._told = self._text.data  # cuts cheaper than an array does

    def _grow(self, rows: int) -> None:
        """Make room for ``rows`` more levels a side."""
        spans = self._marks[:, END] - self._marks[:, START]
        room = 2 * (int(spans.max()) + rows)
        keys, qtys = np.zeros((2, room), np.int64), np.zeros((2, room))
        for side in (BID, ASK):
            start, end, _ = self._marks[side].tolist()
            first = (room - (end - start)) // 2
            keys[side, first : first + end - start] = self._keys[side, start:end]
            qtys[side, first : first + end - start] = self._qtys[side, start:end]
            self._marks[side, START], self._marks[side, END] = first, first + end - start
        self._keys, self._qtys = keys, qtys


def _steps_of(grid: PriceGrid) -> NDArray[np.int64] | None:
    """Return ``grid`` as the compiled functions take it; None for steps that are no ratio of exact floats."""
    steps = [(*ratio, _decimals(*ratio)) for ratio in (grid.tick_ratio, grid.lot_ratio)]
    return np.array(steps, np.int64) if max(map(max, steps)) < _EXACT else None


def _decimals(numerator: int, denominator: int) -> int:
    """Return n where the step is ten to the power of -n, else -1; beyond ``MOST_DIGITS`` there is no telling."""
    for n in range(MOST_DIGITS + 1):
        if numerator == 1 and denominator == 10**n:
            return n
    return -1


def _flat(levels: Sequence[Level]) -> NDArray[np.float64]:
    return np.fromiter(chain.from_iterable(levels), np.float64, 2 * len(levels))


def _exact_qty(grid: PriceGrid, lots: int, qty: float) -> float:
    """Return the float of ``lots``; ``qty`` itself where there are more lots than a float tells apart."""
    return grid.qty(lots) if lots < _EXACT else qty


def warm() -> None:
    """Compile what updates run through, or load it from numba's cache: do it in the build, not at start."""
    book = CompiledBook(PriceGrid(1.0, 1.0))
    book.apply_snapshot(LevelText(b"[[1,1]]"), LevelText(b"[[2,1]]"))
    book.apply_delta([(1.0, 2.0)], [])
    book._apply_slowly([(1.0, 2.0)], [], replace=False)
