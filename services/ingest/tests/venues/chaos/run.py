"""One run of connection chaos: the real exchange and the real feed over real sockets, on a real bus, in real time.

One exchange serves all protocols; one feed follows it as each venue. Every fault befalls all connections of every venue
that has it; then each venue is watched until all of its books are LIVE again. Lifetimes of connections are short, so
that planned replacements go on beside the faults.
"""

import asyncio
import os
import random
import statistics
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from foretick.common.contracts import BookFrame, TickFrame
from foretick.common.units import NS_PER_S
from foretick.ingest.adapters.connector import Connector, ConnectorSettings
from foretick.ingest.adapters.venues import OpenConnector, opener_of
from foretick.ingest.app import feed as app
from foretick.ingest.domain.exchange_faults import SimVenue

from ...feed.test_feed_on_bus import consumer, runtime
from .exchange import Door, FailingExchange, Refusal, reset
from .terms import LATE, REQUESTED_ONLY, RESTARTS, Kind, Terms, asked_without_calm, excesses
from .witness import Findings, Witness

SYMBOLS = ("BTCUSDT", "ETHUSDT", "ADAUSDT", "SOLUSDT", "AAPL", "TSLA")
PER_CONNECTION = {SimVenue.SIM: 3, SimVenue.COINBASE: 1, SimVenue.KRAKEN: 3}
"""Instruments a connection, so that there are several."""

_LOOK_S = 0.02
_STALL_S = 0.1
"""So late a turn of the loop is the machine's doing: it is added to what was promised, and explains lost trust."""

_LATELY_S = 15.0
_BUS_AWAY = "the bus was away"
"""A record that is not the venue's doing: on a machine that does not get to run, leases lapse."""

_FLAPS, _FLAP_S = 4, 0.6
_runs = count(1)


@dataclass(frozen=True)
class Plan:
    """How long, and how fast, a run goes.

    idle_timeout_s: of every connection
    lifetime_s: after which a connection is replaced; the venue cuts it some seconds later
    calm_s: at most so long between a recovery and the next fault
    outage_s: at most so long an exchange is away
    connects_per_minute: where it is more than the venue's own, so that faults may follow each other faster
    is_silence_ended: whether those whom a silent door has accepted are let go when the exchange opens; else they wait
        until the handshake's time is over
    venues: those that are followed
    """

    idle_timeout_s: float = 10.0
    lifetime_s: float = 45.0
    calm_s: float = 20.0
    outage_s: float = 12.0
    connects_per_minute: float = 0.0
    is_silence_ended: bool = False
    venues: Sequence[SimVenue] = tuple(SimVenue)


@dataclass
class Recovery:
    """How long the books of a venue took to be LIVE again, and what was promised."""

    kind: Kind
    took_s: float
    bound_s: float


@dataclass
class Report:
    """What came of a run, by venue."""

    findings: dict[SimVenue, Findings] = field(default_factory=lambda: defaultdict(Findings))
    recoveries: dict[SimVenue, list[Recovery]] = field(default_factory=lambda: defaultdict(list))
    records: dict[SimVenue, int] = field(default_factory=dict)
    replacements: Counter[SimVenue] = field(default_factory=Counter)
    excesses: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def assert_sound(self) -> None:
        """Assert that every promise was kept, and that there was something to be found."""
        told = [what for findings in self.findings.values() for what in findings.first]
        told += self.faults + self.excesses
        assert not told, "\n".join(told)
        for venue, findings in self.findings.items():
            assert findings.compared > 20
            assert self.records[venue] > 0

    def describe(self) -> str:
        lines = []
        for venue, recoveries in self.recoveries.items():
            findings = self.findings[venue]
            lines.append(
                f"{venue}: {len(recoveries)} faults, {self.records.get(venue, 0)} records, LIVE books compared "
                f"{findings.compared:,}, trades {findings.trades:,}, holes {findings.holes} of "
                f"{findings.trades_missed:,} trades, findings {findings.faults}, replaced unseen "
                f"{self.replacements[venue]}"
            )
            for kind in Kind:
                took = [(each.took_s, each.bound_s) for each in recoveries if each.kind is kind]
                if took:
                    times = [each for each, _ in took]
                    lines.append(
                        f"  {kind:<34} {len(took):>3}  LIVE again after {statistics.median(times):6.2f} s in the "
                        f"median, {max(times):6.2f} s at worst; bound {min(b for _, b in took):5.1f} to "
                        f"{max(b for _, b in took):5.1f} s"
                    )
        return "\n".join(lines)


