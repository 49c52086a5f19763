"""The wall clock of this machine."""

import time


class SystemClock:
    """UTC wall clock, in nanoseconds since the Unix epoch. May step when the machine's clock is set."""

    __slots__ = ()

    def now_ns(self) -> int:
        """Return the present instant."""
        return time.time_ns()
