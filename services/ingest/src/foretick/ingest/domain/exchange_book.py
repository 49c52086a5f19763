"""An instrument's book as it is published, and what a subscriber to its best levels is told of a change."""

from collections.abc import Iterable

from foretick.ingest.domain.exchange_events import Level

Sides = tuple[list[Level], list[Level]]
"""Bids and asks, best first."""


class PublishedBook:
    """Levels in ticks and lots, changed by published updates."""

    def __init__(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        self._bids = dict(bids)
        self._asks = dict(asks)

    def apply(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Set levels; quantity 0 removes one."""
        for side, changes in ((self._bids, bids), (self._asks, asks)):
            for ticks, lots in changes:
                if lots:
                    side[ticks] = lots
                else:
                    side.pop(ticks, None)

    def top(self, depth: int) -> Sides:
        """Return the ``depth`` best levels a side."""
        return sorted(self._bids.items(), reverse=True)[:depth], sorted(self._asks.items())[:depth]


def window_changes(before: list[Level], after: list[Level], changes: Iterable[Level]) -> list[Level]:
    """Return what turns the best levels of a side ``before`` into those ``after``, for who keeps only so many.

    What is removed is told with quantity 0; what only falls out of the window is not told, for who keeps the window
    forgets it; what comes in is told. ``changes`` is the update of the whole side.

    >>> window_changes([(9, 1), (8, 1)], [(9, 1), (7, 4)], [(8, 0)])
    [(8, 0), (7, 4)]
    >>> window_changes([(9, 1), (8, 1)], [(10, 2), (9, 1)], [(10, 2)])
    [(10, 2)]
    """
    had = dict(before)
    gone = [(ticks, lots) for ticks, lots in changes if lots == 0 and ticks in had]
    return gone + [level for level in after if had.get(level[0]) != level[1]]
