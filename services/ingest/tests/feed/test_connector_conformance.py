"""One suite for the Binance connector on real recorded frames and on the simulated exchange's.

A source is what a client of the venue would have written down: raw frames with receive times, and one REST book.
"""

import heapq
import json
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from foretick.common.contracts import BookEventKind, Trust
from foretick.ingest.adapters.replay.parse import describe_recording, received
from foretick.ingest.adapters.simulator import recording as simulated
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.listing import Listing
from foretick.market.book import OrderBook
from foretick.market.recording import RecordedFrame, read_recording

RECORDED = {
    "recorded BTCUSDT": "binance_spot_btcusdt_20240808.gz",
    "recorded ETHUSDT": "binance_spot_ethusdt_20240808.gz",
}
SIMULATED = "simulated BTCUSDT"
FRAMES = 6_000
DEPTH = 10


@dataclass(frozen=True)
class Source:
    name: str
    listing: Listing
    frames: list[Received]

    @property
    def symbol(self) -> str:
        return self.listing.symbol


_sources: dict[str, Source] = {}


@pytest.fixture(params=[*RECORDED, SIMULATED])
def source(request, recording_path: Callable) -> Source:
    name = request.param
    if name not in _sources:
        if name == SIMULATED:
            frames = list(simulated.frames(["BTCUSDT"], seed=7, duration_s=60.0))[:FRAMES]
        else:
            with recording_path(RECORDED[name]).open("rb") as stream:
                items = [item for item in read_recording(stream, name) if isinstance(item, RecordedFrame)]
            frames = items[:FRAMES]
        listing = describe_recording(frames, name)
        _sources[name] = Source(name, listing, [received(frame, listing.symbol) for frame in frames])
    return _sources[name]


Sides = tuple[dict[float, float], dict[float, float]]


class VenueBooks:
    """An oracle written apart from the product: the venue's book by its messages alone, level by level.

    tops: best ``DEPTH`` bids and asks after each update
    bodies: what REST would have answered after each frame, by its receive time
    """

    def __init__(self, source: Source) -> None:
        self.tops: dict[int, tuple[list, list]] = {}
        self.bodies: list[tuple[int, int, Sides]] = []
        sides: Sides | None = None
        last_id = 0
        waiting: list[dict] = []
        for frame in source.frames:
            message = json.loads(frame.payload)
            if frame.symbol is not None:
                sides, last_id = (numbers(message["bids"]), numbers(message["asks"])), message["lastUpdateId"]
            elif message["data"].get("e") == "depthUpdate":
                waiting.append(message["data"])
            if sides is None or not waiting:
                continue
            for delta in waiting:
                if delta["u"] > last_id:
                    last_id = delta["u"]
                    self._apply(sides, delta)
                    bids, asks = sides
                    best_bids, best_asks = heapq.nlargest(DEPTH, bids), heapq.nsmallest(DEPTH, asks)
                    self.tops[last_id] = [(p, bids[p]) for p in best_bids], [(p, asks[p]) for p in best_asks]
            waiting = []
            if len(self.tops) % 5 == 0:
                self.bodies.append((frame.recv_ns, last_id, (dict(sides[0]), dict(sides[1]))))

    @staticmethod
    def _apply(sides: Sides, delta: dict) -> None:
        for side, key in zip(sides, "ba", strict=True):
            for price, qty in numbers(delta[key]).items():
                if qty:
                    side[price] = qty
                else:
                    side.pop(price, None)

    def rest_book(self, now_ns: int, symbol: str) -> Received | None:
        """Return the venue's book as it would answer at ``now_ns``."""
        known = [entry for entry in self.bodies if entry[0] <= now_ns]
        if not known:
            return None
        _, last_id, (bids, asks) = known[-1]
        levels = [[[f"{p:.8f}", f"{q:.8f}"] for p, q in side.items()] for side in (bids, asks)]
        body = {"lastUpdateId": last_id, "bids": levels[0], "asks": levels[1]}
        return Received(now_ns, json.dumps(body).encode(), symbol)


def numbers(levels: list[list[str]]) -> dict[float, float]:
    return {float(price): float(qty) for price, qty in levels}


_oracles: dict[str, VenueBooks] = {}


@pytest.fixture
def oracle(source) -> VenueBooks:
    if source.name not in _oracles:
        _oracles[source.name] = VenueBooks(source)
    return _oracles[source.name]


def local_of(feed, source: Source):
    return feed.engine.feeds[source.symbol].local


def start(new_feed, source: Source):
    feed = new_feed([source.listing])
    feed.handler.on_time(source.frames[0].recv_ns)
    feed.handler.on_connected([source.symbol], 1)
    return feed


def test_clean_stream_bridges_and_stays_live(new_feed, source):
    feed = start(new_feed, source)
    feed.play(source.frames)
    counters = local_of(feed, source).counters
    assert local_of(feed, source).trust is Trust.LIVE
    assert (counters.syncs, counters.chain_breaks, counters.crossings, counters.deltas_repeated) == (1, 0, 0, 0)
    assert feed.outlet.rejected == []
    assert feed.handler.unknown_kinds == {}


