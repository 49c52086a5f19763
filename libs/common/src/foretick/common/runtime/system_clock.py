"""The wall clock of this machine, without its steps back."""

import time
from collections.abc import Callable

_PACE_WHILE_AHEAD = 9
"""While ahead of the machine's clock, this clock moves on by so many ns in ten."""


class SystemClock:
    """UTC nanoseconds since the Unix epoch. Follows the machine's clock forward, also when it steps; never goes back.

    When the machine's clock is set back, this one goes on from where it was, a tenth slower than time passes, until the
    machine's has caught up. Otherwise data time would stand still for as long as the step was, and with it every step,
    feature and prediction.

    Args:
        wall_ns: the machine's clock
        steady_ns: a clock that is never set, for the time that passes meanwhile
    """

    __slots__ = ("_last_ns", "_last_steady_ns", "_steady_ns", "_wall_ns")

    def __init__(
        self, wall_ns: Callable[[], int] = time.time_ns, steady_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._wall_ns = wall_ns
        self._steady_ns = steady_ns
        self._last_ns = wall_ns()
        self._last_steady_ns = steady_ns()

    @property
    def ahead_ns(self) -> int:
        """How far this clock is ahead of the machine's, because that was set back."""
        return max(0, self.now_ns() - self._wall_ns())

    def now_ns(self) -> int:
        """Return the present instant, never less than before."""
        wall_ns = self._wall_ns()
        steady_ns = self._steady_ns()  # read second: a pause between the two must not put us ahead
        passed_ns = steady_ns - self._last_steady_ns
        self._last_ns = max(wall_ns, self._last_ns + passed_ns * _PACE_WHILE_AHEAD // 10)
        self._last_steady_ns = steady_ns
        return self._last_ns

    def not_before(self, ns: int) -> None:
        """Go on from ``ns`` on, if that is later than now: a predecessor had come that far by its clock."""
        if ns > self.now_ns():
            self._last_ns = ns
