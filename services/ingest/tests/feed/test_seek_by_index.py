"""A part of a recording of our own format, found by its index, is what a replay of all gives from then on."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import msgspec
import pytest

from foretick.common.contracts import BookFrame, Trust, encode
from foretick.ingest.adapters.recordings import series
from foretick.ingest.adapters.replay import rebuild_points
from foretick.ingest.adapters.replay import seek as module
from foretick.ingest.adapters.replay.formats import format_of
from foretick.ingest.adapters.replay.rebuild_points import RebuildSearch
from foretick.market.recording.records import RecordKind
from foretick.market.recording.segments import SegmentEncoder

from . import recorded_market as market
from .recorded_market import T0, S
from .replays import play, survey_of

FIRST_S = 0.0
STARTS_S = {
    105.0: 92.0, 121.0: 92.0, 143.5: 92.0, 146.0: 92.0, 165.0: 134.0, 171.5: 134.0, 174.0: 134.0, 199.0: 134.0,
}  # fmt: skip
"""By the first instant shown: from when on it has to be read, in whole seconds.

Bybit's book at 92 s is the last one until that of 150 s, which counts once its connection took over, at 153 s.
Binance's answers at 103 and 144 s were needed, and are read from 10 s earlier on.
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sought")
    market.write(folder, "ingest.feed-0", list(market.binance()))
    market.write(folder, "ingest.feed-1", list(market.bybit()))
    assert len(list(folder.glob("*.zst"))) >= 8
    return folder


def at(second: float) -> str:
    """``second`` of the market as an instant of the recording, whose first record is at 0 s."""
    return f"{second - FIRST_S:.3f}"


async def whole(monkeypatch, path, **part):
    with monkeypatch.context() as patched:
        patched.setattr(module.SegmentSeek, "find", lambda self, shown_ns: None)
        played = await play([path], **part)
    assert played.part.start is None
    return played


def without_counts(frame):
    """What a frame says, but for what its book went through: that counts from where the reading began."""
    if not isinstance(frame, BookFrame):
        return frame
    events = [msgspec.structs.replace(event, counts=None) for event in frame.events]
    return msgspec.structs.replace(frame, events=events)


def bytes_of(played) -> dict[tuple[str, str], list[bytes]]:
    frames: dict[tuple[str, str], list[bytes]] = {}
    for frame in played.outlet.frames:
        frames.setdefault((frame.venue, frame.symbol), []).append(encode(without_counts(frame)))
    return frames


def grown(played) -> list:
    """How the counts of each book grew between its events."""
    found = []
    for venue in played.engines:
        events = [e for f in played.outlet.frames if isinstance(f, BookFrame) and f.venue == venue for e in f.events]
        counts = [msgspec.structs.astuple(event.counts) for event in events if event.counts is not None]
        found.append([[b - a for a, b in zip(*pair, strict=True)] for pair in pairwise(counts)])
    return found


@pytest.mark.parametrize("from_s", STARTS_S)
async def test_sought_part_is_the_same_to_the_byte(monkeypatch, folder, from_s):
    sought = await play([folder], from_text=at(from_s))
    assert sought.part.start is not None
    assert (sought.part.start.from_ns - T0) // S == STARTS_S[from_s]
    expected = await whole(monkeypatch, folder, from_text=at(from_s))
    assert bytes_of(sought) == bytes_of(expected)
    assert len(sought.outlet.frames) > 20 or from_s > 190
    assert grown(sought) == grown(expected)
    assert sought.outlet.rejected == expected.outlet.rejected
    assert {book.trust for engine in sought.engines.values() for book in [engine.feeds["BTCUSDT"].local]} == {
        Trust.STALE
    }


async def test_part_before_the_second_book_is_read_from_the_beginning(monkeypatch, folder):
    sought = await play([folder], from_text=at(50.0), to_text=at(70.0))
    expected = await whole(monkeypatch, folder, from_text=at(50.0), to_text=at(70.0))
    assert sought.part.start is None or sought.part.start.from_ns <= T0 + S
    assert bytes_of(sought) == bytes_of(expected)


async def test_blocks_within_a_segment_are_sought_too(monkeypatch, tmp_path):
    monkeypatch.setattr(series, "SegmentEncoder", partial(SegmentEncoder, 4096))
    market.write(tmp_path, "ingest.feed-0", list(market.binance()), segment_bytes=10**9)
    (path,) = tmp_path.glob("*.zst")
    sought = await play([tmp_path], from_text=at(150.0))
    assert sought.part.start is not None
    read = [item for item in sought.part.files.entries(sought.part.start)]
    everything = list(sought.part.files.entries())
    assert len(read) < len(everything) / 2
    assert bytes_of(sought) == bytes_of(await whole(monkeypatch, path, from_text=at(150.0)))


