"""What the rows of a stream's messages must be, and how they differ from the rows that are there.

Written apart from the recorder, whose work it judges. Every row begins with the instrument's number and the epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from foretick.common.contracts import (
    BookFrame,
    DerivativeColumns,
    FeatureVector,
    LiquidationColumns,
    Message,
    Outcome,
    Prediction,
    TickFrame,
)
from foretick.common.sequence import SequenceAudit
from foretick.launcher.audit.domain.ledger import Key
from foretick.launcher.audit.domain.spans import Span, merge

Row = tuple[Any, ...]

_ENCODER = msgspec.msgpack.Encoder(order="deterministic")
"""MessagePack has a float as its 64 bits; objects, whose keys have no order, in one order."""

COLUMNS = {
    "ticks": (
        "seq, epoch, kind, trust, origin, recv_ns, event_ns, price, qty, side, trade_id, bid, bid_qty, ask, ask_qty"
    ),
    "book_events": (
        "seq, epoch, kind, trust, origin, recv_ns, event_ns, reason, first_id, last_id,"
        " bid_price, bid_qty, ask_price, ask_qty, counts"
    ),
    "derivatives": (
        "seq, epoch, kind, trust, origin, recv_ns, event_ns, mark_price, index_price, funding_rate_frac,"
        " next_funding_ns, open_interest_qty, price, qty, side"
    ),
    "features": (
        "asof_seq, epoch, trust, recv_ns, event_ns, sent_ns, prev_asof_seq, step, interval_ns, mid, warm, schema_hash,"
        " vector"
    ),
    "predictions": (
        "asof_seq, epoch, trust, recv_ns, sent_ns, prev_asof_seq, step, horizon_steps, mid, expected_return_bps,"
        " p_down, p_flat, p_up, flat_bps, model_id, withheld, schema_hash, volatility_bps, interval_low_bps,"
        " interval_high_bps, interval_coverage_frac, no_interval, regime, abstained IS TRUE"
    ),
    "outcomes": (
        "asof_seq, epoch, trust, recv_ns, sent_ns, step, horizon_steps, realised_step, realised_seq,"
        " realised_return_bps, log_loss, prior_log_loss, model_id, predicted, realised, brier, error_scales,"
        " interval_held, regime, abstained IS TRUE"
    ),
}
"""The columns of each table that are held against the stream, in the order of the rows below."""


def rows_of_ticks(frame: TickFrame, skip: int) -> list[Row]:
    """Return the rows of ``frame`` without its first ``skip`` events; those of kinds D and L are of ``derivatives``.

    Raises:
        ValueError: a column is longer or shorter than the kinds say
    """
    trades, quotes, kinds = frame.trades, frame.quotes, frame.kinds
    said, forced = frame.derivatives or DerivativeColumns(), frame.liquidations or LiquidationColumns()
    lengths = (len(trades.price), len(quotes.bid), len(said.mark_price), len(forced.price))
    if lengths != tuple(map(kinds.count, "TQDL")) or not len(frame.recv_ns) == len(frame.event_ns) == len(kinds):
        raise ValueError("columns and kinds differ in length")
    columns = {
        "T": zip(trades.price, trades.qty, trades.side, trades.trade_id, strict=True),
        "Q": zip(quotes.bid, quotes.bid_qty, quotes.ask, quotes.ask_qty, strict=True),
        "D": zip(
            said.mark_price, said.index_price, said.funding_rate_frac, said.next_funding_ns, said.open_interest_qty,
            strict=True,
        ),
        "L": zip(forced.price, forced.qty, forced.side, strict=True),
    }  # fmt: skip
    layout = {"T": (0, 4), "Q": (4, 0), "D": (0, 3), "L": (5, 0)}  # empty cells before and after, by table
    rows: list[Row] = []
    for index, kind in enumerate(kinds):
        cells = next(columns[kind]) if kind in columns else ()
        before, after = layout.get(kind, (8, 0))
        rows.append((
            frame.seq + index, frame.epoch, kind, frame.trust.value, frame.origin.value, frame.recv_ns[index],
            frame.event_ns[index], *(None,) * before, *cells, *(None,) * after,
        ))  # fmt: skip
    return rows[skip:]


def rows_of_book(frame: BookFrame, skip: int) -> list[Row]:
    """Return the rows of ``frame`` without its first ``skip`` events."""
    return [
        (
            frame.seq + index, frame.epoch, event.kind.value, event.trust.value, frame.origin.value, event.ts_recv_ns,
            event.ts_event_ns, event.reason, event.first_id, event.last_id,
            [price for price, _ in event.bids], [qty for _, qty in event.bids],
            [price for price, _ in event.asks], [qty for _, qty in event.asks],
            event.counts and msgspec.to_builtins(event.counts),
        )
        for index, event in enumerate(frame.events[skip:], start=skip)
    ]  # fmt: skip


def row_of_derived(message: FeatureVector | Prediction | Outcome) -> Row:
    """Return the row of a derived message."""
    head = (message.asof_seq, message.epoch, message.trust.value, message.ts_recv_ns)
    match message:
        case FeatureVector():
            return (
                *head, message.ts_event_ns, message.ts_sent_ns, message.prev_asof_seq, message.step,
                message.interval_ns, message.mid, message.warm, message.schema_hash, message.values,
            )  # fmt: skip
        case Prediction():
            odds, interval = message.probabilities, message.interval
            return (
                *head, message.ts_sent_ns, message.prev_asof_seq, message.step, message.horizon_steps, message.mid,
                message.expected_return_bps, *((odds.down, odds.flat, odds.up) if odds else (None, None, None)),
                message.flat_bps, message.model_id, message.withheld and message.withheld.value, message.schema_hash,
                message.volatility_bps,
                *((interval.low_bps, interval.high_bps, interval.coverage_frac) if interval else (None, None, None)),
                message.no_interval and message.no_interval.value, message.regime and message.regime.value,
                message.abstention is not None,
            )  # fmt: skip
        case Outcome():
            return (
                *head, message.ts_sent_ns, message.step, message.horizon_steps, message.realised_step,
                message.realised_seq, message.realised_return_bps, message.log_loss, message.prior_log_loss,
                message.model_id, message.predicted.value, message.realised.value, message.brier, message.error_scales,
                message.interval_held, message.regime and message.regime.value, message.abstained,
            )  # fmt: skip


@dataclass(slots=True)
class Expected:
    """Rows that a table must have of one instrument, gathered from the stream."""

    table: str
    rows: list[Row] = field(default_factory=list[Row])

    @property
    def extent(self) -> Span:
        """From the lowest to the highest number."""
        numbers = [row[0] for row in self.rows]
        return Span(min(numbers), max(numbers))


@dataclass(slots=True)
class MarketFold:
    """Frames of one instrument in the order of the stream -> the rows that must be there.

    What an earlier frame of the same writer brought, and what a replaced writer sent, is left out, as every consumer
    leaves it out.
    """

    ticks: Expected = field(default_factory=lambda: Expected("ticks"))
    books: Expected = field(default_factory=lambda: Expected("book_events"))
    derivatives: Expected = field(default_factory=lambda: Expected("derivatives"))
    _audit: SequenceAudit = field(default_factory=SequenceAudit)

    @property
    def tables(self) -> tuple[Expected, ...]:
        """The rows of each table; a number is in one of them."""
        return (self.ticks, self.books, self.derivatives)

    def take(self, frame: TickFrame | BookFrame) -> int:
        """Take the next frame; return how many rows it adds. One that contradicts itself adds none."""
        try:
            rows = rows_of_ticks(frame, 0) if isinstance(frame, TickFrame) else rows_of_book(frame, 0)
        except ValueError:
            return 0
        added = rows[self._audit.admit(frame.epoch, frame.seq, len(rows)).skip :]
        if isinstance(frame, BookFrame):
            self.books.rows += added
        elif frame.derivatives is None and frame.liquidations is None:
            self.ticks.rows += added
        else:
            for row in added:
                (self.derivatives if row[2] in "DL" else self.ticks).rows.append(row)
        return len(added)


@dataclass(frozen=True, slots=True)
class Difference:
    """How rows differ from what the stream says: ``absent`` have no row, ``differing`` have another value."""

    absent: list[Span]
    differing: list[Span]


def compare(expected: Sequence[Row], rows: Sequence[Row]) -> Difference:
    """Hold ``rows`` against ``expected``; values are equal bit for bit or they differ.

    A number that only a writer of a higher epoch has a row for is not absent: the expected one was refused.

    >>> compare([(1, 1, 0.5), (2, 1, 0.5)], [(1, 1, 0.25)])
    Difference(absent=[Span(first=2, last=2)], differing=[Span(first=1, last=1)])
    """
    if _bits(expected) == _bits(rows):
        return Difference([], [])
    by_key: dict[tuple[int, int], list[Row]] = {}
    highest: dict[int, int] = {}
    for row in rows:
        by_key.setdefault(row[:2], []).append(row)
        highest[row[0]] = max(highest.get(row[0], -1), row[1])
    absent: list[tuple[int, int]] = []
    differing: list[tuple[int, int]] = []
    for row in expected:
        candidates = by_key.get(row[:2])
        if candidates is None:
            if highest.get(row[0], -1) <= row[1]:
                absent.append((row[0], row[0]))
        elif _bits(row) not in map(_bits, candidates):
            differing.append((row[0], row[0]))
    return Difference(merge(absent), merge(differing))


def key_of(message: Message) -> Key:
    """Return the instrument of ``message``."""
    return (message.venue, message.symbol)


def _bits(rows: Sequence[Any]) -> bytes:
    """Return the bits of every value in ``rows``: 0.0 equals -0.0, but is not the same."""
    return _ENCODER.encode(rows)