class Chaos:
    """A running exchange, the feed that follows it, and the witnesses of what is published."""

    def __init__(self, exchange: FailingExchange, plan: Plan, seed: int, frames: list[TickFrame | BookFrame]) -> None:
        self.report = Report()
        self.terms: dict[SimVenue, Terms] = {}
        self.exchange = exchange
        self.witnesses: dict[SimVenue, dict[str, Witness]] = {venue: {} for venue in plan.venues}
        self.change: Callable[[TickFrame | BookFrame], TickFrame | BookFrame] = lambda frame: frame
        self._plan = plan
        self._random = random.Random(seed)
        self._frames = frames
        self._silent_ns = round((plan.idle_timeout_s + 0.5) * NS_PER_S)
        self._doors: list[Door] = []
        self._stalled_s = 0.0
        self._stalls: deque[tuple[float, float]] = deque(maxlen=1_000)

    async def run(self, kinds: Sequence[Kind], tell: Callable[[str], None] = lambda _: None) -> None:
        """Let ``kinds`` happen one after the other."""
        for kind in kinds:
            await self._watch(self._random.random() * self._plan.calm_s)
            await (self._watch_replacements() if kind is Kind.REPLACED else self._befall(kind))
            tell(f"{kind}: " + ", ".join(f"{v} {r[-1].took_s:.2f} s" for v, r in self.report.recoveries.items()))

    async def until_live(self) -> None:
        """Wait until every book is LIVE for the first time."""
        deadline_s = time.monotonic() + 60.0
        while not all(self._is_live(venue, 0) for venue in self._plan.venues):
            assert time.monotonic() < deadline_s, "not LIVE at first"
            await self._look()

    def read(self) -> None:
        """Show the witnesses what has been published since."""
        frames, self._frames[:] = self._frames[:], []
        for frame in frames:
            venue = SimVenue(frame.venue)
            known = self.witnesses[venue]
            if frame.symbol not in known:
                index = self.exchange.exchange.fronts[venue].index_of(frame.symbol)
                known[frame.symbol] = Witness(
                    f"{venue} {frame.symbol}", self.exchange.truth.instruments[index], self.report.findings[venue],
                    self._silent_ns,
                )  # fmt: skip
            known[frame.symbol].read(self.change(frame))

    def sum_up(self) -> Report:
        """Return the report of all that was read."""
        for venue, known in self.witnesses.items():
            self.report.records[venue] = sum(len(witness.records) for witness in known.values())
            self.report.excesses += excesses(venue, self.exchange.asked[venue])
            self.report.faults += [f"{venue} {name}: an event is missing" for name, w in known.items() if w.is_waiting]
        return self.report

    async def _look(self) -> None:
        began_s = time.monotonic()
        await asyncio.sleep(_LOOK_S)
        late_s = time.monotonic() - began_s - _LOOK_S
        if late_s > _STALL_S:
            self._stalled_s += late_s
            self._stalls.append((began_s, late_s))
        lately_s = sum(late_s for at_s, late_s in self._stalls if began_s - at_s < _LATELY_S)
        for venue in self._plan.venues:
            self.report.findings[venue].excused_ns = round(lately_s * NS_PER_S)
        self.read()
        self._cut_the_old()

    async def _watch_replacements(self) -> None:
        """Watch until each connection has been replaced by a younger one: no book may be seen to lose its trust."""
        began_s = time.monotonic()

        def is_young() -> bool:
            server = self.exchange.server
            opened = {venue: [server.opened_s[each] for each in server.connections(venue)] for venue in self.terms}
            return all(
                len(times) == self.terms[venue].connections and min(times) > began_s for venue, times in opened.items()
            )

        longest_s = max(terms.replaced_s() for terms in self.terms.values())
        await self._watch(longest_s, is_young)
        if not is_young():
            self.report.faults.append(f"connections were not replaced within {longest_s:g} s")
        for venue in self._plan.venues:
            self.report.replacements[venue] += self.terms[venue].connections

    async def _watch(self, length_s: float, is_over: Callable[[], bool] = lambda: False) -> None:
        """Let time pass in which nothing may befall a book but what is planned."""
        records, stalled_s = self._record_counts(), self._stalled_s
        end_s = time.monotonic() + length_s
        while time.monotonic() < end_s and not is_over():
            await self._look()
        is_stalled = self._stalled_s - stalled_s > self._plan.idle_timeout_s / 4
        for name, number in self._record_counts().items():
            is_of_bus = number and _BUS_AWAY in self._last_reasons(name)
            if not is_stalled and not is_of_bus and number > records.get(name, 0):
                self.report.faults.append(f"{name}: not LIVE, though nothing had happened: {self._last_reasons(name)}")

    def _record_counts(self) -> dict[str, int]:
        return {f"{v} {name}": len(w.records) for v, known in self.witnesses.items() for name, w in known.items()}

    def _last_reasons(self, name: str) -> str:
        venue, _, symbol = name.partition(" ")
        return ", then ".join(self.witnesses[SimVenue(venue)][symbol].records[-1].reasons)

    def _cut_the_old(self) -> None:
        """Cut connections as a venue does after a day."""
        server, now_s = self.exchange.server, time.monotonic()
        for venue, terms in self.terms.items():
            for connection in server.connections(venue):
                if now_s - server.opened_s[connection] > terms.replaced_s():
                    self.report.faults.append(f"{venue}: a connection was not replaced in {terms.replaced_s():.0f} s")
                    reset(connection)

    async def _befall(self, kind: Kind) -> None:
        venues = [SimVenue.SIM] if kind in REQUESTED_ONLY else list(self._plan.venues)
        began_ns, began_s = time.time_ns(), time.monotonic()
        refusal = REQUESTED_ONLY.get(kind)
        if refusal is not None:
            self.exchange.server.refusal = Refusal(2, *refusal)
        if kind in RESTARTS:
            await self._restart(kind)
        else:
            await self._disturb(kind)
        ended_s, stalled_s = time.monotonic(), self._stalled_s
        waiting = set(venues)
        longest_s = max(self._bound_s(venue, kind, ended_s - began_s) for venue in venues)
        while waiting:
            for venue in [each for each in waiting if self._is_live(each, began_ns)]:
                waiting.discard(venue)
                self._note(venue, kind, ended_s, ended_s - began_s, self._stalled_s - stalled_s)
            if time.monotonic() - ended_s > longest_s + 60.0:
                self.report.faults += [f"{venue}: never LIVE again after {kind}" for venue in waiting]
                return
            await self._look()
        for door in self._doors:
            door.forget()
        self.exchange.forget_delays()

    async def _restart(self, kind: Kind) -> None:
        await self.exchange.close(announced=kind is Kind.ANNOUNCED)
        length_s = self._plan.outage_s * (0.2 + 0.8 * self._random.random())
        is_served = kind in (Kind.RESETTING, Kind.MUTE)
        door = Door(self.exchange.port, self.exchange.asked, mute=kind is Kind.MUTE) if is_served else None
        end_s = time.monotonic() + length_s
        while time.monotonic() < end_s:
            await asyncio.sleep(_LOOK_S)
            self.read()
        if door is not None:
            door.shut()
            self._doors.append(door)
            if self._plan.is_silence_ended:
                door.forget()
        await self.exchange.reopen(slow=kind is Kind.SLOW_RESTART)

    async def _disturb(self, kind: Kind) -> None:
        server = self.exchange.server
        venue = SimVenue.SIM if kind in REQUESTED_ONLY else None
        if kind in LATE:
            self.exchange.delay_books()
        match kind:
            case Kind.CLOSED:
                await asyncio.gather(*(each.close(1001) for each in server.connections()))
            case Kind.HALF_OPEN:
                for each in server.connections():
                    each.fall_silent()  # type: ignore[attr-defined]
            case Kind.FLAPPING:
                for _ in range(_FLAPS):
                    for each in server.connections():
                        reset(each)
                    await asyncio.sleep(_FLAP_S)
            case _:
                for each in server.connections(venue):
                    reset(each)

    def _is_live(self, venue: SimVenue, since_ns: int) -> bool:
        known = self.witnesses[venue]
        return len(known) == len(self.exchange.symbols) and all(
            each.is_live and each.live_since_ns > since_ns for each in known.values()
        )

    def _bound_s(self, venue: SimVenue, kind: Kind, outage_s: float) -> float:
        asked = self.exchange.asked[venue].books.values()
        return self.terms[venue].bound_s(kind, outage_s, max(map(asked_without_calm, asked), default=0))

    def _note(self, venue: SimVenue, kind: Kind, ended_s: float, outage_s: float, stalled_s: float) -> None:
        took_s, bound_s = time.monotonic() - ended_s, self._bound_s(venue, kind, outage_s) + stalled_s
        self.report.recoveries[venue].append(Recovery(kind, took_s, bound_s))
        if took_s > bound_s:
            self.report.faults.append(f"{venue}: LIVE {took_s:.1f} s after {kind}, {bound_s:.1f} s were promised")


