"""Replay: the same numbered events at any speed, the recorded clock, resuming, bad recordings."""

import asyncio
import gzip
import json

import pytest
import structlog

from foretick.common.contracts import Trust
from foretick.common.errors import Malformed
from foretick.ingest.adapters.replay.client import Pace, ReplaySession
from foretick.ingest.adapters.replay.files import ReplayFiles
from foretick.ingest.adapters.replay.survey import Survey
from foretick.ingest.adapters.simulator import recording as simulated
from foretick.ingest.domain.place import Place

LOG = structlog.get_logger()


async def no_flush() -> None:
    """Everything is with the fake outlet at once."""


def write(path, frames):
    path.write_bytes(gzip.compress(b"".join(b"%d %s\n" % (frame.recv_ns, frame.payload) for frame in frames)))
    return path


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Four simulated seconds of two instruments."""
    folder = tmp_path_factory.mktemp("recordings")
    return [
        write(folder / f"{symbol}.gz", simulated.frames([symbol], seed=3, duration_s=4.0))
        for symbol in ("BTCUSDT", "ETHUSDT")
    ]


def survey_of(paths):
    files = ReplayFiles(paths)
    return files, Survey(files.entries(), files.names)


async def replay(new_feed, paths, speed, place=None):
    rejected: list[tuple[str, str, bytes]] = []
    files, survey = survey_of(paths)
    session = ReplaySession(survey, lambda *fault: rejected.append(fault), no_flush, LOG)
    feed = new_feed(survey.listings["binance"], place)
    await session.run({"binance": [feed.handler]}, files.entries(), Pace(speed, place.data_ns if place else 0))
    feed.outlet.rejected += rejected
    return feed


async def test_replay_at_two_speeds_gives_the_same_numbered_events_in_the_same_frames(new_feed, recordings):
    fast = await replay(new_feed, recordings, speed=0)
    paced = await replay(new_feed, recordings, speed=20)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        numbered = fast.outlet.numbered(symbol)
        assert [seq for seq, _ in numbered] == list(range(1, len(numbered) + 1))
        assert len(numbered) > 50
        assert paced.outlet.numbered(symbol) == numbered
    assert paced.outlet.frames == fast.outlet.frames


async def test_same_recording_twice_gives_equal_frames(new_feed, recordings):
    one, two = [await replay(new_feed, recordings, speed=0) for _ in range(2)]
    assert one.outlet.frames == two.outlet.frames


async def test_replay_runs_on_the_recorded_clock_and_ends_stale(new_feed, recordings):
    feed = await replay(new_feed, recordings, speed=0)
    start_ns = simulated.DEFAULT_START_NS
    for symbol in ("BTCUSDT", "ETHUSDT"):
        events = feed.outlet.book_events(symbol)
        assert all(start_ns <= event.ts_recv_ns <= start_ns + 5_000_000_000 for event in events)
        assert (events[-1].trust, events[-1].reason) == (Trust.STALE, "end of recording")
        assert Trust.LIVE in [event.trust for event in events]
    assert {frame.origin for frame in feed.outlet.frames} == {"replay"}


async def test_paced_replay_takes_the_recorded_time_over_its_speed(new_feed, recordings):
    seconds = asyncio.get_running_loop().time
    begun_s = seconds()
    await replay(new_feed, recordings[:1], speed=20)
    frames = list(simulated.frames(["BTCUSDT"], seed=3, duration_s=4.0))
    recorded_s = (frames[-1].recv_ns - frames[0].recv_ns) / 1e9
    assert seconds() - begun_s >= recorded_s / 20


async def test_interrupted_replay_resumes_without_a_hole_or_a_double(new_feed, recordings):
    whole = await replay(new_feed, recordings[:1], speed=0)
    numbered = whole.outlet.numbered()
    cut = len(numbered) // 2
    seq, last = numbered[cut]
    data_ns = last.ts_recv_ns if hasattr(last, "ts_recv_ns") else last[1]
    rest = await replay(new_feed, recordings[:1], 0, Place(seq, data_ns))
    resumed = rest.outlet.numbered()
    assert [number for number, _ in resumed] == list(range(seq + 1, seq + 1 + len(resumed)))
    assert resumed[0][1].reason == "restart"
    assert resumed[1][1].trust is Trust.LIVE
    ticks = [event for _, event in resumed if isinstance(event, tuple)]
    assert ticks == [event for _, event in numbered if isinstance(event, tuple) and event[1] > data_ns]


async def test_replay_that_had_ended_says_so_again(new_feed, recordings):
    feed = await replay(new_feed, recordings[:1], 0, Place(8, simulated.DEFAULT_START_NS * 2))
    assert [(seq, event.trust) for seq, event in feed.outlet.numbered()] == [
        (9, Trust.RESYNC), (10, Trust.LIVE), (11, Trust.STALE),
    ]  # fmt: skip


async def test_damaged_recording_is_reported_and_replayed_around(new_feed, recordings, tmp_path):
    lines = gzip.decompress(recordings[0].read_bytes()).splitlines(keepends=True)
    lines[10] = b"nonsense\n"
    path = tmp_path / "torn.gz"
    path.write_bytes(gzip.compress(b"".join(lines))[:-200])
    feed = await replay(new_feed, [path], speed=0)
    reasons = [reason for _, reason, _ in feed.outlet.rejected]
    assert len(reasons) == 2
    assert "line 11" in reasons[0]
    assert "truncated" in reasons[1]
    assert feed.outlet.book_events()[-1].reason == "end of recording"


def frame(stream: str, data: dict) -> bytes:
    return json.dumps({"stream": stream, "data": data}).encode()


def listings_of(*paths):
    return survey_of(paths)[1].listings["binance"]


def test_grid_is_the_finest_decimal_text_of_the_whole_recording(tmp_path):
    at = 1_723_161_253_937_085_768
    trade = {"s": "BTCUSDT", "t": 1, "p": "100.10000000", "q": "0.25000000"}
    quote = {"u": 1, "s": "BTCUSDT", "b": "100.00000000", "B": "1.00000000", "a": "100.20000000", "A": "0.12500000"}
    book = b'{"lastUpdateId":1,"bids":[["99.95000000","3.00000000"]],"asks":[["101.00000000","0.00100000"]]}'
    payloads = [frame("btcusdt@trade", trade), frame("btcusdt@bookTicker", quote), book]
    path = tmp_path / "r"
    path.write_bytes(b"".join(b"%d %s\n" % (at + n, payload) for n, payload in enumerate(payloads)))
    (listing,) = listings_of(path)
    assert (listing.symbol, listing.base, listing.quote) == ("BTCUSDT", "BTC", "USDT")
    assert (listing.grid.tick_size, listing.grid.lot_size) == (0.01, 0.001)


def test_recording_without_an_instrument_is_refused(tmp_path):
    path = tmp_path / "empty.gz"
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(Malformed, match=r"empty\.gz"):
        listings_of(path)


def test_two_recordings_of_one_symbol_are_refused(recordings):
    with pytest.raises(Malformed, match="BTCUSDT"):
        listings_of(recordings[0], recordings[0])


@pytest.mark.parametrize("name", ["binance_spot_btcusdt_20240808.gz", "binance_spot_ethusdt_20240808.gz"])
def test_real_recording_is_described_by_its_own_text(recording_path, name):
    (listing,) = listings_of(recording_path(name))
    assert listing.quote == "USDT"
    assert listing.grid.tick_size == 0.01
    assert listing.grid.lot_size == {"BTC": 1e-6, "ETH": 1e-5}[listing.base]
