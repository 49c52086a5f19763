"""Recomputes values that were recorded of a run from others. Whether it is whole is for ``foretick audit`` to say."""

import psycopg

WRONG_MIDS = """
SELECT p.symbol, p.asof_seq, p.mid, q.bid, q.ask FROM predictions p
CROSS JOIN LATERAL (
    SELECT bid, ask FROM ticks t WHERE t.run_id = p.run_id AND t.venue = p.venue AND t.symbol = p.symbol
    AND t.kind = 'quote' AND t.seq <= p.asof_seq ORDER BY t.seq DESC LIMIT 1
) q
WHERE p.run_id = %(run)s AND p.withheld IS NULL AND p.mid <> (q.bid + q.ask) / 2
"""
WRONG_OUTCOMES = """
SELECT o.symbol, o.asof_seq FROM outcomes o
JOIN predictions p USING (run_id, venue, symbol, asof_seq)
JOIN predictions r ON (r.run_id, r.venue, r.symbol, r.asof_seq) = (o.run_id, o.venue, o.symbol, o.realised_seq)
WHERE o.run_id = %(run)s AND abs(o.realised_return_bps - 1e4 * ln(r.mid / p.mid)) > 1e-6
"""

_FAULTS = (WRONG_MIDS, WRONG_OUTCOMES)
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
    for fault in _FAULTS:
        found = rows.execute(fault.encode(), {"run": run_id}).fetchmany(10)
        assert found == [], f"{fault}\n{found}"
