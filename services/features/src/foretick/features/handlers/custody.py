"""Takes instruments over from whoever had them, and leaves them so that the next process can go on.

Taking over: frames are buffered from before the stream is read; the saved state is restored, the stream folded from
there, then the buffer. The audit leaves out what was folded already, so that the three may overlap, and vectors that a
predecessor has published are folded but not sent again. So a start, a handover, and a return after the bus was away are
the same thing, and give the vectors of a process that was never interrupted. A saved state that the stream no longer
connects to is dropped: the instrument starts anew and is not warm, rather than go on with a hole.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from foretick.common.clock import Clock
from foretick.common.errors import Malformed, Transient
from foretick.features.domain.instrument import Frame
from foretick.features.domain.snapshot import (
    InstrumentSnapshot,
    decode_snapshot,
    encode_snapshot,
    restore_instrument,
    take_snapshot,
)
from foretick.features.handlers.frames import FrameHandler
from foretick.features.ports import CustodyObserver, Key, MarketFeed, MarketHistory, StateStore, VectorPublisher
from foretick.market.bars import TIMEFRAMES_S

_OVERLAP_NS = 5_000_000_000
"""How far before a save the stream is read: its clock is the server's, and what was saved may have run ahead."""
_PASSES = 5


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far back to read without a saved state, and how many frames to read at most to connect to one."""

    history_ns: int
    max_frames: int


@dataclass(frozen=True, slots=True)
class Outside:
    """What a custodian needs of the outside."""

    feed: MarketFeed
    history: MarketHistory
    store: StateStore
    publisher: VectorPublisher
    observer: CustodyObserver
    clock: Clock


class Custodian:
    """The tenant of the instruments' leases. ``is_owner`` tells, at each batch, whether they may still be acted on."""

    def __init__(self, run_id: str, frames: FrameHandler, outside: Outside, bounds: Bounds) -> None:
        self.is_owner: Callable[[], bool] = lambda: True
        self._run_id = run_id
        self._frames = frames
        self._feed = outside.feed
        self._history = outside.history
        self._store = outside.store
        self._publisher = outside.publisher
        self._observer = outside.observer
        self._clock = outside.clock
        self._bounds = bounds
        self._buffers: dict[Key, list[Frame]] = {}
        self._untouched: set[Key] = set()
        self._saved: dict[Key, int] = {}

    def handle(self, frames: Sequence[Frame]) -> None:
        """Take a batch of live frames. Without the right to act it is left out: the stream has it for later."""
        if not self.is_owner():
            self._observer.left_out(len(frames))
            return
        if self._buffers:
            frames = [frame for frame in frames if not self._put_aside(frame)]
        self._frames.handle(frames)

    async def take_over(self, keys: Sequence[Key], epoch: int) -> None:
        """Restore, catch up and go live with the instruments ``keys``, publishing under ``epoch`` from now on.

        Raises:
            Transient: the right to act was lost meanwhile, or the stream does not answer.
        """
        self._observer.taking_over(len(keys))
        self._buffers.update((key, []) for key in keys)
        await self._feed.follow(keys)
        for key in keys:
            self._frames.adopt(key, epoch)
        snapshots = self._decode(await self._store.load(self._run_id, keys))
        await self._learn_what_is_published(keys)
        since_ns = await self._restore(snapshots, keys)
        restored = len(self._untouched)
        frames = 0
        for _ in range(_PASSES):  # the server may store a frame a moment after it has sent it
            next_since_ns = self._clock.now_ns() - _OVERLAP_NS
            frames += await self._catch_up(since_ns, keys)
            if self._connects(keys):
                break
            since_ns = next_since_ns
        connects = self._connects(keys)
        self._untouched.clear()
        for key in keys:
            self._frames.handle(self._buffers.pop(key, []))
        self._observer.taken_over(restored, frames, connects=connects)

    async def hand_over(self, keys: Sequence[Key]) -> None:
        """Stop with the instruments ``keys``; their states are saved once their vectors have left."""
        await self._feed.leave(keys)
        states = self._snapshots(set(keys))
        self._forget(keys)  # before anything is waited for: a frame that is folded now would be missing in the state
        await self._save(states)

    async def lose(self, keys: Sequence[Key]) -> None:
        """Forget the instruments ``keys``: somebody else may act on them."""
        self._forget(keys)
        await self._feed.leave(keys)

    async def save(self) -> int:
        """Save every instrument that has moved since it was saved; return how many did."""
        settled = self._frames.instruments.keys() - self._buffers.keys()
        states = self._snapshots(settled)
        await self._save(states)
        self._saved.update((key, state.next_seq) for key, state in states.items() if key in self._frames.instruments)
        return len(states)

    def _snapshots(self, keys: Collection[Key]) -> dict[Key, InstrumentSnapshot]:
        moved: dict[Key, InstrumentSnapshot] = {}
        for key in keys:
            instrument = self._frames.instruments.get(key)
            if instrument is None or key in self._buffers or instrument.audit.next_seq in (None, self._saved.get(key)):
                continue
            moved[key] = take_snapshot(
                instrument,
                self._frames.kernel,
                (self._run_id, *key),
                self._clock.now_ns(),
                self._frames.last_published.get(key),
                self._frames.bars.last_published.get(key, {}),
            )
        return moved

    async def _save(self, states: dict[Key, InstrumentSnapshot]) -> None:
        if not states:
            return
        await self._publisher.flush()  # a saved state must not be ahead of the vectors that were sent
        for key, state in states.items():
            await self._store.save(self._run_id, key, encode_snapshot(state))

    def _forget(self, keys: Sequence[Key]) -> None:
        for key in keys:
            self._buffers.pop(key, None)
            self._saved.pop(key, None)
            self._frames.forget(key)

    def _put_aside(self, frame: Frame) -> bool:
        buffer = self._buffers.get((frame.venue, frame.symbol))
        if buffer is None:
            return False
        buffer.append(frame)
        return True

    def _decode(self, payloads: list[bytes]) -> list[InstrumentSnapshot]:
        snapshots: list[InstrumentSnapshot] = []
        for payload in payloads:
            try:
                snapshots.append(decode_snapshot(payload))
            except Malformed as error:
                self._publisher.reject(error.source, error.reason, error.payload)
        return snapshots

    async def _learn_what_is_published(self, keys: Sequence[Key]) -> None:
        vectors = await asyncio.gather(*map(self._history.last_vector, keys))
        for key, vector in zip(keys, vectors, strict=True):
            if vector is not None and vector.run_id == self._run_id:
                self._frames.last_published[key] = vector.asof_seq
        names = [*TIMEFRAMES_S, *(spec.name for spec in self._frames.bars.specs)]
        bars = await asyncio.gather(*(self._history.last_bar(key, name) for key in keys for name in names))
        for bar in bars:
            if bar is not None and bar.run_id == self._run_id:
                self._frames.bars.learn_published((bar.venue, bar.symbol), {bar.timeframe: bar.asof_seq})

    async def _restore(self, snapshots: list[InstrumentSnapshot], keys: Sequence[Key]) -> int:
        """Restore ``snapshots``, unless the stream has grown too long since; return where to read the stream from."""
        history_since_ns = self._clock.now_ns() - self._bounds.history_ns
        if not snapshots:
            return history_since_ns
        since_ns = min(snapshot.ts_saved_ns for snapshot in snapshots) - _OVERLAP_NS
        if await self._history.count(since_ns, keys) > self._bounds.max_frames:
            return history_since_ns
        for snapshot in snapshots:
            key = (snapshot.venue, snapshot.symbol)
            try:
                restore_instrument(self._frames.instruments[key], self._frames.kernel, snapshot)
            except Malformed as error:  # the state of another version
                self._publisher.reject(error.source, error.reason, b"")
                since_ns = min(since_ns, history_since_ns)
                continue
            self._untouched.add(key)
            self._frames.bars.learn_published(key, snapshot.bars_told)
            last = self._frames.last_published.get(key)
            if snapshot.last_asof_seq is not None and (last is None or snapshot.last_asof_seq > last):
                self._frames.last_published[key] = snapshot.last_asof_seq  # sent, and not yet in its stream
        return since_ns if len(self._untouched) == len(keys) else min(since_ns, history_since_ns)

    async def _catch_up(self, since_ns: int, keys: Sequence[Key]) -> int:
        count = 0
        async for frames in self._history.read(since_ns, keys):
            if not self.is_owner():
                raise Transient("the lease ended while the stream was read")
            for frame in frames:
                if self._untouched:
                    self._meet(frame)
            self._frames.handle(frames)
            count += len(frames)
        return count

    def _meet(self, frame: Frame) -> None:
        """Drop a restored state that the stream does not connect to."""
        key = (frame.venue, frame.symbol)
        if key not in self._untouched or frame.run_id != self._run_id:
            return
        next_seq = self._frames.instruments[key].audit.next_seq
        if next_seq is not None and frame.seq > next_seq:
            self._frames.restart(key)
        if next_seq is None or frame.seq >= next_seq:
            self._untouched.discard(key)

    def _connects(self, keys: Sequence[Key]) -> bool:
        """Whether the buffered frames follow on what was folded."""
        for key in keys:
            buffer = self._buffers.get(key)
            next_seq = self._frames.instruments[key].audit.next_seq
            if buffer and next_seq is not None and buffer[0].seq > next_seq:
                return False
        return True
