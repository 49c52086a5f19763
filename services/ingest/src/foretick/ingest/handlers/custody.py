"""The tenant of the instruments' leases: tells each venue's handler what it publishes and what it only follows."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from foretick.common.ownership import InstrumentKey
from foretick.ingest.domain.engine import FeedEngine
from foretick.ingest.domain.place import Place


def _tell_nobody(venue: str, symbols: Sequence[str], epoch: int) -> None:
    """Stand for a process that nobody records."""


class Followed(Protocol):
    """What decides which instruments of a venue reach its handler."""

    def follow(self, symbols: Sequence[str]) -> None:
        """Follow ``symbols`` too."""
        ...

    def leave(self, symbols: Sequence[str]) -> None:
        """Follow ``symbols`` no longer."""
        ...


class Publisher(Protocol):
    """What folds the instruments of a venue, and publishes those that it is told to: see ``FeedHandler``."""

    @property
    def engine(self) -> FeedEngine:
        """Return the instruments."""
        ...

    @property
    def unknown_kinds(self) -> Mapping[str, int]:
        """Return how many messages of kinds that are not read came, by kind."""
        ...

    def take_over(self, places: Mapping[str, Place], epoch: int) -> None:
        """Number and publish the instruments of ``places`` from the first input later than its place on."""
        ...

    def hand_over(self, symbols: Sequence[str], reason: str) -> None:
        """Publish that nobody vouches for the books of ``symbols`` now, and nothing more of them."""
        ...

    def lose(self, symbols: Sequence[str]) -> None:
        """Publish nothing more of ``symbols``."""
        ...

    def on_time(self, now_ns: int) -> None:
        """Let data time pass."""
        ...


class Places(Protocol):
    """The bus, as far as custody needs it. Trouble is ``Transient`` or of nats-py."""

    async def last_of_run(self, venue: str, symbols: Iterable[str]) -> dict[str, Place]:
        """Return where the published events of each of ``symbols`` end."""
        ...

    async def flush(self) -> None:
        """Wait until the bus has everything published so far."""
        ...


class FeedClock(Protocol):
    """The clock of a live feed."""

    def now_ns(self) -> int:
        """Return now, UTC ns."""
        ...

    def not_before(self, ns: int) -> None:
        """Tell no time before ``ns`` from now on."""
        ...


@dataclass(frozen=True, slots=True)
class Venue:
    """One venue's handler, and what it follows; ``clock`` is None of a recording, whose time its frames tell."""

    handler: Publisher
    session: Followed
    clock: FeedClock | None


class FeedCustodian:
    """Owns what the leases give: an instrument is followed from the moment it should be ours, published once it is.

    ``tell_owned`` is told of each change: venue, symbols, and the epoch that they are published under; 0 for no longer.

    data_ns: the latest data time that was found published when something was taken over
    shown_ns: nothing is published of input that is not later
    """

    def __init__(self, places: Places, tell_owned: Callable[[str, Sequence[str], int], None] = _tell_nobody) -> None:
        self.data_ns = 0
        self.shown_ns = 0
        self._places = places
        self._tell_owned = tell_owned
        self._venues: dict[str, Venue] = {}

    def add(self, name: str, venue: Venue) -> None:
        """Take on the instruments of a venue."""
        self._venues[name] = venue

    def expect(self, keys: Collection[InstrumentKey]) -> None:
        """Follow exactly ``keys``: what this process owns, and what it should own soon."""
        for name, venue in self._venues.items():
            wanted = {symbol for place, symbol in keys if place == name}
            venue.session.follow(sorted(wanted))
            venue.session.leave([symbol for symbol in venue.handler.engine.feeds if symbol not in wanted])

    async def take_over(self, keys: Sequence[InstrumentKey], epoch: int) -> None:
        """Go on with the instruments ``keys`` where their published events end."""
        for name, symbols in _by_venue(keys).items():
            venue = self._venues[name]
            places = await self._places.last_of_run(name, symbols)
            self.data_ns = max(self.data_ns, *(place.data_ns for place in places.values()))
            begins = {
                symbol: place._replace(data_ns=max(place.data_ns, self.shown_ns)) for symbol, place in places.items()
            }
            self._tell_owned(name, symbols, epoch)
            venue.handler.take_over(begins, epoch)
            if venue.clock is not None:
                venue.clock.not_before(self.data_ns + 1)  # else a clock set back since would hold data time still
                venue.handler.on_time(venue.clock.now_ns())

    async def hand_over(self, keys: Sequence[InstrumentKey]) -> None:
        """Publish nothing more of ``keys``; what was published is with the bus then."""
        for name, symbols in _by_venue(keys).items():
            self._venues[name].handler.hand_over(symbols, "handed over")
            self._tell_owned(name, symbols, 0)
        await self._places.flush()

    async def lose(self, keys: Sequence[InstrumentKey]) -> None:
        """Publish nothing more of ``keys``: another process may act on them already."""
        for name, symbols in _by_venue(keys).items():
            self._venues[name].handler.lose(symbols)
            self._tell_owned(name, symbols, 0)


def _by_venue(keys: Iterable[InstrumentKey]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for venue, symbol in keys:
        grouped.setdefault(venue, []).append(symbol)
    return grouped
