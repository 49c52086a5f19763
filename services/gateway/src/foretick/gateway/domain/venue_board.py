"""How the venues are reached, as the processes that follow them tell it."""

from foretick.common.contracts import Contract, Origin, VenueState, VenueStatus
from foretick.common.subjects import VENUE_STATUSES, VENUES
from foretick.common.units import NS_PER_S, micros_from_nanos
from foretick.gateway.domain.freshness import age_ms_of, is_stale


class VenueData(Contract, frozen=True, kw_only=True, gc=False):
    """How one process reaches one venue; fields as on the bus.

    ts_us: wall clock of the process that told it
    clock_offset_ms, clock_error_ms: the venue's clock minus ours, and how far off that may be; null while unknown
    latency_ms: from the venue's clock to ours, the offset taken out; null while unknown
    age_ms: since it arrived here
    stale: nothing arrived within the time to live: the process may be gone, and how the venue is reached is not known
    """

    venue: str
    origin: Origin
    producer: str
    ts_us: int
    state: VenueState
    notice: str
    connections: int
    connections_open: int
    instruments: int
    live: int
    clock_offset_ms: float | None
    clock_error_ms: float | None
    latency_ms: float | None
    connects: int
    disconnects: int
    rollovers: int
    snapshots_requested: int
    budget_used_frac: float
    age_ms: int
    stale: bool


class VenuesData(Contract, frozen=True, kw_only=True, gc=False):
    """Every venue that was told of in the last hour, by venue and process."""

    venues: list[VenueData]


class VenueBoard:
    """The latest status of each venue and process. One that is not told any more grows old, and goes with the bus's."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], tuple[VenueStatus, int]] = {}

    def fold(self, status: VenueStatus, arrived_ns: int) -> None:
        """Fold one message that arrived at ``arrived_ns`` (wall clock); an older one than the last says nothing."""
        key = (status.venue, status.producer)
        held = self._told.get(key)
        if held is None or status.ts_ns >= held[0].ts_ns:
            self._told[key] = status, arrived_ns

    def data(self, now_ns: int) -> VenuesData:
        """Return all statuses with their age at ``now_ns``."""
        oldest_ns = now_ns - VENUES.max_age_s * NS_PER_S
        self._told = {key: held for key, held in sorted(self._told.items()) if held[1] >= oldest_ns}
        return VenuesData(venues=[_venue_data(*held, now_ns) for held in self._told.values()])


def _venue_data(status: VenueStatus, arrived_ns: int, now_ns: int) -> VenueData:
    age_ms = age_ms_of(arrived_ns, now_ns)
    own = ("ts_us", "age_ms", "stale")
    return VenueData(
        **{name: getattr(status, name) for name in VenueData.__struct_fields__ if name not in own},
        ts_us=micros_from_nanos(status.ts_ns),
        age_ms=age_ms or 0,
        stale=is_stale(age_ms, VENUE_STATUSES.ttl_ms),
    )
