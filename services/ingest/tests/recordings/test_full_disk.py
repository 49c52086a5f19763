"""A disk that fills up: recording stops and says so, the feed goes on, and afterwards the gap is told."""

import os

import pytest

from foretick.common.testing.disks import fill, small_disk
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.recordings import writer as recorder
from foretick.ingest.adapters.recordings.folder import RecordingLimits
from foretick.market.recording.records import GapReason

from .conftest import NO_RESERVE, gaps_in, received, records_in, segments

MIB = 1024 * 1024


def noise() -> bytes:
    return os.urandom(20_000).hex().encode()


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch, clock):
    """The clock of these tests stands still, so every turn is due; a small disk has no 64 MiB to spare."""
    monkeypatch.setattr(recorder, "RETRY_S", 0.0)
    monkeypatch.setattr(recorder, "RESUME_BYTES", 2 * MIB)


async def test_full_disk_stops_the_recording_and_room_lets_it_go_on(new_writer, log, clock, tmp_path):
    with small_disk(tmp_path / "disk", 8) as disk:
        folder = disk / "raw"
        writer = new_writer(NO_RESERVE, folder)
        writer.start()
        writer.on_received("binance", 1, received(0))
        await eventually(lambda: writer.state.frames == 1)
        ballast = fill(disk)
        clock.advance(1_000_000)
        n = 0
        while not writer.state.trouble:
            n += 1
            writer.on_received("binance", 1, received(n, noise()))
            await eventually(lambda: writer.state.waiting_bytes == 0)
        assert "No space left" in writer.state.trouble
        assert log.events("error") == ["raw recording has stopped"]
        hint = log.told[-1][2]["hint"]
        assert "the feed goes on" in hint
        assert "make room" in hint
        for more in range(50):
            writer.on_received("binance", 1, received(n + 1 + more))
        await eventually(lambda: writer.state.waiting_bytes == 0)
        lost = writer.state.lost_frames
        assert lost >= 50
        on_disk = sum(path.stat().st_size for path in segments(folder))
        assert on_disk == writer.state.written_bytes, "a piece of a failed write is left"

        ballast.unlink()
        clock.advance(1_000_000)
        await eventually(lambda: not writer.state.trouble)
        assert log.events("warning") == ["raw recording goes on"]
        writer.on_received("binance", 1, received(1000))
        await writer.close()
        (gap,) = gaps_in(folder)
        assert (gap.venue, gap.reason) == ("*", GapReason.NOT_WRITTEN)
        assert gap.frames_lost == lost
        assert "No space left" in gap.detail
        assert gap.from_ns < gap.through_ns == clock.ns
        written = sum(record.kind == "recv" for record in records_in(folder))
        assert written + lost == n + 52


async def test_room_that_is_left_to_others_is_not_taken(new_writer, log, tmp_path):
    with small_disk(tmp_path / "disk", 8) as disk:
        writer = new_writer(RecordingLimits(min_free_bytes=5 * MIB), disk / "raw")
        writer.start()
        n = 0
        while not writer.state.trouble:
            n += 1
            assert n < 400
            writer.on_received("binance", 1, received(n, noise()))
            if n % 20 == 0:
                await eventually(lambda: writer.state.waiting_bytes == 0)
        assert "5 MiB are left to others" in writer.state.trouble
        statistics = os.statvfs(disk)
        assert statistics.f_bavail * statistics.f_frsize >= 4 * MIB
        assert log.events("error") == ["raw recording has stopped"]
        await writer.close()


async def test_process_that_ends_while_the_disk_is_full_leaves_the_gap_to_the_next(new_writer, clock, tmp_path):
    with small_disk(tmp_path / "disk", 8) as disk:
        folder = disk / "raw"
        writer = new_writer(NO_RESERVE, folder)
        writer.start()
        writer.on_received("binance", 1, received(0))
        await eventually(lambda: writer.state.frames == 1)
        ballast = fill(disk)
        while not writer.state.trouble:
            writer.on_received("binance", 1, received(1, noise()))
            await eventually(lambda: writer.state.waiting_bytes == 0)
        await writer.close()
        ballast.unlink()
        clock.advance(10**10)
        again = new_writer(NO_RESERVE, folder)
        again.start()
        await again.close()
        (gap,) = gaps_in(folder)
        assert (gap.venue, gap.reason, gap.through_ns) == ("*", GapReason.NOT_RUNNING, clock.ns)
