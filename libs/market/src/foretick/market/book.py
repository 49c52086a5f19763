"""An order book of price levels, held as integers.

Prices are counted in ticks and quantities in lots of the instrument, so that equality, ordering and checksums are
exact; floats appear only at the border. Nothing here knows of venues, sequence numbers or trust: see ``integrity``.
"""

import hashlib
import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from foretick.common.contracts import Level
from foretick.common.errors import Malformed

DEFAULT_MAX_LEVELS = 5000

_MAX_STEPS = float(2**80)
_OFF_GRID = 1e-6
_OFF_GRID_FRAC = 4e-16
"""A value may miss its grid by this part of a step, and this part of itself: what a float's rounding explains."""


class OffGrid(Malformed):
    """A price or quantity that is a sound number but no whole number of steps: damaged, or the steps have changed."""


@dataclass(frozen=True, slots=True)
class PriceGrid:
    """The grid of an instrument, and the exact conversions to and from it.

    >>> grid = PriceGrid(tick_size=0.01, lot_size=0.00001)
    >>> grid.ticks(61837.63), grid.price(6183763), grid.lots(1.54698), grid.qty(154698)
    (6183763, 61837.63, 154698, 1.54698)

    Raises:
        Malformed: for a size that is not a positive finite number.
    """

    tick_size: float
    lot_size: float
    _tick: tuple[int, int] = field(init=False, repr=False, compare=False)
    _lot: tuple[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tick", _ratio("tick_size", self.tick_size))
        object.__setattr__(self, "_lot", _ratio("lot_size", self.lot_size))

    @property
    def tick_ratio(self) -> tuple[int, int]:
        """The exact tick as numerator and denominator."""
        return self._tick

    @property
    def lot_ratio(self) -> tuple[int, int]:
        """The exact lot as numerator and denominator."""
        return self._lot

    def joined(self, other: "PriceGrid") -> "PriceGrid":
        """Return the coarsest grid that everything on this one and on ``other`` lies on.

        >>> PriceGrid(0.5, 1.0).joined(PriceGrid(0.2, 1.0)), PriceGrid(0.01, 1.0).joined(PriceGrid(0.1, 1.0)).tick_size
        (PriceGrid(tick_size=0.1, lot_size=1.0), 0.01)
        """
        return PriceGrid(_common_step(self._tick, other._tick), _common_step(self._lot, other._lot))

    def ticks(self, price: float) -> int:
        """Return ``price`` in ticks.

        Raises:
            Malformed: unless it is a positive, finite whole number of ticks.
        """
        count = _steps("price", price, self._tick)
        if count == 0:
            raise Malformed("book", f"price {price!r} is not positive")
        return count

    def lots(self, qty: float) -> int:
        """Return ``qty`` in lots; 0 is allowed.

        Raises:
            Malformed: unless it is a non-negative, finite whole number of lots.
        """
        return _steps("quantity", qty, self._lot)

    def price(self, ticks: int) -> float:
        """Return the float nearest to ``ticks`` steps: the very float that the venue's decimal text parses to."""
        numerator, denominator = self._tick
        return ticks * numerator / denominator

    def qty(self, lots: int) -> float:
        """Return the float nearest to ``lots`` steps."""
        numerator, denominator = self._lot
        return lots * numerator / denominator

    def values(self, steps: Iterable[tuple[int, int]]) -> list[Level]:
        """Return (ticks, lots) as levels: ``price`` and ``qty`` of many."""
        tick_up, tick_down = self._tick
        lot_up, lot_down = self._lot
        return [(ticks * tick_up / tick_down, lots * lot_up / lot_down) for ticks, lots in steps]

    def levels(self, levels: Iterable[Level]) -> list[tuple[int, int]]:
        """Return ``levels`` as (ticks, lots).

        Raises:
            Malformed: as ``ticks`` and ``lots`` do.
        """
        tick_up, tick_down = self._tick
        lot_up, lot_down = self._lot
        converted: list[tuple[int, int]] = []
        for price, qty in levels:
            raw_ticks = price * tick_down / tick_up
            raw_lots = qty * lot_down / lot_up
            if 0.5 < raw_ticks < _MAX_STEPS and 0.0 <= raw_lots < _MAX_STEPS:
                ticks, lots = round(raw_ticks), round(raw_lots)
                if _near(raw_ticks, ticks) and _near(raw_lots, lots):
                    converted.append((ticks, lots))
                    continue
            converted.append((self.ticks(price), self.lots(qty)))  # raises with the reason
        return converted


@lru_cache(1024)
def _ratio(name: str, size: float) -> tuple[int, int]:
    try:
        ratio = Decimal(repr(float(size))).as_integer_ratio()
    except (InvalidOperation, OverflowError, ValueError):
        ratio = (0, 1)
    if ratio[0] <= 0:
        raise Malformed("book", f"{name} {size!r} is not a positive number")
    return ratio


def _common_step(one: tuple[int, int], other: tuple[int, int]) -> float:
    (up, down), (other_up, other_down) = one, other
    return math.gcd(up * other_down, other_up * down) / (down * other_down)


def _near(raw: float, whole: int) -> bool:
    return abs(raw - whole) <= _OFF_GRID + raw * _OFF_GRID_FRAC


def _steps(name: str, value: float, ratio: tuple[int, int]) -> int:
    if not math.isfinite(value):
        raise Malformed("book", f"{name} {value!r} is not finite")
    if value < 0:
        raise Malformed("book", f"{name} {value!r} is negative")
    raw = value * ratio[1] / ratio[0]
    if raw >= _MAX_STEPS:
        raise Malformed("book", f"{name} {value!r} is too large for its grid")
    whole = round(raw)
    if not _near(raw, whole):
        raise OffGrid("book", f"{name} {value!r} is off its grid of {ratio[0] / ratio[1]!r}")
    return whole


class _Side:
    """Levels of one side. Keys ascend towards the best price (bids: ticks, asks: minus ticks): the best is last."""

    __slots__ = ("keys", "lots", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.lots: dict[int, int] = {}

    def replace(self, levels: Iterable[tuple[int, int]]) -> None:
        sign = self.sign
        by_key = {sign * ticks: lots for ticks, lots in levels}  # of a price given twice the last counts
        self.lots = {key: lots for key, lots in by_key.items() if lots}
        self.keys = sorted(self.lots)

    def update(self, levels: Iterable[tuple[int, int]]) -> None:
        sign, keys, held = self.sign, self.keys, self.lots
        for ticks, lots in levels:
            key = sign * ticks
            if lots:
                if key not in held:
                    keys.insert(bisect_left(keys, key), key)
                held[key] = lots
            elif held.pop(key, None) is not None:
                del keys[bisect_left(keys, key)]

    def bound(self, max_levels: int) -> None:
        excess = len(self.keys) - max_levels
        if excess > 0:
            for key in self.keys[:excess]:
                del self.lots[key]
            del self.keys[:excess]

    def best_first(self, depth: int) -> list[tuple[int, int]]:
        sign, lots = self.sign, self.lots
        return [(sign * key, lots[key]) for key in self.keys[: -depth - 1 : -1]]


class OrderBook:
    """Bids and asks of one instrument, at most ``max_levels`` a side (the worst are forgotten first).

    Updates are atomic: a malformed one changes nothing.
    """

    __slots__ = ("_asks", "_bids", "_max_levels", "grid")

    def __init__(self, grid: PriceGrid, max_levels: int = DEFAULT_MAX_LEVELS) -> None:
        if max_levels < 1:
            raise ValueError(f"max_levels must be at least 1, not {max_levels}")
        self.grid = grid
        self._max_levels = max_levels
        self._bids = _Side(1)
        self._asks = _Side(-1)

    def apply_snapshot(self, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        """Replace the book by ``bids`` and ``asks``, in any order.

        Raises:
            Malformed: for a price or quantity that is negative, not finite or off the grid.
        """
        bid_levels, ask_levels = self.grid.levels(bids), self.grid.levels(asks)
        self._bids.replace(bid_levels)
        self._asks.replace(ask_levels)
        self._bound()

    def apply_delta(self, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        """Set the quantity at each given price; 0 removes the level, also one that is not there.

        Raises:
            Malformed: for a price or quantity that is negative, not finite or off the grid.
        """
        bid_levels, ask_levels = self.grid.levels(bids), self.grid.levels(asks)
        self._bids.update(bid_levels)
        self._asks.update(ask_levels)
        self._bound()

    def clear(self) -> None:
        """Forget every level."""
        self._bids.replace(())
        self._asks.replace(())

    def top(self, depth: int) -> tuple[list[Level], list[Level]]:
        """Return the best ``depth`` bids and asks, best first, as (price, quantity)."""
        bids, asks = self.top_steps(depth)
        return self.grid.values(bids), self.grid.values(asks)

    def top_steps(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return the best ``depth`` bids and asks, best first, as (ticks, lots)."""
        return self._bids.best_first(depth), self._asks.best_first(depth)

    @property
    def best_bid(self) -> Level | None:
        """Highest bid as (price, quantity); None for an empty side."""
        return _best(self.top(1)[0])

    @property
    def best_ask(self) -> Level | None:
        """Lowest ask as (price, quantity); None for an empty side."""
        return _best(self.top(1)[1])

    @property
    def mid(self) -> float | None:
        """Mean of best bid and best ask, quote currency; None unless both sides have a level."""
        bids, asks = self._bids.keys, self._asks.keys
        if not bids or not asks:
            return None
        return (self.grid.price(bids[-1]) + self.grid.price(-asks[-1])) / 2

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is at or above the best ask: a book that no working market shows."""
        bids, asks = self._bids.keys, self._asks.keys
        return bool(bids) and bool(asks) and bids[-1] >= -asks[-1]

    @property
    def is_empty(self) -> bool:
        """Whether neither side has a level."""
        return not self._bids.keys and not self._asks.keys

    @property
    def depth(self) -> tuple[int, int]:
        """Number of bid levels and of ask levels."""
        return len(self._bids.keys), len(self._asks.keys)

    def integrity_hash(self, depth: int = DEFAULT_MAX_LEVELS) -> str:
        """Return a 64-bit hash (hex) of the best ``depth`` levels as integers: equal books hash alike everywhere."""
        digest = hashlib.blake2b(digest_size=8)
        for levels in self.top_steps(depth):
            digest.update(repr(levels).encode())
        return digest.hexdigest()

    def _bound(self) -> None:
        if len(self._bids.keys) > self._max_levels:
            self._bids.bound(self._max_levels)
        if len(self._asks.keys) > self._max_levels:
            self._asks.bound(self._max_levels)


def _best(levels: list[Level]) -> Level | None:
    return levels[0] if levels else None
