"""From where on a recording has to be read so that, at an instant, everything is as if all of it had been read. Pure.

It is gone back through the recording until of each instrument two things are found: what its book was last rebuilt
from, and a trade, by which repeated trades are known. What a book was rebuilt from is, by the venue's rule,

- the last full book that its stream sent, or the last best bid and ask where there is no book;
- of books that are asked for, the last answer that was needed: the connection had been opened, and no answer had come
  since; or updates had come all the time, so that nobody asked only to look whether a silent book was still right. An
  answer to such a question changes no book that is LIVE.

A full book that a connection brought before it took another one's place counts from when it did, and is read from its
opening on.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from foretick.common.errors import Malformed
from foretick.common.units import NS_PER_S
from foretick.ingest.adapters.replay.files import begins_process
from foretick.ingest.adapters.replay.formats import VenueFormat, format_of
from foretick.ingest.domain.events import MarketEvent, Trade
from foretick.ingest.domain.rules import MarketRules
from foretick.ingest.ports import WireFormat
from foretick.market.integrity import Anchor, Delta, Snapshot, Top
from foretick.market.recording.records import Record, RecordKind
from foretick.market.recording.seeking import REST_LEAD_IN_NS, Instrument

OVERLAP_NS = 60 * NS_PER_S
"""A connection follows beside the one that it will replace for seconds; longer it never does."""

TRADE_LOOK_BACK_NS = 3600 * NS_PER_S
"""An instrument without a trade for so long is not looked for further back."""

_OK_BELOW = 400
_ANY_DEPTH = 1000


class Overlap(NamedTuple):
    """A time in which a connection of ``venue`` followed beside one that was retired in the end, UTC ns."""

    source: int
    venue: str
    from_ns: int
    to_ns: int


def find_overlaps(records: Iterable[Record], source: int) -> list[Overlap]:
    """Return the overlaps that the records of connections of one source tell, in their order."""
    opened: dict[tuple[str, int], int] = {}
    overlaps: list[Overlap] = []
    for record in records:
        if record.kind is RecordKind.OPENED:
            opened[record.venue, record.connection] = record.recv_ns
        elif record.kind is RecordKind.RETIRED:
            begun = [
                at_ns
                for (venue, number), at_ns in opened.items()
                if venue == record.venue and number > record.connection and record.recv_ns - at_ns <= OVERLAP_NS
            ]
            overlaps += [Overlap(source, record.venue, at_ns, record.recv_ns) for at_ns in begun]
    return overlaps


@dataclass(slots=True)
class _Course:
    """What was found of one instrument, going back.

    earliest_ns: of its updates so far
    answer_ns: of an answer that may have been needed
    """

    point_ns: int | None = None
    trade_ns: int | None = None
    earliest_ns: int | None = None
    answer_ns: int | None = None


@dataclass
class RebuildSearch:
    """Goes back from ``at_ns`` through the records of the sources; of ``wanted`` instruments the state matters."""

    wanted: Collection[Instrument]
    at_ns: int
    overlaps: Sequence[Overlap] = ()
    _courses: dict[Instrument, _Course] = field(init=False)
    _carried: dict[tuple[int, str, int], set[str]] = field(init=False, default_factory=dict)
    _wires: dict[str, WireFormat] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._courses = {instrument: _Course() for instrument in self.wanted}

    @property
    def missing(self) -> set[Instrument]:
        """The instruments of which something was not found yet."""
        return {each for each, course in self._courses.items() if course.point_ns is None or course.trade_ns is None}

    @property
    def from_ns(self) -> int:
        """From when on to read, by what was found."""
        found = [(course.point_ns, course.trade_ns) for course in self._courses.values()]
        from_ns = min((ns for pair in found for ns in pair if ns is not None), default=self.at_ns)
        for overlap in reversed(self.overlaps):  # the earliest last: a start may slip from one into another
            from_ns = overlap.from_ns if _is_in(overlap, from_ns) else from_ns
        return from_ns

    def see_back(self, records: Sequence[Record], source: int) -> None:
        """Take the next earlier ``records`` of a source, which stand in the order of the recording."""
        for record in reversed(records):
            if record.recv_ns > self.at_ns:
                continue
            if record.kind in (RecordKind.RECEIVED, RecordKind.REST):
                self._see_message(record, source)
            elif record.kind is RecordKind.OPENED:
                self._see_opening(record, source)
            elif record.kind is RecordKind.BEGIN and begins_process(record.payload):
                self._carried = {key: symbols for key, symbols in self._carried.items() if key[0] != source}
        if records and self.at_ns - records[0].recv_ns > TRADE_LOOK_BACK_NS:
            for course in self._courses.values():
                course.trade_ns = course.trade_ns or records[0].recv_ns

    def _see_message(self, record: Record, source: int) -> None:
        format_ = format_of(record.venue)
        if format_ is None:
            return
        is_asked = record.kind is RecordKind.REST
        for symbol, event in self._parsed(record, format_):
            course = self._courses.get((record.venue, symbol))
            if course is None:
                continue
            if not is_asked:
                self._carried.setdefault((source, record.venue, record.connection), set()).add(symbol)
            self._see_event(course, event, record, source, format_.rules(_ANY_DEPTH))

    def _parsed(self, record: Record, format_: VenueFormat) -> Iterable[tuple[str, MarketEvent]]:
        wire = self._wires.get(record.venue) or self._wires.setdefault(record.venue, format_.new_wire(record.venue))
        try:
            if record.kind is RecordKind.RECEIVED:
                parsed = wire.parse(record.payload)
            elif record.symbol and record.status < _OK_BELOW and not format_.is_of_listings(record.url):
                parsed = wire.parse_reply(record.symbol, record.payload)
            else:
                return ()
        except Malformed:
            return ()  # it makes no book
        return [(symbol, event) for symbol, event in parsed if symbol]  # type: ignore[misc]

    def _see_event(self, course: _Course, event: MarketEvent, record: Record, source: int, rules: MarketRules) -> None:
        at_ns = record.recv_ns
        if isinstance(event, Trade):
            course.trade_ns = course.trade_ns or at_ns
        if course.point_ns is not None:
            return
        anchor = rules.book.anchor
        if anchor is Anchor.TOP:
            course.point_ns = at_ns if isinstance(event, Top) else None
        elif anchor is Anchor.STREAM:
            course.point_ns = self._taken_ns(source, record.venue, at_ns) if isinstance(event, Snapshot) else None
        elif isinstance(event, Snapshot):
            course.answer_ns = at_ns if course.earliest_ns is not None else None  # nothing bridged to it yet
        elif isinstance(event, Delta):
            self._see_update(course, at_ns, rules)

    def _see_update(self, course: _Course, at_ns: int, rules: MarketRules) -> None:
        answer_ns = course.answer_ns
        if answer_ns is not None:
            after_ns = answer_ns if course.earliest_ns is None else min(answer_ns, course.earliest_ns)
            if rules.probe_ns and after_ns - at_ns >= rules.probe_ns:
                course.answer_ns = None  # it may have been asked for only to look
            elif answer_ns - at_ns >= REST_LEAD_IN_NS + rules.probe_ns:
                course.point_ns = answer_ns - REST_LEAD_IN_NS
        course.earliest_ns = at_ns

    def _see_opening(self, record: Record, source: int) -> None:
        """Books of a connection that was opened, and replaced none, were built from the first answer after that."""
        if any(each[:3] == (source, record.venue, record.recv_ns) for each in self.overlaps):
            return
        for symbol in self._carried.pop((source, record.venue, record.connection), ()):
            course = self._courses[record.venue, symbol]
            if course.point_ns is None and course.answer_ns is not None:
                course.point_ns = min(course.answer_ns - REST_LEAD_IN_NS, record.recv_ns)

    def _taken_ns(self, source: int, venue: str, book_ns: int) -> int | None:
        """Return from when on to read for a full book; None for one that no connection in place had brought yet."""
        within = [each for each in self.overlaps if each[:2] == (source, venue) and _is_in(each, book_ns)]
        if any(each.to_ns > self.at_ns for each in within):
            return None
        return min((each.from_ns for each in within), default=book_ns)


def _is_in(overlap: Overlap, ns: int) -> bool:
    return overlap.from_ns <= ns <= overlap.to_ns
