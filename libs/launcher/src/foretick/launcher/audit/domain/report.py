"""The result of an audit: what each source covers, what exists, what is missing, what is wrong."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from foretick.launcher.audit.domain.faults import Fault, FaultKind
from foretick.launcher.audit.domain.spans import Span, merge, total

_SHOWN_SPANS = 6


@dataclass(frozen=True, slots=True)
class InstrumentReport:
    """What was found of one instrument of a run.

    rows: the numbers from the first to the last recorded event; None where there is none
    stream: the numbers that JetStream still holds, of which those recorded were compared; None where it was not read
    events: rows of ticks and book events
    declared: numbers without a row that a gap record of ingest covers
    gap_records: how many gap records ingest published
    faults: what is wrong, by kind and ascending
    compared: events of the stream that were held against their rows
    waiting: events of the stream that the recorder has not acknowledged yet
    derived: rows of each derived table
    """

    venue: str
    symbol: str
    rows: Span | None
    stream: Span | None = None
    events: int = 0
    declared: tuple[Span, ...] = ()
    faults: tuple[Fault, ...] = ()
    compared: int = 0
    waiting: int = 0
    derived: dict[str, int] = field(default_factory=dict[str, int])
    gap_records: int = 0

    @property
    def name(self) -> str:
        """Venue and symbol."""
        return f"{self.venue}:{self.symbol}"

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong: every loss has its gap record."""
        return not self.faults

    @property
    def first_seq(self) -> int | None:
        """The first recorded number."""
        return self.rows.first if self.rows else None

    @property
    def last_seq(self) -> int | None:
        """The last recorded number."""
        return self.rows.last if self.rows else None

    @property
    def missing(self) -> tuple[Span, ...]:
        """Numbers without a row that no gap record of ingest covers."""
        return self.of(FaultKind.MISSING)

    @property
    def doubled(self) -> tuple[Span, ...]:
        """Numbers with more than one row."""
        return self.of(FaultKind.DOUBLED)

    @property
    def conflicts(self) -> tuple[Span, ...]:
        """Numbers whose row differs from the stream."""
        return self.of(FaultKind.CONFLICT)

    def of(self, kind: FaultKind) -> tuple[Span, ...]:
        """Return the ranges with a fault of ``kind``."""
        return tuple(merge(fault.span for fault in self.faults if fault.kind is kind))


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was found of a run. ``notes`` tell what was not looked at, and why."""

    run_id: str
    instruments: tuple[InstrumentReport, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every instrument is."""
        return all(instrument.is_whole for instrument in self.instruments)

    @property
    def events(self) -> int:
        """Recorded events of all instruments."""
        return sum(instrument.events for instrument in self.instruments)

    @property
    def missing(self) -> int:
        """Events without a row and without a gap record, of all instruments."""
        return sum(total(instrument.missing) for instrument in self.instruments)

    @property
    def declared(self) -> int:
        """Events without a row that ingest declared as lost, of all instruments."""
        return sum(total(instrument.declared) for instrument in self.instruments)

    @property
    def doubled(self) -> int:
        """Numbers with more than one row, of all instruments."""
        return sum(total(instrument.doubled) for instrument in self.instruments)

    @property
    def gap_records(self) -> int:
        """Gap records that ingest published, of all instruments."""
        return sum(instrument.gap_records for instrument in self.instruments)

    def describe(self) -> str:
        """Return a table, the faults, the notes, and as the last line what to do next."""
        lines = [f"run {self.run_id}: {self.events:,} events of {len(self.instruments)} instruments", ""]
        lines += _table(self.instruments)
        for instrument in self.instruments:
            for kind in FaultKind:
                spans = instrument.of(kind)
                if spans:
                    lines += ["", f"{instrument.name}: {kind.label} {_list(spans)}", f"  {kind.meaning}"]
                    lines += [f"  {note}" for note in _notes(instrument, kind)]
        lines += ["", *(f"note: {note}" for note in self.notes), *([""] if self.notes else [])]
        return "\n".join([*lines, self._next_step()])

    def to_dict(self) -> dict[str, object]:
        """Return this as plain data for JSON."""
        return {
            "run_id": self.run_id,
            "is_whole": self.is_whole,
            "events": self.events,
            "missing": self.missing,
            "declared": self.declared,
            "gap_records": self.gap_records,
            "instruments": [_plain(instrument) for instrument in self.instruments],
            "notes": list(self.notes),
        }

    def _next_step(self) -> str:
        if self.is_whole:
            lost = f"; {self.declared:,} lost events have their gap record" if self.declared else ""
            return f"whole: nothing to do{lost}"
        kinds = {fault.kind for instrument in self.instruments for fault in instrument.faults}
        worst = next(kind for kind in FaultKind if kind in kinds)
        return f"NOT WHOLE ({', '.join(kind.label for kind in FaultKind if kind in kinds)}): {worst.advice}"


_HEADINGS = (
    "instrument",
    "rows",
    "events",
    "declared lost",
    "missing",
    "doubled",
    "other",
    "in stream",
    "compared",
    "waiting",
)


def _table(instruments: Iterable[InstrumentReport]) -> list[str]:
    cells = [_HEADINGS, *(_cells(instrument) for instrument in instruments)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADINGS))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in cells
    ]


def _cells(one: InstrumentReport) -> tuple[str, ...]:
    others = sum(fault.kind not in (FaultKind.MISSING, FaultKind.DOUBLED) for fault in one.faults)
    return (
        one.name, str(one.rows or "none"), f"{one.events:,}", f"{total(one.declared):,}", f"{total(one.missing):,}",
        f"{total(one.doubled):,}", f"{others:,}", str(one.stream or "-"), f"{one.compared:,}", f"{one.waiting:,}",
    )  # fmt: skip


def _list(spans: tuple[Span, ...]) -> str:
    shown = ", ".join(map(str, spans[:_SHOWN_SPANS]))
    return shown if len(spans) <= _SHOWN_SPANS else f"{shown} and {len(spans) - _SHOWN_SPANS} more ranges"


def _notes(instrument: InstrumentReport, kind: FaultKind) -> list[str]:
    return sorted({fault.note for fault in instrument.faults if fault.kind is kind and fault.note})


def _plain(one: InstrumentReport) -> dict[str, object]:
    return {
        "venue": one.venue,
        "symbol": one.symbol,
        "is_whole": one.is_whole,
        "rows": one.rows,
        "stream": one.stream,
        "events": one.events,
        "declared": one.declared,
        "gap_records": one.gap_records,
        "compared": one.compared,
        "waiting": one.waiting,
        "derived": one.derived,
        "faults": [
            {"kind": fault.kind.label, "first": fault.span.first, "last": fault.span.last, "note": fault.note}
            for fault in one.faults
        ],
    }
