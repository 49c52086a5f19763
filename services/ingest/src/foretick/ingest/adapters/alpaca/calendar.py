"""When an exchange is open: holidays, early closes and all, of the well-kept ``exchange_calendars``."""

from bisect import bisect_right

import numpy as np


class SessionCalendar:
    """The regular sessions of one exchange, from twenty years ago to a year ahead: a ``Calendar``.

    ``mic`` is its ISO 10383 code. Making one takes a second or two.
    """

    def __init__(self, mic: str) -> None:
        from exchange_calendars import get_calendar  # brings pandas along, for this venue alone

        calendar = get_calendar(mic)
        self._opens: list[int] = np.asarray(calendar.opens_nanos).tolist()
        self._closes: list[int] = np.asarray(calendar.closes_nanos).tolist()

    def is_open(self, at_ns: int) -> bool:
        """Return whether a session is under way at ``at_ns``, UTC; a time that the calendar does not reach is open."""
        if not self._opens[0] <= at_ns < self._closes[-1]:
            return True
        return at_ns < self._closes[bisect_right(self._opens, at_ns) - 1]
