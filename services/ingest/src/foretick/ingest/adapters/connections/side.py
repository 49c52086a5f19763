"""Connections beside the main ones: for streams without a book that a venue serves at another address.

Their coming and going touches no book: what they bring is trades, states and liquidations only.
"""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from foretick.ingest.domain.events import Received
from foretick.ingest.ports import FrameReceiver

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
