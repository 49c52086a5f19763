"""How a venue is reached: the status by itself, as the watch tells it, and on a real bus beside a real exchange."""

from dataclasses import dataclass, field

import msgspec
import nats
import pytest
import structlog

from foretick.common.contracts import Origin, VenueState, VenueStatus
from foretick.common.errors import Malformed, Refused, RetryLater, Transient
from foretick.common.permissions import users
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.embedded import NatsServer, free_port
from foretick.common.subjects import VENUE_STATUSES, VENUES
from foretick.common.testing.servers import scratch_directory
from foretick.common.testing.waiting import eventually
from foretick.common.units import NS_PER_MS
from foretick.ingest.app.feed import build as build_feed
from foretick.ingest.app.simulate import build as build_exchange
from foretick.ingest.domain.runs import Identity
from foretick.ingest.domain.venue_clock import VenueClock
from foretick.ingest.domain.venue_reach import Condition, Reach, state_of, tell_status
from foretick.ingest.handlers.venue_watch import ASK_S, VenueWatch
from foretick.ingest.settings import IngestSettings

T0 = 1_800_000_000_000_000_000
IDENTITY = Identity("kraken", Origin.LIVE, "run", "ingest.feed-0", 3)


@pytest.mark.parametrize(
    ("reach", "notice", "state"),
    [
        (None, "", VenueState.AWAY),
        (Reach(connections=3, connections_open=0), "", VenueState.AWAY),
        (Reach(connections=3, connections_open=2), "", VenueState.DEGRADED),
        (Reach(connections=3, connections_open=3), "", VenueState.CONNECTED),
        (Reach(connections=0, connections_open=0), "", VenueState.CONNECTED),
        (Reach(connections=1, connections_open=1), "down for an hour", VenueState.MAINTENANCE),
        (Reach(connections=1, connections_open=0), "down for an hour", VenueState.MAINTENANCE),
    ],
    ids=["never answered", "none", "some", "all", "nothing wanted", "maintenance", "maintenance, away"],
)
def test_state_follows_the_connections_and_what_the_venue_says(reach, notice, state):
    assert state_of(reach, notice) is state


def test_status_tells_connections_books_clock_and_budget():
    clock = VenueClock()
    clock.answer(T0, T0 + 40 * NS_PER_MS, T0 + 120 * NS_PER_MS + 1)  # in the middle of the way: 100 ms ahead
    clock.hear(T0 + 30 * NS_PER_MS, T0 + 100 * NS_PER_MS)  # it says 100 ahead of T0, which was T0: 30 ms on the way
    reach = Reach(
        connections=2, connections_open=1, instruments=8, connects=5, disconnects=4, rollovers=1, snapshots_requested=9
    )
    status = tell_status(IDENTITY, reach, Condition(clock, "", 7), 0.25, T0 + 50 * NS_PER_MS)
    assert (status.venue, status.origin, status.run_id, status.producer, status.ts_ns) == (
        "kraken", Origin.LIVE, "run", "ingest.feed-0", T0 + 50 * NS_PER_MS,
    )  # fmt: skip
    assert (status.state, status.connections, status.connections_open) == (VenueState.DEGRADED, 2, 1)
    assert (status.instruments, status.live, status.budget_used_frac) == (8, 7, 0.25)
    assert (status.connects, status.disconnects, status.rollovers, status.snapshots_requested) == (5, 4, 1, 9)
    assert status.clock_offset_ms == pytest.approx(100.0, abs=1e-5)
    assert status.clock_error_ms == pytest.approx(20.0, abs=1e-5)
    assert status.latency_ms == pytest.approx(30.0, abs=1e-5)


# ---- the watch -----------------------------------------------------------------------------------------------------


@dataclass
class Outlet:
    """A ``StatusOutlet`` on a clock that a request moves on."""

    ns: int = T0
    published: list[VenueStatus] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def now_ns(self) -> int:
        return self.ns

    def publish(self, status: VenueStatus) -> None:
        self.published.append(status)

    def count_unanswered(self, venue: str) -> None:
        self.unanswered.append(venue)


@dataclass
class Rest:
    """A venue that is 5 s ahead; each question takes what ``trips_ms`` says, the answer half of that."""

    outlet: Outlet
    trips_ms: list[int] = field(default_factory=lambda: [90, 10])
    trouble: Exception | None = None
    has_clock: bool = True
    asked: int = 0
    budget_used_frac: float = 0.5

    async def time_ns(self) -> int | None:
        half_ns = self.trips_ms[self.asked % len(self.trips_ms)] * NS_PER_MS // 2
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        venue_ns = self.outlet.ns + half_ns + 5_000 * NS_PER_MS + 1
        self.outlet.ns += 2 * half_ns
        return venue_ns if self.has_clock else None


class Connections:
    def reach(self) -> Reach:
        return Reach(connections=1, connections_open=1, instruments=1)


@pytest.fixture
def outlet() -> Outlet:
    return Outlet()


@pytest.fixture
def rest(outlet: Outlet) -> Rest:
    return Rest(outlet)


@pytest.fixture
def watch(outlet: Outlet, rest: Rest, feed) -> VenueWatch:
    watch = VenueWatch(IDENTITY, rest, outlet)
    watch.follow(feed.handler, Connections())
    return watch


