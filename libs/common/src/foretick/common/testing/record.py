"""Judges what was recorded of a run: nothing doubled, no hole without a gap record, no value that is wrong."""

import psycopg

DOUBLED_EVENTS = """
SELECT symbol, seq FROM (
    SELECT symbol, seq FROM ticks WHERE run_id = %(run)s
    UNION ALL SELECT symbol, seq FROM book_events WHERE run_id = %(run)s
) AS events GROUP BY symbol, seq HAVING count(*) > 1
"""
UNEXPLAINED_HOLES = """
WITH events AS (
    SELECT symbol, seq, lead(seq) OVER (PARTITION BY symbol ORDER BY seq) AS next FROM (
        SELECT symbol, seq FROM ticks WHERE run_id = %(run)s
        UNION ALL SELECT symbol, seq FROM book_events WHERE run_id = %(run)s
    ) AS both_kinds
)
SELECT symbol, seq, next FROM events WHERE next > seq + 1 AND NOT EXISTS (
    SELECT 1 FROM gaps WHERE gaps.run_id = %(run)s AND gaps.symbol = events.symbol AND gaps.found_by = 'ingest'
    AND gaps.from_seq <= events.seq + 1 AND gaps.through_seq >= events.next - 1
)
"""
DOUBLED_PREDICTIONS = """
SELECT symbol, step FROM predictions WHERE run_id = %(run)s AND withheld IS NULL
GROUP BY symbol, step HAVING count(*) > 1
"""
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

_FAULTS = (DOUBLED_EVENTS, UNEXPLAINED_HOLES, DOUBLED_PREDICTIONS, WRONG_MIDS, WRONG_OUTCOMES)
_TABLES = ("ticks", "book_events", "predictions", "outcomes")


def is_recorded(rows: psycopg.Connection, run_id: str, symbol: str, asof_seq: int) -> bool:
    """Tell whether the recorder has come to the prediction of ``symbol`` as of ``asof_seq``."""
    query = "SELECT 1 FROM predictions WHERE run_id = %s AND symbol = %s AND asof_seq >= %s LIMIT 1"
    return rows.execute(query, (run_id, symbol, asof_seq)).fetchone() is not None


def assert_record_is_whole_and_right(rows: psycopg.Connection, run_id: str) -> None:
    """Fail with the first offending rows, or when there are too few rows to judge anything."""
    run = {"run": run_id}
    for fault in _FAULTS:
        found = rows.execute(fault.encode(), run).fetchmany(10)
        assert found == [], f"{fault}\n{found}"
    for table in _TABLES:
        count = rows.execute(f"SELECT count(*) FROM {table} WHERE run_id = %(run)s".encode(), run).fetchone()
        assert count is not None
        assert count[0] > 100, f"{count[0]} rows in {table}: too few to judge"
