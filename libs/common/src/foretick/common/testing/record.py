"""Recomputes values that were recorded of a run from others. Whether it is whole is for ``foretick audit`` to say.

Each check walks the rows of two tables in one order (``UNION ALL`` under windows) instead of joining them: a record
that is being written has no statistics, and the planner then joins by nested loops, on a long run for minutes.
"""

import psycopg

_COMPARED_MIDS = """
WITH events AS (
    SELECT venue, symbol, seq, recv_ns, false AS is_predicted, (bid + ask) / 2 AS mid
    FROM ticks WHERE run_id = %(run)s AND kind = 'Q'
    UNION ALL
    SELECT venue, symbol, through_seq, NULL, false, NULL FROM gaps WHERE run_id = %(run)s
    UNION ALL
    SELECT venue, symbol, asof_seq, recv_ns, true, mid FROM predictions
    WHERE run_id = %(run)s AND withheld IS NULL
), quoted AS (
    SELECT *, count(*) FILTER (WHERE NOT is_predicted) OVER (PARTITION BY venue, symbol ORDER BY seq, is_predicted)
    AS quote, max(seq) FILTER (WHERE NOT is_predicted) OVER (PARTITION BY venue, symbol) AS newest_seq FROM events
), walked AS (
    SELECT *, first_value(mid) OVER last_quote AS quoted_mid, first_value(recv_ns) OVER last_quote AS quoted_ns
    FROM quoted WHERE quote > 0 AND seq <= newest_seq
    WINDOW last_quote AS (PARTITION BY venue, symbol, quote ORDER BY seq, is_predicted)
), compared AS (
    SELECT symbol, seq, mid, quoted_mid FROM walked WHERE is_predicted AND recv_ns - quoted_ns < 500000000
)
"""
"""Mids against the last quote, where one spoke within half a second and nothing is lost since: else the book speaks.

Predictions and quotes are recorded apart: one that is newer than all recorded quotes of its symbol waits for its own.
"""
_RIGHT_AND_WRONG_MIDS = f"""
{_COMPARED_MIDS}
SELECT count(*) FILTER (WHERE mid = quoted_mid), count(*) FILTER (WHERE mid <> quoted_mid) FROM compared
"""
_WRONG_MIDS = f"{_COMPARED_MIDS} SELECT * FROM compared WHERE mid <> quoted_mid LIMIT 10"
_WRONG_OUTCOMES = """
WITH begun AS (
    SELECT venue, symbol, asof_seq, realised_seq, realised_return_bps,
        min(mid) OVER same AS low, max(mid) OVER same AS high
    FROM (
        SELECT venue, symbol, asof_seq, NULL::bigint AS realised_seq, NULL::float8 AS realised_return_bps, mid
        FROM predictions WHERE run_id = %(run)s
        UNION ALL
        SELECT venue, symbol, asof_seq, realised_seq, realised_return_bps, NULL FROM outcomes WHERE run_id = %(run)s
    ) AS both_sides WINDOW same AS (PARTITION BY venue, symbol, asof_seq)
), ended AS (
    SELECT symbol, asof_seq, realised_return_bps AS return_bps, low, high,
        min(mid) OVER same AS realised_low, max(mid) OVER same AS realised_high
    FROM (
        SELECT venue, symbol, asof_seq AS seq, NULL::bigint AS asof_seq, NULL::float8 AS realised_return_bps,
            NULL::float8 AS low, NULL::float8 AS high, mid
        FROM predictions WHERE run_id = %(run)s
        UNION ALL
        SELECT venue, symbol, realised_seq, asof_seq, realised_return_bps, low, high, NULL
        FROM begun WHERE realised_seq IS NOT NULL
    ) AS both_sides WINDOW same AS (PARTITION BY venue, symbol, seq)
)
SELECT symbol, asof_seq FROM ended
WHERE abs(return_bps - 1e4 * ln(realised_high / low)) > 1e-6 OR abs(return_bps - 1e4 * ln(realised_low / high)) > 1e-6
LIMIT 10
"""
"""Returns against the mids of the predictions that they begin and end at, each of them where there are several: the
logarithm rises, so the extremes are the furthest off."""

_TABLES = ("ticks", "book_events", "predictions", "outcomes")
_ENOUGH_ROWS = 100


def is_recorded(rows: psycopg.Connection, run_id: str, symbol: str, asof_seq: int) -> bool:
    """Tell whether the recorder has come to the prediction of ``symbol`` as of ``asof_seq``."""
    query = "SELECT 1 FROM predictions WHERE run_id = %s AND symbol = %s AND asof_seq >= %s LIMIT 1"
    return rows.execute(query, (run_id, symbol, asof_seq)).fetchone() is not None


def tables_too_short(rows: psycopg.Connection, run_id: str) -> list[str]:
    """Return the tables with too few rows to judge anything."""
    nth = "SELECT 1 FROM {table} WHERE run_id = %s OFFSET %s LIMIT 1"
    return [
        table
        for table in _TABLES
        if rows.execute(nth.format(table=table).encode(), (run_id, _ENOUGH_ROWS)).fetchone() is None
    ]


def assert_values_are_right(rows: psycopg.Connection, run_id: str) -> None:
    """Fail with the first offending rows, or when there are too few rows to judge anything."""
    assert tables_too_short(rows, run_id) == []
    run = {"run": run_id}
    right, wrong = rows.execute(_RIGHT_AND_WRONG_MIDS.encode(), run).fetchone() or (0, 0)
    assert wrong == 0, f"{wrong} mids differ from the last quote: {rows.execute(_WRONG_MIDS.encode(), run).fetchall()}"
    assert right >= _ENOUGH_ROWS, f"{right} mids could be compared: too few to judge"
    wrong = rows.execute(_WRONG_OUTCOMES.encode(), run).fetchall()
    assert wrong == [], f"returns differ from the mids they were made of: {wrong}"
