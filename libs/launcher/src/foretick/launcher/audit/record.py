"""The audit's side of the database: one snapshot of a run, read in passes that hold few rows at a time.

What two tables say of each other is one pass over the rows of both in one order (``UNION ALL`` under a window or a
group), never a join: a record that is being written has no statistics worth the name, and the planner then joins by
nested loops, whose time grows with the square of the record. A sort grows as it must, on disk where memory ends.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString, cast

import psycopg

from foretick.common.subjects import MARKET
from foretick.launcher.audit.domain.expected import COLUMNS, Row
from foretick.launcher.audit.domain.ledger import Break, Key
from foretick.launcher.audit.domain.spans import Span

_CONNECT_TIMEOUT_S = 5
_FETCH_ROWS = 10_000
_DERIVED = ("features", "predictions", "outcomes")
EVENT_TABLES = ("ticks", "book_events", "derivatives")
"""Where the events are: each number of an instrument is in one of them."""
_NUMBER: dict[str, str] = {**dict.fromkeys(EVENT_TABLES, "seq"), **dict.fromkeys(_DERIVED, "asof_seq")}

_OF = "run_id = %(run)s AND venue = %(venue)s AND symbol = %(symbol)s"
_INSTRUMENTS = """
SELECT venue, symbol FROM instruments WHERE run_id = %(run)s
UNION SELECT venue, symbol FROM gaps WHERE run_id = %(run)s
UNION SELECT DISTINCT venue, symbol FROM ticks WHERE run_id = %(run)s
UNION SELECT DISTINCT venue, symbol FROM book_events WHERE run_id = %(run)s
UNION SELECT DISTINCT venue, symbol FROM derivatives WHERE run_id = %(run)s
ORDER BY venue, symbol
"""
_BREAKS = f"""
SELECT seq, prev_seq, epoch, prev_epoch FROM (
    SELECT seq, epoch, lag(seq) OVER in_order AS prev_seq, lag(epoch) OVER in_order AS prev_epoch FROM (
        SELECT seq, epoch FROM ticks WHERE {_OF}
        UNION ALL SELECT seq, epoch FROM book_events WHERE {_OF}
        UNION ALL SELECT seq, epoch FROM derivatives WHERE {_OF}
    ) AS events WINDOW in_order AS (ORDER BY seq, epoch)
) AS pairs
WHERE prev_seq IS NULL OR seq <> prev_seq + 1 OR epoch < prev_epoch
ORDER BY seq
"""
_LAST = f"""
SELECT max(seq) FROM (
    SELECT max(seq) AS seq FROM ticks WHERE {_OF} UNION ALL SELECT max(seq) FROM book_events WHERE {_OF}
    UNION ALL SELECT max(seq) FROM derivatives WHERE {_OF}
) AS ends
"""
_DOUBLED_PREDICTIONS = f"""
SELECT asof_seq FROM (
    SELECT asof_seq, count(*) OVER (PARTITION BY step) AS n FROM predictions WHERE {_OF} AND withheld IS NULL
) AS counted WHERE n > 1 ORDER BY asof_seq
"""
_ORPHANED_OUTCOMES = f"""
SELECT asof_seq, realised_seq FROM (
    SELECT asof_seq, realised_seq, count(*) FILTER (WHERE realised_seq IS NULL) OVER same AS predictions FROM (
        SELECT asof_seq, step, model_id, realised_seq FROM outcomes WHERE {_OF}
        UNION ALL SELECT asof_seq, step, model_id, NULL FROM predictions WHERE {_OF} AND withheld IS NULL
    ) AS both_sides WINDOW same AS (PARTITION BY asof_seq, step, model_id)
) AS counted
WHERE realised_seq IS NOT NULL AND predictions = 0
AND asof_seq BETWEEN (SELECT min(asof_seq) FROM predictions WHERE {_OF})
    AND (SELECT max(asof_seq) FROM predictions WHERE {_OF})
