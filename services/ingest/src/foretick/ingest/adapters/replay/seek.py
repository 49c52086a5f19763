"""Where a replay of our own format begins to read for a part of it: found by the indexes, from its last blocks back.

Blocking. A segment without an index, or whose index is torn, is read to make one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from foretick.common.errors import Malformed
from foretick.ingest.adapters.replay.files import ReplayStart, begins_process
from foretick.ingest.adapters.replay.rebuild_points import RebuildSearch, find_overlaps
from foretick.ingest.adapters.replay.span import Span
from foretick.market.recording.blocks import read_blocks
from foretick.market.recording.faults import BadLine
from foretick.market.recording.index import BlockEntry, SegmentIndex, decode_index
from foretick.market.recording.records import Record, RecordKind, ownership_of
from foretick.market.recording.seeking import Instrument
from foretick.market.recording.segments import build_index, decode_block, index_name, read_segment

_TOLD_APART = (RecordKind.BEGIN, RecordKind.END, RecordKind.GAP)
_OF_STATE = (
    RecordKind.BEGIN, RecordKind.LISTING, RecordKind.OWNED, RecordKind.OPENED, RecordKind.CLOSED, RecordKind.RETIRED,
)  # fmt: skip
_TURN_NS = 100_000_000


@dataclass(frozen=True, slots=True)
class _Segment:
    """``tail_last_ns``: the latest time behind what the index knows of; 0 where there is nothing."""

    path: Path
    index: SegmentIndex
    tail_last_ns: int = 0


class SegmentSeek:
    """Looks for what a part of the recordings needs of before. ``sources`` are the segments of each producer."""

    def __init__(self, sources: Sequence[Sequence[Path]]) -> None:
        self._sources = [[_open(path) for path in group] for group in sources]

    def span(self) -> Span:
        """Return the time of what a venue sent or was sent, from the first to the last."""
        firsts = (next(_market_times(chain.from_iterable(map(_records, group))), 0) for group in self._sources)
        lasts = (_last_ns(group) for group in self._sources)
        return Span(min((ns for ns in firsts if ns), default=0), max(lasts, default=0))

    def find(self, shown_ns: int) -> ReplayStart | None:
        """Return where to begin so that all is as in a whole replay from ``shown_ns`` on; None: at the beginning."""
        states = [list(_state_records(group)) for group in self._sources]
        wanted = _wanted(chain.from_iterable(states))
        at_ns = shown_ns // _TURN_NS * _TURN_NS - 1
        overlaps = [each for number, records in enumerate(states) for each in find_overlaps(records, number)]
        search = RebuildSearch(wanted, at_ns, sorted(overlaps, key=lambda each: each.from_ns))
        for source, records in self._back(at_ns):
            search.see_back(records, source)
            if not search.missing:
                break
        if not wanted or search.missing:
            return None
        from_ns = search.from_ns // _TURN_NS * _TURN_NS
        return ReplayStart(from_ns, [_known_at(records, from_ns) for records in states])

    def _back(self, at_ns: int) -> Iterator[tuple[int, list[Record]]]:
        """Yield source and records of each block that begins at or before ``at_ns``, the latest block first."""
        blocks: list[tuple[int, int, int, int, Callable[[], list[Record]]]] = []
        for source, group in enumerate(self._sources):
            for number, segment in enumerate(group):
                blocks += [
                    (entry.last_ns, source, number, entry.offset_bytes, lambda s=segment, e=entry: _block(s, e))
                    for entry in segment.index.blocks
                    if entry.first_ns <= at_ns
                ]
                if segment.tail_last_ns:
                    place = segment.tail_last_ns, source, number, segment.index.size_bytes
                    blocks.append((*place, lambda s=segment: _tail(s)))
        for _, source, _, _, load in sorted(blocks, key=lambda each: each[:4], reverse=True):
            yield source, load()


def _open(path: Path) -> _Segment:
    index: SegmentIndex | None = None
    with suppress(OSError, BadLine), path.with_name(index_name(path.name)).open("rb") as lines:
        index = decode_index(lines, path.name)
    if index is None:
        with path.open("rb") as stream:
            index = build_index(stream, path.name)[0]
    segment = _Segment(path, index)
    return segment if index.has_ended else _Segment(path, index, max(map(_time, _tail(segment)), default=0))


def _records(segment: _Segment) -> Iterator[Record]:
    with segment.path.open("rb") as stream:
        yield from (item for item in read_segment(stream, segment.path.name) if isinstance(item, Record))


def _block(segment: _Segment, entry: BlockEntry) -> list[Record]:
    with segment.path.open("rb") as stream:
        blocks = islice(read_blocks(stream, entry.offset_bytes), 1)
        items = chain.from_iterable(decode_block(block, segment.path.name, 0) for block in blocks)
        return [item for item in items if isinstance(item, Record)]


def _tail(segment: _Segment) -> list[Record]:
    """Return what stands behind the last block that the index knows of."""
    with segment.path.open("rb") as stream:
        items = read_segment(stream, segment.path.name, segment.index.size_bytes)
        return [item for item in items if isinstance(item, Record)]


def _time(record: Record) -> int:
    return record.recv_ns


def _market_times(records: Iterable[Record]) -> Iterator[int]:
    return (record.recv_ns for record in records if record.kind not in _TOLD_APART)


def _last_ns(group: Sequence[_Segment]) -> int:
    last_ns = 0
    for segment in reversed(group):
        last_ns = max(last_ns, max(_market_times(_tail(segment) if segment.tail_last_ns else ()), default=0))
        for entry in reversed(segment.index.blocks):
            if entry.last_ns > last_ns:
                last_ns = max(last_ns, max(_market_times(_block(segment, entry)), default=0))
        if last_ns:
            return last_ns
    return last_ns


def _state_records(group: Sequence[_Segment]) -> Iterator[Record]:
    """Yield what concerns connections, listings and ownership, and what was sent after a connection was opened."""
    for segment in group:
        opened_before = False
        for entry in segment.index.blocks:
            kinds = {name.rpartition(" ")[2] for name in entry.counts}
            if opened_before or not kinds.isdisjoint(_OF_STATE):
                yield from _of_state(_block(segment, entry))
            opened_before = RecordKind.OPENED in kinds
        if segment.tail_last_ns:
            yield from _of_state(_tail(segment))


def _of_state(records: Iterable[Record]) -> Iterator[Record]:
    return (record for record in records if record.kind in _OF_STATE or record.kind is RecordKind.SENT)


def _wanted(states: Iterable[Record]) -> set[Instrument]:
    """Return the instruments that the recording processes published, or all that they listed where none said so."""
    listed: set[Instrument] = set()
    owned: set[Instrument] = set()
    for record in states:
        if record.kind is RecordKind.LISTING:
            listed.add((record.venue, record.symbol))
        elif record.kind is RecordKind.OWNED:
            with suppress(Malformed):
                owned |= {(record.venue, symbol) for symbol in ownership_of(record).symbols}
    return (owned & listed) or listed


def _known_at(records: Iterable[Record], from_ns: int) -> list[Record]:
    """Return what of the state records of a source holds at ``from_ns``, stamped with that time.

    Of each instrument all listings until then, as a grid depends on all of them; of one that is listed only later its
    first: a replay of all knows it from the beginning, too.
    """
    listings: dict[Instrument, list[Record]] = {}
    connections: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        key = record.venue, record.connection
        if record.kind is RecordKind.LISTING:
            told = listings.setdefault((record.venue, record.symbol), [])
            if not told or (record.recv_ns < from_ns and record.payload != told[-1].payload):
                told.append(record)
        elif record.recv_ns >= from_ns:
            continue
        elif record.kind is RecordKind.BEGIN and begins_process(record.payload):
            connections.clear()
        elif record.kind is RecordKind.OPENED:
            connections[key] = [record]
        elif record.kind in (RecordKind.CLOSED, RecordKind.RETIRED):
            connections.pop(key, None)
        elif record.kind is RecordKind.SENT and key in connections:
            connections[key].append(record)
    known = [*chain.from_iterable(listings.values()), *chain.from_iterable(connections.values())]
    return [record._replace(recv_ns=from_ns) for record in known]
