"""A service around fakes, a market that makes frames, and the service as processes on a real bus."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import msgspec
import pytest

from foretick.common.contracts import (
    Bar,
    BookEventKind,
    CrossMember,
    CrossSection,
    FeatureVector,
    Origin,
    QuoteColumns,
    TradeColumns,
)
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.health import Health
from foretick.common.sequence import Admission
from foretick.common.testing import T0_NS, FakeRuntime, ManualClock, book_frame, snapshot, tick_frame
from foretick.features.domain.instrument import Folded, Frame
from foretick.features.handlers.bars import BarHandler
from foretick.features.handlers.custody import Bounds, Custodian, Outside
from foretick.features.handlers.frames import FrameHandler
from foretick.features.ports import Key, Producer
from foretick.market.bars import parse_spec
from foretick.quant.cross_section import CROSS_COUNT
from foretick.quant.events import EventKind
from foretick.quant.kernel import FeatureKernel, Grid
from foretick.quant.registry import CROSS_HASH
from foretick.quant.testing import StreamShape, random_events

GRID = Grid(interval_ns=100_000_000, window_steps=200)


class FakePublisher:
    def __init__(self) -> None:
        self.vectors: list[FeatureVector] = []
        self.bars: list[Bar] = []
        self.rejected: list[tuple[str, str]] = []
        self.flushed_at: list[int] = []

    def publish(self, vector: FeatureVector) -> None:
        self.vectors.append(vector)

    def publish_bar(self, bar: Bar) -> None:
        self.bars.append(bar)

    def reject(self, source: str, reason: str, payload: bytes) -> None:
        self.rejected.append((source, reason))

    async def flush(self) -> None:
        self.flushed_at.append(len(self.vectors))


class FakeObserver:
    def __init__(self) -> None:
        self.outcomes: list[Folded] = []
        self.crossings: list[Admission] = []

    def folded(self, frame: Frame, outcome: Folded) -> None:
        self.outcomes.append(outcome)

    def crossed(self, admission: Admission) -> None:
        self.crossings.append(admission)

    @property
    def lost(self) -> int:
        return sum(outcome.admission.lost for outcome in self.outcomes)


class FakeStore:
    def __init__(self) -> None:
        self.states: dict[tuple[str, Key], bytes] = {}

    async def load(self, run_id: str, keys: Sequence[Key]) -> list[bytes]:
        return [self.states[run_id, key] for key in keys if (run_id, key) in self.states]

    async def save(self, run_id: str, key: Key, payload: bytes) -> None:
        self.states[run_id, key] = payload


class FakeHistory:
    """Streams: frames with the wall clock at which they were stored, and what was published."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, Frame]] = []
        self.vectors: list[FeatureVector] = []
        self.bars: list[Bar] = []
        self.sections: list[CrossSection] = []

    async def count(self, since_ns: int, keys: Sequence[Key]) -> int:
        return len(self._since(since_ns, keys))

    async def read(self, since_ns: int, keys: Sequence[Key]) -> AsyncIterator[list[Frame]]:
        frames = self._since(since_ns, keys)
        for start in range(0, len(frames), 7):
            yield frames[start : start + 7]

    async def last_vector(self, key: Key) -> FeatureVector | None:
        mine = [vector for vector in self.vectors if (vector.venue, vector.symbol) == key]
        return mine[-1] if mine else None

    async def last_bar(self, key: Key, timeframe: str) -> Bar | None:
        mine = [bar for bar in self.bars if (bar.venue, bar.symbol, bar.timeframe) == (*key, timeframe)]
        return mine[-1] if mine else None

    async def read_vectors(self, since_ns: int, key: Key) -> AsyncIterator[list[FeatureVector]]:
        yield [vector for vector in self.vectors if (vector.venue, vector.symbol) == key]

    async def read_cross_sections(self, since_ns: int) -> AsyncIterator[list[CrossSection]]:
        yield [section for section in self.sections if section.ts_sent_ns >= since_ns]

    def _since(self, since_ns: int, keys: Sequence[Key]) -> list[Frame]:
        return [f for stored_ns, f in self.frames if stored_ns >= since_ns and (f.venue, f.symbol) in keys]