async def test_venue_that_has_not_answered_yet_is_away(outlet: Outlet, rest: Rest):
    VenueWatch(IDENTITY, rest, outlet).tell()
    (status,) = outlet.published
    assert (status.state, status.connections, status.clock_offset_ms, status.latency_ms) == (
        VenueState.AWAY, 0, None, None,
    )  # fmt: skip
    assert status.budget_used_frac == 0.5


async def test_clock_is_taken_from_the_answer_that_came_back_sooner(watch: VenueWatch, outlet: Outlet, rest: Rest):
    assert await watch.ask() == ASK_S
    watch.tell()
    assert rest.asked == 2
    assert outlet.published[0].clock_offset_ms == pytest.approx(5_000.0, abs=1e-5)
    assert outlet.published[0].clock_error_ms == pytest.approx(5.0, abs=1e-5)


@pytest.mark.parametrize(
    ("trouble", "pause_s"),
    [
        (Transient("away"), ASK_S),
        (Refused("-1003", "no"), ASK_S),
        (Malformed("kraken", "no time in it"), ASK_S),
        (RetryLater("too often", 240.0), 240.0),
        (RetryLater("too often", 1.0), ASK_S),
    ],
    ids=["away", "refused", "malformed", "much later", "soon"],
)
async def test_question_without_an_answer_is_counted_and_told_nowhere_else(watch, outlet, rest, trouble, pause_s):
    rest.trouble = trouble
    assert await watch.ask() == pause_s
    assert outlet.unanswered == ["kraken"]
    watch.tell()
    assert (outlet.published[0].state, outlet.published[0].clock_offset_ms) == (VenueState.CONNECTED, None)


async def test_venue_without_a_clock_is_no_trouble(watch: VenueWatch, outlet: Outlet, rest: Rest):
    rest.has_clock = False
    assert await watch.ask() == ASK_S
    assert outlet.unanswered == []


# ---- on a real bus, beside a real exchange -------------------------------------------------------------------------


async def started(server: NatsServer, role: str, build, **fields) -> Runtime:
    user = server.url_of("ingest.feed")
    settings = IngestSettings.model_validate(
        {"RUN_ID": "run-1", "NATS_URL": user, "DEFAULT_SYMBOLS": "BTCUSDT"} | fields
    )
    rt = Runtime("ingest", role, settings, structlog.stdlib.get_logger())
    if role == "feed":
        await rt.bus.connect()
        await rt.bus.ensure_streams()
        rt.epoch = await rt.bus.next_epoch()
    rt.run_id = "run-1"
    await build(rt, settings)
    return rt


async def test_feed_tells_each_second_how_its_venue_is_reached(tmp_path):
    port = free_port()
    address = {
        "SIM_PORT": port, "SIM_WS_URL": f"ws://127.0.0.1:{port}", "SIM_REST_URL": f"http://127.0.0.1:{port}",
        "DATA_DIR": str(tmp_path),
    }  # fmt: skip
    with scratch_directory("status") as directory, NatsServer(directory, users=users()) as server:
        client = await nats.connect(server.url_of("operator"))
        told: list[VenueStatus] = []

        async def receive(msg) -> None:
            told.append(msgspec.json.decode(msg.data, type=VenueStatus))

        await client.subscribe(VENUE_STATUSES.of("sim", "ingest.feed-0"), cb=receive)
        await client.flush()
        feed = await started(server, "feed", build_feed, **address)
        try:
            await eventually(lambda: told)
            assert (told[0].state, told[0].origin, told[0].run_id) == (VenueState.AWAY, Origin.SIM, "run-1")
            exchange = await started(server, "simulate", build_exchange, **address)
            try:
                await eventually(lambda: told[-1].state is VenueState.CONNECTED and told[-1].live == 1, 30)
                await eventually(lambda: told[-1].clock_error_ms is not None and told[-1].latency_ms is not None)
                status = told[-1]
                assert (status.connections, status.connections_open, status.instruments) == (1, 1, 1)
                assert (status.connects, status.disconnects) == (1, 0)
                # the exchange runs in this very process: its clock is ours
                assert abs(status.clock_offset_ms) <= status.clock_error_ms
                assert 0 <= status.budget_used_frac < 1
            finally:
                await exchange.drain()
            await eventually(lambda: told[-1].state is VenueState.AWAY and told[-1].disconnects == 1, 15)
            kept = await client.jetstream().get_last_msg(
                VENUES.name, VENUE_STATUSES.of("sim", "ingest.feed-0"), direct=True
            )
            assert msgspec.json.decode(kept.data or b"", type=VenueStatus).venue == "sim"
            registry = feed.metrics.registry
            assert registry.get_sample_value("foretick_ingest_venue_state", {"venue": "sim", "state": "away"}) == 1
            assert (
                registry.get_sample_value("foretick_ingest_venue_events_total", {"venue": "sim", "what": "connects"})
                == 1
            )
            assert registry.get_sample_value("foretick_ingest_venue_connections", {"venue": "sim"}) == 1
        finally:
            await feed.drain()
            await client.close()
