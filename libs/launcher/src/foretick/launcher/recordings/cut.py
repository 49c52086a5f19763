"""A piece of recordings, by receive time, as a segment of its own that can be read without what came before."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from foretick.common.errors import Malformed, Refused
from foretick.common.units import NS_PER_S
from foretick.launcher.recordings.files import Progress, read_index
from foretick.market.recording.blocks import read_blocks
from foretick.market.recording.index import IndexEnd, IndexHead, encode_index_line
from foretick.market.recording.merging import merge_recordings
from foretick.market.recording.records import (
    EVERY_CONNECTION,
    EVERY_VENUE,
    Record,
    RecordKind,
    SegmentEnd,
    SegmentHead,
)
from foretick.market.recording.seeking import SegmentView, read_from
from foretick.market.recording.segments import (
    SEGMENT_SUFFIX,
    SegmentEncoder,
    decode_block,
    index_name,
    parse_segment_name,
)
from foretick.market.recording.sources import SourceFormat, detect_format, read_source
from foretick.market.recording.spans import Span

PRODUCER = "foretick.cut"

_SHOW_EVERY = 1024
_WRITE_EVERY = 8192
_LATE_NS = 60 * NS_PER_S
"""A source is read on for so long behind the end, for what a clock that went back has stamped."""

_OF_SEGMENTS = (RecordKind.BEGIN, RecordKind.END)


@dataclass(slots=True)
class Cut:
    """What was written: how many records, from when to when, and what could not be read."""

    out: Path
    records: int = 0
    first_ns: int = 0
    last_ns: int = 0
    size_bytes: int = 0
    faults: list[Malformed] = field(default_factory=list)


class _Piece:
    """The file under way. Nothing is there under its name until it is whole."""

    def __init__(self, out: Path, begun_ns: int) -> None:
        self._out = out
        self._part = out.with_name(out.name + ".part")
        self._file = self._part.open("wb")
        self._encoder = SegmentEncoder()
        self._add(begun_ns, RecordKind.BEGIN, msgspec.json.encode(SegmentHead(producer=PRODUCER)))

    def add(self, record: Record) -> None:
        """Write ``record``."""
        self._encoder.add(record)
        if self._encoder.lines % _WRITE_EVERY == 0:
            self._file.write(self._encoder.take())

    def end(self, end_ns: int) -> int:
        """Write the end and the index; return the size of the file."""
        self._add(end_ns, RecordKind.END, msgspec.json.encode(SegmentEnd(reason="cut")))
        self._encoder.end_block()
        self._file.write(self._encoder.take())
        self._file.close()
        encoder = self._encoder
        lines = [
            IndexHead(segment=self._out.name), *encoder.entries,
            IndexEnd(size_bytes=encoder.size_bytes, lines=encoder.lines),
        ]  # fmt: skip
        self._out.with_name(index_name(self._out.name)).write_bytes(b"".join(map(encode_index_line, lines)))
        os.replace(self._part, self._out)
        return encoder.size_bytes

    def discard(self) -> None:
        """Leave nothing."""
        self._file.close()
        self._part.unlink(missing_ok=True)

    def _add(self, ns: int, kind: RecordKind, payload: bytes) -> None:
        self._encoder.add(Record(ns, EVERY_VENUE, EVERY_CONNECTION, kind, payload))


def cut_files(files: Sequence[Path], span: Span, out: Path, venue: str, progress: Progress) -> Cut:
    """Write what ``files``, merged by receive time, hold of ``span``; listings from before stand first.

    Raises:
        Refused: ``out`` is there already or has another suffix, the files hold no raw records, or nothing of the time
    """
    if not out.name.endswith(SEGMENT_SUFFIX):
        raise Refused("wrong_name", f"{out} is no name of a segment", f"let it end in {SEGMENT_SUFFIX}")
    if out.exists():
        raise Refused("is_there", f"{out} is there already", "move it, or say another --out")
    if span.from_ns >= span.to_ns:
        raise Refused("wrong_time", "--from is not before --to", "turn them round")
    cut = Cut(out)
    piece = _Piece(out, span.from_ns)
    try:
        for item in merge_recordings(_source(group, span, venue, progress) for group in _grouped(files)):
            _take(cut, piece, item, span)
        if not cut.records:
            raise Refused(
                "nothing", "the files hold nothing of that time", "foretick recordings list shows their spans"
            )
        cut.size_bytes = piece.end(span.to_ns)
    finally:
        piece.discard()
    return cut


def _grouped(files: Sequence[Path]) -> list[list[Path]]:
    """Return the segments of each producer in the order of their time, and every other file alone."""
    series: dict[str, list[Path]] = {}
    others: list[list[Path]] = []
    for path in files:
        name = parse_segment_name(path.name)
        if name is None:
            others.append([path])
        else:
            series.setdefault(name.producer, []).append(path)
    return [*(sorted(group, key=lambda path: path.name) for group in series.values()), *others]


def _take(cut: Cut, piece: _Piece, item: Any, span: Span) -> None:
    if isinstance(item, Malformed):
        cut.faults.append(item)
    elif not isinstance(item, Record):
        raise Refused("no_frames", f"a file holds rows of {item.venue}, no raw frames", "convert it instead")
    elif item.kind not in _OF_SEGMENTS and span.holds(item.recv_ns):
        piece.add(item)
        cut.first_ns = cut.first_ns or item.recv_ns
        cut.last_ns = item.recv_ns
        cut.records += 1


def _source(group: Sequence[Path], span: Span, venue: str, progress: Progress) -> Iterator[Any]:
    for path in group:
        with progress.reading(path) as (stream, tick):
            for number, item in enumerate(_items(path, stream, span, venue)):
                if number % _SHOW_EVERY == 0:
                    tick()
                if isinstance(item, Record) and item.recv_ns >= span.to_ns + _LATE_NS:
                    break
                yield item


def _items(path: Path, stream: BinaryIO, span: Span, venue: str) -> Iterator[Any]:
    try:
        is_segment = detect_format(stream, str(path)) is SourceFormat.SEGMENT
    except Malformed as fault:
        yield fault
        return
    index = read_index(path) if is_segment else None
    if index is None:
        yield from _restamped(read_source(stream, str(path), venue), span.from_ns)
        return
    if index.has_ended and index.last_ns < span.from_ns:
        return
    for block in islice(read_blocks(stream), 1):
        head = [item for item in decode_block(block, path.name, 0) if isinstance(item, Record)]
        yield from _restamped((record for record in head if record.recv_ns < span.from_ns), span.from_ns)
    yield from read_from([SegmentView(stream, path.name, index)], span.from_ns)


def _restamped(items: Iterator[Any], from_ns: int) -> Iterator[Any]:
    """Yield the latest listings and whose instruments are before ``from_ns`` as of then, and everything after."""
    known: dict[object, Record] = {}
    for item in items:
        if isinstance(item, Record) and item.recv_ns < from_ns:
            if item.kind in (RecordKind.LISTING, RecordKind.OWNED):
                key = item.venue, item.symbol or item.payload
                known.pop(key, None)  # the latest stands last
                known[key] = item._replace(recv_ns=from_ns)
            continue
        yield from known.values()
        known.clear()
        yield item
    yield from known.values()
