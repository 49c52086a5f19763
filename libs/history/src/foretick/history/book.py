"""An order book as it was: the last full book before an instant, and every change since."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

from foretick.common.contracts import BookEventKind, Level, Trust, worst_trust
from foretick.market.book import OrderBook, PriceGrid

_ALL_LEVELS = 1_000_000


@dataclass(frozen=True, slots=True)
class BookAsOf:
    """A book as its record tells it.

    seq, recv_ns: of the last event before the instant
    trust: how it stood after that event; GAP where events since the last full book are missing from the record
    reason: why it was not LIVE, where the record says
    levels: side (``bid``, ``ask``), level (0 is the best), price in quote currency, qty in base currency
    """

    run_id: str
    venue: str
    symbol: str
    at_ns: int
    seq: int
    recv_ns: int
    trust: Trust
    reason: str
    levels: pl.DataFrame


class Rebuild:
    """Folds recorded book events, from a full book on."""

    def __init__(self, grid: PriceGrid) -> None:
        self._book = OrderBook(grid, _ALL_LEVELS)
        self.seq = self.recv_ns = 0
        self.trust = Trust.GAP
        self.reason = ""

    def fold(self, events: Iterable[dict[str, Any]]) -> None:
        """Apply rows of ``book_events``, ascending in ``seq``.

        Raises:
            Malformed: a level is off the instrument's grid
        """
        for event in events:
            bids, asks = _levels(event, "bid"), _levels(event, "ask")
            if event["kind"] == BookEventKind.SNAPSHOT:
                self._book.apply_snapshot(bids, asks)
            elif event["kind"] == BookEventKind.DELTA:
                self._book.apply_delta(bids, asks)
            trust = Trust(event["trust"])
            if event["reason"] or trust is not self.trust:
                self.reason = event["reason"]
            self.trust, self.seq, self.recv_ns = trust, event["seq"], event["recv_ns"]

    def lose(self, reason: str) -> None:
        """Take note that events since the full book are missing."""
        self.trust, self.reason = worst_trust(self.trust, Trust.GAP), reason

    def levels(self) -> pl.DataFrame:
        """Return the book, the best first."""
        sides = zip(("bid", "ask"), self._book.top(_ALL_LEVELS), strict=True)
        rows = [(side, level, *of) for side, levels in sides for level, of in enumerate(levels)]
        schema = {"side": pl.String, "level": pl.Int64, "price": pl.Float64, "qty": pl.Float64}
        return pl.DataFrame(rows, schema=schema, orient="row")


def _levels(event: dict[str, Any], side: str) -> list[Level]:
    return list(zip(event[f"{side}_price"], event[f"{side}_qty"], strict=True))
