"""A recording whose process is killed: what is lost, what is left, and what the next process tells of it."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from foretick.common.units import NS_PER_S
from foretick.market.recording.records import GapReason, Record, RecordKind
from foretick.market.recording.segments import read_segment

from .conftest import gaps_in, records_in, segments

PROCESS = Path(__file__).with_name("recording_process.py")
PROMISED_NS = NS_PER_S


@pytest.mark.parametrize("after_lines", [10, 170])
async def test_kill_loses_less_than_a_second_and_the_next_process_tells_the_gap(
    tmp_path, new_writer, clock, after_lines
):
    folder = tmp_path / "raw"
    process = await asyncio.create_subprocess_exec(sys.executable, PROCESS, folder, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    told: list[tuple[int, int]] = []
    while len(told) < after_lines:
        told.append(tuple(map(int, (await process.stdout.readline()).split())))  # type: ignore[arg-type]
    process.send_signal(signal.SIGKILL)
    told += [tuple(map(int, line.split())) for line in (await process.stdout.read()).splitlines() if line.count(b" ")]
    await process.wait()

    (path,) = segments(folder)
    with path.open("rb") as stream:
        items = list(read_segment(stream, path.name))
    frames = [item for item in items if isinstance(item, Record) and item.kind is RecordKind.RECEIVED]
    assert [frame.payload for frame in frames] == [b'{"n":%d}' % n for n in range(1, len(frames) + 1)]
    killed_ns = told[-1][1]
    must_be_there = max((n for n, ns in told if ns <= killed_ns - PROMISED_NS), default=0)
    assert len(frames) >= must_be_there
    assert after_lines < 100 or must_be_there > 0, "the process lived too short for the promise to say anything"

    clock.ns = killed_ns + 60 * NS_PER_S
    again = new_writer()
    again.start()
    await again.close()
    times = [record.recv_ns for record in records_in(folder)]
    assert times == sorted(times)
    *of_connections, down = gaps_in(folder)
    last_ns = max(item.recv_ns for item in items if isinstance(item, Record))
    assert (down.venue, down.reason) == ("*", GapReason.NOT_RUNNING)
    assert (down.from_ns, down.through_ns) == (last_ns, clock.ns)
    closed = [item for item in items if isinstance(item, Record) and item.kind is RecordKind.CLOSED]
    assert closed or after_lines < 100
    assert [(gap.venue, gap.connection, gap.detail, gap.through_ns) for gap in of_connections] == [
        ("binance", 2, "reset", last_ns) for _ in closed
    ]
