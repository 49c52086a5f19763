"""The connections to one venue: which instruments each carries, and its life from connect to planned replacement.

A connection that is refused, ends, or falls silent is opened anew, after a pause that grows while attempts fail. One
that reaches its planned age, or whose end the venue announces, is replaced before it ends: the new one is followed
beside it until it has brought its full books, then takes its place, and nothing is missed. Where the old one is not
heard while both are open it counts as lost instead: what it missed has its record.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from foretick.common.clock import Clock
from foretick.common.runtime.logs import Logger
from foretick.ingest.adapters.connections.budget import Budget
from foretick.ingest.adapters.connections.link import MAX_HELD_BYTES, Link
from foretick.ingest.adapters.connections.resync import Resync
from foretick.ingest.adapters.recordings.sink import ConnectionEvent, RawTap
from foretick.ingest.domain.backoff import backoff_s
from foretick.ingest.domain.venue_reach import Reach
from foretick.ingest.ports import FrameReceiver, StreamPlan

_OVERLAP_S = 1.0
"""A replacement is followed beside the old connection for at least this long after its first frame."""

_LONGEST_OVERLAP_S = 10.0
_LIFETIME_SPREAD_FRAC = 0.1
_LOOK_S = 0.25
_MINUTE_S = 60.0


@dataclass(slots=True)
class PoolCounters:
    """What became of a venue's connections, since the process began."""

    connects: int = 0
    disconnects: int = 0
    rollovers: int = 0


@dataclass(slots=True)
class _Slot:
    """A place for a connection: what it carries, and the link that carries it now.

    number: of its connection; a link that comes after a lost one keeps it, one that replaces a live one has its own
    """

    symbols: list[str]
    number: int = 0
    link: Link | None = None
    roll_over: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None


