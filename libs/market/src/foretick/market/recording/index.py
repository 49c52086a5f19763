"""What a segment holds, block by block: a text beside it, one JSON object a line, that can be made anew from the data.

The first line names the segment, then comes a line a block as it ends, and a last line once the segment has ended in
order. A segment whose process was killed has no last line, and its last block may be in no line.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate

import msgspec

from foretick.market.recording.faults import BadLine
from foretick.market.recording.records import Record


class BlockEntry(msgspec.Struct, frozen=True, kw_only=True, tag="block", tag_field="line"):
    """One block of a segment.

    offset_bytes, size_bytes: where it lies in the file
    lines: how many records it holds
    first_ns, last_ns: the earliest and the latest time in it, UTC ns
    counts: records by ``venue kind``
    sha256: of its bytes in the file
    """

    offset_bytes: int
    size_bytes: int
    lines: int
    first_ns: int
    last_ns: int
    counts: dict[str, int]
    sha256: str


class IndexHead(msgspec.Struct, frozen=True, kw_only=True, tag="index", tag_field="line"):
    """The first line of an index."""

    segment: str
    version: int = 1


class IndexEnd(msgspec.Struct, frozen=True, kw_only=True, tag="end", tag_field="line"):
    """The last line of an index: the segment ended in order and holds this much."""

    size_bytes: int
    lines: int


IndexLine = IndexHead | BlockEntry | IndexEnd

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[IndexLine] = msgspec.json.Decoder(IndexLine)


class BlockTally:
    """Counts what goes into a block."""

    def __init__(self) -> None:
        self.lines = self.first_ns = self.last_ns = 0
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, record: Record) -> None:
        """Count ``record``."""
        self.first_ns = min(self.first_ns, record.recv_ns) if self.lines else record.recv_ns
        self.last_ns = max(self.last_ns, record.recv_ns)
        self.lines += 1
        self._counts[record.venue, record.kind] += 1

    def entry(self, offset_bytes: int, size_bytes: int, sha256: str) -> BlockEntry:
        """Return the entry of the block that lies there."""
        return BlockEntry(
            offset_bytes=offset_bytes,
            size_bytes=size_bytes,
            lines=self.lines,
            first_ns=self.first_ns,
            last_ns=self.last_ns,
            counts={f"{venue} {kind}": count for (venue, kind), count in sorted(self._counts.items())},
            sha256=sha256,
        )


class SegmentIndex:
    """What a segment holds, and where its blocks lie.

    has_ended: whether the segment ended in order
    """

    def __init__(self, blocks: Sequence[BlockEntry], has_ended: bool = False) -> None:
        self.blocks = tuple(blocks)
        self.has_ended = has_ended
        self._latest_ns = list(accumulate((block.last_ns for block in self.blocks), max))

    @property
    def lines(self) -> int:
        """How many records it holds."""
        return sum(block.lines for block in self.blocks)

    @property
    def size_bytes(self) -> int:
        """Where the last block ends."""
        return self.blocks[-1].offset_bytes + self.blocks[-1].size_bytes if self.blocks else 0

    @property
    def first_ns(self) -> int:
        """The earliest time in it; 0 where it holds nothing."""
        return min((block.first_ns for block in self.blocks), default=0)

    @property
    def last_ns(self) -> int:
        """The latest time in it; 0 where it holds nothing."""
        return self._latest_ns[-1] if self._latest_ns else 0

    @property
    def counts(self) -> dict[str, int]:
        """Records by ``venue kind``."""
        total: Counter[str] = Counter()
        for block in self.blocks:
            total.update(block.counts)
        return dict(sorted(total.items()))

    def seek(self, at_ns: int) -> tuple[int, int]:
        """Return where the first block that reaches ``at_ns`` begins, and how many records lie before it.

        Of a time after everything it is the end of the last block in the index.
        """
        number = bisect_left(self._latest_ns, at_ns)
        lines = sum(block.lines for block in self.blocks[:number])
        return (self.blocks[number].offset_bytes if number < len(self.blocks) else self.size_bytes), lines


def encode_index_line(line: IndexLine) -> bytes:
    """Return ``line`` as it stands in the file, with its line feed."""
    return _encoder.encode(line) + b"\n"


def decode_index(lines: Iterable[bytes], source: str) -> SegmentIndex:
    """Return the index that ``lines`` tell. A torn last line, of a process that was killed, is passed over.

    Raises:
        BadLine: for a line that is none of an index
    """
    blocks: list[BlockEntry] = []
    has_ended = False
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            break
        try:
            decoded = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadLine(source, number, f"is no line of an index: {error}", line) from error
        if isinstance(decoded, BlockEntry):
            blocks.append(decoded)
        has_ended = isinstance(decoded, IndexEnd)
    return SegmentIndex(blocks, has_ended)


def compare_indexes(stored: SegmentIndex, rebuilt: SegmentIndex) -> list[str]:
    """Return what ``stored`` says otherwise than the data, one sentence a block; empty where they agree.

    A last block that has no entry is no difference while the segment has not ended: it is entered when it ends.
    """
    faults: list[str] = []
    by_offset = {block.offset_bytes: block for block in rebuilt.blocks}
    for entry in stored.blocks:
        found = by_offset.pop(entry.offset_bytes, None)
        if found is None:
            faults.append(f"no readable block at byte {entry.offset_bytes}: {entry.lines} records are lost")
        elif found.sha256 != entry.sha256:
            faults.append(f"the block at byte {entry.offset_bytes} is not the one that was written")
        elif found != entry:
            faults.append(f"the block at byte {entry.offset_bytes} holds {found.lines} records, not {entry.lines}")
    if stored.has_ended:
        faults += [f"the block at byte {offset} is in no line of the index" for offset in by_offset]
    return faults