class FakeFeed:
    """Which instruments are followed."""

    def __init__(self) -> None:
        self.followed: set[Key] = set()

    async def follow(self, keys: Sequence[Key]) -> None:
        self.followed |= set(keys)

    async def leave(self, keys: Sequence[Key]) -> None:
        self.followed -= set(keys)


class FakeCustodyObserver:
    def __init__(self) -> None:
        self.restored = self.frames = self.left = 0
        self.connects = False

    def taking_over(self, count: int) -> None:
        self.connects = False

    def taken_over(self, restored: int, frames: int, *, connects: bool) -> None:
        self.restored, self.frames, self.connects = restored, frames, connects

    def left_out(self, frames: int) -> None:
        self.left += frames


KEY: Key = ("sim", "BTCUSDT")


class Service:
    """The handlers of one process around the store and the stream that outlive it."""

    def __init__(self, store: FakeStore, history: FakeHistory, epoch: int = 1, bounds: Bounds | None = None) -> None:
        self.publisher, self.observer, self.clock = FakePublisher(), FakeObserver(), ManualClock()
        self.store, self.history, self.epoch = store, history, epoch
        self.feed, self.told = FakeFeed(), FakeCustodyObserver()
        producer = Producer("test", "features.serve-0")
        specs = (parse_spec("tick-50"), parse_spec("volume-imbalance-40"))
        self.bars = BarHandler(specs, 500_000_000, self.publisher, self.clock, producer)
        self.frames = FrameHandler(FeatureKernel(GRID), self.publisher, self.observer, self.clock, producer, self.bars)
        outside = Outside(self.feed, history, store, self.publisher, self.told, self.clock)
        bounds = bounds or Bounds(history_ns=3600 * 10**9, max_frames=10**6)
        self.custodian = Custodian("test", self.frames, outside, bounds)

    @property
    def vectors(self) -> list[FeatureVector]:
        return self.publisher.vectors

    def own(self, *keys: Key) -> "Service":
        """Own instruments without a past, for tests of the fold alone."""
        for key in keys or (KEY,):
            self.frames.adopt(key, self.epoch)
        return self

    async def take_over(self, *keys: Key) -> "Service":
        await self.custodian.take_over(keys or (KEY,), self.epoch)
        return self


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def history() -> FakeHistory:
    return FakeHistory()


@pytest.fixture
def service(store, history) -> Service:
    """A service that owns BTCUSDT."""
    return Service(store, history).own()


def make_frames(seed: int, n: int, per_frame: int, **fields) -> list[Frame]:
    """``n`` random events of one instrument in frames of at most ``per_frame``, a book snapshot first."""
    return list(flow_of(seed, n, per_frame, **fields))


def flow_of(seed: int, n: int, per_frame: int, **fields) -> Iterator[Frame]:
    """The frames of ``make_frames``, each made when it is asked for."""
    shape = StreamShape(shares=(25, 50, 20, 5, 0), mean_gap_ns=20_000_000)
    events = random_events(seed, n, shape)
    shift = T0_NS - int(events.recv_ns[0])
    yield book_frame([snapshot(ts_ns=T0_NS)], seq=1, **fields)
    start = 0
    while start < n:
        is_book = events.kind[start] == EventKind.DEPTH
        stop = start + 1
        while stop < min(n, start + per_frame) and (events.kind[stop] == EventKind.DEPTH) == is_book:
            stop += 1
        part = replace(
            events, kind=events.kind[start:stop], recv_ns=events.recv_ns[start:stop] + shift, v=events.v[start:stop]
        )
        yield _book_part(part, start + 2, fields) if is_book else _tick_part(part, start + 2, fields)
        start = stop


def _book_part(part, seq, fields) -> Frame:
    changes = [
        snapshot(
            kind=BookEventKind.DELTA, ts_ns=int(recv_ns), ts_event_ns=int(recv_ns) - 5,
            bids=[(round(99.90 + 0.01 * (int(v[0]) % 10), 2), float(int(v[0]) % 7))],
            asks=[(round(100.01 + 0.01 * (int(v[0]) % 11), 2), float(int(v[0]) % 5))],
        )
        for recv_ns, v in zip(part.recv_ns, part.v, strict=True)
    ]  # fmt: skip
    return book_frame(changes, seq=seq, **fields)


