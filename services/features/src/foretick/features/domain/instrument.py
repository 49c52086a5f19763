"""One instrument: frames in, feature readings out. A fold over its sequence; how frames cut it does not matter."""

from dataclasses import dataclass, field

from foretick.common.contracts import BookFrame, TickFrame, Trust, worst_trust
from foretick.common.errors import Malformed
from foretick.common.sequence import Admission, SequenceAudit
from foretick.features.domain.book_state import BookState
from foretick.features.domain.columns import EventColumns
from foretick.market.bars import BarEngine, BarUpdate
from foretick.market.book import PriceGrid
from foretick.quant.events import DEPTH_LEVELS
from foretick.quant.kernel import FeatureKernel
from foretick.quant.kernel.vector import META_COLUMNS

Frame = TickFrame | BookFrame


@dataclass(frozen=True, slots=True)
class Reading:
    """The features of an instrument after the event ``asof_seq``; fields as in ``FeatureVector``."""

    asof_seq: int
    step: int
    ts_recv_ns: int
    ts_ingest_ns: int
    ts_event_ns: int | None
    mid: float | None
    values: list[float | None]
    warm: bool
    trust: Trust
    cross_seq: int | None = None


@dataclass(frozen=True, slots=True)
class DueBar:
    """A bar to be told, and the clocks of the event that made it due; those as in ``Reading``."""

    update: BarUpdate
    ts_ingest_ns: int
    ts_event_ns: int | None


@dataclass(frozen=True, slots=True)
class Folded:
    """What came of a frame: readings and bars due, and what the audit found. ``fault``: why part of it was unusable."""

    readings: list[Reading]
    admission: Admission
    fault: Malformed | None = None
    bars: list[DueBar] = field(default_factory=list[DueBar])


