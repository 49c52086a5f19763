"""Takes, keeps and hands over the leases on the instruments that this process should own.

``Leases.run`` looks at the bus whenever a lease or the number of shards changes, and four times a second while it waits
for a lease. It takes what is free, what its holder has given back, and what was held by a process that is gone: one
without a connection to the bus at once, one that is silent after ``ttl_s``. What this process should no longer own is
handed over first and given back then, so that the next holder finds all that it needs. A second process of the same
shard is a standby: it owns nothing until the first one ends.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import nats.errors

from foretick.common.errors import Transient
from foretick.common.ownership import InstrumentKey, Lease, Shard, Tenure
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.lease_store import LeaseStore, Presence
from foretick.common.subjects import escape_token

_AWAY = (nats.errors.Error, TimeoutError, Transient)
_CONFIRMS_PER_TTL = 6


class Tenant(Protocol):
    """What acts on the instruments that a process owns. All calls come one after the other."""

    async def take_over(self, keys: Sequence[InstrumentKey], epoch: int) -> None:
        """Bring the instruments up to date and act on them from now on, under the fencing epoch ``epoch``."""
        ...

    async def hand_over(self, keys: Sequence[InstrumentKey]) -> None:
        """Stop acting on the instruments, and leave behind what the next owner needs. May be called again."""
        ...

    async def lose(self, keys: Sequence[InstrumentKey]) -> None:
        """Forget the instruments: another process may act on them already."""
        ...


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """Times of a lease, in seconds.

    ttl_s: how long a silent holder is waited for
    margin_s: how much earlier a holder stops by itself
    turn_s: how often to look
    linger_s: how long a holder keeps what another should own by now, so that the other can get ready
    crew: of processes that share leases apart from the rest of their service, with a number of shards of their own
    """

    ttl_s: float = 10.0
    margin_s: float = 3.0
    turn_s: float = 0.25
    linger_s: float = 0.0
    crew: str = ""


class Leases:
    """The leases of one process. ``shard`` changes when the service's number of shards does.

    ``expect`` is told, at each change, what this process owns and what it should own: all that it has to be ready for.
    """

    def __init__(
        self,
        rt: Runtime,
        shard: Shard,
        tenant: Tenant,
        terms: LeaseTerms | None = None,
        expect: Callable[[Collection[InstrumentKey]], None] | None = None,
    ) -> None:
        terms = terms or LeaseTerms()
        self.shard = shard
        self.held: dict[InstrumentKey, Lease] = {}
        self._holder = f"{rt.name}#{rt.epoch}"
        self._rt = rt
        self._tenant = tenant
        self._expect = expect
        self._expected: set[InstrumentKey] = set()
        self._surplus_since_s: dict[InstrumentKey, float] = {}
        self._terms = terms
        self._store = LeaseStore(rt.bus, rt.service, terms.crew)
        self._tenure = Tenure(terms.ttl_s, terms.margin_s)
        self._time = asyncio.get_running_loop().time
        self._stats = rt.bus.nc.stats
        self._reconnects = -1
        self._known: dict[str, InstrumentKey] = {}
        self._seen: dict[InstrumentKey, Lease] = {}
        self._written: set[InstrumentKey] = set()
        self._doubtful: set[InstrumentKey] = set()
        self._silent_since_s: dict[str, float] = {}
        self._count_changed = False
        self._wake = asyncio.Event()
        self._turning = asyncio.Lock()
        self._closing = False
        self._held_gauge = rt.metrics.gauge("leases_held", "Instruments that this process owns")
        self._wanted_gauge = rt.metrics.gauge("leases_wanted", "Instruments that this process should own")
        self._moves = rt.metrics.counter("lease_moves_total", "Instruments taken, given back and lost", ("how",))

    @property
    def are_sound(self) -> bool:
        """Whether this process may act on what it holds. Once false it stays so until everything is taken over anew.

        Whoever sees False must let go of what it was given: the instruments are recovered from the streams.
        """
        if self._stats["reconnects"] != self._reconnects or not self._rt.bus.is_connected:
            self._tenure.lapse()
        return self._tenure.holds(self._time())

    async def open(self, instruments: Iterable[InstrumentKey] = ()) -> None:
        """Agree on the number of shards (the last process to start decides), take what can be taken, and go on."""
        self.learn(instruments)
        await self._store.open(self._holder, self._ring)
        if await self._store.read_count() != self.shard.count:
            await self._store.write_count(self.shard.count)
        self._rt.on_drain(self.close)
        self._rt.spawn(self._confirm_forever(), "confirm-leases")  # taking over may last longer than a lease
        await self._turn()
        self._rt.spawn(self._turn_forever(), "leases")

    def learn(self, instruments: Iterable[InstrumentKey]) -> None:
        """Take note of instruments that exist."""
        for key in instruments:
            name = ".".join(escape_token(part) for part in key)
            if name not in self._known:
                self._known[name] = key
                self._wake.set()

    async def close(self) -> None:
        """Hand over everything and give the leases back."""
        self._closing = True
        async with self._turning:
            if self.held and self.are_sound:
                await self._give_back(list(self.held))

    def _ring(self, name: str, holder: str) -> None:
        """Note that the lease ``name`` (``venue.symbol``), or for an empty one the number of shards, was written."""
        key = self._known.get(name)
        if not name:
            self._count_changed = True
        elif key is None or holder == self._holder:
            return
        else:
            self._seen.pop(key, None)
            self._written.add(key)
            if key in self.held:
                self._doubtful.add(key)
        self._wake.set()

    async def _confirm_forever(self) -> None:
        while not self._closing:
            await asyncio.sleep(self._terms.ttl_s / _CONFIRMS_PER_TTL)
            began_s = self._time()
            try:
                await self._store.round_trip()
            except _AWAY:
                continue
            if self.are_sound:
                self._tenure.confirm(began_s)

    async def _turn_forever(self) -> None:
        while not self._closing:
            try:
                await asyncio.wait_for(self._wake.wait(), self._terms.turn_s)
            except TimeoutError:
                pass
            self._wake.clear()
            await self._turn()

    async def _turn(self) -> None:
        async with self._turning:
            if self._closing:
                return
            try:
                await self._settle()
            except _AWAY as error:
                self._store.forget()
                self._seen.clear()
                self._silent_since_s.clear()
                self._rt.log.warning("leases cannot be settled now, trying again", error=repr(error))
            self._show()

    async def _settle(self) -> None:
        if not self.are_sound:
            await self._start_anew()
        if self._doubtful:
            await self._drop(await self._find_stolen(), "stolen")
        if self._count_changed:
            self._count_changed = False
            count = await self._store.read_count() or self.shard.count
            if count != self.shard.count:
                self._rt.log.info("number of shards changed", count=count, was=self.shard.count)
                self.shard = Shard(self.shard.index, count)
        wanted = self.shard.share_of(self._known.values())
        self._tell_expected(wanted)
        surplus = self._find_surplus(wanted)
        if surplus:
            await self._give_back(surplus)
            self._tell_expected(wanted)
        missing = [key for key in sorted(wanted) if key not in self.held]
        if missing:
            await self._take(missing)

    def _tell_expected(self, wanted: set[InstrumentKey]) -> None:
        expected = wanted | self.held.keys()
        if self._expect is not None and expected != self._expected:
            self._expected = expected
            self._expect(expected)

    def _find_surplus(self, wanted: set[InstrumentKey]) -> list[InstrumentKey]:
        """Return what another should own by now, and has had the time to get ready for."""
        now_s = self._time()
        surplus = [key for key in self.held if key not in wanted]
        since_s = self._surplus_since_s
        self._surplus_since_s = {key: since_s.get(key, now_s) for key in surplus}
        return [key for key in surplus if now_s - self._surplus_since_s[key] >= self._terms.linger_s]

    async def _start_anew(self) -> None:
        """Let go of everything, and act again from a round trip on that begins now."""
        await self._drop(list(self.held), "lapsed")
        self._seen.clear()
        self._silent_since_s.clear()
        began_s, reconnects = self._time(), self._stats["reconnects"]
        await self._store.round_trip()
        self._reconnects = reconnects
        self._tenure.restart(began_s)
        self._count_changed = True

    async def _find_stolen(self) -> list[InstrumentKey]:
        """Return what is held no longer; that it was given back before we took it may be told to us afterwards."""
        rung, self._doubtful = [key for key in self._doubtful if key in self.held], set()
        leases = await asyncio.gather(*map(self._store.read, rung))
        return [key for key, lease in zip(rung, leases, strict=True) if lease.holder != self._holder]

    async def _take(self, missing: Sequence[InstrumentKey]) -> None:
        seen = await self._look_at(missing)
        free = {"", self._holder, *await self._find_gone({lease.holder for lease in seen.values()})}
        wanted = {key: lease for key, lease in seen.items() if lease.holder in free}
        for key in wanted:
            self._seen.pop(key, None)
        leases = await asyncio.gather(*(self._store.write(key, self._holder, was) for key, was in wanted.items()))
        granted = {key: lease for key, lease in zip(wanted, leases, strict=True) if lease is not None}
        if not granted:
            return
        self.held.update(granted)
        epoch = max(lease.revision for lease in granted.values())
        self._rt.log.info("taking over instruments", count=len(granted), epoch=epoch, held=len(self.held))
        try:
            await self._tenant.take_over(list(granted), epoch)
        except _AWAY:
            await self._drop(list(granted), "lapsed")
            raise
        self._moves.labels("taken").inc(len(granted))

    async def _look_at(self, keys: Sequence[InstrumentKey]) -> dict[InstrumentKey, Lease]:
        """Return the leases as they were last seen; those that are written at this moment have to wait a turn."""
        unseen = [key for key in keys if key not in self._seen]
        self._written.clear()
        read = await asyncio.gather(*map(self._store.read, unseen))
        self._seen.update((key, lease) for key, lease in zip(unseen, read, strict=True) if key not in self._written)
        return {key: self._seen[key] for key in keys if key in self._seen}

    async def _find_gone(self, holders: Collection[str]) -> list[str]:
        """Return those of ``holders`` that cannot act any more."""
        others = [holder for holder in holders if holder not in ("", self._holder)]
        began_s = self._time()
        presences = dict(zip(others, await asyncio.gather(*map(self._store.call, others)), strict=True))
        if Presence.SILENT in presences.values():
            await self._store.round_trip()  # else it is we who are away, and the silence says nothing
        gone: list[str] = []
        for holder, presence in presences.items():
            if presence is Presence.HERE:
                self._silent_since_s.pop(holder, None)
                continue
            since_s = self._silent_since_s.setdefault(holder, began_s)
            if presence is Presence.GONE or self._time() - since_s >= self._terms.ttl_s:
                self._rt.log.warning("holder of leases is gone", holder=holder, how=presence.value)
                gone.append(holder)
        return gone

    async def _give_back(self, keys: Sequence[InstrumentKey]) -> None:
        await self._tenant.hand_over(keys)
        for key in keys:
            await self._store.write(key, "", self.held[key])
            del self.held[key]
        self._moves.labels("given_back").inc(len(keys))
        self._rt.log.info("instruments handed over", count=len(keys), held=len(self.held))

    async def _drop(self, keys: Sequence[InstrumentKey], how: str) -> None:
        if not keys:
            return
        for key in keys:
            del self.held[key]
        await self._tenant.lose(keys)
        self._moves.labels(how).inc(len(keys))
        self._rt.log.warning("leases let go", how=how, count=len(keys))

    def _show(self) -> None:
        wanted = len(self.shard.share_of(self._known.values()))
        self._held_gauge.set(len(self.held))
        self._wanted_gauge.set(wanted)
        shard = f"shard {self.shard.index} of {self.shard.count}"
        self._rt.health.set("ownership", ok=self.are_sound, detail=f"{len(self.held)} of {wanted} as {shard}")
