"""The recordings of a replay as one sequence of entries, the same whenever it is read. Blocking.

The segments of one producer follow each other and are one source; any other file is a source of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, takewhile
from pathlib import Path
from typing import NamedTuple

import msgspec

from foretick.common.errors import Malformed
from foretick.common.units import NS_PER_S
from foretick.ingest.adapters.replay.formats import market_of
from foretick.market.recording import merge_recordings
from foretick.market.recording.faults import BadLine, WrongFormat
from foretick.market.recording.index import SegmentIndex, decode_index
from foretick.market.recording.records import Record, RecordKind, SegmentHead
from foretick.market.recording.seeking import SegmentView, read_from
from foretick.market.recording.segments import SEGMENT_SUFFIX, index_name, parse_segment_name
from foretick.market.recording.sources import SourceFormat, detect_format, read_source

DEFAULT_VENUE = "binance"
"""The venue of a plain capture whose name says none."""

_PROCESSES = 100_000
_NUMBERS = 1_000_000_000
_DISORDER_NS = 10 * NS_PER_S
"""A segment holds nothing that is earlier than its beginning by more than this."""
_RAW = (SourceFormat.SEGMENT, SourceFormat.STAMPED_LINES, SourceFormat.VENUE_CAPTURE)


class Entry(NamedTuple):
    """A record with its place.

    venue: our market, where the recording has one name for several
    source: number of its source
    connection: its connection among those of all sources and processes
    number: its number in the recording
    """

    recv_ns: int
    venue: str
    source: int
    connection: int
    number: int
    record: Record


class ReplayStart(NamedTuple):
    """Where to begin in the segments of every producer.

    from_ns: what was received earlier is left out
    known: of each source, what has to be known of before: listings, open connections and what was sent on them
    """

    from_ns: int
    known: Sequence[Sequence[Record]]


class ReplayFiles:
    """The files that ``paths`` name, of a folder all its segments.

    Raises:
        Malformed: a folder without a segment, or a file that holds no raw frames
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        files: list[Path] = []
        for path in paths:
            found = sorted(path.glob(f"*{SEGMENT_SUFFIX}")) if path.is_dir() else [path]
            if not found:
                raise Malformed(str(path), f"the folder holds no segment (*{SEGMENT_SUFFIX})")
            files += found
        for path in files:
            _check_format(path)
        grouped: dict[object, list[Path]] = {}
        for number, path in enumerate(files):
            name = parse_segment_name(path.name)
            grouped.setdefault((path.parent, name.producer) if name else number, []).append(path)
        self.sources = [sorted(group) for group in grouped.values()]

    @property
    def names(self) -> list[str]:
        """What the sources are called."""
        return [", ".join(path.name for path in group) for group in self.sources]

    @property
    def are_segments(self) -> bool:
        """Whether all of it is of our own format."""
        return all(parse_segment_name(path.name) for group in self.sources for path in group)

    def entries(self, start: ReplayStart | None = None) -> Iterator[Entry | Malformed]:
        """Yield everything, or from ``start`` on, merged by receive time."""
        return merge_recordings(
            _placed(_read_all(group) if start is None else _read_from(group, start, number), number)
            for number, group in enumerate(self.sources)
        )


def until(entries: Iterable[Entry | Malformed], to_ns: int) -> Iterator[Entry | Malformed]:
    """Yield ``entries`` up to the first one later than ``to_ns``."""
    return takewhile(lambda item: isinstance(item, Malformed) or item.recv_ns <= to_ns, entries)


def _check_format(path: Path) -> None:
    with path.open("rb") as stream:
        format_ = detect_format(stream, path.name)
    if format_ not in _RAW:
        raise WrongFormat(
            path.name, 1, f"{format_} holds rows, not what a venue sent",
            "replay segments, captures of lines `recv_ns json`, or venue captures",
        )  # fmt: skip


def _read(path: Path) -> Iterator[Record | Malformed]:
    with path.open("rb") as stream:
        format_ = detect_format(stream, path.name)
        says_venue = path.name.startswith(("binance_spot", "binance_usdm", "binance_cm"))
        venue = DEFAULT_VENUE if format_ is SourceFormat.STAMPED_LINES and not says_venue else ""
        items = (item for item in read_source(stream, path.name, venue) if isinstance(item, Record | Malformed))
        if format_ is SourceFormat.VENUE_CAPTURE:  # it has the requests first, then one connection after the other
            items = iter(sorted(items, key=lambda item: item.recv_ns if isinstance(item, Record) else 0))
        yield from items


def _read_all(group: Sequence[Path]) -> Iterator[Record | Malformed]:
    return chain.from_iterable(map(_read, group))


def _read_from(group: Sequence[Path], start: ReplayStart, source: int) -> Iterator[Record | Malformed]:
    """Read the segments of a producer from ``start`` on: nothing of those before it, of its own no earlier block."""
    yield from start.known[source]
    begun = [name.begun_ns if (name := parse_segment_name(path.name)) else 0 for path in group]
    first = max(0, sum(ns <= start.from_ns - _DISORDER_NS for ns in begun) - 1)
    for path, begun_ns in zip(group[first:], begun[first:], strict=True):
        yield from _read_segment_from(path, start.from_ns) if begun_ns <= start.from_ns else _read(path)


def _read_segment_from(path: Path, from_ns: int) -> Iterator[Record | Malformed]:
    with path.open("rb") as stream:
        index = SegmentIndex([])
        with suppress(OSError, BadLine), path.with_name(index_name(path.name)).open("rb") as lines:
            index = decode_index(lines, path.name)
        view = SegmentView(stream, path.name, index)
        yield from (item for item in read_from([view], from_ns) if isinstance(item, Record | Malformed))


def _placed(items: Iterable[Record | Malformed], source: int) -> Iterator[Entry | Malformed]:
    """Give each record its market and its connection; numbers of connections begin anew with each process."""
    process = 0
    markets: dict[tuple[str, int], str] = {}
    for item in items:
        if isinstance(item, Malformed):
            yield item
            continue
        if item.kind is RecordKind.BEGIN and begins_process(item.payload):
            process += 1
            markets.clear()
        if item.kind is RecordKind.OPENED:
            markets[item.venue, item.connection] = market_of(item.venue, item.payload.decode(errors="replace"))
        if item.kind is RecordKind.REST:
            venue = market_of(item.venue, item.url)
        else:
            venue = markets.get((item.venue, item.connection), item.venue)
        connection = (source * _PROCESSES + process) * _NUMBERS + item.connection
        yield Entry(item.recv_ns, venue, source, connection, item.connection, item)


def begins_process(head: bytes) -> bool:
    """Tell whether a segment with ``head`` is the first one of a process, whose connections are numbered from 1."""
    try:
        return msgspec.json.decode(head, type=SegmentHead).segment == 1
    except (msgspec.DecodeError, UnicodeDecodeError):
        return True
