"""Frames of the record to the columns that the feature kernel folds. Pure."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretick.common.contracts import BookEventKind, Level, Trust
from foretick.market.book import OrderBook, PriceGrid
from foretick.quant.events import DEPTH_COLUMNS, DEPTH_LEVELS, VALUE_COLUMNS, BookTrust, EventArrays, EventKind

_SEVERITY = {
    Trust.STALE: BookTrust.STALE,
    Trust.RESYNC: BookTrust.RESYNC,
    Trust.CROSSED: BookTrust.CROSSED,
    Trust.GAP: BookTrust.GAP,
}
_PADDING = (0.0,) * DEPTH_LEVELS
_VALUES = [f"v{n}" for n in range(VALUE_COLUMNS)]
_SCHEMA = {"seq": pl.Int64, "recv_ns": pl.Int64, "kind": pl.UInt8, **dict.fromkeys(_VALUES, pl.Float64)}


def events_of(
    trades: pl.DataFrame, quotes: pl.DataFrame, books: pl.DataFrame, gaps: pl.DataFrame, grid: PriceGrid
) -> EventArrays:
    """Return the events of one instrument, in the order of their numbers.

    A gap in the record is a book and a quote that are not believed until the next ones. The record keeps no clock
    events: where an instrument was silent, a vector waits for its next event.

    Raises:
        Malformed: a recorded level is off the instrument's grid.
    """
    rows, depth = _book_rows(books, sorted(gaps["through_seq"].to_list()), grid)
    parts = [
        _values(trades, EventKind.TRADE, ("price", "qty", "side")),
        _values(quotes, EventKind.QUOTE, ("bid", "bid_qty", "ask", "ask_qty")),
        pl.DataFrame(rows, schema=_SCHEMA, orient="row"),
    ]
    events = pl.concat(parts).sort("seq", maintain_order=True)
    events = _with_gaps(events, gaps).with_columns(pl.col("recv_ns").cum_max())
    return EventArrays(
        np.ascontiguousarray(events["kind"].to_numpy(), np.uint8),
        np.ascontiguousarray(events["recv_ns"].to_numpy(), np.int64),
        np.ascontiguousarray(events.select(_VALUES).to_numpy(), np.float64),
        np.array(depth, np.float64).reshape(-1, DEPTH_COLUMNS),
    )


def _values(frame: pl.DataFrame, kind: EventKind, names: Sequence[str]) -> pl.DataFrame:
    columns = [pl.col(name).cast(pl.Float64).fill_null(float("nan")).alias(f"v{n}") for n, name in enumerate(names)]
    blank = [pl.lit(0.0).alias(f"v{n}") for n in range(len(names), VALUE_COLUMNS)]
    return frame.select(
        pl.col("seq").cast(pl.Int64),
        pl.col("recv_ns").cast(pl.Int64),
        pl.lit(int(kind), pl.UInt8).alias("kind"),
        *columns,
        *blank,
    )


_Row = tuple[int, int, int, float, float, float, float]


def _book_rows(
    books: pl.DataFrame, lost_through: list[int], grid: PriceGrid
) -> tuple[list[_Row], list[tuple[float, ...]]]:
    """Return an event after each change of the book, and its ten best levels where it is believed.

    It is not before its first full book, nor between a loss and the next one, whatever the record says.
    """
    book = OrderBook(grid)
    is_whole, losses = False, 0
    rows: list[_Row] = []
    depth: list[tuple[float, ...]] = []
    for event in books.iter_rows(named=True):
        kind, trust = event["kind"], Trust(event["trust"])
        while losses < len(lost_through) and event["seq"] > lost_through[losses]:
            is_whole, losses = False, losses + 1
        if kind == BookEventKind.SNAPSHOT:
            book.apply_snapshot(_levels(event, "bid"), _levels(event, "ask"))
            is_whole = True
        elif kind == BookEventKind.DELTA:
            book.apply_delta(_levels(event, "bid"), _levels(event, "ask"))
        if trust is Trust.LIVE and not is_whole:
            trust = Trust.RESYNC
        if trust is Trust.LIVE and not book.is_crossed:
            rows.append((event["seq"], event["recv_ns"], int(EventKind.DEPTH), float(len(depth)), 0.0, 0.0, 0.0))
            bids, asks = book.top(DEPTH_LEVELS)
            depth.append((*_flat(bids), *_flat(asks)))
        else:
            severity = _SEVERITY[trust if trust is not Trust.LIVE else Trust.CROSSED]
            rows.append((event["seq"], event["recv_ns"], int(EventKind.STATE), float(severity), 0.0, 0.0, 0.0))
    return rows, depth


def _with_gaps(events: pl.DataFrame, gaps: pl.DataFrame) -> pl.DataFrame:
    """Put a state GAP before the first event after each gap."""
    ends = gaps["through_seq"].cast(pl.Int64).to_numpy()
    places: NDArray[np.int64] = np.unique(np.searchsorted(events["seq"].to_numpy(), ends, side="right"))
    places = places[places < len(events)]
    if not len(places):
        return events
    states = events[places.tolist()].with_columns(
        pl.lit(int(EventKind.STATE), pl.UInt8).alias("kind"),
        pl.lit(float(BookTrust.GAP)).alias("v0"),
        *(pl.lit(0.0).alias(f"v{n}") for n in range(1, VALUE_COLUMNS)),
    )
    return pl.concat([states, events]).sort("seq", maintain_order=True)


def _levels(event: Mapping[str, Sequence[float]], side: str) -> list[Level]:
    return list(zip(event[f"{side}_price"], event[f"{side}_qty"], strict=True))


def _flat(levels: list[Level]) -> tuple[float, ...]:
    missing = _PADDING[len(levels) :]
    return (*[price for price, _ in levels], *missing, *[qty for _, qty in levels], *missing)
