"""The part of a recording that is shown. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from foretick.common.errors import Malformed
from foretick.common.units import NS_PER_S

_SECONDS = re.compile(r"\d{1,12}(\.\d{1,9})?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,6}):([0-5]\d):([0-5]\d(?:\.\d{1,9})?)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS_PER_US = 1000


@dataclass(frozen=True, slots=True)
class Span:
    """From ``from_ns`` to ``to_ns``, both shown, UTC ns."""

    from_ns: int
    to_ns: int

    def __str__(self) -> str:
        length_s = (self.to_ns - self.from_ns) / NS_PER_S
        return f"{_iso(self.from_ns)} to {_iso(self.to_ns)}, {length_s:.3f} s"

    def part(self, from_text: str, to_text: str) -> "Span":
        """Return the part between two instants; an empty text stands for the end on its side.

        Raises:
            Malformed: from ``REPLAY_FROM`` or ``REPLAY_TO``, for a text that is no instant of this span
        """
        from_ns = self._instant("REPLAY_FROM", from_text) if from_text else self.from_ns
        to_ns = self._instant("REPLAY_TO", to_text) if to_text else self.to_ns
        if from_ns > to_ns:
            raise Malformed("REPLAY_TO", f"{to_text or _iso(to_ns)} is before REPLAY_FROM; the recording is of {self}")
        return Span(from_ns, to_ns)

    def _instant(self, name: str, text: str) -> int:
        at_ns = read_instant(text, self.from_ns)
        if at_ns is None:
            ways = "an ISO time, seconds into the recording, or HH:MM:SS into it"
            raise Malformed(name, f"{text!r} is not {ways}; the recording is of {self}")
        first_ns = self.from_ns // _NS_PER_US * _NS_PER_US  # ISO times, such as those told, end at the microsecond
        if not first_ns <= at_ns < self.to_ns + _NS_PER_US:
            raise Malformed(name, f"{text} is outside the recording, which is of {self}")
        return min(max(at_ns, self.from_ns), self.to_ns)


def read_instant(text: str, begin_ns: int) -> int | None:
    """Return the instant that ``text`` names in a recording that begins at ``begin_ns``; None for what names none.

    Times without a zone are UTC.

    >>> read_instant("90.5", 0), read_instant("0:01:30.5", 0), read_instant("1970-01-01T00:01:30.5Z", 7)
    (90500000000, 90500000000, 90500000000)
    """
    if _SECONDS.fullmatch(text):
        return begin_ns + int(Decimal(text) * NS_PER_S)
    if clock := _CLOCK.fullmatch(text):
        whole_s = int(clock[1]) * 3600 + int(clock[2]) * 60
        return begin_ns + whole_s * NS_PER_S + int(Decimal(clock[3]) * NS_PER_S)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (at - _EPOCH) // timedelta(microseconds=1) * _NS_PER_US


def _iso(at_ns: int) -> str:
    at = _EPOCH + timedelta(microseconds=at_ns // _NS_PER_US)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