class Instrument:
    """The state of one instrument: its audit, its book, its bars and its row of the kernel.

    ``since_seq`` is the first event that went into it, None before there is one; ``lost_events`` how many of those
    after it did not come, a sequence that began anew counting as one.
    """

    def __init__(self, kernel: FeatureKernel, row: int, columns: EventColumns, bars: BarEngine) -> None:
        self.audit = SequenceAudit()
        self.since_seq: int | None = None
        self.lost_events = 0
        self.book = BookState()
        self.bars = bars
        self.row = row
        self.ts_event_ns: int | None = None
        self._kernel = kernel
        self._columns = columns
        self._grid: PriceGrid | None = None

    def fold(self, frame: Frame) -> Folded:
        """Fold what is new in ``frame``.

        Raises:
            Malformed: the frame contradicts itself; nothing of it was folded, so that its events count as lost.
        """
        if self.audit.next_seq is None:
            self.since_seq = frame.seq
        if isinstance(frame, TickFrame):
            return self._fold_ticks(frame)
        return self._fold_book(frame)

    def _fold_ticks(self, frame: TickFrame) -> Folded:
        count = len(frame.kinds)
        admission = self.audit.admit(frame.epoch, frame.seq, count)
        if admission.skip >= count:
            return Folded([], admission)
        self._note_loss(admission)
        try:
            new = self._columns.put_ticks(frame, admission.skip)
        except Malformed:
            self._lose()
            raise
        emitted = self._kernel.fold_buffers(self.row, self._columns.arrays, new)
        trust = worst_trust(frame.trust, self.book.trust)
        before = self.ts_event_ns
        readings = self._read(frame, admission.skip, emitted, frame.event_ns, [trust] * count)
        updates = self.bars.fold_ticks(frame, admission.skip)
        return Folded(readings, admission, bars=_due(updates, frame, frame.event_ns, admission.skip, before))

    def _fold_book(self, frame: BookFrame) -> Folded:
        count = len(frame.events)
        admission = self.audit.admit(frame.epoch, frame.seq, count)
        if admission.skip >= count:
            return Folded([], admission)
        self._note_loss(admission)
        grid = self._grid_of(frame)
        self._columns.reserve(count)
        trusts = [self.book.trust] * count
        fault: Malformed | None = None
        for row, event in enumerate(frame.events[admission.skip :]):
            try:
                trust = self.book.apply(event, grid)
            except Malformed as error:
                fault, trust = error, self.book.trust
            trusts[admission.skip + row] = trust
            if trust is Trust.LIVE:
                self._columns.put_depth(row, event.ts_recv_ns, *self.book.top(DEPTH_LEVELS))
            else:
                self._columns.put_state(row, event.ts_recv_ns, trust)
        emitted = self._kernel.fold_buffers(self.row, self._columns.arrays, count - admission.skip)
        event_ns = [event.ts_event_ns for event in frame.events]
        before = self.ts_event_ns
        readings = self._read(frame, admission.skip, emitted, event_ns, trusts)
        updates = self.bars.fold_book(frame, admission.skip)
        return Folded(readings, admission, fault, _due(updates, frame, event_ns, admission.skip, before))

    def _read(
        self, frame: Frame, skip: int, emitted: int, event_ns: list[int | None], trusts: list[Trust]
    ) -> list[Reading]:
        readings: list[Reading] = []
        done = skip
        interval_ns = self._kernel.grid.interval_ns
        for row in self._kernel.out[:emitted].tolist():
            index = skip + int(row[0])
            self._advance_event_clock(event_ns[done : index + 1])
            done = index + 1
            step = int(row[1])
            ts_recv_ns = step * interval_ns + int(row[2])
            values = [None if value != value else value for value in row[3:]]
            readings.append(
                Reading(
                    asof_seq=frame.seq + index,
                    step=step,
                    ts_recv_ns=ts_recv_ns,
                    ts_ingest_ns=_ingested_ns(frame, ts_recv_ns),
                    ts_event_ns=self.ts_event_ns,
                    mid=values[0],
                    values=values[META_COLUMNS - 3 :],
                    warm=row[4] > 0.0,
                    trust=trusts[index],
                    cross_seq=int(row[5]) if row[5] >= 0.0 else None,
                )
            )
        self._advance_event_clock(event_ns[done:])
        return readings

    def _advance_event_clock(self, event_ns: list[int | None]) -> None:
        for ts_ns in reversed(event_ns):
            if ts_ns is not None:
                self.ts_event_ns = ts_ns
                return

    def _note_loss(self, admission: Admission) -> None:
        if admission.lost or admission.renumbered:
            self.lost_events += admission.lost + admission.renumbered
            self._lose()

    def _lose(self) -> None:
        self.book.lose()
        self.bars.lose()
        self._kernel.void(self.row)

    def _grid_of(self, frame: BookFrame) -> PriceGrid:
        grid = self._grid
        if grid is None or (grid.tick_size, grid.lot_size) != (frame.tick_size, frame.lot_size):
            grid = self._grid = PriceGrid(frame.tick_size, frame.lot_size)
        return grid


def _ingested_ns(frame: Frame, ts_recv_ns: int) -> int:
    """Return ingest's wall clock for an event of ``frame``: its data time, except in a replay."""
    return ts_recv_ns if frame.ts_ingest_ns == frame.ts_recv_ns else frame.ts_ingest_ns


def _due(
    updates: list[BarUpdate], frame: Frame, event_ns: list[int | None], skip: int, ts_event_ns: int | None
) -> list[DueBar]:
    """Return ``updates`` with their clocks; ``ts_event_ns`` was the venue's before this frame."""
    due: list[DueBar] = []
    done = skip
    for update in updates:
        for ts_ns in event_ns[done : update.row + 1]:
            ts_event_ns = ts_event_ns if ts_ns is None else ts_ns
        done = update.row + 1
        due.append(DueBar(update, _ingested_ns(frame, update.ts_recv_ns), ts_event_ns))
    return due
