"""Spans of time: from an instant on and before another, UTC ns."""

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """``[from_ns, to_ns)``."""

    from_ns: int
    to_ns: int

    def holds(self, ns: int) -> bool:
        """Tell whether ``ns`` lies in it."""
        return self.from_ns <= ns < self.to_ns


def subtract(span: Span, covered: Iterable[Span]) -> list[Span]:
    """Return what of ``span`` none of ``covered`` holds, in order.

    >>> subtract(Span(0, 10), [Span(5, 7), Span(2, 6), Span(9, 20)])
    [Span(from_ns=0, to_ns=2), Span(from_ns=7, to_ns=9)]
    """
    missing: list[Span] = []
    at_ns = span.from_ns
    for each in sorted(covered):
        if each.to_ns <= max(at_ns, each.from_ns):  # before, or empty
            continue
        if each.from_ns >= span.to_ns:
            break
        if each.from_ns > at_ns:
            missing.append(Span(at_ns, each.from_ns))
        at_ns = each.to_ns
    if at_ns < span.to_ns:
        missing.append(Span(at_ns, span.to_ns))
    return missing
