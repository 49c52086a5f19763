"""An instrument folded a second time, from its recording, and what its published vectors are held to."""

import math
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from foretick.common.contracts import FeatureVector, Unchecked
from foretick.common.errors import Malformed
from foretick.features.domain.columns import EventColumns
from foretick.features.domain.instrument import Frame, Instrument, Reading
from foretick.features.domain.snapshot import InstrumentSnapshot, restore_instrument
from foretick.market.bars import BarEngine
from foretick.quant.cross_section import CROSS_COUNT, CrossReading
from foretick.quant.kernel import FeatureKernel, Grid
from foretick.quant.parameters import BAR_NS, CROSS_DELAY_S
from foretick.quant.registry import FEATURE_NAMES, SCHEMA_HASH

Sections = Mapping[int, CrossReading | None]
"""What recorded cross-sections say of the instrument, by second; None where one does not know it."""

KEPT_READINGS = 256
"""The latest readings of an instrument, which vectors are compared with."""

_FIELDS = ("step", "ts_recv_ns", "mid", "warm", "trust", "ts_event_ns")
_NO_BARS_NS = 10**18


@dataclass(frozen=True, slots=True)
class Kept:
    """A reading, and what had gone into the state that it was made from."""

    reading: Reading
    since_seq: int | None
    lost_events: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that a vector and the recording do not agree on; values as JSON spells them."""

    feature: str
    published: str
    recomputed: str


class Witness:
    """The fold of one instrument's recorded events, by a kernel of its own.

    It begins with the event ``since_seq``, or with a state that features had saved.
    """

    def __init__(self, grid: Grid, run_id: str, since_seq: int | None, saved: InstrumentSnapshot | None) -> None:
        self.from_start = saved is None
        self._grid = grid
        self._run_id = run_id
        self._since_seq = since_seq
        kernel = FeatureKernel(grid, capacity=1)
        self._instrument = Instrument(kernel, kernel.add(), EventColumns(), BarEngine((), _NO_BARS_NS))
        self._kept: OrderedDict[int, Kept] = OrderedDict()
        self._holes: deque[range] = deque(maxlen=KEPT_READINGS)
        if saved is not None:
            restore_instrument(self._instrument, kernel, msgspec.structs.replace(saved, bars=b""))

    @property
    def last_seq(self) -> int:
        """The last event that was folded; -1 before the first."""
        return self._instrument.audit.last_seq

    @property
    def since_seq(self) -> int | None:
        """The first event that went into the state; None before there is one."""
        return self._instrument.since_seq

    def fold(self, frames: Iterable[Frame]) -> None:
        """Fold the recorded ``frames`` of the run from the first event on; contradictory ones as live."""
        for frame in frames:
            if frame.run_id != self._run_id or self._is_before(frame):
                continue
            try:
                outcome = self._instrument.fold(frame)
            except Malformed:
                continue
            if outcome.admission.renumbered:
                self._kept.clear()
            if lost := outcome.admission.lost:
                self._holes.append(range(frame.seq - lost, frame.seq))
            for reading in outcome.readings:
                kept = Kept(reading, self._instrument.since_seq, self._instrument.lost_events)
                self._kept[reading.asof_seq] = kept
                if len(self._kept) > KEPT_READINGS:
                    self._kept.popitem(last=False)

    def covers(self, vector: FeatureVector) -> bool:
        """Whether ``vector`` falls where readings are kept."""
        return bool(self._kept) and next(iter(self._kept)) <= vector.asof_seq <= self.last_seq

    def judge(self, vector: FeatureVector, sections: Sections) -> Difference | Unchecked | None:
        """Hold a covered ``vector`` to the recording: the first difference, why it cannot be said, or None: equal."""
        if vector.schema_hash != SCHEMA_HASH or vector.interval_ns != self._grid.interval_ns:
            return Unchecked.OTHER_FEATURES
        if vector.since_seq is None:
            return Unchecked.UNMARKED
        kept = self._kept.get(vector.asof_seq)
        before = [seq for seq in self._kept if (vector.prev_asof_seq or 0) < seq < vector.asof_seq]
        lineage = kept or self._kept[max(seq for seq in self._kept if seq <= vector.asof_seq)]
        if reason := _mismatch(vector, lineage):
            return reason
        if kept is None and any(vector.asof_seq in hole for hole in self._holes):
            return Unchecked.RECORDING_LOST
        if kept is None:
            return Difference("asof_seq", _spell(vector.asof_seq), _spell(None))
        if vector.prev_asof_seq is not None and before:
            return Difference("prev_asof_seq", _spell(vector.prev_asof_seq), _spell(before[-1]))
        if vector.cross_seq is not None and vector.cross_seq not in sections:
            return Unchecked.CROSS_LOST
        return compare(vector, kept.reading, sections)

    def _is_before(self, frame: Frame) -> bool:
        if self._instrument.audit.next_seq is not None:
            return False
        return self._since_seq is not None and frame.seq < self._since_seq


def compare(vector: FeatureVector, reading: Reading, sections: Sections) -> Difference | None:
    """Return the first value in which ``vector`` is not, bit for bit, the recomputed ``reading``; None where it is.

    A vector may be without a cross-section; one that it names has to be the one that was due, and to give its values.
    """
    due = reading.ts_recv_ns // BAR_NS - CROSS_DELAY_S
    if vector.cross_seq not in (None, due):
        return Difference("cross_seq", _spell(vector.cross_seq), _spell(due))
    for name in _FIELDS:
        published, recomputed = getattr(vector, name), getattr(reading, name)
        if _spell(published) != _spell(recomputed):
            return Difference(name, _spell(published), _spell(recomputed))
    if len(vector.values) != len(reading.values):
        return Difference("values", str(len(vector.values)), str(len(reading.values)))
    recomputed_values = [*reading.values[:-CROSS_COUNT], *_cross_values(vector, sections)]
    for name, published, recomputed in zip(FEATURE_NAMES, vector.values, recomputed_values, strict=True):
        if not _same_bits(published, recomputed):
            return Difference(name, _spell(published), _spell(recomputed))
    return None


def _cross_values(vector: FeatureVector, sections: Sections) -> Sequence[float | None]:
    section = sections[vector.cross_seq] if vector.cross_seq is not None else None
    return section.values if section is not None and section.values else [None] * CROSS_COUNT


def _mismatch(vector: FeatureVector, kept: Kept) -> Unchecked | None:
    """Why the two states are not made of the same events; None where they are."""
    if kept.since_seq != vector.since_seq:
        return Unchecked.NO_START
    if kept.lost_events > vector.lost_events:
        return Unchecked.RECORDING_LOST
    return Unchecked.FEATURES_LOST if kept.lost_events < vector.lost_events else None


def _same_bits(published: float | None, recomputed: float | None) -> bool:
    if published is None or recomputed is None or published != recomputed:
        return _wire(published) is None and _wire(recomputed) is None
    return math.copysign(1.0, published) == math.copysign(1.0, recomputed)


def _wire(value: float | None) -> float | None:
    """What the wire carries of a value: it has no infinities and no NaN."""
    return value if value is not None and math.isfinite(value) else None


def _spell(value: object) -> str:
    return msgspec.json.encode(value).decode().strip('"')
