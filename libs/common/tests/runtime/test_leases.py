"""Leases on a real server: one owner at a time, handed over in order, taken from the dead, never from the living."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from types import SimpleNamespace

import pytest

from foretick.common.ownership import InstrumentKey, Lease, Shard
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.health import Health
from foretick.common.runtime.lease_store import LeaseStore, Presence
from foretick.common.runtime.leases import Leases, LeaseTerms
from foretick.common.runtime.metrics import Metrics
from foretick.common.testing import eventually

TERMS = LeaseTerms(ttl_s=0.6, margin_s=0.2, turn_s=0.05)
KEYS: list[InstrumentKey] = [("sim", f"S{number}") for number in range(12)]


class Ledger:
    """Who acts on what, as all tenants of a test tell it: an entry for each beginning and each end."""

    def __init__(self) -> None:
        self.acting: dict[InstrumentKey, list[str]] = {key: [] for key in KEYS}
        self.overlaps: list[tuple[InstrumentKey, list[str]]] = []
        self.epochs: dict[InstrumentKey, list[int]] = {key: [] for key in KEYS}

    def begin(self, key: InstrumentKey, who: str, epoch: int) -> None:
        self.acting[key].append(who)
        self.epochs[key].append(epoch)
        if len(self.acting[key]) > 1:
            self.overlaps.append((key, list(self.acting[key])))

    def end(self, key: InstrumentKey, who: str) -> None:
        if who in self.acting[key]:
            self.acting[key].remove(who)


class Process:
    """A process of a sharded service on a connection of its own; its tenant only tells the ledger."""

    def __init__(
        self, bus: Bus, name: str, epoch: int, shard: Shard, ledger: Ledger, terms: LeaseTerms = TERMS
    ) -> None:
        self.name, self.bus, self.ledger = f"{name}#{epoch}", bus, ledger
        self.tasks: list[asyncio.Task[None]] = []
        self.rt = SimpleNamespace(
            service="test", name=name, epoch=epoch, bus=bus, metrics=Metrics("test"), health=Health(name),
            log=bus._log, on_drain=lambda _: None, spawn=self._spawn,
        )  # fmt: skip
        self.expected: list[set[InstrumentKey]] = []
        self.leases = Leases(self.rt, shard, self, terms, lambda keys: self.expected.append(set(keys)))  # type: ignore[arg-type]
        self.lost: list[InstrumentKey] = []
        self.hold_back: Callable[[], Awaitable[None]] | None = None

    async def open(self, keys: Sequence[InstrumentKey] = KEYS) -> "Process":
        await self.leases.open(keys)
        return self

    @property
    def owned(self) -> set[InstrumentKey]:
        return {key for key, who in self.ledger.acting.items() if self.name in who}

    async def take_over(self, keys: Sequence[InstrumentKey], epoch: int) -> None:
        for key in keys:
            self.ledger.begin(key, self.name, epoch)

    async def hand_over(self, keys: Sequence[InstrumentKey]) -> None:
        if self.hold_back is not None:
            await self.hold_back()
        for key in keys:
            self.ledger.end(key, self.name)

    async def lose(self, keys: Sequence[InstrumentKey]) -> None:
        self.lost += keys
        for key in keys:
            self.ledger.end(key, self.name)

    async def vanish(self) -> None:
        """Die without a word, as by kill -9: the connection is gone, nothing is given back."""
        await self.freeze()
        for key in KEYS:
            self.ledger.end(key, self.name)
        await self.bus.close()

    async def freeze(self) -> None:
        """Stop turning and confirming."""
        for task in self.tasks:
            if task.done() and not task.cancelled() and task.exception() is not None:
                task.result()
        left = set(self.tasks)
        while left:  # nats-py turns a cancellation in the middle of a request into a timeout
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=0.1)
        self.tasks.clear()

    def _spawn(self, coroutine, name: str) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self.tasks.append(task)
        return task


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def start(nats_url, fake_runtime, ledger) -> AsyncIterator[Callable[..., Awaitable[Process]]]:
    processes: list[Process] = []

    async def connect(index: int, count: int, terms: LeaseTerms = TERMS) -> Process:
        name = f"test.serve-{index}"
        bus = Bus(nats_url, name, fake_runtime.log, Health(name))
        await bus.connect()
        process = Process(bus, name, await bus.next_epoch(), Shard(index, count), ledger, terms)
        processes.append(process)
        return process

    yield connect
    for process in processes:
        await process.freeze()
        with suppress(Exception):
            await process.bus.close()


def shares(count: int) -> list[set[InstrumentKey]]:
    return [Shard(index, count).share_of(KEYS) for index in range(count)]


async def test_only_process_takes_everything_at_once(start, ledger):
    process = await (await start(0, 1)).open()
    assert process.owned == set(KEYS)
    assert process.leases.are_sound


async def test_instrument_that_is_learnt_later_is_taken(start):
    process = await (await start(0, 1)).open(KEYS[:1])
    process.leases.learn(KEYS)
    await eventually(lambda: process.owned == set(KEYS))


async def test_second_shard_gets_its_share_after_the_first_has_handed_it_over(start, ledger):
    first = await (await start(0, 1)).open()
    second = await (await start(1, 2)).open()
    await eventually(lambda: [first.owned, second.owned] == shares(2))
    assert ledger.overlaps == []
    assert first.lost == []
    for key in shares(2)[1]:
        assert len(ledger.epochs[key]) == 2
        assert ledger.epochs[key][0] < ledger.epochs[key][1]


async def test_lower_count_brings_everything_back(start, ledger):
    first, second = await (await start(0, 2)).open(), await (await start(1, 2)).open()
    await eventually(lambda: [first.owned, second.owned] == shares(2))
    third = await (await start(0, 1)).open()  # a new process of shard 0, told of one shard: the old one drains
    await first.leases.close()
    await eventually(lambda: third.owned == set(KEYS))
    assert (second.owned, ledger.overlaps) == (set(), [])


async def test_present_holder_is_waited_for_while_it_hands_over(start, ledger):
    first = await (await start(0, 1)).open()
    released = asyncio.Event()
    first.hold_back = released.wait
    second = await (await start(1, 2)).open()
    await second.leases._store.round_trip()
    await asyncio.wait([asyncio.create_task(released.wait())], timeout=4 * TERMS.ttl_s)  # much longer than a dead one
    assert second.owned == set()
    released.set()
    await eventually(lambda: [first.owned, second.owned] == shares(2))
    assert ledger.overlaps == []


async def test_only_what_is_stored_is_heard_of(start):
    """Else it would be heard of before it can be read, and what is read then is never looked at again."""
    writer, listener = await start(0, 1), await start(0, 1)
    writing, listening = LeaseStore(writer.bus, "test"), LeaseStore(listener.bus, "test")
    heard: list[str] = []
    await listening.open("listener", lambda _, holder: heard.append(holder))
    assert await writing.write(KEYS[0], "refused", Lease(revision=9999)) is None
    assert await writing.write(KEYS[0], "stored", Lease()) is not None
    await eventually(lambda: heard == ["stored"])


async def test_holder_that_lingers_lets_the_next_one_get_ready(start, ledger):
    """Each is told what it should get ready for at once; what moves is handed over only later."""
    lingering = LeaseTerms(ttl_s=3.0, margin_s=1.0, turn_s=0.05, linger_s=0.5)
    first = await (await start(0, 1, lingering)).open()
    second = await (await start(1, 2, lingering)).open()
    changed_s = asyncio.get_running_loop().time()
    await eventually(lambda: bool(second.expected))
    assert second.expected[-1] == shares(2)[1]
    assert first.owned == set(KEYS)
    await eventually(lambda: [first.owned, second.owned] == shares(2))
    assert asyncio.get_running_loop().time() - changed_s >= 0.4
    await eventually(lambda: first.expected[-1] == shares(2)[0])
    assert ledger.overlaps == []


async def test_standby_takes_over_when_the_first_ends(start, ledger):
    first, standby = await (await start(0, 1)).open(), await (await start(0, 1)).open()
    assert (first.owned, standby.owned) == (set(KEYS), set())
    await first.leases.close()
    await eventually(lambda: standby.owned == set(KEYS))
    assert ledger.overlaps == []


async def test_process_without_a_connection_is_replaced_before_its_time_is_over(start, ledger):
    first, standby = await (await start(0, 1)).open(), await start(0, 1)
    standby.leases._terms = LeaseTerms(ttl_s=3600, margin_s=1, turn_s=0.05)
    await standby.open()
    await first.vanish()
    await eventually(lambda: standby.owned == set(KEYS))
    assert ledger.overlaps == []


async def test_silent_process_has_stopped_by_itself_before_it_is_replaced(start, ledger, monkeypatch):
    first, standby = await (await start(0, 1)).open(), await (await start(0, 1)).open()
    await first.freeze()
    silent = first.leases._holder

    async def call_frozen(_store: LeaseStore, holder: str) -> Presence:  # its connection stands, as under SIGSTOP
        return Presence.SILENT if holder == silent else Presence.HERE

    monkeypatch.setattr(LeaseStore, "call", call_frozen)
    stopped_first: list[bool] = []
    take_over = standby.take_over

    async def watch(keys: Sequence[InstrumentKey], epoch: int) -> None:
        stopped_first.append(not first.leases.are_sound)
        await take_over(keys, epoch)

    monkeypatch.setattr(standby, "take_over", watch)
    await eventually(lambda: standby.owned == set(KEYS))
    assert stopped_first == [True]


async def test_reconnected_process_takes_over_anew_under_a_higher_epoch(start, ledger):
    process = await (await start(0, 1)).open()
    assert process.leases.are_sound
    process.bus.nc._transport._io_writer.transport.abort()
    await eventually(lambda: bool(process.lost))
    await eventually(lambda: process.owned == set(KEYS))
    await eventually(lambda: process.leases.are_sound)
    for epochs in ledger.epochs.values():  # a take-over that is cut short is begun again, higher once more
        assert len(epochs) >= 2
        assert epochs == sorted(set(epochs))


async def test_lease_that_another_took_is_lost(start, ledger):
    process = await (await start(0, 1)).open()
    store = process.leases._store
    await store.write(KEYS[3], "test.serve-9#9", process.leases.held[KEYS[3]])
    await eventually(lambda: process.lost == [KEYS[3]])


async def test_two_that_want_the_same_free_leases_share_none(start, ledger):
    first, second = await start(0, 1), await start(0, 1)
    await asyncio.gather(first.open(), second.open())
    await eventually(lambda: first.owned | second.owned == set(KEYS))
    assert ledger.overlaps == []
    assert not first.owned & second.owned


@pytest.mark.parametrize("seed", range(3))
async def test_random_starts_ends_and_kills_never_give_an_instrument_two_owners(start, ledger, seed):
    chance = random.Random(seed)
    alive: list[Process] = [await (await start(0, 1)).open()]
    for _ in range(8):
        count = chance.choice((1, 2, 3))
        alive.append(await (await start(chance.randrange(count), count)).open())
        if len(alive) > 2:
            leaving = alive.pop(chance.randrange(len(alive) - 1))
            await (leaving.vanish() if chance.random() < 0.5 else leaving.leases.close())
    alive += [await (await start(index, 3)).open() for index in range(3)]
    await eventually(lambda: all(len(who) == 1 for who in ledger.acting.values()), deadline_s=20)
    assert ledger.overlaps == []
    for epochs in ledger.epochs.values():
        assert epochs == sorted(set(epochs))