@asynccontextmanager
async def chaos(
    nats_url: str, plan: Plan, seed: int, patch: pytest.MonkeyPatch, symbols: Sequence[str] = SYMBOLS
) -> AsyncIterator[Chaos]:
    """A feed that follows a failing exchange as each of the plan's venues, with every book LIVE."""
    run_id = f"chaos-{os.getpid()}-{next(_runs)}"
    async with consumer(nats_url) as frames, runtime(nats_url, RUN_ID=run_id) as (rt, _):
        exchange = FailingExchange(symbols, seed, rt.clock, rt.log)
        run = Chaos(exchange, plan, seed, frames)
        patch.setattr(app, "opener_of", lambda venue: _opener(venue, plan, len(symbols)))
        await exchange.open()
        places = {"SIM_WS_URL": f"ws://127.0.0.1:{exchange.port}", "SIM_REST_URL": f"http://127.0.0.1:{exchange.port}"}
        async with AsyncExitStack() as stack:
            stack.push_async_callback(exchange.close)
            feed_rt, settings = await stack.enter_async_context(
                runtime(
                    nats_url, RUN_ID=run_id, VENUES=",".join(plan.venues), DEFAULT_SYMBOLS=",".join(symbols),
                    FEED_IDLE_TIMEOUT=plan.idle_timeout_s, **places,
                )
            )  # fmt: skip
            await app.build(feed_rt, settings)
            await run.until_live()
            run.terms |= {venue: _TERMS[venue, plan, len(symbols)] for venue in plan.venues}
            yield run


_TERMS: dict[tuple[SimVenue, Plan, int], Terms] = {}
"""What was opened, by venue, plan and number of instruments: equal ones have equal terms."""


def _opener(venue: str, plan: Plan, symbols: int) -> OpenConnector:
    """Return what opens a venue's connector, with several connections that live as long as ``plan`` says."""

    async def open_venue(name: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
        connector = await opener_of(venue)(name, settings, stack)
        assert connector.plan is not None
        own, sim = connector.plan.limits, SimVenue(venue)
        limits = replace(
            own, symbols_per_connection=PER_CONNECTION[sim], lifetime_s=plan.lifetime_s,
            connects_per_minute=max(own.connects_per_minute, plan.connects_per_minute),
        )  # fmt: skip
        _TERMS[sim, plan, symbols] = Terms(
            limits, -(-symbols // limits.symbols_per_connection), symbols, len(connector.plan.opening(["A"])),
            is_requested=sim is SimVenue.SIM,
        )  # fmt: skip
        return replace(connector, plan=replace(connector.plan, limits=limits))

    return open_venue


def schedule(seed: int) -> "list[Kind]":
    """Return every kind once, in an order of the seed."""
    return random.Random(seed).sample(list(Kind), len(Kind))
