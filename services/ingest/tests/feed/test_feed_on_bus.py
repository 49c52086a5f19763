"""The feed on a real bus: frames arrive, a restart goes on, an outage is told with its range."""

import gzip
import json
from contextlib import asynccontextmanager

import msgspec
import nats
import pytest
import structlog

from foretick.common.contracts import BookEventKind, BookFrame, Instrument, Origin, TickFrame, Trust
from foretick.common.errors import InvalidSettings
from foretick.common.ownership import Shard
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.leases import Leases, LeaseTerms
from foretick.common.runtime.settings import load_settings
from foretick.common.subjects import BOOKS, INSTRUMENT_LISTINGS, TICKS
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.bus.client import BusOutlet
from foretick.ingest.adapters.simulator import recording as simulated
from foretick.ingest.app.feed import build
from foretick.ingest.domain.place import Place
from foretick.ingest.handlers.custody import FeedCustodian, Venue
from foretick.ingest.settings import IngestSettings

from ..plain_captures import received


def settings_of(**fields) -> IngestSettings:
    return IngestSettings.model_validate({"RUN_ID": "run-1", **fields})


@asynccontextmanager
async def runtime(url: str, **fields):
    """A runtime of the feed role, connected as the bootstrap does it."""
    settings = settings_of(NATS_URL=url, **fields)
    rt = Runtime("ingest", "feed", settings, structlog.stdlib.get_logger())
    await rt.bus.connect()
    await rt.bus.ensure_streams()
    rt.epoch = await rt.bus.next_epoch()
    rt.run_id = settings.run_id or ""
    try:
        yield rt, settings
    finally:
        await rt.drain()


@asynccontextmanager
async def consumer(url: str):
    """Every market frame of the bus, decoded, in the order of arrival of each subject."""
    client = await nats.connect(url)
    frames: list[TickFrame | BookFrame] = []

    async def receive(msg) -> None:
        contract = TickFrame if msg.subject.startswith("ticks.") else BookFrame
        frames.append(msgspec.json.decode(msg.data, type=contract))

    for subject in (TICKS, BOOKS):
        await client.subscribe(subject.wildcard, cb=receive)
    await client.flush()
    try:
        yield frames
    finally:
        await client.close()


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("bus") / "BTCUSDT.gz"
    frames = simulated.frames(["BTCUSDT"], seed=3, duration_s=3.0)
    path.write_bytes(gzip.compress(b"".join(b"%d %s\n" % (frame.recv_ns, frame.payload) for frame in frames)))
    return str(path)


def seqs_of(frames) -> list[int]:
    lengths = [(f.seq, len(f.kinds) if isinstance(f, TickFrame) else len(f.events)) for f in frames]
    return sorted(number for seq, count in lengths for number in range(seq, seq + count))


def reasons_of(frames) -> list[str]:
    events = [(f.seq + i, e) for f in frames if isinstance(f, BookFrame) for i, e in enumerate(f.events)]
    return [event.reason for _, event in sorted(events, key=lambda pair: pair[0])]


async def test_replay_reaches_the_bus_whole_and_a_restart_goes_on_with_a_higher_epoch(nats_url, recording):
    async with consumer(nats_url) as frames:
        async with runtime(nats_url, REPLAY=recording, REPLAY_SPEED=0) as (rt, settings):
            await build(rt, settings)
            await eventually(lambda: "end of recording" in reasons_of(frames))
        await eventually(lambda: "handed over" in reasons_of(frames))
        first = len(seqs_of(frames))
        assert seqs_of(frames) == list(range(1, first + 1))
        assert {frame.origin for frame in frames} == {Origin.REPLAY}
        listing: Instrument = await rt_last(nats_url)
        assert (listing.venue, listing.symbol, listing.quote) == ("binance", "BTCUSDT", "USDT")
        epochs = {frame.epoch for frame in frames}
        del frames[:]
        async with runtime(nats_url, REPLAY=recording, REPLAY_SPEED=0) as (rt, settings):
            await build(rt, settings)
            await eventually(lambda: "end of recording" in reasons_of(frames))
            assert seqs_of(frames)[0] == first + 1
            assert reasons_of(frames)[0] == "restart"
            assert min(frame.epoch for frame in frames) > max(epochs)


async def rt_last(url: str) -> Instrument:
    async with runtime(url) as (rt, _):
        return await rt.bus.last(INSTRUMENT_LISTINGS, "binance", "BTCUSDT")


async def test_another_run_starts_its_own_numbers(nats_url, recording):
    async with runtime(nats_url, REPLAY=recording, REPLAY_SPEED=0) as (rt, settings):
        await build(rt, settings)
        outlet = BusOutlet(rt)
        await eventually(lambda: has_place(outlet))
    async with runtime(nats_url, RUN_ID="run-2") as (rt, _):
        assert await BusOutlet(rt).last_of_run("binance", ["BTCUSDT"]) == {"BTCUSDT": Place()}


async def place_of(outlet: BusOutlet) -> Place:
    return (await outlet.last_of_run("binance", ["BTCUSDT"]))["BTCUSDT"]


async def has_place(outlet: BusOutlet) -> bool:
    return (await place_of(outlet)).seq > 0


@asynccontextmanager
async def owned_feed(rt: Runtime, new_feed, terms: LeaseTerms | None = None):
    """A feed of BTCUSDT on the bus that owns it by lease."""
    outlet = BusOutlet(rt)
    feed = new_feed()
    feed.engine.lose(["BTCUSDT"])
    feed.handler._outlet = outlet
    custodian = FeedCustodian(outlet)
    custodian.add("binance", Venue(feed.handler, StandIn(), Now(feed)))
    leases = Leases(rt, Shard(), custodian, terms)
    outlet.is_sound = lambda: leases.are_sound
    await leases.open([("binance", "BTCUSDT")])
    feed.handler.on_connected(["BTCUSDT"], 1)
    yield feed, outlet, leases


