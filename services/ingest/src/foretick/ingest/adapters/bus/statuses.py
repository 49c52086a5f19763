"""The bus as the watch over a venue sees it: its status out, and metrics of it."""

from foretick.common.contracts import VenueState, VenueStatus, encode
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.subjects import VENUE_STATUSES

_GAUGES = {
    "connections": ("venue_connections", "Sockets to a venue that there should be"),
    "connections_open": ("venue_connections_open", "Sockets to a venue that are open"),
    "clock_offset_ms": ("venue_clock_offset_ms", "A venue's clock minus ours"),
    "clock_error_ms": ("venue_clock_error_ms", "How far off that may be; absent where the venue has no clock to ask"),
    "latency_ms": ("venue_latency_ms", "Median from a venue's clock to ours in the last minute, offset taken out"),
    "budget_used_frac": ("venue_budget_used_frac", "How much of a venue's request budget is spent"),
}
_COUNTED = ("connects", "disconnects", "rollovers", "snapshots_requested")


class BusStatuses:
    """A ``StatusOutlet`` on the service's connection to NATS; what is published while that is away is dropped."""

    def __init__(self, rt: Runtime) -> None:
        self._data = rt.data
        self.now_ns = rt.clock.now_ns
        venue = ("venue",)
        self._gauges = {field: rt.metrics.gauge(name, meaning, venue) for field, (name, meaning) in _GAUGES.items()}
        self._states = rt.metrics.gauge("venue_state", "1 for the state that a venue is in", ("venue", "state"))
        self._events = rt.metrics.counter("venue_events_total", "What became of the way to a venue", ("venue", "what"))
        self._unanswered = rt.metrics.counter(
            "venue_clock_unanswered_total", "Times that a venue did not tell its clock when asked", venue
        )
        self._seen: dict[tuple[str, str], int] = {}

    def publish(self, status: VenueStatus) -> None:
        """Send ``status`` to its subject, and let the metrics follow."""
        venue = status.venue
        self._data.publish_raw(VENUE_STATUSES.of(venue, status.producer), encode(status))
        for state in VenueState:
            self._states.labels(venue, state.value).set(state is status.state)
        for field, gauge in self._gauges.items():
            value = getattr(status, field)
            gauge.labels(venue).set(float("nan") if value is None else value)
        for what in _COUNTED:
            total = getattr(status, what)
            self._events.labels(venue, what).inc(max(0, total - self._seen.get((venue, what), 0)))
            self._seen[venue, what] = total

    def count_unanswered(self, venue: str) -> None:
        """Count a question for a venue's clock that was not answered."""
        self._unanswered.labels(venue).inc()
