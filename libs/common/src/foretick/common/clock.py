"""Clocks as values: who needs the time is given one.

A domain's "now" is *data time*, the clock that advances with the events a run received; a wall clock is only for
measuring ourselves and lives in ``runtime``.
"""

from typing import Protocol


class Clock(Protocol):
    """Something that tells UTC nanoseconds."""

    def now_ns(self) -> int:
        """Return the present instant in UTC nanoseconds since the Unix epoch."""
        ...


class DataClock:
    """Data time: the latest receive time seen. It never goes back.

    >>> clock = DataClock()
    >>> clock.advance(5), clock.advance(3), clock.now_ns()
    (5, 5, 5)
    """

    __slots__ = ("_now_ns",)

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Return the latest instant seen, in UTC nanoseconds."""
        return self._now_ns

    def advance(self, ts_ns: int) -> int:
        """Move to ``ts_ns`` unless that lies in the past, and return the resulting instant."""
        if ts_ns > self._now_ns:
            self._now_ns = ts_ns
        return self._now_ns


def step_of(ts_ns: int, interval_ns: int) -> int:
    """Return the number of the step of data time that ``ts_ns`` falls in.

    Steps are aligned to the Unix epoch, so that every process, and a replay, numbers them alike.

    >>> step_of(1_250_000_000, 100_000_000)
    12
    """
    return ts_ns // interval_ns
