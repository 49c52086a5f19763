"""The true books of a made-up venue: plain dicts that every update was applied to. The oracle of the book fuzz."""

import random
from collections import OrderedDict
from typing import NamedTuple

TICKS_PER_UNIT, LOTS_PER_UNIT = 100, 1_000
"""A tick is 0.01, a lot is 0.001."""

FIRST_ID = 2_000_000_000

_LEAST, _MOST = 15, 40
"""Levels that a side has."""

_REACH = 30
_REMEMBERED = 1_024

Side = dict[int, int]
"""Lots by price in ticks."""

Changes = list[tuple[int, int]]
"""Price in ticks and its new quantity in lots; 0 removes it."""


class State(NamedTuple):
    """A book after one of its updates. ``index`` counts the updates of the book, ``id`` is the venue's number of it."""

    index: int
    id: int
    bids: Side
    asks: Side


class TrueBook:
    """The book of one instrument and its latest states."""

    def __init__(self, symbol: str, rng: random.Random, middle: int) -> None:
        self.symbol = symbol
        self.index = 0
        self.id = FIRST_ID
        self.bids: Side = {middle - 1 - at: self._lots(rng) for at in range(_LEAST + 5)}
        self.asks: Side = {middle + 1 + at: self._lots(rng) for at in range(_LEAST + 5)}
        self.by_index: OrderedDict[int, State] = OrderedDict()
        self.by_id: dict[int, State] = {}
        self._rng = rng
        self._remember()

    @property
    def state(self) -> State:
        """The book now."""
        return self.by_index[self.index]

    def before(self, updates: int) -> State:
        """Return the book as of ``updates`` ago, or of the first that is remembered."""
        return self.by_index.get(self.index - updates) or next(iter(self.by_index.values()))

    def update(self, ids: int) -> tuple[Changes, Changes]:
        """Change one to four levels; ``ids`` is what the venue's number grows by. Return the changed bids and asks."""
        rng = self._rng
        changes: tuple[Side, Side] = ({}, {})
        for _ in range(1 + int(rng.random() * 4)):
            self._change(rng.random() < 0.5, changes)
        self.index += 1
        self.id += ids
        self._remember()
        return list(changes[0].items()), list(changes[1].items())

    def _change(self, is_bid: bool, changes: tuple[Side, Side]) -> None:
        rng, side, other = self._rng, *((self.bids, self.asks) if is_bid else (self.asks, self.bids))
        away = -1 if is_bid else 1
        best = max(side) if is_bid else min(side)
        limit = min(other) if is_bid else max(other)
        draw = rng.random()
        if len(side) > _MOST:
            price, lots = (min(side) if is_bid else max(side)), 0
        elif draw < 0.3 and len(side) > _LEAST:
            price, lots = best if draw < 0.1 else rng.choice(list(side)), 0
        elif draw < 0.5 and abs(limit - best) > 1:
            price, lots = best - away, self._lots(rng)
        else:
            price, lots = best + away * int(rng.random() * _REACH), self._lots(rng)
        changes[0 if is_bid else 1][price] = lots
        if lots:
            side[price] = lots
        else:
            side.pop(price, None)

    def _remember(self) -> None:
        state = State(self.index, self.id, dict(self.bids), dict(self.asks))
        self.by_index[self.index] = self.by_id[self.id] = state
        if len(self.by_index) > _REMEMBERED:
            old = self.by_index.popitem(last=False)[1]
            if self.by_id.get(old.id) is old:
                del self.by_id[old.id]

    @staticmethod
    def _lots(rng: random.Random) -> int:
        return 1 + int(rng.random() * 50_000)
