"""The recorder on real files: what is written when, rotated, kept, and told as missing."""

import os
import threading

import msgspec
import pytest

from foretick.common.runtime.metrics import Metrics
from foretick.common.testing.builders import T0_NS
from foretick.common.testing.waiting import eventually
from foretick.common.units import NS_PER_S
from foretick.ingest.adapters.recordings import segment_file
from foretick.ingest.adapters.recordings.folder import RecordingLimits
from foretick.ingest.adapters.recordings.metrics import RecordingMetrics
from foretick.ingest.adapters.recordings.sink import ConnectionEvent
from foretick.ingest.domain.events import Received
from foretick.market.recording.index import compare_indexes, decode_index
from foretick.market.recording.records import GapReason, RecordKind, SegmentEnd
from foretick.market.recording.segments import SegmentName, build_index, decode_head, index_name, parse_segment_name

from .conftest import NO_RESERVE, PRODUCER, frames_in, gaps_in, received, records_in, segments

HOUR_NS = 3600 * NS_PER_S


async def test_everything_a_feed_tells_stands_in_the_segment_in_order(new_writer, clock, tmp_path):
    writer = new_writer()
    writer.start()
    writer.on_listing("kraken", "XBT/USD", b'{"tick_size":0.1}')
    writer.on_connection_event("kraken", 1, ConnectionEvent.OPENED, "wss://ws.kraken.com/v2")
    writer.on_sent("kraken", 1, b'{"method":"subscribe"}')
    writer.on_received("kraken", 1, received(1, b'{\n"channel":"status"}'))
    writer.on_rest("kraken", "https://h/Depth?pair=XBTUSD", Received(T0_NS + 2, b"{}", "XBT/USD"))
    writer.on_connection_event("kraken", 1, ConnectionEvent.CLOSED, "reset by peer")
    clock.advance(5 * NS_PER_S)
    await writer.close()
    head, *told, gap, end = records_in(tmp_path / "raw")
    assert decode_head(head, "s").producer == PRODUCER
    assert decode_head(head, "s").run_id == "run-1"
    assert [(record.kind, record.venue, record.connection) for record in told] == [
        (RecordKind.LISTING, "kraken", 0), (RecordKind.OPENED, "kraken", 1), (RecordKind.SENT, "kraken", 1),
        (RecordKind.RECEIVED, "kraken", 1), (RecordKind.REST, "kraken", 0), (RecordKind.CLOSED, "kraken", 1),
    ]  # fmt: skip
    assert told[0].symbol == "XBT/USD"
    assert told[3].payload == b'{\n"channel":"status"}'
    assert (told[4].url, told[4].symbol, told[4].recv_ns) == ("https://h/Depth?pair=XBTUSD", "XBT/USD", T0_NS + 2)
    assert gap.kind is RecordKind.GAP
    assert gaps_in(tmp_path / "raw")[0].through_ns == clock.now_ns()
    assert msgspec.json.decode(end.payload, type=SegmentEnd).reason == "stopped"


async def test_frames_are_readable_while_the_segment_is_open(new_writer, tmp_path):
    writer = new_writer()
    writer.start()
    for n in range(100):
        writer.on_received("binance", 1, received(n))
    await eventually(lambda: len(frames_in(tmp_path / "raw")) == 100)
    assert writer.state.segment == segments(tmp_path / "raw")[0].name
    await writer.close()


async def test_close_writes_all_that_waits(new_writer, tmp_path):
    writer = new_writer()
    writer.start()
    for n in range(120_000):
        writer.on_received("binance", 1, received(n))
    await writer.close()
    assert frames_in(tmp_path / "raw") == [received(n).payload for n in range(120_000)]


async def test_index_written_along_equals_the_one_made_anew(new_writer, tmp_path):
    writer = new_writer()
    writer.start()
    for n in range(3000):
        writer.on_received("binance", 1, received(n, os.urandom(1500).hex().encode()))
    await writer.close()
    (path,) = segments(tmp_path / "raw")
    with path.open("rb") as stream, path.with_name(index_name(path.name)).open("rb") as lines:
        stored = decode_index(lines, "idx")
        rebuilt, faults = build_index(stream, "seg")
    assert faults == []
    assert len(stored.blocks) > 5
    assert compare_indexes(stored, rebuilt) == []
    assert stored.has_ended
    assert rebuilt.has_ended