class Now:
    """A clock a moment after the latest event."""

    def __init__(self, feed) -> None:
        self._feed = feed

    def now_ns(self) -> int:
        return self._feed.engine.now_ns + 1

    def not_before(self, ns: int) -> None: ...


class StandIn:
    """Follows nothing: the test plays the venue."""

    def follow(self, symbols) -> None: ...

    def leave(self, symbols) -> None: ...


def recorded(seconds: float) -> list:
    return [received(item, "BTCUSDT") for item in simulated.frames(["BTCUSDT"], seed=3, duration_s=seconds)]


async def test_outage_of_the_bus_is_told_with_its_range_and_the_book_is_live_again(own_nats, new_feed):
    own_nats.start()
    frames = recorded(6.0)
    async with runtime(own_nats.url, RUN_ID="run") as (rt, _), owned_feed(rt, new_feed) as (feed, outlet, leases):
        of = feed.engine.feeds["BTCUSDT"]
        third = len(frames) // 3
        feed.play(frames[:third])
        await rt.data.flush()
        kept = of.next_seq - 1
        await eventually(lambda: is_kept(outlet, kept))
        own_nats.kill()
        await eventually(lambda: outlet.is_away)
        feed.play(frames[third : 2 * third])
        lost_through = of.next_seq - 1
        own_nats.start()
        await eventually(lambda: leases.are_sound and of.is_owned)
        async with consumer(own_nats.url) as seen:
            feed.play(frames[2 * third :])
            await rt.data.flush()
            last = of.next_seq - 1
            await eventually(lambda: bool(seen) and seqs_of(seen)[-1] == last)
        told = await stored_after(rt, kept)
        state, snapshot = told[0].events[:2]
        assert (state.trust, state.gap_from_seq, state.gap_through_seq) == (Trust.GAP, kept + 1, lost_through)
        assert (snapshot.kind, snapshot.trust) == (BookEventKind.SNAPSHOT, Trust.LIVE)
        assert told[0].seq == lost_through + 1


async def test_standby_goes_on_without_a_hole_a_double_or_a_lost_trade(nats_url, new_feed):
    """Both follow the venue; the standby starts to publish where the owner stopped, trades in between included."""
    frames = recorded(6.0)
    trades = [json.loads(frame.payload)["data"]["t"] for frame in frames if b"@trade" in frame.payload[:40]]
    third = len(frames) // 3
    async with (
        consumer(nats_url) as seen,
        runtime(nats_url, RUN_ID="run", SHARD_INDEX=0) as (first_rt, _),
        owned_feed(first_rt, new_feed) as (first, _, leases),
        runtime(nats_url, RUN_ID="run", SHARD_INDEX=0) as (standby_rt, _),
        owned_feed(standby_rt, new_feed) as (standby, _, standby_leases),
    ):
        assert not standby_leases.held
        for feed in (first, standby):
            feed.play(frames[:third])
        await leases.close()
        standby.play(frames[third : 2 * third])  # what comes before the lease is there
        await eventually(lambda: standby.engine.feeds["BTCUSDT"].is_owned)
        standby.play(frames[2 * third :])
        last = standby.engine.feeds["BTCUSDT"].next_seq - 1
        await standby_rt.data.flush()
        await eventually(lambda: bool(seen) and seqs_of(seen)[-1] == last)
        assert seqs_of(seen) == list(range(1, last + 1))
        told = sorted(
            (frame.seq, trade_id)
            for frame in seen
            if isinstance(frame, TickFrame)
            for trade_id in frame.trades.trade_id
        )
        assert [trade_id for _, trade_id in told] == trades
        assert len(trades) > 10
        reasons = reasons_of(seen)
        assert reasons[reasons.index("handed over") + 1] == "restart"
        assert standby.engine.feeds["BTCUSDT"].counters.trades_recovered > 0
        assert {frame.trust for frame in seen if frame.seq > last - 10} == {Trust.LIVE}


async def is_kept(outlet: BusOutlet, seq: int) -> bool:
    return (await place_of(outlet)).seq == seq


async def stored_after(rt: Runtime, kept: int) -> list[BookFrame]:
    """The book frames that the stream kept of numbers after ``kept``."""
    info = await rt.bus.js.stream_info(BOOKS.stream.name)
    frames = []
    for number in range(info.state.first_seq, info.state.last_seq + 1):
        raw = await rt.bus.js.get_msg(BOOKS.stream.name, number, direct=True)
        if raw.subject.startswith("books."):
            frame = msgspec.json.decode(raw.data, type=BookFrame)
            if frame.seq > kept:
                frames.append(frame)
    return frames


def test_settings_name_what_is_wrong(monkeypatch):
    for name, value in {"REPLAY": "/nowhere.gz", "REPLAY_SPEED": "-1", "VENUE_WS_URLS": "binance=https://x"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings) as caught:
        load_settings(IngestSettings)
    text = "\n".join(caught.value.faults)
    assert "/nowhere.gz" in text
    assert "REPLAY_SPEED" in text
    assert "VENUE_WS_URLS" in text


def test_unknown_venue_is_refused(monkeypatch):
    monkeypatch.setenv("VENUES", "binance,mtgox")
    with pytest.raises(InvalidSettings) as caught:
        load_settings(IngestSettings)
    assert "mtgox" in str(caught.value)


async def test_file_that_is_no_recording_is_a_settings_fault(nats_url, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    async with runtime(nats_url, REPLAY=str(path)) as (rt, settings):
        with pytest.raises(InvalidSettings, match=r"photo\.jpg"):
            await build(rt, settings)