def _tick_part(part, seq, fields) -> Frame:
    kinds = "".join("TQ?C"[kind] for kind in part.kind)
    trades, quotes = part.v[part.kind == EventKind.TRADE], part.v[part.kind == EventKind.QUOTE]
    return tick_frame(
        kinds, seq=seq, recv_ns=part.recv_ns.tolist(), event_ns=[int(t) - 5 for t in part.recv_ns],
        ts_recv_ns=int(part.recv_ns[-1]),
        trades=TradeColumns(price=trades[:, 0].tolist(), qty=trades[:, 1].tolist(),
                            side=trades[:, 2].astype(int).tolist(), trade_id=list(range(len(trades)))),
        quotes=QuoteColumns(bid=quotes[:, 0].tolist(), bid_qty=quotes[:, 1].tolist(), ask=quotes[:, 2].tolist(),
                            ask_qty=quotes[:, 3].tolist()),
        **fields,
    )  # fmt: skip


@pytest.fixture
def market():
    """``make_frames``: a fixture, since test modules cannot import each other."""
    return make_frames


@pytest.fixture
def flow():
    """``flow_of``, for tests that do not know how many frames they will need."""
    return flow_of


@pytest.fixture
def start():
    """``Service``, for tests that start more than one."""
    return Service


def values_of(second: int) -> list[float]:
    """Exact in binary, and other ones in every second."""
    return [second % 64 / 8 + place / 64 for place in range(CROSS_COUNT)]


def section_of(second: int, *members: CrossMember, **fields) -> CrossSection:
    """The cross-section of ``second``; BTCUSDT alone is in it, with ``values_of``, unless ``members`` are given."""
    members = members or (CrossMember(venue="sim", symbol="BTCUSDT", pairs=600, values=values_of(second)),)
    told = {
        "run_id": "test", "producer": "features.correlate-0", "epoch": 1, "seq": second, "prev_seq": second - 1,
        "origins": [Origin.SIM], "ts_recv_ns": (second + 1) * 10**9, "ts_sent_ns": (second + 1) * 10**9,
        "features_hash": CROSS_HASH, "left_out": 0, "members": list(members),
    }  # fmt: skip
    return CrossSection(**told | fields)


@pytest.fixture
def section():
    """``section_of``."""
    return section_of


@pytest.fixture
def crossed():
    """What a vector carries of cross-sections, and what it should: the values of the one that it names."""

    def of(vector: FeatureVector) -> tuple[list[float | None], list[float | None]]:
        named = vector.cross_seq
        return vector.values[-CROSS_COUNT:], [None] * CROSS_COUNT if named is None else values_of(named)

    return of


@pytest.fixture
def content():
    """What must be equal of two vectors or bars: all but under which lease and when it was sent."""

    def strip(vector: FeatureVector | Bar) -> dict:
        fields = msgspec.structs.asdict(vector)
        left_out = ("epoch", "ts_frame_sent_ns", "ts_frame_taken_ns", "ts_sent_ns")
        return {key: value for key, value in fields.items() if key not in left_out}

    return strip


@pytest.fixture
async def bus(nats_url: str, fake_runtime: FakeRuntime) -> AsyncIterator[Bus]:
    """A bus with every stream."""
    bus = Bus(nats_url, "test", fake_runtime.log, Health("test"))
    await bus.connect()
    await bus.ensure_streams()
    yield bus
    await bus.close()


@pytest.fixture
def running(nats_url: str) -> Callable[..., AbstractContextManager[subprocess.Popen]]:
    """``running(role, SETTING=value)``: a process of the service on the bus, killed at the end of the block."""

    @contextmanager
    def run(role: str, **settings: str) -> Iterator[subprocess.Popen]:
        told = {"NATS_URL": nats_url, "RUN_ID": "test", "HTTP_PORT": "0", "LOG_LEVEL": "WARNING", **settings}
        process = subprocess.Popen([sys.executable, "-m", "foretick.features", role], env={**os.environ, **told})
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    return run
