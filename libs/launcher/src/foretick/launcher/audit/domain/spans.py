"""Ranges of sequence numbers: merged, subtracted, intersected. A range is inclusive at both ends."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """The numbers ``first`` to ``last``, both included; ``first <= last``."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def merge(spans: Iterable[tuple[int, int]]) -> list[Span]:
    """Return the numbers of ``spans`` as the fewest ranges, ascending.

    >>> merge([(5, 6), (1, 2), (3, 3), (9, 9)])
    [Span(first=1, last=3), Span(first=5, last=6), Span(first=9, last=9)]
    """
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1].last + 1:
            merged[-1] = Span(merged[-1].first, max(merged[-1].last, last))
        else:
            merged.append(Span(first, last))
    return merged


def subtract(spans: Iterable[tuple[int, int]], cover: Iterable[tuple[int, int]]) -> list[Span]:
    """Return the numbers of ``spans`` that are not in ``cover``.

    >>> subtract([(1, 9)], [(3, 4), (8, 12)])
    [Span(first=1, last=2), Span(first=5, last=7)]
    """
    left: list[Span] = []
    covers = merge(cover)
    at = 0
    for first, last in merge(spans):
        while at < len(covers) and covers[at].last < first:
            at += 1
        start, ahead = first, at
        while ahead < len(covers) and covers[ahead].first <= last:
            if covers[ahead].first > start:
                left.append(Span(start, covers[ahead].first - 1))
            start = covers[ahead].last + 1
            ahead += 1
        if start <= last:
            left.append(Span(start, last))
    return left


def intersect(spans: Iterable[tuple[int, int]], other: Iterable[tuple[int, int]]) -> list[Span]:
    """Return the numbers that are in both.

    >>> intersect([(1, 5), (7, 9)], [(4, 8)])
    [Span(first=4, last=5), Span(first=7, last=8)]
    """
    ours = merge(spans)
    return subtract(ours, subtract(ours, other))


def total(spans: Iterable[Span]) -> int:
    """Return how many numbers ``spans``, which must not overlap, hold together."""
    return sum(span.size for span in spans)


def touches(span: tuple[int, int], others: Sequence[Span]) -> bool:
    """Whether ``span`` and one of ``others``, which are as ``merge`` returns them, have a number in common."""
    at = bisect_left(others, span[0], key=lambda other: other.last)
    return at < len(others) and others[at].first <= span[1]
