"""Connections beside the main ones: for streams without a book that a venue serves at another address.

Their coming and going touches no book: what they bring is trades, states and liquidations only.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from foretick.ingest.domain.events import Received
from foretick.ingest.domain.venue_reach import Reach
from foretick.ingest.ports import FrameReceiver, VenueSession

SIDE_NUMBERS = 10_000
"""These connections are numbered from here on, so that no number means two of a venue's."""

_REMEMBERED = 8192
"""Messages of before a connection is replaced, which the new one may have brought as well."""


class Followed(Protocol):
    """Whatever follows instruments."""

    def follow(self, symbols: Sequence[str]) -> None:
        """Follow ``symbols`` too."""
        ...

    def leave(self, symbols: Sequence[str]) -> None:
        """Follow ``symbols`` no longer."""
        ...


class FollowedTogether:
    """Everything of one venue that follows instruments, as one."""

    def __init__(self, *parts: Followed) -> None:
        self._parts = parts

    def follow(self, symbols: Sequence[str]) -> None:
        """Follow ``symbols`` too."""
        for part in self._parts:
            part.follow(symbols)

    def leave(self, symbols: Sequence[str]) -> None:
        """Follow ``symbols`` no longer."""
        for part in self._parts:
            part.leave(symbols)


class Reached(VenueSession, Protocol):
    """A session that tells what of the venue it reaches."""

    def reach(self) -> Reach:
        """Return what is reached now, and what became of the connections since the process began."""
        ...


class AllConnections:
    """The main connections of a venue and those beside them, as one ``VenueSession``: books are the main ones' affair.

    A venue that is about to close its connections says so on one of them, and means them all.
    """

    def __init__(self, main: Reached, sides: Sequence[Reached]) -> None:
        self._main = main
        self._all = [main, *sides]

    def request_snapshot(self, symbol: str) -> None:
        """Ask for a full book of ``symbol``."""
        self._main.request_snapshot(symbol)

    def symbols_of(self, connection: int) -> Sequence[str]:
        """Return what is followed on the main ``connection``."""
        return self._main.symbols_of(connection)

    def roll_over(self) -> None:
        """Replace every connection."""
        for each in self._all:
            each.roll_over()

    def reach(self) -> Reach:
        """Return what is reached by all together; instruments are counted once."""
        told = [each.reach() for each in self._all]
        return replace(
            told[0],
            connections=sum(each.connections for each in told),
            connections_open=sum(each.connections_open for each in told),
            connects=sum(each.connects for each in told),
            disconnects=sum(each.disconnects for each in told),
            rollovers=sum(each.rollovers for each in told),
        )


class SideReceiver:
    """A ``FrameReceiver`` that hands frames on to ``main`` and keeps the rest to itself.

    Frames lose the number of their connection: it would be mistaken for one of the main ones.
    """

    def __init__(self, main: FrameReceiver) -> None:
        self._main = main
        self._recent: deque[int] = deque(maxlen=_REMEMBERED)

    def on_connected(self, symbols: Sequence[str], connection: int) -> None:
        """Do nothing: no book begins here."""

    def on_disconnected(self, symbols: Sequence[str], connection: int, reason: str) -> None:
        """Do nothing: no book ends here."""

    def on_replaced(self, symbols: Sequence[str], connection: int, held: Sequence[Received]) -> None:
        """Hand on what the new connection brought and the old one had not."""
        known = set(self._recent)
        self.on_frames([frame for frame in held if hash(frame.payload) not in known])

    def on_frames(self, batch: Sequence[Received]) -> None:
        """Hand a batch on."""
        self._recent.extend([hash(frame.payload) for frame in batch])
        self._main.on_frames([frame._replace(connection=0) for frame in batch])

    def on_time(self, now_ns: int) -> None:
        """Do nothing: the main connections tell the time."""
