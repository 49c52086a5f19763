"""Folders of segments, and the command on them."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from foretick.launcher.cli import build_parser
from foretick.launcher.machine.terminal import Terminal
from foretick.launcher.recordings.commands import run_recordings
from foretick.market.recording.index import IndexEnd, IndexHead, encode_index_line
from foretick.market.recording.records import Gap, Record, RecordKind, SegmentEnd, SegmentHead, gap_record
from foretick.market.recording.segments import SegmentEncoder, SegmentName, index_name

T0 = 1_786_309_548_000_000_000  # 2026-08-09T21:05:48Z
NS = 10**9
PRODUCER = "ingest.feed-0"


def frame(second: float, payload: bytes = b"{}", venue: str = "binance", connection: int = 1) -> Record:
    return Record(T0 + int(second * NS), venue, connection, RecordKind.RECEIVED, payload)


def told(gap: Gap) -> Record:
    return gap_record(gap)


def write_segment(
    folder: Path,
    begun_s: float,
    records: Sequence[Record],
    *,
    previous: str = "",
    ended: str = "rotated",
    producer: str = PRODUCER,
) -> Path:
    """Write a segment with its index; ``ended`` empty leaves it as a killed process does."""
    begun_ns = T0 + int(begun_s * NS)
    path = folder / SegmentName(begun_ns, producer).file_name
    folder.mkdir(parents=True, exist_ok=True)
    head = SegmentHead(producer=producer, previous=previous)
    encoder = SegmentEncoder(block_bytes=2000)
    encoder.add(Record(begun_ns, "*", 0, RecordKind.BEGIN, msgspec.json.encode(head)))
    for record in records:
        encoder.add(record)
    if ended:
        last_ns = max([begun_ns, *(record.recv_ns for record in records)])
        encoder.add(Record(last_ns, "*", 0, RecordKind.END, msgspec.json.encode(SegmentEnd(reason=ended))))
        encoder.end_block()
    path.write_bytes(encoder.take())
    lines = [IndexHead(segment=path.name), *encoder.entries]
    if ended:
        lines.append(IndexEnd(size_bytes=encoder.size_bytes, lines=encoder.lines))
    path.with_name(index_name(path.name)).write_bytes(b"".join(map(encode_index_line, lines)))
    return path


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch, capsys) -> Run:
    """Run ``foretick recordings ...``; return the exit code and what it printed, errors behind it."""
    monkeypatch.delenv("RECORD_RAW_DIR", raising=False)

    def run_command(*arguments: str | Path) -> tuple[int, str]:
        output = io.StringIO()
        options = build_parser().parse_args(["recordings", *map(str, arguments)])
        code = run_recordings(options, Terminal(output))
        return code, output.getvalue() + capsys.readouterr().err

    return run_command
