"""Reads a run's record from the database, instrument by instrument."""

from foretick.common.contracts import Origin
from foretick.common.errors import Refused
from foretick.common.units import NS_PER_S
from foretick.history import History, Kind, Selection
from foretick.market.book import PriceGrid
from foretick.predictor.adapters.record.parse import events_of
from foretick.predictor.domain.recorded import Series

_TIMEFRAME, _BAR_NS = "1m", 60 * NS_PER_S


def load_record(database_url: str, run_id: str | None, duration_s: float) -> tuple[Series, ...]:
    """Return the newest ``duration_s`` of every listed instrument of a run, of the newest run if ``run_id`` is None.

    Raises:
        Refused: there is no such run, or it has no listed instrument.
        Malformed: a recorded level is off its instrument's grid.
        Transient: the database does not answer.
    """
    with History(database_url) as history:
        listed = history.read(Kind.INSTRUMENTS, Selection(run_id=run_id))
        if not len(listed):
            raise Refused("no_listing", f"run {run_id or 'that is newest'} lists no instrument", "set TRAIN_RUN")
        bars = history.read(Kind.BARS, Selection(run_id=run_id, timeframe=_TIMEFRAME))["start_ns"].to_list()
        from_ns = max(bars) + _BAR_NS - round(duration_s * NS_PER_S) if bars else None
        return tuple(_series(history, listing, from_ns) for listing in listed.iter_rows(named=True))


def _series(history: History, listing: dict[str, object], from_ns: int | None) -> Series:
    venue, symbol, run_id = str(listing["venue"]), str(listing["symbol"]), str(listing["run_id"])
    selection = Selection(symbol=symbol, venue=venue, run_id=run_id, from_ns=from_ns)
    kinds = (Kind.TRADES, Kind.QUOTES, Kind.BOOK_EVENTS, Kind.GAPS)
    trades, quotes, books, gaps = (history.read(kind, selection) for kind in kinds)
    grid = PriceGrid(float(str(listing["tick_size"])), float(str(listing["lot_size"])))
    events = events_of(trades, quotes, books, gaps, grid)
    source = {
        "run_id": run_id, "venue": venue, "symbol": symbol, "from_ns": from_ns,
        "trades": len(trades), "quotes": len(quotes), "book_events": len(books), "gaps": len(gaps),
    }  # fmt: skip
    return Series(symbol, Origin(str(listing["origin"])), events, source)
