"""What can go wrong at a venue, on purpose: faults that the simulated exchange injects into one instrument's feed."""

from collections.abc import Iterator
from enum import StrEnum
from math import log
from typing import NamedTuple

import msgspec

from foretick.common.units import NS_PER_S
from foretick.market.simulation.randomness import seeded, uniform

STALL_NS = 5 * NS_PER_S
SLOW_SNAPSHOT_S = 3.0
_MINUTE_NS = 60 * NS_PER_S


class FaultKind(StrEnum):
    """The kinds of fault, and what a client sees.

    gap: the next depth update never arrives
    duplicate: the next depth update arrives twice
    reorder: the next two depth updates arrive in the wrong order
    crossed: the next depth update puts a bid above the best ask
    stall: nothing for five seconds, then all that was held back at once
    disconnect: every connection is cut without a farewell
    slow_snapshot: the next REST book takes three seconds
    """

    GAP = "gap"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    CROSSED = "crossed"
    STALL = "stall"
    DISCONNECT = "disconnect"
    SLOW_SNAPSHOT = "slow_snapshot"


class FaultRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of ``POST /sim/faults``."""

    kind: FaultKind
    symbol: str


class Fault(NamedTuple):
    """A fault that is due at an instant of data time."""

    due_ns: int
    kind: FaultKind
    symbol: str


def scheduled_faults(symbols: tuple[str, ...], per_minute: float, seed: int, start_ns: int) -> Iterator[Fault]:
    """Yield faults for ever, at random instants ``per_minute`` on average over all symbols; none where that is 0.

    The same arguments give the same schedule.
    """
    rng = seeded(seed)
    kinds = tuple(FaultKind)
    due_ns = start_ns
    while per_minute > 0:
        due_ns += 1 + int(-log(1.0 - uniform(rng)) * _MINUTE_NS / per_minute)
        kind = kinds[int(uniform(rng) * len(kinds))]
        yield Fault(due_ns, kind, symbols[int(uniform(rng) * len(symbols))])


class FeedFaults:
    """The faults that wait for one instrument's next messages, and what they make of these."""

    def __init__(self) -> None:
        self._waiting: list[FaultKind] = []
        self._swapped: bytes | None = None
        self._stalled_until_ns = 0
        self._held: list[tuple[str, bytes]] = []

    def inject(self, kind: FaultKind, now_ns: int) -> None:
        """Let a fault befall the next messages."""
        if kind is FaultKind.STALL:
            self._stalled_until_ns = now_ns + STALL_NS
        else:
            self._waiting.append(kind)

    def take(self, kind: FaultKind) -> bool:
        """Say whether a fault of this kind waits, and use it up."""
        if kind not in self._waiting:
            return False
        self._waiting.remove(kind)
        return True

    def apply_to_depth(self, payload: bytes) -> list[bytes]:
        """Return what is sent in place of a depth update."""
        if not self._waiting and self._swapped is None:
            return [payload]
        if self._swapped is not None:
            earlier, self._swapped = self._swapped, None
            return [payload, earlier]
        if self.take(FaultKind.GAP):
            return []
        if self.take(FaultKind.DUPLICATE):
            return [payload, payload]
        if self.take(FaultKind.REORDER):
            self._swapped = payload
            return []
        return [payload]

    def hold(self, stream: str, payload: bytes) -> bool:
        """Keep a message back while the feed is stalled; say whether it was kept."""
        if self._stalled_until_ns:
            self._held.append((stream, payload))
            return True
        return False

    def release(self, now_ns: int) -> list[tuple[str, bytes]]:
        """Return what was held back, once the stall is over."""
        if not self._stalled_until_ns or now_ns < self._stalled_until_ns:
            return []
        held, self._held, self._stalled_until_ns = self._held, [], 0
        return held
