"""History on disk: Parquet files named by the span that each holds whole, so that what is there is never asked again.

``<folder>/<venue>/<symbol>/trades`` or ``.../bars-1m``, in it ``<from_ns>-<to_ns>.parquet``: every trade or bar of the
venue in ``[from_ns, to_ns)``, also where that is none. The spans of a folder's files do not overlap.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from foretick.common.runtime.tables import write_table
from foretick.common.subjects import escape_token
from foretick.ingest.domain.history import HistoryRow, place_of
from foretick.market.recording.market_rows import TABLES, TradeRow
from foretick.market.recording.spans import Span, subtract
from foretick.market.recording.tables import batches_of, schema_of

PART_ROWS = 200_000
"""Rows that are gathered before a file is written."""

_NAME = re.compile(r"(\d{1,19})-(\d{1,19})\.parquet")


class HistoryStore:
    """The files of one venue's trades or bars of one symbol."""

    def __init__(self, folder: Path, venue: str, symbol: str, what: str) -> None:
        self.path = folder / venue / escape_token(symbol) / what
        self._table = "trades" if what == "trades" else "bars"
        assert self._table in TABLES

    def covered(self) -> list[Span]:
        """Return the spans that are there."""
        names = (_NAME.fullmatch(path.name) for path in self.path.glob("*.parquet"))
        return sorted(Span(int(name[1]), int(name[2])) for name in names if name is not None)

    def missing(self, span: Span) -> list[Span]:
        """Return what of ``span`` is not there."""
        return subtract(span, self.covered())

    def write(self, span: Span, rows: Sequence[HistoryRow]) -> None:
        """Write the file of ``span``; ``rows`` are all of it, in order.

        Raises:
            Transient: the disk is full, or refuses
        """
        self.path.mkdir(parents=True, exist_ok=True)
        path = self.path / f"{span.from_ns}-{span.to_ns}.parquet"
        write_table(path, schema_of(self._table, as_text=False), batches_of(rows, self._table, as_text=False))


class PartGatherer:
    """Gathers rows until their span is worth a file. What it is told grows at one end, up or down in time."""

    def __init__(self, store: HistoryStore) -> None:
        self._store = store
        self._rows: list[HistoryRow] = []
        self._whole: Span | None = None
        self.written_rows = 0

    def add(self, rows: Sequence[HistoryRow], whole: Span | None) -> None:
        """Take rows, and the span that is whole with them."""
        self._rows += rows
        if whole is not None:
            before = self._whole
            self._whole = whole if before is None else Span(min(before[0], whole[0]), max(before[1], whole[1]))
        if len(self._rows) >= PART_ROWS:
            self.write()

    def write(self) -> None:
        """Write what is whole; the rest waits for what is still to come."""
        whole = self._whole
        if whole is None:
            return
        ready = sorted((row for row in self._rows if whole.holds(place_of(row))), key=_order)
        self._store.write(whole, ready)
        self._rows = [row for row in self._rows if not whole.holds(place_of(row))]
        self._whole = None
        self.written_rows += len(ready)


def _order(row: HistoryRow) -> tuple[int, int, str]:
    """By time, and trades of one instant by their id, numbers as numbers."""
    if not isinstance(row, TradeRow):
        return row.open_ns, 0, ""
    return row.recv_ns, int(row.trade_id) if row.trade_id.isdecimal() else 0, row.trade_id