async def test_each_utc_hour_has_its_own_segment_that_can_be_read_alone(new_writer, clock, tmp_path):
    clock.ns = T0_NS // HOUR_NS * HOUR_NS + HOUR_NS - NS_PER_S
    writer = new_writer()
    writer.start()
    writer.on_listing("binance", "BTCUSDT", b'{"tick_size":0.1}')
    writer.on_listing("binance", "BTCUSDT", b'{"tick_size":0.01}')
    writer.on_received("binance", 1, Received(clock.ns, b"{}"))
    writer.on_connection_event("binance", 1, ConnectionEvent.CLOSED, "reset")
    clock.advance(2 * NS_PER_S)
    writer.on_received("binance", 2, Received(clock.ns, b"{}"))
    await writer.close()
    first, second = segments(tmp_path / "raw")
    of_second = [record for record in records_in(tmp_path / "raw") if record.recv_ns >= clock.ns]
    begin = next(record for record in of_second if record.kind is RecordKind.BEGIN)
    assert decode_head(begin, "s").previous == first.name
    assert decode_head(begin, "s").segment == 2
    kinds = [record.kind for record in of_second]
    at = kinds.index(RecordKind.BEGIN)
    assert kinds[at : at + 4] == [RecordKind.BEGIN, RecordKind.LISTING, RecordKind.CLOSED, RecordKind.RECEIVED]
    assert of_second[at + 1].payload == b'{"tick_size":0.01}'
    assert parse_segment_name(second.name).begun_ns == clock.ns
    assert [gap.reason for gap in gaps_in(tmp_path / "raw")] == [GapReason.DISCONNECTED]


async def test_segment_ends_when_it_is_full(new_writer, tmp_path):
    writer = new_writer(RecordingLimits(min_free_bytes=0, segment_bytes=400_000))
    writer.start()
    for n in range(60):
        writer.on_received("binance", 1, received(n, os.urandom(30_000).hex().encode()))
    await writer.close()
    assert len(segments(tmp_path / "raw")) == 4  # 3.6 MB in blocks of 1 MiB, each of half a MB compressed
    assert len(frames_in(tmp_path / "raw")) == 60


async def test_too_many_bytes_make_the_oldest_go(new_writer, clock, tmp_path):
    folder = tmp_path / "raw"
    for _ in range(4):
        clock.advance(HOUR_NS)
        writer = new_writer(RecordingLimits(max_bytes=20_000, min_free_bytes=0))
        writer.start()
        writer.on_received("binance", 1, Received(clock.ns, os.urandom(7_500).hex().encode()))
        await writer.close()
    kept = segments(folder)
    assert len(kept) == 3  # two of about 8 kB are within the limit when the last one begins
    assert {path.name for path in folder.iterdir()} == {
        name for path in kept for name in (path.name, index_name(path.name))
    }


async def test_time_between_two_processes_is_a_gap(new_writer, clock, tmp_path):
    writer = new_writer()
    writer.start()
    writer.on_received("binance", 1, Received(clock.ns, b"{}"))
    clock.advance(NS_PER_S)
    await writer.close()
    stopped_ns = clock.ns
    clock.advance(90 * NS_PER_S)
    again = new_writer()
    again.start()
    await again.close()
    (gap,) = gaps_in(tmp_path / "raw")
    assert (gap.venue, gap.reason) == ("*", GapReason.NOT_RUNNING)
    assert (gap.from_ns, gap.through_ns) == (stopped_ns, clock.ns)
    times = [record.recv_ns for record in records_in(tmp_path / "raw")]
    assert times == sorted(times)


async def test_first_recording_of_a_producer_tells_no_gap(new_writer, tmp_path):
    writer = new_writer()
    writer.start()
    await writer.close()
    assert gaps_in(tmp_path / "raw") == []


