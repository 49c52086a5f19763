"""Brings a started service up to date before it goes live, and saves what the next start needs.

Live frames are buffered from before the stream is read. Saved states are restored, the stream is folded from there,
then the buffer: the audit leaves out what was folded already, so that the two may overlap. Vectors that a predecessor
has published are folded but not sent again. A saved state that the stream no longer connects to is dropped: the
instrument starts anew and is not warm, rather than go on with a hole that an unkilled service would not have.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from foretick.common.clock import Clock
from foretick.common.errors import Malformed
from foretick.features.domain.instrument import Frame
from foretick.features.domain.snapshot import (
    InstrumentSnapshot,
    decode_snapshot,
    encode_snapshot,
    restore_instrument,
    take_snapshot,
)
from foretick.features.handlers.frames import FrameHandler
from foretick.features.ports import Key, MarketHistory, StateStore, VectorPublisher

_OVERLAP_NS = 5_000_000_000
"""How far before a save the stream is read: its clock is the server's, and what was saved may have run ahead."""
_PASSES = 5


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a start found: states restored, frames read back, and whether live frames connect to them."""

    restored: int
    frames: int
    connects: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far back to read without a saved state, and how many frames to read at most to connect to one."""

    history_ns: int
    max_frames: int


class RecoveryHandler:
    """Buffers live frames until ``recover`` is done, then hands them on."""

    def __init__(
        self,
        frames: FrameHandler,
        store: StateStore,
        history: MarketHistory,
        publisher: VectorPublisher,
        clock: Clock,
        bounds: Bounds,
    ) -> None:
        self._frames = frames
        self._store = store
        self._history = history
        self._publisher = publisher
        self._clock = clock
        self._bounds = bounds
        self._buffer: list[Frame] | None = []
        self._known: set[Key] = set()
        self._untouched: set[Key] = set()
        self._saved: dict[Key, int] = {}

    def handle(self, frames: Sequence[Frame]) -> None:
        """Take a batch of live frames."""
        if self._buffer is not None:
            self._buffer.extend(frames)
        else:
            self._frames.handle(frames)

    async def recover(self, run_id: str) -> Recovered:
        """Restore, catch up and go live. Call it when the live subscription is open."""
        since_ns = await self._restore(self._decode(await self._store.load(run_id)))
        restored = len(self._untouched)
        frames = 0
        for _ in range(_PASSES):  # the server may store a frame a moment after it has sent it
            next_since_ns = self._clock.now_ns() - _OVERLAP_NS
            frames += await self._catch_up(run_id, since_ns)
            if self._connects():
                break
            since_ns = next_since_ns
        connects = self._connects()
        buffered, self._buffer = self._buffer or [], None
        self._frames.handle(buffered)
        return Recovered(restored, frames, connects)

    async def save(self, run_id: str) -> int:
        """Save every instrument that has moved since it was saved; return how many did."""
        if self._buffer is not None:
            return 0
        moved: dict[Key, InstrumentSnapshot] = {}
        for key, instrument in self._frames.instruments.items():
            if instrument.audit.next_seq is not None and self._saved.get(key) != instrument.audit.next_seq:
                identity = (run_id, *key)
                moved[key] = take_snapshot(instrument, self._frames.kernel, identity, self._clock.now_ns())
        await self._publisher.flush()  # a saved state must not be ahead of the vectors that were sent
        for key, snapshot in moved.items():
            await self._store.save(run_id, key, encode_snapshot(snapshot))
            self._saved[key] = snapshot.next_seq
        return len(moved)

    def _decode(self, payloads: list[bytes]) -> list[InstrumentSnapshot]:
        snapshots: list[InstrumentSnapshot] = []
        for payload in payloads:
            try:
                snapshots.append(decode_snapshot(payload))
            except Malformed as error:
                self._publisher.reject(error.source, error.reason, error.payload)
        return snapshots

    async def _restore(self, snapshots: list[InstrumentSnapshot]) -> int:
        """Restore ``snapshots``, unless the stream has grown too long since; return where to read the stream from."""
        history_since_ns = self._clock.now_ns() - self._bounds.history_ns
        if not snapshots:
            return history_since_ns
        since_ns = min(snapshot.ts_saved_ns for snapshot in snapshots) - _OVERLAP_NS
        if await self._history.count(since_ns) > self._bounds.max_frames:
            return history_since_ns
        for snapshot in snapshots:
            key = (snapshot.venue, snapshot.symbol)
            instrument = self._frames.instrument(key)
            if instrument is None:
                continue
            try:
                restore_instrument(instrument, self._frames.kernel, snapshot)
                self._untouched.add(key)
            except Malformed as error:  # the state of another version
                self._publisher.reject(error.source, error.reason, b"")
                since_ns = min(since_ns, history_since_ns)
        return since_ns

    async def _catch_up(self, run_id: str, since_ns: int) -> int:
        count = 0
        async for frame in self._history.read(since_ns):
            if frame.run_id != run_id:
                continue
            await self._meet(frame)
            self._frames.handle((frame,))
            count += 1
        return count

    async def _meet(self, frame: Frame) -> None:
        """Note what is published of the frame's instrument, and drop a restored state that it does not connect to."""
        key = (frame.venue, frame.symbol)
        if key not in self._known:
            self._known.add(key)
            last = await self._history.last_vector(key)
            if last is not None and last.run_id == frame.run_id:
                self._frames.published_through[key] = last.asof_seq
        if key in self._untouched:
            next_seq = self._frames.instruments[key].audit.next_seq
            if next_seq is not None and frame.seq > next_seq:
                self._frames.forget(key)
            if next_seq is None or frame.seq >= next_seq:
                self._untouched.discard(key)

    def _connects(self) -> bool:
        """Whether every buffered frame follows on what was folded."""
        firsts: dict[Key, Frame] = {}
        for frame in self._buffer or []:
            firsts.setdefault((frame.venue, frame.symbol), frame)
        for key, frame in firsts.items():
            instrument = self._frames.instruments.get(key)
            next_seq = instrument.audit.next_seq if instrument is not None else None
            if next_seq is not None and frame.seq > next_seq:
                return False
        return True
