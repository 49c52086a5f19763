"""Recomputes values that were recorded of a run from others. Whether it is whole is for ``foretick audit`` to say."""

import psycopg

COMPARED_MIDS = """
WITH events AS (
    SELECT venue, symbol, seq, recv_ns, false AS is_predicted, (bid + ask) / 2 AS mid
    FROM ticks WHERE run_id = %(run)s AND kind = 'Q'
    UNION ALL
    SELECT venue, symbol, asof_seq, recv_ns, true, mid FROM predictions
    WHERE run_id = %(run)s AND withheld IS NULL
), quoted AS (
    SELECT *, count(*) FILTER (WHERE NOT is_predicted) OVER (PARTITION BY venue, symbol ORDER BY seq, is_predicted)
    AS quote FROM events
), compared AS (
    SELECT *, first_value(mid) OVER last_quote AS quoted_mid, first_value(recv_ns) OVER last_quote AS quoted_ns
    FROM quoted WHERE quote > 0
    WINDOW last_quote AS (PARTITION BY venue, symbol, quote ORDER BY seq, is_predicted)
)
SELECT symbol, seq, mid, quoted_mid FROM compared
WHERE is_predicted AND recv_ns - quoted_ns < 500000000 AND (mid <> quoted_mid) = %(wrong)s LIMIT 1000
"""
"""Mids against the last quote, where one spoke within half a second: after silence or a loss the book speaks."""
WRONG_OUTCOMES = """
SELECT o.symbol, o.asof_seq FROM outcomes o
JOIN predictions p USING (run_id, venue, symbol, asof_seq)
JOIN predictions r ON (r.run_id, r.venue, r.symbol, r.asof_seq) = (o.run_id, o.venue, o.symbol, o.realised_seq)
WHERE o.run_id = %(run)s AND abs(o.realised_return_bps - 1e4 * ln(r.mid / p.mid)) > 1e-6
"""

_TABLES = ("ticks", "book_events", "predictions", "outcomes")
_ENOUGH_ROWS = 100


def is_recorded(rows: psycopg.Connection, run_id: str, symbol: str, asof_seq: int) -> bool:
    """Tell whether the recorder has come to the prediction of ``symbol`` as of ``asof_seq``."""
    query = "SELECT 1 FROM predictions WHERE run_id = %s AND symbol = %s AND asof_seq >= %s LIMIT 1"
    return rows.execute(query, (run_id, symbol, asof_seq)).fetchone() is not None


def tables_too_short(rows: psycopg.Connection, run_id: str) -> list[str]:
    """Return the tables with too few rows to judge anything."""
    counts = {
        table: rows.execute(f"SELECT count(*) FROM {table} WHERE run_id = %s".encode(), (run_id,)).fetchone()
        for table in _TABLES
    }
    return [table for table, count in counts.items() if count is None or count[0] <= _ENOUGH_ROWS]


def assert_values_are_right(rows: psycopg.Connection, run_id: str) -> None:
    """Fail with the first offending rows, or when there are too few rows to judge anything."""
    assert tables_too_short(rows, run_id) == []
    run = {"run": run_id}
    wrong = rows.execute(COMPARED_MIDS.encode(), run | {"wrong": True}).fetchmany(10)
    assert wrong == [], f"{COMPARED_MIDS}\n{wrong}"
    right = rows.execute(COMPARED_MIDS.encode(), run | {"wrong": False}).fetchall()
    assert len(right) >= _ENOUGH_ROWS, f"{len(right)} mids could be compared: too few to judge"
    wrong = rows.execute(WRONG_OUTCOMES.encode(), run).fetchmany(10)
    assert wrong == [], f"{WRONG_OUTCOMES}\n{wrong}"
