"""The changes of trust of one instrument's order book, as this gateway saw them.

Nothing of them is stored here: the list begins with the process, and says since when. The record has them all
(table ``integrity_events``), but for what the gateway itself lost.
"""

from collections import deque
from enum import StrEnum
from typing import NamedTuple

from foretick.common.contracts import BookCounts, Contract, Trust
from foretick.common.units import micros_from_nanos
from foretick.gateway.domain.channels import CHANNELS
from foretick.gateway.domain.topic import Tally, Topic

KEPT_EVENTS = 50
"""Changes kept of each book."""


class Finder(StrEnum):
    """Who found that a book is to be believed otherwise: the feed that keeps it, or the gateway that lost of it."""

    FEED = "feed"
    GATEWAY = "gateway"


class IntegrityEvent(Contract, frozen=True, kw_only=True, gc=False):
    """A change of a book's trust.

    epoch, seq: of the instrument's event that told it; where the gateway found that events are missing, of the last one
        that is
    reason: why the book is not LIVE; empty when it is
    ts_recv_us: data time of that event
    ts_gateway_us: wall clock of the gateway when it learnt of it
    counts: what the book had gone through by then; null where that has not been told
    """

    epoch: int
    seq: int
    trust_from: Trust
    trust_to: Trust
    reason: str
    found_by: Finder
    ts_recv_us: int
    ts_gateway_us: int
    counts: BookCounts | None


class Place(NamedTuple):
    """Where in an instrument's sequence something happened, and when by data time."""

    epoch: int
    seq: int
    ts_recv_ns: int


class TrustChange(NamedTuple):
    """A change that has not been told yet; fields as in ``IntegrityEvent``."""

    place: Place
    trust_from: Trust
    trust_to: Trust
    reason: str
    found_by: Finder
    counts: BookCounts | None


class TrustTrail:
    """Notices when the trust of a book is another one than before. The first word on it is no change."""

    def __init__(self) -> None:
        self._trust: Trust | None = None
        self._changes: list[TrustChange] = []

    @property
    def is_begun(self) -> bool:
        """Whether anything was noted."""
        return self._trust is not None

    def note(self, trust: Trust, reason: str, found_by: Finder, place: Place, counts: BookCounts | None) -> None:
        """Note the trust after what happened at ``place``."""
        before, self._trust = self._trust, trust
        if before is not None and before is not trust:
            self._changes.append(TrustChange(place, before, trust, reason, found_by, counts))

    def take(self) -> list[TrustChange]:
        """Return the changes since the last call."""
        changes, self._changes = self._changes, []
        return changes


class IntegrityLog:
    """The latest changes of one book, and the topic that tells each."""

    def __init__(self, venue: str, symbol: str, fanout: Tally) -> None:
        self.since_ns: int | None = None
        self.events: deque[IntegrityEvent] = deque(maxlen=KEPT_EVENTS)
        self.topic = Topic(CHANNELS["integrity"], venue, symbol, lambda: None, fanout)

    def add(self, changes: list[TrustChange], arrived_ns: int) -> None:
        """Keep ``changes``, which arrived at ``arrived_ns`` (wall clock), and tell them; begin with the first call."""
        if self.since_ns is None:
            self.since_ns = arrived_ns
        for change in changes:
            event = IntegrityEvent(
                epoch=change.place.epoch,
                seq=change.place.seq,
                trust_from=change.trust_from,
                trust_to=change.trust_to,
                reason=change.reason,
                found_by=change.found_by,
                ts_recv_us=micros_from_nanos(change.place.ts_recv_ns),
                ts_gateway_us=micros_from_nanos(arrived_ns),
                counts=change.counts,
            )
            self.events.append(event)
            self.topic.publish(event.epoch, event.seq, event, arrived_ns)