ORDER BY asof_seq
"""
_UNLIKE_VECTOR = f"""
SELECT asof_seq FROM (
    SELECT asof_seq, step, schema_hash, mid, true AS is_prediction FROM predictions WHERE {_OF}
    UNION ALL SELECT asof_seq, step, schema_hash, mid, false FROM features WHERE {_OF}
) AS both_sides GROUP BY asof_seq
HAVING bool_or(is_prediction) AND NOT bool_and(is_prediction) AND (
    min(step) <> max(step) OR min(schema_hash) <> max(schema_hash)
    OR min(mid) <> max(mid) OR count(mid) NOT IN (0, count(*))
) ORDER BY asof_seq
"""
_ASOF_WITHIN = f"""
SELECT DISTINCT asof_seq FROM (
    SELECT asof_seq, hole_last, max(hole_last) OVER (ORDER BY asof_seq) AS covered_through FROM (
        SELECT asof_seq, NULL::bigint AS hole_last FROM features WHERE {_OF} AND asof_seq BETWEEN %(first)s AND %(last)s
        UNION ALL
        SELECT asof_seq, NULL FROM predictions WHERE {_OF} AND asof_seq BETWEEN %(first)s AND %(last)s
        UNION ALL SELECT * FROM unnest(%(firsts)s::bigint[], %(lasts)s::bigint[])
    ) AS both_sides
) AS walked WHERE hole_last IS NULL AND asof_seq <= covered_through ORDER BY asof_seq
"""
_PREDICTION_ASOFS = f"""
SELECT asof_seq FROM predictions WHERE {_OF} AND asof_seq BETWEEN %(first)s AND %(last)s ORDER BY asof_seq
"""


class RecordReader:
    """Reads one run of a database in a single read-only snapshot, so that rows and offsets belong together."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], run_id: str) -> None:
        self.run_id = run_id
        self._connection = connection

    def instruments(self) -> list[Key]:
        """Return every instrument that the run has a trace of."""
        return [(venue, symbol) for venue, symbol in self._all(_INSTRUMENTS, {"run": self.run_id})]

    def breaks(self, key: Key) -> Iterator[Break]:
        """Yield the events of ``key`` that do not simply follow on the one before, in order."""
        for seq, prev_seq, epoch, prev_epoch in self._each("breaks", _BREAKS, self._of(key)):
            yield Break(seq, prev_seq, epoch, prev_epoch)

    def last_seq(self, key: Key) -> int | None:
        """Return the highest event of ``key`` that has a row."""
        return self._one(_LAST, self._of(key))[0]

    def gaps(self, key: Key) -> tuple[list[Span], list[Span]]:
        """Return the gap records of ``key``: those that ingest published, and those that the recorder made."""
        found = self._all(f"SELECT from_seq, through_seq, found_by FROM gaps WHERE {_OF}", self._of(key))
        declared = [Span(first, last) for first, last, by in found if by == "ingest"]
        return declared, [Span(first, last) for first, last, by in found if by != "ingest"]

    def recorded_through_seq(self) -> dict[Key, int]:
        """Return the last event of each instrument that the recorder says it has written."""
        query = "SELECT positions FROM stream_offsets WHERE stream = %(market)s ORDER BY updated_at"
        return {
            (venue, symbol): next_seq - 1
            for (positions,) in self._all(query, {"market": MARKET.name})
            for venue, symbol, run_id, _, next_seq in positions.get("next_seq", [])
            if run_id == self.run_id
        }

    def recorded_through_ns(self) -> dict[str, int]:
        """Return, by stream, when the last message was stored that the recorder acknowledged.

        A stream that was made anew numbers its messages from 1 again, but stores them later than any before.
        """
        query = "SELECT stream, max(last_stored_ns) FROM stream_offsets GROUP BY stream"
        return {stream: stored_ns for stream, stored_ns in self._all(query, {})}

    def counts(self, key: Key) -> dict[str, int]:
        """Return the number of rows of each derived table."""
        return {table: self._one(f"SELECT count(*) FROM {table} WHERE {_OF}", self._of(key))[0] for table in _DERIVED}

    def asof_within(self, key: Key, holes: Sequence[Span]) -> list[int]:
        """Return the events in ``holes`` that vectors or predictions of ``key`` are as of."""
        if not holes:
            return []
        firsts, lasts = [hole.first for hole in holes], [hole.last for hole in holes]
        extent = {"firsts": firsts, "lasts": lasts, "first": min(firsts), "last": max(lasts)}
        return [asof_seq for (asof_seq,) in self._all(_ASOF_WITHIN, self._of(key) | extent)]

    def asof_beyond(self, key: Key, last_seq: int) -> list[int]:
        """Return the events after ``last_seq`` that vectors or predictions of ``key`` are as of."""
        return self.asof_within(key, [Span(last_seq + 1, 2**62)])

    def prediction_asofs(self, key: Key, extent: Span) -> Iterator[int]:
        """Yield the events within ``extent`` that predictions of ``key`` are as of, in order."""
        for (asof_seq,) in self._each("asofs", _PREDICTION_ASOFS, self._of(key) | extent._asdict()):
            yield asof_seq

    def doubled_predictions(self, key: Key) -> list[int]:
        """Return the events of predictions with numbers that share their step with another."""
        return [asof_seq for (asof_seq,) in self._all(_DOUBLED_PREDICTIONS, self._of(key))]

    def orphaned_outcomes(self, key: Key) -> list[Span]:
        """Return the outcomes within the extent of the predictions that settle none of them: from event to event."""
        return [Span(asof_seq, realised_seq) for asof_seq, realised_seq in self._all(_ORPHANED_OUTCOMES, self._of(key))]

    def predictions_unlike_vectors(self, key: Key) -> list[int]:
        """Return the events of predictions that say otherwise than the recorded vector as of the same event."""
        return [asof_seq for (asof_seq,) in self._all(_UNLIKE_VECTOR, self._of(key))]

    def rows(self, table: str, key: Key, extent: Span) -> list[Row]:
        """Return the rows of ``table`` within ``extent`` by number and epoch, with the columns of ``COLUMNS``."""
        number = _NUMBER[table]
        query = (
            f"SELECT {COLUMNS[table]} FROM {table} WHERE {_OF} AND {number} BETWEEN %(first)s AND %(last)s"
            f" ORDER BY {number}, epoch"
        )
        with self._connection.cursor(binary=True) as cursor:
            return cursor.execute(query.encode(), self._of(key) | extent._asdict()).fetchall()

    def _of(self, key: Key) -> dict[str, Any]:
        return {"run": self.run_id, "venue": key[0], "symbol": key[1]}

    def _each(self, name: str, query: str, parameters: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows through a cursor ``name`` of the server, some thousands at a time."""
        with self._connection.cursor(name) as cursor:
            cursor.itersize = _FETCH_ROWS
            yield from cursor.execute(query.encode(), parameters)

    def _all(self, query: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        return self._connection.execute(query.encode(), parameters).fetchall()

    def _one(self, query: str, parameters: dict[str, Any]) -> tuple[Any, ...]:
        return self._connection.execute(query.encode(), parameters).fetchone() or (None,)


@contextmanager
def open_snapshot(database_url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Connect and hold one read-only snapshot of the database for the body.

    Raises:
        psycopg.OperationalError: it does not answer
    """
    with psycopg.connect(
        database_url, connect_timeout=_CONNECT_TIMEOUT_S, options="-c timezone=UTC", application_name="foretick audit"
    ) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute("SET LOCAL work_mem = '64MB'")
        yield connection
        connection.rollback()


def known_runs(connection: psycopg.Connection[tuple[Any, ...]]) -> list[str]:
    """Return the runs that the database knows, the newest first.

    Raises:
        psycopg.errors.UndefinedTable: it is not migrated
    """
    query: LiteralString = "SELECT run_id FROM runs ORDER BY first_recorded_at DESC, run_id DESC"
    return [cast("str", run_id) for (run_id,) in connection.execute(query)]
