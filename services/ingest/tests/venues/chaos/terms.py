"""What is promised of each venue: limits that are kept, and when books are LIVE again, from the settings alone."""

from dataclasses import dataclass
from enum import StrEnum

from foretick.ingest.adapters.connections.resync import AT_ONCE, CALM_S
from foretick.ingest.domain.backoff import backoff_s
from foretick.ingest.domain.exchange_faults import SLOW_SNAPSHOT_S, SimVenue
from foretick.ingest.domain.stream_limits import StreamLimits

from .exchange import Asked, most_within


class Kind(StrEnum):
    """What befalls all connections of a venue."""

    CLOSED = "closed with a farewell"
    RESET = "reset"
    HALF_OPEN = "half-open"
    FLAPPING = "reset four times in a row"
    ANNOUNCED = "restart, announced"
    REFUSING = "restart, refusing"
    RESETTING = "restart, resetting"
    MUTE = "restart, accepting in silence"
    SLOW = "reset, full books late"
    SLOW_RESTART = "restart, full books late"
    FAILING = "reset, full books fail (503)"
    LIMITED = "reset, full books refused (429)"
    BANNED = "reset, full books refused (418)"
    REPLACED = "replaced as planned"


RESTARTS = (Kind.ANNOUNCED, Kind.REFUSING, Kind.RESETTING, Kind.MUTE, Kind.SLOW_RESTART)
LATE = (Kind.SLOW, Kind.SLOW_RESTART)
REQUESTED_ONLY = {Kind.FAILING: (503, 0), Kind.LIMITED: (429, 1), Kind.BANNED: (418, 2)}
"""Faults of requests for full books: HTTP's status, and for how long it says to wait."""

_LOOK_S = 0.25
_HANDSHAKE_S = 10.0
_LONGEST_OVERLAP_S = 10.0
_MACHINE_S = 2.0
"""For the machine: scheduling of a busy one, a hop over the bus."""

_FAILURES = 2


@dataclass(frozen=True)
class Limits:
    """What a venue documents, see docs/venues.md: at most so many in so many seconds.

    messages: on all sockets of an address; ``messages_a_socket``: on one
    weight: of requests over REST
    """

    connects: tuple[int, float]
    messages: tuple[int, float] | None = None
    messages_a_socket: tuple[int, float] | None = None
    weight: tuple[float, float] = (float("inf"), 1.0)


DOCUMENTED = {
    SimVenue.SIM: Limits((300, 300.0), messages_a_socket=(5, 1.0), weight=(6000.0, 60.0)),
    SimVenue.COINBASE: Limits((8, 1.0), messages=(8, 1.0), weight=(10.0, 1.0)),
    SimVenue.KRAKEN: Limits((150, 600.0), weight=(1.0, 1.0)),
}


def excesses(venue: SimVenue, asked: Asked) -> list[str]:
    """Return where what was asked of a venue is beyond what it documents."""
    limits, found = DOCUMENTED[venue], []
    counts = [("connections", asked.connects, limits.connects)]
    if limits.messages is not None:
        counts.append(("messages", asked.all_messages, limits.messages))
    if limits.messages_a_socket is not None:
        counts += [("messages of a socket", times, limits.messages_a_socket) for times in asked.messages.values()]
    for what, times, (most, window_s) in counts:
        if (count := most_within(times, window_s)) > most:
            found.append(f"{venue}: {count} {what} within {window_s:g} s, {most} are allowed")
    times, weights = zip(*asked.weights, strict=True) if asked.weights else ((), ())
    most, window_s = limits.weight
    if (weight := most_within(times, window_s, weights)) > most:
        found.append(f"{venue}: weight {weight:g} within {window_s:g} s, {most:g} is allowed")
    if asked.too_early:
        found.append(f"{venue}: {asked.too_early} requests came before the time that it had said to wait")
    return found


@dataclass(frozen=True)
class Terms:
    """What bounds the recovery of a venue.

    limits: those that the connector keeps
    connections, symbols: how many
    opening: requests that a connection begins with
    is_requested: whether full books are asked for over REST, one at a time
    """

    limits: StreamLimits
    connections: int
    symbols: int
    opening: int
    is_requested: bool

    def bound_s(self, kind: Kind, outage_s: float, asked_books: int) -> float:
        """Return after which time from the end of a fault every book is LIVE again.

        outage_s: for how long the venue could not be reached
        asked_books: the most full books that were asked for of one symbol without calm
        """
        limits = self.limits
        detect_s = limits.idle_timeout_s + _LOOK_S if kind is Kind.HALF_OPEN else _LOOK_S
        handshake_s = _HANDSHAKE_S if kind is Kind.MUTE else 0.0
        pause_s = longest_pause_s(outage_s)
        connected_s = detect_s + handshake_s + pause_s + self._turns_s() + self._asking_s()
        return connected_s + self._books_s(kind, asked_books) + _MACHINE_S

    def replaced_s(self) -> float:
        """Return by which age a connection is replaced or given up: all of the venue's may be due at once."""
        limits = self.limits
        assert limits.lifetime_s is not None
        return limits.lifetime_s + self._turns_s() + _LONGEST_OVERLAP_S + limits.idle_timeout_s + _MACHINE_S

    def _turns_s(self) -> float:
        """Until the last of the connections may be opened."""
        limits = self.limits
        return self.connections * max(60.0 / limits.connects_per_minute, _evenly_s(limits.connects_per_s))

    def _asking_s(self) -> float:
        """Until the last of the opening requests is sent."""
        together_s = self.connections * _evenly_s(self.limits.sends_per_s_together)
        return self.opening * max(1.0 / self.limits.sends_per_s, together_s)

    def _books_s(self, kind: Kind, asked_books: int) -> float:
        """Until the last full book has come."""
        late_s = SLOW_SNAPSHOT_S if kind in LATE else 0.0
        if not self.is_requested:
            return late_s
        waits_s = sum(
            backoff_s(max(1, asked_books + number - AT_ONCE), 1.0) for number in range(self._asked_again(kind) + 1)
        )
        status = REQUESTED_ONLY.get(kind)
        return self.symbols * late_s + waits_s + (_FAILURES * status[1] if status else 0.0)

    @staticmethod
    def _asked_again(kind: Kind) -> int:
        return _FAILURES if kind in REQUESTED_ONLY else 1


def _evenly_s(within_a_second: int | None) -> float:
    return 1.0 / (within_a_second - 1) if within_a_second else 0.0


def longest_pause_s(outage_s: float) -> float:
    """Return the longest pause that a connection can be in when an outage of this length ends.

    Attempt n comes after at least half of each of the pauses before it.

    >>> longest_pause_s(0.0), longest_pause_s(1.0), longest_pause_s(3600.0)
    (0.5, 2.0, 30.0)
    """
    attempt, least_s = 1, 0.0
    while (least_s := least_s + backoff_s(attempt, 0.0)) <= outage_s and backoff_s(attempt, 1.0) < 30.0:
        attempt += 1
    return backoff_s(attempt, 1.0)


def asked_without_calm(times: list[float]) -> int:
    """Return how many requests came one after the other without calm, up to the last.

    Calm lasts from a request until the next is needed; that may then wait, as the exchange does not see.
    """
    count = 0
    for earlier, later in zip([float("-inf"), *times], times, strict=False):
        waited_s = backoff_s(count + 1 - AT_ONCE, 1.0) if count >= AT_ONCE else 0.0
        count = count + 1 if later - earlier < CALM_S + waited_s else 1
    return count
