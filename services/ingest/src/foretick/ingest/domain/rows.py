"""Messages as rows of the record's tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from foretick.common.contracts import (
    BookFrame,
    FeatureVector,
    Instrument,
    Message,
    Outcome,
    Prediction,
    Probabilities,
    TickFrame,
)
from foretick.common.errors import Malformed
from foretick.common.sequence import SequenceTally
from foretick.common.units import NS_PER_S
from foretick.ingest.domain.continuity import Gap, Positions, gap_before

DAY_NS = 86_400 * NS_PER_S
_EARLIEST_NS = 1_577_836_800 * NS_PER_S  # 2020-01-01
_LATEST_NS = 4_102_444_800 * NS_PER_S  # 2100-01-01

TIMES = {"ingested_at": "timestamptz", "ts": "timestamptz", "recv_ns": "int8", "event_ns": "int8", "epoch": "int8"}
IDENTITY = {"trust": "text", "origin": "text", "run_id": "text", "venue": "text", "symbol": "text"}
TABLES: dict[str, dict[str, str]] = {
    "ticks": TIMES
    | {
        "seq": "int8", "trade_id": "int8", "price": "float8", "qty": "float8", "bid": "float8", "bid_qty": "float8",
        "ask": "float8", "ask_qty": "float8", "side": "int2", "kind": "text",
    }
    | IDENTITY,
    "book_events": TIMES
    | {
        "seq": "int8", "first_id": "int8", "last_id": "int8", "kind": "text", "reason": "text",
        "bid_price": "float8[]", "bid_qty": "float8[]", "ask_price": "float8[]", "ask_qty": "float8[]",
    }
    | IDENTITY,
    "features": TIMES
    | {
        "sent_ns": "int8", "asof_seq": "int8", "prev_asof_seq": "int8", "step": "int8", "interval_ns": "int8",
        "mid": "float8", "warm": "bool", "schema_id": "text", "schema_hash": "text", "vector": "float8[]",
    }
    | IDENTITY,
    "predictions": TIMES
    | {
        "sent_ns": "int8", "asof_seq": "int8", "prev_asof_seq": "int8", "step": "int8", "interval_ns": "int8",
        "horizon_steps": "int8", "mid": "float8", "expected_return_bps": "float8", "p_down": "float8",
        "p_flat": "float8", "p_up": "float8", "flat_bps": "float8", "out_of_origin": "bool", "schema_id": "text",
        "schema_hash": "text", "model_id": "text", "model_origin": "text", "withheld": "text", "members": "jsonb",
    }
    | IDENTITY,
    "outcomes": TIMES
    | {
        "sent_ns": "int8", "asof_seq": "int8", "step": "int8", "horizon_steps": "int8", "realised_step": "int8",
        "realised_seq": "int8", "realised_return_bps": "float8", "log_loss": "float8", "prior_log_loss": "float8",
        "score_count": "int8", "accuracy_frac": "float8", "prior_accuracy_frac": "float8", "model_id": "text",
        "predicted": "text", "realised": "text",
    }
    | IDENTITY,
}  # fmt: skip
"""The columns of each table in COPY's order, with their types. Times are nanoseconds, whatever the column's type."""


@dataclass(slots=True)
class TickBlock:
    """Ticks that are alike in everything but the ``columns``: one instrument, one kind, one state."""

    constants: dict[str, str | int]
    columns: dict[str, list[Any]]

    def __len__(self) -> int:
        return len(self.columns["seq"])


_COLUMNS_OF_KIND = {
    "T": ("price", "qty", "side", "trade_id"),
    "Q": ("bid", "bid_qty", "ask", "ask_qty"),
    "C": (),
}


@dataclass(slots=True)
class Rows:
    """The rows of one commit. ``add`` takes a message in whole or, raising ``Malformed``, not at all.

    positions: moved past every message that was added
    audit: what was left out or found missing on the way
    sample_interval_ns: of each instrument's feature vectors, the first in every such interval of data time is kept
    """

    positions: Positions
    sample_interval_ns: int
    ticks: dict[tuple[str | int, ...], TickBlock] = field(default_factory=dict[tuple[str | int, ...], TickBlock])
    others: dict[str, list[Sequence[Any]]] = field(
        default_factory=lambda: {table: [] for table in TABLES if table != "ticks"}
    )
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
                    self.others["features"].append(_feature_row(message))
            case Prediction():
                self.others["predictions"].append(_prediction_row(message))
            case Outcome():
                self.others["outcomes"].append(_outcome_row(message))
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
            for name in _COLUMNS_OF_KIND[kind]:
                values = getattr(source, name)
                columns[name].extend(values[first:] if first else values)

    def _block(self, frame: TickFrame, kind: str) -> TickBlock:
        key = (kind, frame.trust, frame.epoch, frame.symbol, frame.venue, frame.origin, frame.run_id)
        block = self.ticks.get(key)
        if block is None:
            constants: dict[str, str | int] = {
                "kind": kind, "trust": frame.trust.value, "epoch": frame.epoch, "symbol": frame.symbol,
                "venue": frame.venue, "origin": frame.origin.value, "run_id": frame.run_id,
            }  # fmt: skip
            names = ("ingested_at", "recv_ns", "event_ns", "seq", *_COLUMNS_OF_KIND[kind])
            block = self.ticks[key] = TickBlock(constants, {name: [] for name in names})
        return block

    def _add_book_events(self, frame: BookFrame) -> None:
        skip = self._admit(frame, len(frame.events))
        rows = self.others["book_events"]
        for index, event in enumerate(frame.events[skip:], start=skip):
            rows.append((
                frame.ts_ingest_ns, event.ts_recv_ns, event.ts_recv_ns, event.ts_event_ns, frame.epoch,
                frame.seq + index, event.first_id, event.last_id, event.kind.value, event.reason,
                [price for price, _ in event.bids], [qty for _, qty in event.bids],
                [price for price, _ in event.asks], [qty for _, qty in event.asks],
                event.trust.value, frame.origin.value, frame.run_id, frame.venue, frame.symbol,
            ))  # fmt: skip
            if event.gap_from_seq is not None and event.gap_through_seq is not None:
                self.gaps.append(
                    Gap(
                        frame.run_id, frame.venue, frame.symbol, event.gap_from_seq, event.gap_through_seq,
                        "ingest", event.reason,
                    )
                )  # fmt: skip


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
    events, trades, quotes = len(frame.kinds), frame.kinds.count("T"), frame.kinds.count("Q")
    if not len(frame.recv_ns) == len(frame.event_ns) == events:
        raise _malformed(frame, f"{events} kinds, {len(frame.recv_ns)} receive and {len(frame.event_ns)} event times")
    for kind, count, source in (("T", trades, frame.trades), ("Q", quotes, frame.quotes)):
        for name in _COLUMNS_OF_KIND[kind]:
            if len(getattr(source, name)) != count:
                raise _malformed(frame, f"{count} events {kind}, {len(getattr(source, name))} values of {name}")


def _times(message: Message, event_ns: int | None) -> tuple[int, int, int, int | None, int]:
    return (message.ts_ingest_ns, message.ts_recv_ns, message.ts_recv_ns, event_ns, message.epoch)


def _identity(message: Message) -> tuple[str, str, str, str, str]:
    return (message.trust.value, message.origin.value, message.run_id, message.venue, message.symbol)


def _feature_row(vector: FeatureVector) -> tuple[Any, ...]:
    return (
        *_times(vector, vector.ts_event_ns), vector.ts_sent_ns, vector.asof_seq, vector.prev_asof_seq, vector.step,
        vector.interval_ns, vector.mid, vector.warm, vector.schema_id, vector.schema_hash, vector.values,
        *_identity(vector),
    )  # fmt: skip


def _prediction_row(message: Prediction) -> tuple[Any, ...]:
    odds: Probabilities | None = message.probabilities
    return (
        *_times(message, None), message.ts_sent_ns, message.asof_seq, message.prev_asof_seq, message.step,
        message.interval_ns, message.horizon_steps, message.mid, message.expected_return_bps,
        odds and odds.down, odds and odds.flat, odds and odds.up, message.flat_bps, message.out_of_origin,
        message.schema_id, message.schema_hash, message.model_id, message.model_origin and message.model_origin.value,
        message.withheld and message.withheld.value, msgspec.json.encode(message.members), *_identity(message),
    )  # fmt: skip


def _outcome_row(message: Outcome) -> tuple[Any, ...]:
    score = message.score
    return (
        *_times(message, None), message.ts_sent_ns, message.asof_seq, message.step, message.horizon_steps,
        message.realised_step, message.realised_seq, message.realised_return_bps, message.log_loss,
        message.prior_log_loss, score.count, score.accuracy_frac, score.prior_accuracy_frac, message.model_id,
        message.predicted.value, message.realised.value, *_identity(message),
    )  # fmt: skip
