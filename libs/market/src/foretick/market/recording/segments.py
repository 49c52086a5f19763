"""Segments: the files of our own format. Records to bytes and back; opening and naming files is the caller's.

A segment is named ``<UTC time of its beginning>_<producer>.frames.zst``, its index the same with ``.frames.idx``; names
sort by time. It is written by one process from one end to the other and never changed afterwards.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO, NamedTuple

import msgspec

from foretick.common.units import NS_PER_S
from foretick.market.recording.blocks import BLOCK_BYTES, Block, BlockWriter, read_blocks
from foretick.market.recording.faults import BadLine, DamagedBlock, TruncatedRecording, WrongFormat
from foretick.market.recording.index import BlockEntry, BlockTally, SegmentIndex
from foretick.market.recording.lines import decode_line, encode_line
from foretick.market.recording.records import Record, RecordKind, SegmentHead

SEGMENT_SUFFIX = ".frames.zst"
INDEX_SUFFIX = ".frames.idx"

_NAME = re.compile(r"(\d{8}T\d{6})\.(\d{9})Z_([A-Za-z0-9_.-]+)\.frames\.zst")

SegmentFault = BadLine | TruncatedRecording | DamagedBlock | WrongFormat


class SegmentName(NamedTuple):
    """What the name of a segment says: when it was begun, UTC ns, and by whom."""

    begun_ns: int
    producer: str

    @property
    def file_name(self) -> str:
        """The name of its file.

        >>> SegmentName(1_786_309_548_026_294_000, "ingest.feed-0").file_name
        '20260809T210548.026294000Z_ingest.feed-0.frames.zst'
        """
        seconds, rest_ns = divmod(self.begun_ns, NS_PER_S)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%S}.{rest_ns:09}Z_{self.producer}{SEGMENT_SUFFIX}"


def parse_segment_name(file_name: str) -> SegmentName | None:
    """Return what ``file_name`` says; None where it is not a segment's.

    >>> parse_segment_name('20260809T210548.026294000Z_ingest.feed-0.frames.zst')
    SegmentName(begun_ns=1786309548026294000, producer='ingest.feed-0')
    """
    match = _NAME.fullmatch(file_name)
    if match is None:
        return None
    try:
        second = datetime.strptime(match[1] + "+0000", "%Y%m%dT%H%M%S%z")
    except ValueError:
        return None
    return SegmentName(int(second.timestamp()) * NS_PER_S + int(match[2]), match[3])


def index_name(segment_name: str) -> str:
    """Return the name of the index of a segment."""
    return segment_name.removesuffix(SEGMENT_SUFFIX) + INDEX_SUFFIX


class SegmentEncoder:
    """Turns records into the bytes of one segment.

    ``add`` takes records; ``take`` returns what is to be appended to the file, after which a reader gets every record
    added so far; ``entries`` holds the index entries of the blocks that ended, for the caller to take away.
    """

    def __init__(self, block_bytes: int = BLOCK_BYTES) -> None:
        self._block_bytes = block_bytes
        self._blocks = BlockWriter()
        self._tally = BlockTally()
        self._lines: list[bytes] = []
        self._lines_bytes = 0
        self._ready: list[bytes] = []
        self.size_bytes = 0
        self.lines = 0
        self.entries: list[BlockEntry] = []

    def add(self, record: Record) -> None:
        """Take ``record``.

        Raises:
            ValueError: it cannot be written; nothing of it is
        """
        line = encode_line(record)
        self._tally.add(record)
        self._lines.append(line)
        self._lines_bytes += len(line)
        self.lines += 1
        if self._blocks.content_bytes + self._lines_bytes >= self._block_bytes:
            self.end_block()

    def end_block(self) -> None:
        """End the present block."""
        self._flush()
        if not self._tally.lines:
            return
        rest, size_bytes, sha256 = self._blocks.end_block()
        self._ready.append(rest)
        self.size_bytes += len(rest)
        self.entries.append(self._tally.entry(self.size_bytes - size_bytes, size_bytes, sha256))
        self._tally = BlockTally()

    def take(self) -> bytes:
        """Return the bytes to append now."""
        self._flush()
        data = b"".join(self._ready)
        self._ready.clear()
        return data

    def _flush(self) -> None:
        if not self._lines:
            return
        data = self._blocks.write(b"".join(self._lines))
        self._lines.clear()
        self._lines_bytes = 0
        self._ready.append(data)
        self.size_bytes += len(data)


def read_segment(
    stream: BinaryIO, source: str, offset_bytes: int = 0, line: int = 0
) -> Iterator[Record | SegmentFault]:
    """Yield the records of a segment in their order, and in their places what could not be read.

    Args:
        stream: the file; seekable; nothing is closed
        source: names the recording in faults
        offset_bytes: the block to begin at
        line: the records before it; ``SegmentIndex.seek`` tells both
    """
    for block in read_blocks(stream, offset_bytes):
        for item in decode_block(block, source, line):
            line += not isinstance(item, DamagedBlock)
            yield item


def decode_block(block: Block, source: str, line: int) -> Iterator[Record | SegmentFault]:
    """Yield the records of ``block``, before which there are ``line`` records."""
    if block.fault:
        yield DamagedBlock(source, block.offset_bytes, block.fault)
        return
    *lines, rest = block.content.split(b"\n")
    for number, text in enumerate(lines, line + 1):
        yield decode_line(text, source, number)
    if rest:
        yield TruncatedRecording(source, line + len(lines) + 1, "the last line is torn")


def build_index(
    stream: BinaryIO, source: str, observe: Callable[[Record], None] | None = None
) -> tuple[SegmentIndex, list[SegmentFault]]:
    """Read all of a segment; return its index and its faults. ``observe`` is called with every record.

    A last block that has not ended has no entry, as in the index that its process wrote. The segment has ended in order
    if its last record says so.
    """
    entries: list[BlockEntry] = []
    faults: list[SegmentFault] = []
    last: Record | None = None
    line = 0
    for block in read_blocks(stream):
        tally = BlockTally()
        for item in decode_block(block, source, line):
            if isinstance(item, Record):
                tally.add(item)
                last = item
                if observe is not None:
                    observe(item)
            else:
                faults.append(item)
        line += tally.lines
        if block.is_whole:
            entries.append(tally.entry(block.offset_bytes, block.size_bytes, block.sha256))
    return SegmentIndex(entries, last is not None and last.kind is RecordKind.END), faults


def decode_head(record: Record, source: str) -> SegmentHead:
    """Return the head that the first record of a segment tells.

    Raises:
        WrongFormat: it is none, or of a later version than this one reads
    """
    hint = "this file was not written by foretick's recorder; foretick recordings list shows what is"
    if record.kind is not RecordKind.BEGIN:
        raise WrongFormat(source, 1, "a segment does not begin with its head", hint)
    try:
        head = msgspec.json.decode(record.payload, type=SegmentHead)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WrongFormat(source, 1, f"the head cannot be read: {error}", hint) from error
    if head.format != "foretick-recording":
        raise WrongFormat(source, 1, f"the format is {head.format!r}", hint)
    if head.version != 1:
        raise WrongFormat(source, 1, f"version {head.version} of the format", "update foretick to read it")
    return head