def test_every_frame_of_the_venue_becomes_one_event(new_feed, source):
    feed = start(new_feed, source)
    feed.play(source.frames)
    sent = [json.loads(frame.payload).get("stream", "").partition("@")[2] for frame in source.frames]
    kinds = [event[0] for _, event in feed.outlet.numbered(source.symbol) if isinstance(event, tuple)]
    assert kinds.count("T") == sent.count("trade") > 0
    assert kinds.count("Q") == sent.count("bookTicker") > 0
    assert all(frame.origin == "replay" for frame in feed.outlet.frames)


def test_numbers_are_contiguous_over_ticks_and_books(new_feed, source):
    feed = start(new_feed, source)
    feed.play(source.frames)
    seqs = [seq for seq, _ in feed.outlet.numbered(source.symbol)]
    assert seqs == list(range(1, len(seqs) + 1))


def test_quotes_of_the_books_own_update_agree_with_its_top(new_feed, source):
    feed = start(new_feed, source)
    feed.play(source.frames)
    counters = local_of(feed, source).counters
    assert counters.tops_differing == 0
    assert counters.tops_compared > 50


def test_published_events_rebuild_the_venues_book(new_feed, source, oracle):
    feed = start(new_feed, source)
    feed.play(source.frames)
    consumer = OrderBook(source.listing.grid)
    compared = 0
    for event in feed.outlet.book_events(source.symbol):
        if event.kind is BookEventKind.SNAPSHOT:
            consumer.apply_snapshot(event.bids, event.asks)
        elif event.kind is BookEventKind.DELTA:
            consumer.apply_delta(event.bids, event.asks)
        if event.trust is Trust.LIVE:
            assert consumer.top(DEPTH) == oracle.tops[event.last_id]
            compared += 1
    assert compared > 50


@pytest.mark.parametrize("batch", [1, 7, 5000])
def test_batching_changes_frames_but_no_event(new_feed, source, batch):
    feed, other = start(new_feed, source), start(new_feed, source)
    feed.play(source.frames[:3000], batch=64)
    other.play(source.frames[:3000], batch=batch)
    assert other.outlet.numbered(source.symbol) == feed.outlet.numbered(source.symbol)
    assert len(other.outlet.frames) != len(feed.outlet.frames)


def damaged(source: Source, kind: str, rng: random.Random, every: float) -> list[Received]:
    """Return the source's frames with faults in its depth stream; REST books as they were."""
    frames: list[Received] = []
    held: Received | None = None
    for frame in source.frames:
        is_delta = b"@depth" in frame.payload[:60]
        if held is not None and is_delta:
            frames += [frame, held]
            held = None
            continue
        if not is_delta or rng.random() >= every:
            frames.append(frame)
            continue
        match kind:
            case "lost":
                continue
            case "repeated":
                frames += [frame, frame]
            case "reordered":
                held = frame
            case "torn":
                frames.append(frame._replace(payload=frame.payload[: len(frame.payload) // 2]))
            case "negative":
                frames.append(frame._replace(payload=frame.payload.replace(b'[["', b'[["-', 1)))
            case "nan":
                frames.append(frame._replace(payload=frame.payload.replace(b'[["', b'[["nan","1.0"],["', 1)))
    return frames


@pytest.mark.parametrize("kind", ["lost", "repeated", "reordered", "torn", "negative", "nan"])
def test_damaged_stream_is_never_published_as_a_live_book_that_differs(new_feed, source, oracle, kind):
    feed = start(new_feed, source)
    feed.outlet.published.clear()
    rng = random.Random(f"{kind} {source.symbol}")
    consumer = OrderBook(source.listing.grid)
    resyncs = live = 0
    for frame in damaged(source, kind, rng, every=0.02):
        feed.handler.on_frames([frame])
        events = feed.outlet.book_events(source.symbol)
        feed.outlet.published.clear()
        for event in events:
            if event.kind is BookEventKind.SNAPSHOT:
                consumer.apply_snapshot(event.bids, event.asks)
            elif event.kind is BookEventKind.DELTA:
                consumer.apply_delta(event.bids, event.asks)
            if event.trust is Trust.LIVE:
                live += 1
                assert consumer.top(DEPTH) == oracle.tops[event.last_id]
        resyncs += any(event.trust is Trust.RESYNC for event in events)
        local = local_of(feed, source)
        if local.wants_snapshot and local.counters.syncs and (body := oracle.rest_book(frame.recv_ns, source.symbol)):
            feed.handler.on_frames([body])
    if kind == "repeated":
        assert local_of(feed, source).counters.deltas_repeated > 0
        assert resyncs == 0
    else:
        assert resyncs > 0
        assert local_of(feed, source).counters.syncs > 1
    assert live > 20
