"""The record's read side."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import polars as pl

from foretick.common.errors import Refused
from foretick.history.book import BookAsOf, Rebuild
from foretick.history.instants import OF, Instrument, seq_range
from foretick.history.kinds import (
    BAR_COLUMNS,
    BATCH_BARS,
    GAP_COLUMNS,
    INSTRUMENT_COLUMNS,
    SOURCES,
    TIMEFRAMES_S,
    Kind,
    Selection,
)
from foretick.history.reader import Reader
from foretick.market.book import PriceGrid

Tell = Callable[[float], None]
"""Takes how much is done, 0 to 1."""

_RUNS = "SELECT run_id FROM runs ORDER BY first_recorded_at DESC, run_id DESC"
_INSTRUMENTS = """
SELECT venue, symbol FROM run_instruments WHERE run_id = {run}
UNION SELECT venue, symbol FROM instruments WHERE run_id = {run}
UNION SELECT venue, symbol FROM gaps WHERE run_id = {run} ORDER BY venue, symbol
"""
_LAST_FULL_BOOK = f"""
SELECT seq FROM book_events WHERE {OF} AND seq < {{before}} AND kind = 'snapshot' ORDER BY seq DESC LIMIT 1
"""
_LOST = f"SELECT reason FROM gaps WHERE {OF} AND through_seq > {{first}} AND from_seq <= {{last}} LIMIT 1"
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Step:
    """A query, and how much is done after it."""

    query: str
    instrument: Instrument
    bounds: dict[str, int]
    done_frac: float


class History:
    """Reads a record over one connection; not for several threads at once.

    What retention drops while a stream is being read is not in it.

    Raises:
        Transient: the database does not answer
    """

    def __init__(self, database_url: str) -> None:
        self._reader = Reader(database_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._reader.close()

    def runs(self) -> list[str]:
        """Return the runs that the record knows, the newest first."""
        return self._reader.frame(_RUNS)["run_id"].to_list()

    def read(self, kind: Kind, selection: Selection | None = None) -> pl.DataFrame:
        """Return all of ``selection`` in one frame, ordered by venue, symbol and seq (bars: by start).

        Raises:
            Refused: there is no such run, instrument or timeframe
        """
        return pl.concat(self.stream(kind, selection))

    def stream(
        self, kind: Kind, selection: Selection | None = None, tell: Tell | None = None
    ) -> Iterator[pl.DataFrame]:
        """Yield the same in batches, at least one, each of bounded size; ``tell`` learns how far it is.

        Raises:
            Refused: as ``read``
        """
        instruments, selection = self._choose(selection or Selection())
        if kind is Kind.GAPS or kind is Kind.INSTRUMENTS:
            columns = GAP_COLUMNS if kind is Kind.GAPS else INSTRUMENT_COLUMNS
            order = "from_seq, found_by" if kind is Kind.GAPS else "symbol"
            query = f"SELECT {columns} FROM {kind.value} WHERE {OF} ORDER BY {order}"
            steps = iter([_Step(query, each, {}, n / len(instruments)) for n, each in enumerate(instruments, 1)])
        elif kind is Kind.BARS:
            steps = self._bar_steps(instruments, selection)
        else:
            steps = self._event_steps(kind, instruments, selection)
        for step in steps:
            rows = self._reader.frame(step.query, {**step.instrument.parameters, **step.bounds})
            yield _name(rows, step.instrument)
            if tell is not None:
                tell(step.done_frac)

    def book_as_of(self, symbol: str, at_ns: int, *, venue: str | None = None, run_id: str | None = None) -> BookAsOf:
        """Return the book of ``symbol`` after the last event that was received before or at ``at_ns``.

        Raises:
            Refused: there is no such instrument, or no full book of it until then
            Malformed: a recorded level is off the instrument's grid
        """
        (instrument, *others), _ = self._choose(Selection(symbol, venue, run_id))
        if others:
            venues = ", ".join(each.venue for each in (instrument, *others))
            raise Refused("ambiguous", f"{symbol} is traded on {venues}", "name the venue")
        _, after = seq_range(self._reader, "book_events", instrument, None, at_ns + 1)
        full = self._reader.row(_LAST_FULL_BOOK, {**instrument.parameters, "before": after})
        if full is None:
            raise Refused("no_book", f"the record has no full book of {symbol} until then", "ask for a later instant")
        rebuild = Rebuild(self._grid(instrument))
        source = SOURCES[Kind.BOOK_EVENTS]
        for low in range(full[0], after, source.batch_events):
            bounds = {"low": low, "high": min(low + source.batch_events, after)}
            rows = self._reader.frame(_events_query(Kind.BOOK_EVENTS), {**instrument.parameters, **bounds})
            rebuild.fold(rows.iter_rows(named=True))
        lost = self._reader.row(_LOST, {**instrument.parameters, "first": full[0], "last": rebuild.seq})
        if lost is not None:
            rebuild.lose(lost[0])
        return BookAsOf(
            *instrument, at_ns, rebuild.seq, rebuild.recv_ns, rebuild.trust, rebuild.reason, rebuild.levels()
        )

    def _grid(self, instrument: Instrument) -> PriceGrid:
        sizes = self._reader.row(f"SELECT tick_size, lot_size FROM instruments WHERE {OF}", instrument.parameters)
        if sizes is None:
            raise Refused("no_listing", f"the record has no listing of {instrument.symbol}: its grid is not known")
        return PriceGrid(*sizes)

    def _choose(self, selection: Selection) -> tuple[list[Instrument], Selection]:
        """Return the instruments that are meant, and the selection with its run."""
        known = self.runs()
        run_id = selection.run_id or next(iter(known), None)
        if run_id not in known:
            hint = f"the newest known runs are: {', '.join(known[:10])}" if known else "the record is empty"
            raise Refused("unknown_run", f"unknown run {run_id}" if run_id else "the record has no run", hint)
        if selection.timeframe not in TIMEFRAMES_S:
            raise Refused(
                "unknown_timeframe", f"no bars of {selection.timeframe}", f"there are {', '.join(TIMEFRAMES_S)}"
            )
        traded = self._reader.frame(_INSTRUMENTS, {"run": run_id}).rows()
        chosen = [
            Instrument(run_id, venue, symbol)
            for venue, symbol in traded
            if selection.symbol in (None, symbol) and selection.venue in (None, venue)
        ]
        if not chosen:
            names = ", ".join(f"{venue}:{symbol}" for venue, symbol in traded) or "none"
            wanted = ":".join(filter(None, (selection.venue, selection.symbol))) or "at all"
            raise Refused("unknown_symbol", f"run {run_id} has no instrument {wanted}", f"it has: {names}")
        return chosen, replace(selection, run_id=run_id)

    def _event_steps(self, kind: Kind, instruments: Sequence[Instrument], selection: Selection) -> Iterator[_Step]:
        source = SOURCES[kind]
        query = _events_query(kind)
        for number, instrument in enumerate(instruments):
            low, high = seq_range(self._reader, source.table, instrument, selection.from_ns, selection.to_ns)
            starts = range(low, high, source.batch_events) or range(low, low + 1)
            for count, start in enumerate(starts, 1):
                bounds = {"low": start, "high": min(start + source.batch_events, high)}
                yield _Step(query, instrument, bounds, (number + count / len(starts)) / len(instruments))

    def _bar_steps(self, instruments: Sequence[Instrument], selection: Selection) -> Iterator[_Step]:
        length_ns = TIMEFRAMES_S[selection.timeframe] * _SECOND_NS
        day_ns = TIMEFRAMES_S["1d"] * _SECOND_NS
        query = (
            f"SELECT {BAR_COLUMNS} FROM bars({{timeframe}}, {{run}}, {{venue}}, {{symbol}}, {{low}}, {{high}})"
            " ORDER BY start_ns"
        ).replace("{timeframe}", f"'{selection.timeframe}'")
        for number, instrument in enumerate(instruments):
            extent = self._reader.row(
                f"SELECT min(start_ns), max(start_ns) FROM bar_parts_1d WHERE {OF}", instrument.parameters
            )
            first, last = extent if extent and extent[0] is not None else (0, -day_ns)
            low = max(first, selection.from_ns or first)
            high = min(last + day_ns, last + day_ns if selection.to_ns is None else selection.to_ns)
            starts = range(low, high, BATCH_BARS * length_ns) or range(low, low + 1)
            for count, start in enumerate(starts, 1):
                bounds = {"low": start, "high": max(start, min(start + BATCH_BARS * length_ns, high))}
                yield _Step(query, instrument, bounds, (number + count / len(starts)) / len(instruments))


def _events_query(kind: Kind) -> str:
    source = SOURCES[kind]
    narrowed = f" AND {source.where}" if source.where else ""
    return (
        f"SELECT {source.columns} FROM {source.table} WHERE {OF} AND seq >= {{low}} AND seq < {{high}}{narrowed}"
        " ORDER BY seq, epoch"
    )


def _name(rows: pl.DataFrame, instrument: Instrument) -> pl.DataFrame:
    names = zip(("run_id", "venue", "symbol"), instrument, strict=True)
    return rows.select(*(pl.lit(value).alias(name) for name, value in names), pl.all())