async def test_writer_that_hangs_never_holds_up_the_feed_and_what_it_drops_is_told(new_writer, tmp_path, monkeypatch):
    hang, hanging = threading.Event(), threading.Event()
    sync = segment_file.SegmentFile.sync

    def hung(self):
        hanging.set()
        hang.wait(30)
        sync(self)

    monkeypatch.setattr(segment_file.SegmentFile, "sync", hung)
    writer = new_writer(max_waiting_bytes=100_000)
    writer.start()
    writer.on_received("binance", 1, received(0))
    await eventually(hanging.is_set)
    for n in range(1, 5001):
        writer.on_received("binance", 1, received(n))
    state = writer.state
    assert state.waiting_bytes <= 100_000
    assert state.lost_frames > 4000
    hang.set()
    await eventually(lambda: writer.state.waiting_bytes == 0)
    writer.on_received("binance", 1, received(5001))
    await writer.close()
    (gap,) = gaps_in(tmp_path / "raw")
    written = frames_in(tmp_path / "raw")
    assert gap.reason is GapReason.FELL_BEHIND
    assert gap.frames_lost == state.lost_frames == 5002 - len(written)
    assert gap.through_ns == received(5000).recv_ns
    assert gap.from_ns == received(len(written) - 1).recv_ns


async def test_frame_that_cannot_be_written_is_told_and_the_others_are(new_writer, tmp_path):
    writer = new_writer()
    writer.start()
    writer.on_received("binance", 1, received(1))
    writer.on_received("Not A Venue", 1, received(2))
    writer.on_received("binance", 1, received(3))
    await writer.close()
    assert frames_in(tmp_path / "raw") == [b'{"n":1}', b'{"n":3}']
    (gap,) = gaps_in(tmp_path / "raw")
    assert (gap.reason, gap.frames_lost) == (GapReason.NOT_WRITTEN, 1)
    assert "Not A Venue" in gap.detail
    assert writer.state.lost_frames == 1


async def test_fault_of_the_recorder_itself_is_told_and_the_feed_goes_on(new_writer, log, monkeypatch):
    def broken(self):
        raise RuntimeError("a bug")

    monkeypatch.setattr(segment_file.SegmentFile, "sync", broken)
    writer = new_writer()
    writer.start()
    await eventually(lambda: writer.state.trouble)
    for n in range(100):
        writer.on_received("binance", 1, received(n))
    await eventually(lambda: writer.state.waiting_bytes == 0)
    assert log.events("exception") == ["raw recording has ended for good; the feed goes on"]
    assert writer.state.lost_frames == 100
    await writer.close()


async def test_folder_that_cannot_be_made_is_told(new_writer, log, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    writer = new_writer(folder=tmp_path / "file" / "raw")
    writer.start()
    writer.on_received("binance", 1, received(1))
    await eventually(lambda: writer.state.trouble)
    assert log.events("error") == ["raw recording has stopped"]
    await writer.close()


async def test_metrics_follow_the_state(new_writer):
    metrics = Metrics("ingest")
    follow = RecordingMetrics(metrics)
    writer = new_writer()
    writer.start()
    for n in range(5):
        writer.on_received("binance", 1, received(n))
    await writer.close()
    follow.observe(writer.state)
    follow.observe(writer.state)
    text = metrics.render()[0].decode()
    assert "foretick_ingest_raw_recording 1.0" in text
    assert "foretick_ingest_raw_frames_total 5.0" in text
    assert f"foretick_ingest_raw_written_bytes_total {float(writer.state.written_bytes)}" in text


@pytest.mark.parametrize("left", ["nothing", "an empty segment", "a lost index", "a damaged index"])
async def test_gap_is_told_whatever_was_left_behind(new_writer, clock, tmp_path, left):
    writer = new_writer()
    writer.start()
    writer.on_received("binance", 1, Received(clock.ns, b"{}"))
    await writer.close()
    stopped_ns = clock.ns
    (path,) = segments(tmp_path / "raw")
    index = path.with_name(index_name(path.name))
    if left == "an empty segment":
        path.with_name(SegmentName(clock.ns + 1, PRODUCER).file_name).touch()
    elif left == "a lost index":
        index.unlink()
    elif left == "a damaged index":
        index.write_bytes(b"{nonsense}\n")
    clock.advance(NS_PER_S)
    again = new_writer(NO_RESERVE)
    again.start()
    await again.close()
    (gap,) = gaps_in(tmp_path / "raw")
    assert (gap.from_ns, gap.through_ns) == (stopped_ns, clock.ns)
