"""What can go wrong at a venue, on purpose: faults that the simulated exchange injects into one instrument's feed."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from math import log
from typing import NamedTuple

import msgspec

from foretick.common.errors import Refused
from foretick.common.units import NS_PER_S
from foretick.ingest.domain.exchange_events import ExchangeEvent
from foretick.market.simulation.randomness import seeded, uniform

STALL_NS = 5 * NS_PER_S
SLOW_SNAPSHOT_S = 3.0
_MINUTE_NS = 60 * NS_PER_S
_MOST_WAITING = 100


class SimVenue(StrEnum):
    """The protocols that the exchange speaks, by the name of the venue that follows each: ``sim`` is Binance's."""

    SIM = "sim"
    COINBASE = "sim-coinbase"
    KRAKEN = "sim-kraken"


class FaultKind(StrEnum):
    """The kinds of fault, and what a client sees.

    gap: the next depth update never arrives
    duplicate: the next depth update arrives twice
    reorder: the next two depth updates arrive in the wrong order
    crossed: the next depth update puts a bid above the best ask
    stall: nothing for five seconds, then all that was held back at once
    disconnect: every connection of the venue is cut without a farewell
    half_open: every connection of the venue stays open, but nothing comes on it any more, no pong either
    slow_snapshot: the next full book, over REST or on its stream, takes three seconds
    corrupt_checksum: the next depth update has another checksum than its book
    """

    GAP = "gap"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    CROSSED = "crossed"
    STALL = "stall"
    DISCONNECT = "disconnect"
    HALF_OPEN = "half_open"
    SLOW_SNAPSHOT = "slow_snapshot"
    CORRUPT_CHECKSUM = "corrupt_checksum"


OUTAGES = (FaultKind.DISCONNECT, FaultKind.HALF_OPEN)
"""Faults of connections, not of an instrument's feed."""


def kinds_of(venue: SimVenue) -> tuple[FaultKind, ...]:
    """Return the faults that there are in a venue's protocol: only Kraken's has a checksum."""
    return tuple(kind for kind in FaultKind if venue is SimVenue.KRAKEN or kind is not FaultKind.CORRUPT_CHECKSUM)


class FaultRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of ``POST /sim/faults``."""

    kind: FaultKind
    symbol: str
    venue: SimVenue = SimVenue.SIM


class Fault(NamedTuple):
    """A fault that is due at an instant of data time."""

    due_ns: int
    kind: FaultKind
    symbol: str
    venue: SimVenue = SimVenue.SIM

    def require_possible(self) -> None:
        """Check that the venue's protocol can have the fault.

        Raises:
            Refused: ``no_such_fault``.
        """
        known = kinds_of(self.venue)
        if self.kind not in known:
            hint = f"choose among {', '.join(known)}"
            raise Refused("no_such_fault", f"{self.kind} does not exist in the protocol of {self.venue}", hint)


def scheduled_faults(
    symbols: tuple[str, ...], per_minute: float, seed: int, start_ns: int, venue: SimVenue = SimVenue.SIM
) -> Iterator[Fault]:
    """Yield faults of a venue for ever, at random instants, ``per_minute`` on average over all symbols; none at 0.

    The same arguments give the same schedule.
    """
    rng = seeded(seed)
    kinds = kinds_of(venue)
    due_ns = start_ns
    while per_minute > 0:
        due_ns += 1 + int(-log(1.0 - uniform(rng)) * _MINUTE_NS / per_minute)
        kind = kinds[int(uniform(rng) * len(kinds))]
        yield Fault(due_ns, kind, symbols[int(uniform(rng) * len(symbols))], venue)


StreamPayload = tuple[str, bytes]
"""A stream, and what is sent on it."""


class Placed(NamedTuple):
    """A depth update in the order of what is sent, with its place in the count of a connection's messages.

    payloads: what is sent, by stream
    is_lost: it has a number, and never arrives
    offset: its number, less the next number of its connection
    counts: how many numbers it uses up
    """

    payloads: Sequence[StreamPayload]
    is_lost: bool = False
    offset: int = 0
    counts: int = 1


class FeedFaults:
    """The faults that wait for one instrument's next messages, and what they make of these."""

    def __init__(self) -> None:
        self._waiting: list[FaultKind] = []
        self._swapped: Sequence[StreamPayload] | None = None
        self._stalled_until_ns = 0
        self._held: list[ExchangeEvent] = []

    def inject(self, kind: FaultKind, now_ns: int) -> None:
        """Let a fault befall the next messages. Of each kind only so many wait while nobody listens."""
        if kind is FaultKind.STALL:
            self._stalled_until_ns = now_ns + STALL_NS
        elif self._waiting.count(kind) < _MOST_WAITING:
            self._waiting.append(kind)

    def take(self, kind: FaultKind) -> bool:
        """Say whether a fault of this kind waits, and use it up."""
        if kind not in self._waiting:
            return False
        self._waiting.remove(kind)
        return True

    def apply_to_depth(self, payloads: Sequence[StreamPayload]) -> list[Placed]:
        """Return what is sent in place of a depth update."""
        if not self._waiting and self._swapped is None:
            return [Placed(payloads)]
        if self._swapped is not None:
            earlier, self._swapped = self._swapped, None
            return [Placed(payloads, offset=1, counts=2), Placed(earlier, offset=-2, counts=0)]
        if self.take(FaultKind.GAP):
            return [Placed(payloads, is_lost=True)]
        if self.take(FaultKind.DUPLICATE):
            return [Placed(payloads), Placed(payloads, offset=-1, counts=0)]
        if self.take(FaultKind.REORDER):
            self._swapped = payloads
            return []
        return [Placed(payloads)]

    def hold(self, event: ExchangeEvent) -> bool:
        """Keep an event back while the feed is stalled; say whether it was kept."""
        if self._stalled_until_ns:
            self._held.append(event)
            return True
        return False

    def release(self, now_ns: int) -> list[ExchangeEvent]:
        """Return what was held back, once the stall is over."""
        if not self._stalled_until_ns or now_ns < self._stalled_until_ns:
            return []
        held, self._held, self._stalled_until_ns = self._held, [], 0
        return held
