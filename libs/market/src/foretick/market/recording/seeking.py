"""Where to begin a replay that is to show an instant with sound books: at the last full books at or before it.

What is a full book only a venue's parser knows, so it is given: a function that names the instruments whose whole book
a record holds. A replay from ``SoundStart.from_ns`` on, at full speed until the instant wanted, has every book there
that the recording can give.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import BinaryIO, NamedTuple

from foretick.common.units import NS_PER_S
from foretick.market.recording.blocks import read_blocks
from foretick.market.recording.index import SegmentIndex
from foretick.market.recording.records import Record, RecordKind
from foretick.market.recording.segments import SegmentFault, decode_block, read_segment

REST_LEAD_IN_NS = 10 * NS_PER_S
"""A book asked for over REST is older than its answer: the changes that bridge to it came meanwhile. A request takes no
longer than this."""

Instrument = tuple[str, str]
"""Venue and symbol."""

FullBooks = Callable[[Record], Iterable[Instrument]]
"""Names the instruments whose full book a record holds."""


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A segment that is open for reading."""

    stream: BinaryIO
    source: str
    index: SegmentIndex


class SoundStart(NamedTuple):
    """Where to begin.

    from_ns: read everything received from then on
    unknown: instruments of which there is no full book at or before the instant: their books come later
    """

    from_ns: int
    unknown: frozenset[Instrument]


def last_books(records: Iterable[object], at_ns: int, full_books: FullBooks) -> dict[Instrument, int]:
    """Return, for each instrument, from when on to read for its last full book at or before ``at_ns``.

    For sources without an index: ``records`` from the beginning, anything but a ``Record`` is passed over.
    """
    begins: dict[Instrument, int] = {}
    for record in records:
        if isinstance(record, Record) and record.recv_ns <= at_ns:
            begins.update(dict.fromkeys(full_books(record), _begin_ns(record)))
    return begins


def find_last_books(
    segments: Sequence[SegmentView], at_ns: int, full_books: FullBooks, wanted: Collection[Instrument]
) -> dict[Instrument, int]:
    """Return the same of ``segments``, in the order of their time, reading back no further than to the books wanted."""
    begins: dict[Instrument, int] = {}
    missing = set(wanted)
    for records in _blocks_back(segments, at_ns):
        found = last_books(records, at_ns, full_books)
        begins = found | begins
        missing -= found.keys()
        if not missing:
            break
    return begins


def sound_start(begins: dict[Instrument, int], at_ns: int, wanted: Collection[Instrument]) -> SoundStart:
    """Return where to begin so that at ``at_ns`` each of ``wanted`` has the book that ``begins`` knows of."""
    known = [begins[instrument] for instrument in wanted if instrument in begins]
    return SoundStart(min(known, default=at_ns), frozenset(wanted) - begins.keys())


def read_from(segments: Sequence[SegmentView], from_ns: int) -> Iterator[Record | SegmentFault]:
    """Yield what ``segments``, in the order of their time, received from ``from_ns`` on.

    Of the first block only what is not before that; behind it everything, also what is stamped earlier by a clock that
    went back.
    """
    return chain.from_iterable(_read_segment_from(segment, from_ns) for segment in segments)


def _read_segment_from(segment: SegmentView, from_ns: int) -> Iterator[Record | SegmentFault]:
    offset_bytes, line = segment.index.seek(from_ns)
    has_begun = False
    for item in read_segment(segment.stream, segment.source, offset_bytes, line):
        if not has_begun and isinstance(item, Record) and item.recv_ns < from_ns:
            continue
        has_begun = True
        yield item


def _begin_ns(book: Record) -> int:
    return book.recv_ns - (REST_LEAD_IN_NS if book.kind is RecordKind.REST else 0)


def _blocks_back(segments: Sequence[SegmentView], at_ns: int) -> Iterator[list[Record]]:
    """Yield the records of each block that begins at or before ``at_ns``, the last block first."""
    for segment in reversed(segments):
        blocks = segment.index.blocks
        if not segment.index.has_ended:
            tail = read_segment(segment.stream, segment.source, segment.index.size_bytes)
            yield [item for item in tail if isinstance(item, Record)]
        for entry in reversed(blocks):
            if entry.first_ns <= at_ns:
                for block in islice(read_blocks(segment.stream, entry.offset_bytes), 1):
                    items = decode_block(block, segment.source, 0)
                    yield [item for item in items if isinstance(item, Record)]
