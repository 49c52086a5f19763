"""How a venue is reached: from what its connections, books and clock say to the message that tells it."""

from dataclasses import dataclass

from foretick.common.contracts import VenueState, VenueStatus
from foretick.ingest.domain.runs import Identity
from foretick.ingest.domain.venue_clock import VenueClock


@dataclass(frozen=True, slots=True)
class Reach:
    """What of a venue a process reaches; every field as in ``VenueStatus``."""

    connections: int = 0
    connections_open: int = 0
    instruments: int = 0
    connects: int = 0
    disconnects: int = 0
    rollovers: int = 0
    snapshots_requested: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """What a venue's feed knows beside its connections.

    notice: what the venue says of maintenance; empty for none
    live: books that may be believed
    """

    clock: VenueClock
    notice: str = ""
    live: int = 0


def state_of(reach: Reach | None, notice: str) -> VenueState:
    """Return whether a venue is reached; None for one that has not answered yet.

    Who follows nothing of a venue wants no connection, and has all that it wants.

    >>> [state_of(Reach(connections=2, connections_open=open), "").value for open in (2, 1, 0)]
    ['connected', 'degraded', 'away']
    """
    if notice:
        return VenueState.MAINTENANCE
    if reach is None or reach.connections_open < min(1, reach.connections):
        return VenueState.AWAY
    return VenueState.CONNECTED if reach.connections_open >= reach.connections else VenueState.DEGRADED


def tell_status(
    identity: Identity, reach: Reach | None, condition: Condition, budget_used_frac: float, now_ns: int
) -> VenueStatus:
    """Return the status of a venue at ``now_ns``, our wall clock; ``reach`` is None before it has answered at all."""
    what = reach or Reach()
    estimate = condition.clock.estimate(now_ns)
    return VenueStatus(
        venue=identity.venue,
        origin=identity.origin,
        run_id=identity.run_id,
        producer=identity.producer,
        ts_ns=now_ns,
        state=state_of(reach, condition.notice),
        notice=condition.notice,
        connections=what.connections,
        connections_open=what.connections_open,
        instruments=what.instruments,
        live=condition.live,
        clock_offset_ms=None if estimate is None else estimate.offset_ms,
        clock_error_ms=None if estimate is None else estimate.error_ms,
        latency_ms=condition.clock.latency_ms(now_ns),
        connects=what.connects,
        disconnects=what.disconnects,
        rollovers=what.rollovers,
        snapshots_requested=what.snapshots_requested,
        budget_used_frac=budget_used_frac,
    )
