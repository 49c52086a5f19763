"""Messages as rows of the record's tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from foretick.common.contracts import (
    BookCounts,
    BookEvent,
    BookFrame,
    FeatureVector,
    Instrument,
    Message,
    Outcome,
    Prediction,
    TickFrame,
)
from foretick.common.errors import Malformed
from foretick.common.sequence import SequenceTally
from foretick.common.units import NS_PER_S
from foretick.ingest.domain.bar_parts import Mark
from foretick.ingest.domain.continuity import Gap, Positions, gap_before
from foretick.ingest.domain.derived_rows import feature_row, outcome_row, prediction_row
from foretick.ingest.domain.tables import TABLES

DAY_NS = 86_400 * NS_PER_S
_EARLIEST_NS = 1_577_836_800 * NS_PER_S  # 2020-01-01
_LATEST_NS = 4_102_444_800 * NS_PER_S  # 2100-01-01
_NO_COUNTS = (None,) * len(BookCounts.__struct_fields__)


@dataclass(slots=True)
class TickBlock:
    """Ticks that are alike in everything but the ``columns``: one instrument, one kind, one state."""

    constants: dict[str, str | int]
    columns: dict[str, list[Any]]

    def __len__(self) -> int:
        return len(self.columns["seq"])


_COLUMNS_OF_KIND: dict[str, tuple[str, ...]] = {
    "T": ("price", "qty", "side", "trade_id"),
    "Q": ("bid", "bid_qty", "ask", "ask_qty"),
    "D": ("mark_price", "index_price", "funding_rate_frac", "next_funding_ns", "open_interest_qty"),
    "L": ("price", "qty", "side"),
}
"""A letter that is not here is a clock event, and so is one that nobody knows yet."""

_BLANK_D = (None,) * len(_COLUMNS_OF_KIND["D"])
_BLANK_L = (None,) * len(_COLUMNS_OF_KIND["L"])


@dataclass(slots=True)
class Rows:
    """The rows of one commit. ``add`` takes a message in whole or, raising ``Malformed``, not at all.

    positions: moved past every message that was added
    marks: the events that are no ticks of table ``ticks``, for the bars
    seen: run, venue and symbol of every instrument with events here
    audit: what was left out or found missing on the way
    sample_interval_ns: of each instrument's feature vectors, the first in every such interval of data time is kept
    """

    positions: Positions
    sample_interval_ns: int
    ticks: dict[tuple[str | int, ...], TickBlock] = field(default_factory=dict[tuple[str | int, ...], TickBlock])
    others: dict[str, list[Sequence[Any]]] = field(
        default_factory=lambda: {table: [] for table in TABLES if table not in ("ticks", "bar_parts_1s")}
    )
    marks: list[Mark] = field(default_factory=list[Mark])
    seen: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    gaps: list[Gap] = field(default_factory=list[Gap])
    runs: dict[str, str] = field(default_factory=dict[str, str])
    instruments: dict[tuple[str, str, str], Instrument] = field(default_factory=dict[tuple[str, str, str], Instrument])
    days: set[int] = field(default_factory=set[int])
    audit: SequenceTally = field(default_factory=SequenceTally)

    def add(self, message: Message) -> None:
        """Add the rows of ``message``.

        Raises:
            Malformed: its parts contradict each other, or its time is absurd
        """
        if not _EARLIEST_NS <= message.ts_ingest_ns < _LATEST_NS:
            raise _malformed(message, f"ts_ingest_ns {message.ts_ingest_ns} lies outside 2020 to 2100")
        match message:
            case TickFrame():
                self._add_ticks(message)
            case BookFrame():
                self._add_book_events(message)
            case FeatureVector():
                if self.positions.is_sample(message, self.sample_interval_ns):
                    self.others["features"].append(feature_row(message))
            case Prediction():
                self.others["predictions"].append(prediction_row(message))
            case Outcome():
                self.others["outcomes"].append(outcome_row(message))
            case Instrument():
                self.instruments[message.run_id, message.venue, message.symbol] = message
            case _:
                raise _malformed(message, f"{type(message).__name__} is not recorded")
        self.days.add(message.ts_ingest_ns // DAY_NS)
        self.runs.setdefault(message.run_id, message.origin.value)

    def counts(self) -> dict[str, int]:
        """Return the number of rows by table."""
        counts = {table: len(rows) for table, rows in self.others.items()}
        counts["ticks"] = sum(map(len, self.ticks.values()))
        return counts

    def _admit(self, frame: TickFrame | BookFrame, count: int) -> int:
        admission = self.positions.admit(frame, frame.seq, count)
        self.seen.add((frame.run_id, frame.venue, frame.symbol))
        self.audit.count("ticks" if isinstance(frame, TickFrame) else "books", admission)
        if admission.lost:
            self.gaps.append(gap_before(frame, frame.seq, admission.lost))
        return admission.skip

    def _add_ticks(self, frame: TickFrame) -> None:
        _check_ticks(frame)
        kinds = frame.kinds
        skip = self._admit(frame, len(kinds))
        if skip == len(kinds):
            return
        for kind in set(kinds[skip:]):
            if kind in "DL":
                self._add_derivatives(frame, kind, skip)
                continue
            block = self._block(frame, kind)
            columns = block.columns
            source: Any = frame.trades if kind == "T" else frame.quotes
            if kinds.count(kind) == len(kinds):
                first = skip
                columns["seq"].extend(range(frame.seq + skip, frame.seq + len(kinds)))
                columns["recv_ns"].extend(frame.recv_ns[skip:] if skip else frame.recv_ns)
                columns["event_ns"].extend(frame.event_ns[skip:] if skip else frame.event_ns)
                count = len(kinds) - skip
            else:
                first = kinds.count(kind, 0, skip)
                at = [index for index in range(skip, len(kinds)) if kinds[index] == kind]
                columns["seq"].extend([frame.seq + index for index in at])
                columns["recv_ns"].extend([frame.recv_ns[index] for index in at])
                columns["event_ns"].extend([frame.event_ns[index] for index in at])
                count = len(at)
            columns["ingested_at"].extend([frame.ts_ingest_ns] * count)
            for name in _COLUMNS_OF_KIND.get(kind, ()):
                values = getattr(source, name)
                columns[name].extend(values[first:] if first else values)

    def _add_derivatives(self, frame: TickFrame, kind: str, skip: int) -> None:
        source = frame.derivatives if kind == "D" else frame.liquidations
        columns = [getattr(source, name) for name in _COLUMNS_OF_KIND[kind]]
        at = [index for index, letter in enumerate(frame.kinds) if letter == kind]
        instrument = (frame.run_id, frame.venue, frame.symbol)
        for index, values in zip(at, zip(*columns, strict=True), strict=True):
            if index < skip:
                continue
            recv_ns, seq = frame.recv_ns[index], frame.seq + index
            said = (*values, *_BLANK_L) if kind == "D" else (*_BLANK_D, *values)
            self.others["derivatives"].append((
                frame.ts_ingest_ns, recv_ns, recv_ns, frame.event_ns[index], frame.epoch, seq, *said, kind,
                frame.trust.value, frame.origin.value, *instrument,
            ))  # fmt: skip
            self.marks.append(Mark(instrument, seq, recv_ns, frame.trust.value))

    def _block(self, frame: TickFrame, kind: str) -> TickBlock:
        key = (kind, frame.trust, frame.epoch, frame.symbol, frame.venue, frame.origin, frame.run_id)
        block = self.ticks.get(key)
        if block is None:
            constants: dict[str, str | int] = {
                "kind": kind, "trust": frame.trust.value, "epoch": frame.epoch, "symbol": frame.symbol,
                "venue": frame.venue, "origin": frame.origin.value, "run_id": frame.run_id,
            }  # fmt: skip
            names = ("ingested_at", "recv_ns", "event_ns", "seq", *_COLUMNS_OF_KIND.get(kind, ()))
            block = self.ticks[key] = TickBlock(constants, {name: [] for name in names})
        return block

    def _add_book_events(self, frame: BookFrame) -> None:
        skip = self._admit(frame, len(frame.events))
        rows = self.others["book_events"]
        instrument = (frame.run_id, frame.venue, frame.symbol)
        for index, event in enumerate(frame.events[skip:], start=skip):
            rows.append((
                frame.ts_ingest_ns, event.ts_recv_ns, event.ts_recv_ns, event.ts_event_ns, frame.epoch,
                frame.seq + index, event.first_id, event.last_id, event.kind.value, event.reason,
                [price for price, _ in event.bids], [qty for _, qty in event.bids],
                [price for price, _ in event.asks], [qty for _, qty in event.asks],
                event.counts and msgspec.json.encode(event.counts),
                event.trust.value, frame.origin.value, *instrument,
            ))  # fmt: skip
            self.marks.append(Mark(instrument, frame.seq + index, event.ts_recv_ns, event.trust.value))
            self._note_trust(frame, event, frame.seq + index)
            if event.gap_from_seq is not None and event.gap_through_seq is not None:
                self.gaps.append(
                    Gap(
                        frame.run_id, frame.venue, frame.symbol, event.gap_from_seq, event.gap_through_seq,
                        "ingest", event.reason,
                    )
                )  # fmt: skip

    def _note_trust(self, frame: BookFrame, event: BookEvent, seq: int) -> None:
        """Add an integrity event if the trust of the book is another after ``event``."""
        before = self.positions.trust_of(frame)
        if before == event.trust:
            return
        self.positions.trusts[frame.venue, frame.symbol] = (frame.run_id, event.trust)
        counts = event.counts
        self.others["integrity_events"].append((
            frame.ts_ingest_ns, event.ts_recv_ns, event.ts_recv_ns, event.ts_event_ns, frame.epoch, seq,
            before and before.value, event.trust.value, event.reason,
            *(_NO_COUNTS if counts is None else msgspec.structs.astuple(counts)),
            frame.origin.value, frame.run_id, frame.venue, frame.symbol,
        ))  # fmt: skip


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """``Rows`` on their way to the database.

    payloads: by table, rows in COPY's binary format
    counts: by table, how many rows that is
    The other fields are those of ``Rows``.
    """

    payloads: dict[str, bytes]
    counts: dict[str, int]
    gaps: list[Gap]
    runs: dict[str, str]
    seen: set[tuple[str, str, str]]
    instruments: dict[tuple[str, str, str], Instrument]
    days: set[int]
    audit: SequenceTally

    @property
    def size_bytes(self) -> int:
        """Length of all payloads."""
        return sum(map(len, self.payloads.values()))


def _malformed(message: Message, reason: str) -> Malformed:
    return Malformed(f"{message.venue}/{message.symbol}", reason)


def _check_ticks(frame: TickFrame) -> None:
    """Hold a frame's columns against its ``kinds``.

    Raises:
        Malformed: a column is longer or shorter than the kinds say
    """
    kinds, events = frame.kinds, len(frame.kinds)
    if not len(frame.recv_ns) == len(frame.event_ns) == events:
        raise _malformed(frame, f"{events} kinds, {len(frame.recv_ns)} receive and {len(frame.event_ns)} event times")
    sources = (("T", frame.trades), ("Q", frame.quotes), ("D", frame.derivatives), ("L", frame.liquidations))
    for kind, source in sources:
        count = kinds.count(kind)
        if source is None:
            if count:
                raise _malformed(frame, f"{count} events {kind} without their columns")
            continue
        for name in _COLUMNS_OF_KIND[kind]:
            if len(getattr(source, name)) != count:
                raise _malformed(frame, f"{count} events {kind}, {len(getattr(source, name))} values of {name}")