class ConnectionPool:
    """Keeps the streams of the followed instruments connected: a ``VenueSession``.

    ``fetch`` gets the full book of a symbol; where it is None, subscribing anew does. ``tap`` is told what passes.
    ``headers`` go with every handshake.
    """

    _receiver: FrameReceiver

    def __init__(
        self,
        plan: StreamPlan,
        clock: Clock,
        log: Logger,
        fetch: Callable[[str], Awaitable[None]] | None = None,
        tap: RawTap = RawTap(),  # noqa: B008 - frozen, and taps nothing
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.counters = PoolCounters()
        self._is_streamed = fetch is None
        self._resync = Resync(fetch or self.renew, log, clock.now_ns())
        self._plan = plan
        self._limits = plan.limits
        self._clock = clock
        self._log = log
        self._tap = tap
        self._headers = headers
        self._random = random.Random(clock.now_ns())
        self._slots: list[_Slot] = []
        self._numbers = tap.first_number - 1
        self._time = asyncio.get_running_loop().time
        self._connects = [Budget(plan.limits.connects_per_minute, _MINUTE_S, self._time)]
        if plan.limits.connects_per_s is not None:
            self._connects.append(Budget.within_a_second(plan.limits.connects_per_s, self._time))
        together = plan.limits.sends_per_s_together
        self._sends = None if together is None else Budget.within_a_second(together, self._time)
        self._changed = asyncio.Event()

    @property
    def wanted(self) -> int:
        """How many connections there should be."""
        return len(self._slots)

    @property
    def open(self) -> int:
        """How many there are."""
        return sum(slot.link is not None and slot.link.is_open for slot in self._slots)

    def reach(self) -> Reach:
        """Return what of the venue is reached now, and what became of the connections since the process began."""
        return Reach(
            connections=self.wanted,
            connections_open=self.open,
            instruments=sum(len(slot.symbols) for slot in self._slots),
            connects=self.counters.connects,
            disconnects=self.counters.disconnects,
            rollovers=self.counters.rollovers,
            snapshots_requested=self.snapshots_requested,
        )

    @property
    def snapshots_requested(self) -> int:
        """How many full books were asked for."""
        return self._resync.requested

    def request_snapshot(self, symbol: str) -> None:
        """Ask for a full book of ``symbol``; one that its stream will begin with need not be asked for."""
        if not self._is_streamed or any(symbol in slot.symbols and slot.link is not None for slot in self._slots):
            self._resync.request(symbol)

    def roll_over(self) -> None:
        """Replace every connection."""
        for slot in self._slots:
            slot.roll_over.set()

    def symbols_of(self, connection: int) -> Sequence[str]:
        """Return what is followed on ``connection``."""
        return next((slot.symbols for slot in self._slots if slot.link and slot.link.number == connection), ())

    def follow(self, symbols: Sequence[str]) -> None:
        """Follow ``symbols`` too, on connections that have room, then on new ones."""
        followed = {symbol for slot in self._slots for symbol in slot.symbols}
        new = [symbol for symbol in symbols if symbol not in followed]
        most = self._limits.symbols_per_connection
        for slot in self._slots:
            added, new = new[: most - len(slot.symbols)], new[max(0, most - len(slot.symbols)) :]
            if added:
                slot.symbols += added
                if slot.link is not None and slot.link.is_open:
                    slot.link.send(self._plan.subscribe(added))
                    self._receiver.on_connected(added, slot.link.number)
        self._slots += [_Slot(new[at : at + most]) for at in range(0, len(new), most)]
        self._changed.set()

    def leave(self, symbols: Sequence[str]) -> None:
        """Follow ``symbols`` no longer."""
        for slot in self._slots:
            gone = [symbol for symbol in slot.symbols if symbol in symbols]
            if not gone:
                continue
            slot.symbols = [symbol for symbol in slot.symbols if symbol not in symbols]
            if slot.link is not None and slot.link.is_open:
                if slot.symbols:
                    slot.link.send(self._plan.unsubscribe(gone))
                self._receiver.on_disconnected(gone, slot.link.number, "not followed any more")
        self._changed.set()

    async def renew(self, symbol: str) -> None:
        """Have the venue send the full book of ``symbol`` on its stream again."""
        for slot in self._slots:
            if symbol in slot.symbols and slot.link is not None and slot.link.is_open:
                slot.link.send(self._plan.renew(symbol))
                self._receiver.on_connected([symbol], slot.link.number)

    async def run(self, receiver: FrameReceiver) -> None:
        """Hand frames to ``receiver`` until cancelled.

        Raises:
            Exception: whatever ``receiver`` raised: it has lost its place.
        """
        self._receiver = receiver
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._resync.run())
            while True:
                self._changed.clear()
                for slot in [each for each in self._slots if not each.symbols]:
                    self._slots.remove(slot)
                    if slot.task is not None:
                        slot.task.cancel()
                for slot in self._slots:
                    if slot.task is None:
                        slot.task = tasks.create_task(self._keep_connected(slot))
                await self._changed.wait()

    async def _keep_connected(self, slot: _Slot) -> None:
        try:
            await self._connect_forever(slot)
        finally:
            if slot.link is not None:
                slot.link.drop()

    async def _connect_forever(self, slot: _Slot) -> None:
        attempt = 0
        while True:
            slot.number = slot.number or self._next_number()
            link = self._new_link(slot.number)
            reason = await self._open(link, slot)
            if not reason:
                slot.link = link
                self._forget_requests(slot)
                self._receiver.on_connected(slot.symbols, link.number)
                reason = await self._follow(slot)
            last = slot.link or link
            slot.link = None
            if last.failure is not None:
                raise last.failure
            if last.is_open:
                self.counters.disconnects += 1
                last.tell(ConnectionEvent.CLOSED, reason)
                self._receiver.on_disconnected(slot.symbols, last.number, reason)
            attempt = 1 if last.batches else attempt + 1
            pause_s = backoff_s(attempt, self._random.random())
            url = self._plan.url([])
            self._log.warning("venue stream down, connecting again", url=url, reason=reason, pause_s=pause_s)
            await asyncio.sleep(pause_s)

    def _forget_requests(self, slot: _Slot) -> None:
        """A new stream has brought its full books, or will: to ask for them late would only take them away again."""
        if self._is_streamed:
            self._resync.forget(slot.symbols)

    def _new_link(self, number: int) -> Link:
        return Link(number, self._receiver.on_frames, self._clock, self._tap)

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    async def _open(self, link: Link, slot: _Slot) -> str:
        """Connect ``link``; return why that failed, or an empty text."""
        for budget in self._connects:
            await budget.spend(1)
        reason = await link.open(self._plan.url(slot.symbols), self._headers)
        if not reason:
            self.counters.connects += 1
            link.send(self._plan.opening(slot.symbols))
            self._log.info("venue stream connected", url=self._plan.url([]), symbols=len(slot.symbols))
        return reason

    async def _follow(self, slot: _Slot) -> str:
        """Stay with the slot's link, and with each that takes its place, to the end; return why it ended."""
        while True:
            link = slot.link
            assert link is not None
            slot.roll_over.clear()
            lost = asyncio.ensure_future(self._until_lost(link))
            companions: list[asyncio.Future[str] | asyncio.Future[None]] = [
                lost, asyncio.ensure_future(link.send_forever(self._limits.sends_per_s, self._sends)),
            ]  # fmt: skip
            if self._limits.keepalive is not None:
                companions.append(asyncio.ensure_future(_keep_alive(link, *self._limits.keepalive)))
            try:
                await self._until_due(slot, lost)
                if not await self._replace(slot, link, lost):
                    return await lost
            finally:
                for companion in companions:
                    companion.cancel()

    async def _until_due(self, slot: _Slot, lost: "asyncio.Future[str]") -> None:
        """Wait until the slot's link, which begins now, is lost or to be replaced: not all of a venue's at once."""
        asked = asyncio.ensure_future(slot.roll_over.wait())
        most_s, spread = self._limits.lifetime_s, _LIFETIME_SPREAD_FRAC * self._random.random()
        try:
            await asyncio.wait(
                [lost, asked], timeout=most_s and most_s * (1.0 - spread), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            asked.cancel()

    async def _until_lost(self, link: Link) -> str:
        """Wait until ``link`` is closed, by the venue or by us since it is silent; return which."""
        ended = asyncio.ensure_future(link.wait_closed())
        heard, heard_s = link.batches, self._time()
        try:
            while not ended.done():
                await asyncio.wait([ended], timeout=self._look_s())
                if link.batches != heard:
                    heard, heard_s = link.batches, self._time()
                elif not ended.done() and self._time() - heard_s >= self._limits.idle_timeout_s:
                    await link.close(abruptly=True)
                    return f"no market message for {self._limits.idle_timeout_s:g} s"
            return "the venue closed the connection"
        finally:
            ended.cancel()

    def _look_s(self) -> float:
        return min(_LOOK_S, self._limits.idle_timeout_s / 4)

    async def _replace(self, slot: _Slot, old: Link, lost: "asyncio.Future[str]") -> bool:
        """Put a new link in the place of ``old``; return False when ``old`` is ``lost`` before there was one."""
        attempt = 0
        while not lost.done():
            new = self._new_link(self._next_number())
            new.hold()
            reason = await self._open(new, slot)
            sender = asyncio.ensure_future(new.send_forever(self._limits.sends_per_s, self._sends))
            try:
                if not reason and await self._is_ready(new, old, lost, len(slot.symbols)):
                    self._swap(slot, old, new)
                    await old.close()
                    return True
            finally:
                sender.cancel()
            if new.is_open:
                new.tell(ConnectionEvent.RETIRED, "it did not take over")
            await new.close(abruptly=True)
            attempt += 1
            await asyncio.wait([lost], timeout=backoff_s(attempt, self._random.random()))
        return False

    async def _is_ready(self, new: Link, old: Link, lost: "asyncio.Future[str]", symbols: int) -> bool:
        """Wait until ``new`` has asked for all, brought at least a frame a symbol for a while, and ``old`` spoke since.

        An old connection that is not heard beside the new one may have been dead when that began: what was traded in
        between came on neither. Returns False when either ended before.
        """
        ended = asyncio.ensure_future(new.wait_closed())
        asked_s, heard = self._time(), None
        try:
            while not (ended.done() or lost.done()) and new.held_bytes < MAX_HELD_BYTES:
                asked_s = self._time() if new.has_requests else asked_s
                has_all = len(new.held or ()) > symbols
                if new.batches and self._time() - asked_s >= (_OVERLAP_S if has_all else _LONGEST_OVERLAP_S):
                    heard = old.batches if heard is None else heard
                    if old.batches > heard:
                        return True
                await asyncio.wait([ended, lost], timeout=_LOOK_S / 5, return_when=asyncio.FIRST_COMPLETED)
            return False
        finally:
            ended.cancel()

    def _swap(self, slot: _Slot, old: Link, new: Link) -> None:
        old.abandon()
        slot.link, slot.number = new, new.number
        self._forget_requests(slot)
        old.tell(ConnectionEvent.RETIRED, "replaced")
        self.counters.rollovers += 1
        self._log.info("venue stream replaced", url=self._plan.url([]), symbols=len(slot.symbols))
        self._receiver.on_replaced(slot.symbols, old.number, new.release())


async def _keep_alive(link: Link, request: bytes, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        link.send([request])
