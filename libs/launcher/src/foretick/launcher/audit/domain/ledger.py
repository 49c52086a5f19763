"""The record of one instrument as it is gathered: which numbers exist, and what that says of those that don't."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from foretick.launcher.audit.domain.faults import Fault, FaultKind
from foretick.launcher.audit.domain.spans import Span, intersect, merge, subtract, total

Key = tuple[str, str]
"""An instrument: (venue, symbol)."""

FIRST_SEQ = 1
"""A run numbers the events of each instrument from here on."""


@dataclass(frozen=True, slots=True)
class Break:
    """A recorded event that is not the plain successor of the one before it, in the order of number and epoch."""

    seq: int
    prev_seq: int | None
    epoch: int
    prev_epoch: int | None


@dataclass(slots=True)
class EventRows:
    """Which numbers of an instrument have rows. Feed it every break in order, then ``close`` it with the last number.

    events: rows, doubled ones counted as often as they are there
    """

    present: list[Span] = field(default_factory=list[Span])
    doubled: list[Span] = field(default_factory=list[Span])
    fallen: list[Span] = field(default_factory=list[Span])
    events: int = 0
    _start: int | None = None

    def note(self, found: Break) -> None:
        """Take the next break."""
        if found.prev_epoch is not None and found.epoch < found.prev_epoch and found.seq != found.prev_seq:
            self.fallen.append(Span(found.seq, found.seq))
        if found.prev_seq is None or self._start is None:
            self._start = found.seq
        elif found.seq == found.prev_seq:
            self.doubled.append(Span(found.seq, found.seq))
            self.events += 1
        elif found.seq > found.prev_seq + 1:
            self._end(found.prev_seq)
            self._start = found.seq

    def close(self, last_seq: int | None) -> None:
        """End with the highest number that has a row; None where none has."""
        if last_seq is not None:
            self._end(last_seq)
        self.doubled = merge(self.doubled)
        # Where numbers are doubled, two writers' epochs lie side by side in any order.
        self.fallen = subtract(self.fallen, self.doubled)

    @property
    def extent(self) -> Span | None:
        """From the first to the last number that has a row."""
        return Span(self.present[0].first, self.present[-1].last) if self.present else None

    def _end(self, last_seq: int) -> None:
        if self._start is not None:
            self.present.append(Span(self._start, last_seq))
            self.events += self.present[-1].size


def missing_numbers(present: list[Span], recorded_through_seq: int | None) -> list[Span]:
    """Return the numbers that should have rows and have none.

    What is before the first row may have been expired with its day, so it is not judged here.

    Args:
        present: the numbers that have rows, ascending
        recorded_through_seq: how far the recorder says that it has come; None when it does not say
    """
    if not present:
        return []
    last = max(present[-1].last, recorded_through_seq or 0)
    return subtract([Span(present[0].first, last)], present)


@dataclass(slots=True)
class InstrumentLedger:
    """All that was found of one instrument so far.

    missing: numbers that should have rows and have none; those in ``declared_gaps`` are accounted for
    declared_gaps: what ingest declared as lost, in fewest ranges, by ``gap_records``; noticed_gaps: what the recorder
        noticed
    """

    key: Key
    rows: EventRows = field(default_factory=EventRows)
    missing: list[Span] = field(default_factory=list[Span])
    declared_gaps: list[Span] = field(default_factory=list[Span])
    noticed_gaps: list[Span] = field(default_factory=list[Span])
    gap_records: int = 0
    faults: list[Fault] = field(default_factory=list[Fault])
    derived: dict[str, int] = field(default_factory=dict[str, int])
    stream: Span | None = None
    compared: int = 0
    waiting: int = 0

    @property
    def undeclared(self) -> list[Span]:
        """Missing numbers that no gap record of ingest covers."""
        return subtract(self.missing, self.declared_gaps)

    @property
    def declared(self) -> list[Span]:
        """Missing numbers that a gap record of ingest covers."""
        return intersect(self.missing, self.declared_gaps)

    def judge_rows(self) -> None:
        """Turn what the rows say into faults."""
        undeclared = self.undeclared
        noticed = total(intersect(undeclared, self.noticed_gaps))
        note = f"the recorder noticed {noticed} of them as it wrote: they never came to it" if noticed else ""
        self.blame(FaultKind.MISSING, undeclared, note)
        self.blame(FaultKind.DOUBLED, self.rows.doubled)
        self.blame(FaultKind.EPOCH_FELL, self.rows.fallen)

    def blame(self, kind: FaultKind, spans: Iterable[tuple[int, int]], note: str = "") -> None:
        """Add a fault for each of ``spans``, neighbours together."""
        self.faults += [Fault(kind, span, note) for span in merge(spans)]