@pytest.mark.parametrize("lost", ["index", "end"])
async def test_segment_without_an_index_or_an_end_is_sought_all_the_same(monkeypatch, folder, tmp_path, lost):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    last = max(path for path in tmp_path.glob("*feed-0*.zst"))
    index = last.with_name(last.name.replace(".zst", ".idx"))
    if lost == "index":
        index.unlink()
    else:  # as kill -9 leaves it: the last block has no entry, and the data end anywhere
        index.write_bytes(index.read_bytes().splitlines(keepends=True)[0])
        last.write_bytes(last.read_bytes()[:-30])
    sought = await play([tmp_path], from_text=at(174.0))
    assert sought.part.start is not None
    assert bytes_of(sought) == bytes_of(await whole(monkeypatch, tmp_path, from_text=at(174.0)))


@pytest.mark.parametrize("later_s", [11.0, 30.0])
async def test_start_that_is_too_late_is_seen_by_the_comparison(monkeypatch, folder, later_s):
    """The control of this file."""
    found = RebuildSearch.from_ns.fget
    expected = await whole(monkeypatch, folder, from_text=at(174.0))
    monkeypatch.setattr(RebuildSearch, "from_ns", property(lambda self: found(self) + int(later_s * S)))
    sought = await play([folder], from_text=at(174.0))
    assert bytes_of(sought) != bytes_of(expected)


async def test_what_holds_at_the_start_stands_before_it(folder):
    """At 134 s each venue has one connection, opened long before, and its listing; Binance's next one comes later."""
    start = (await play([folder], from_text=at(165.0))).part.start
    assert start is not None
    known = [[(each.venue, each.kind, each.connection) for each in records] for records in start.known]
    assert known == [
        [(venue, RecordKind.LISTING, 0), (venue, RecordKind.OPENED, 1)] for venue in ("binance", "bybit")
    ]  # fmt: skip
    assert {each.recv_ns for records in start.known for each in records} == {start.from_ns}


async def test_grid_of_every_listing_before_is_kept(monkeypatch, tmp_path):
    """A tick of 0.005 at 50 s and of 0.1 at 60 s: what came before, and with it the grid, is that of a whole replay."""
    relisted = [market.listing("binance", 50.0, tick=0.005), market.listing("binance", 60.0, tick=0.1)]
    records = sorted([*market.binance(), *relisted], key=lambda each: each.recv_ns)
    market.write(tmp_path, "ingest.feed-0", records)
    sought = await play([tmp_path], from_text=at(150.0))
    assert sought.part.start is not None
    assert {frame.tick_size for frame in sought.outlet.frames if isinstance(frame, BookFrame)} == {0.005}
    assert bytes_of(sought) == bytes_of(await whole(monkeypatch, tmp_path, from_text=at(150.0)))


@pytest.mark.parametrize("is_told_apart", [True, False], ids=["told apart", "control"])
async def test_answer_to_a_look_at_a_silent_book_is_no_start(monkeypatch, tmp_path, is_told_apart):
    """Nothing changes for a minute; the answer at 95 s only confirms the book, and holds but five of its levels."""
    market.write(tmp_path, "ingest.feed-0", list(market.binance(silent_s=(30.0, 100.6))))
    if not is_told_apart:
        spot = format_of("binance")
        never = replace(spot, rules=lambda depth: replace(spot.rules(depth), probe_ns=0))
        monkeypatch.setattr(rebuild_points, "format_of", lambda venue: never)
    sought = await play([tmp_path], from_text=at(105.0), to_text=at(108.0))
    expected = await whole(monkeypatch, tmp_path, from_text=at(105.0), to_text=at(108.0))
    assert (bytes_of(sought) == bytes_of(expected)) == is_told_apart
    assert (sought.part.start is None or sought.part.start.from_ns <= T0 + S) == is_told_apart


async def test_what_could_not_be_read_before_is_counted_and_not_dead_lettered(monkeypatch, folder):
    sought = await play([folder], from_text=at(130.0))
    assert [payload for _, _, payload in sought.outlet.rejected] == [b'{"topic":"orderbook.200.BTCUSDT"']
    assert sought.session.faults_before == 1  # that at 120 s; the one at 60 s is not read
    everything = await whole(monkeypatch, folder, from_text=at(130.0))
    assert everything.session.faults_before == 2
    assert everything.outlet.rejected == sought.outlet.rejected
    assert len((await play([folder])).outlet.rejected) == 3


async def test_span_by_the_indexes_is_that_of_reading_everything(folder):
    _, survey = survey_of([folder])
    sources = survey_of([folder])[0].sources
    span = module.SegmentSeek(sources).span()
    assert (span.from_ns, span.to_ns) == (survey.first_ns, survey.last_ns)


async def test_instrument_without_a_book_or_a_listing_is_read_from_the_beginning(tmp_path):
    records = [each for each in market.binance() if each.kind is not RecordKind.REST]
    market.write(tmp_path / "a", "ingest.feed-0", records)
    assert (await play([tmp_path / "a"], from_text=at(100.0))).part.start is None
    unlisted = [each for each in market.binance() if each.kind not in (RecordKind.LISTING, RecordKind.OWNED)]
    market.write(tmp_path / "b", "ingest.feed-0", unlisted)
    assert (await play([tmp_path / "b"], from_text=at(150.0))).part.start is None
