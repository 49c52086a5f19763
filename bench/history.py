"""history: rows a second of ``History.read`` over psycopg's rows turned into a polars frame, from the same table.

Both read the same trades in the same batches over one connection each. A trial counts only if both frames are equal.
"""

import tempfile
from pathlib import Path

import polars as pl
import psycopg

from bench.harness import Figure, time_pair
from foretick.common.runtime import migrate
from foretick.common.runtime.embedded import PostgresServer
from foretick.history import History, Kind, Selection
from foretick.history.kinds import SOURCES

TRADES = 500_000
_SOURCE = SOURCES[Kind.TRADES]
_FILL = f"""
SELECT ensure_day('2026-03-01');
INSERT INTO runs (run_id, origin) VALUES ('bench', 'sim');
INSERT INTO run_instruments VALUES ('bench', 'sim', 'BTCUSDT');
INSERT INTO ticks (ingested_at, ts, recv_ns, event_ns, epoch, seq, kind, price, qty, side, trade_id, trust, origin,
    run_id, venue, symbol)
SELECT '2026-03-01', '2026-03-01', n * 1000, CASE WHEN n % 3 > 0 THEN n * 1000 - 7 END, 1, n, 'T',
    100 + (n % 997) * 0.01, (n % 4999) * 0.001, (n % 2) * 2 - 1, n, 'LIVE', 'sim', 'bench', 'sim', 'BTCUSDT'
FROM generate_series(1, {TRADES}) AS n;
VACUUM ANALYZE ticks
"""
_QUERY = f"""
SELECT run_id, venue, symbol, {_SOURCE.columns} FROM ticks
WHERE run_id = 'bench' AND venue = 'sim' AND symbol = 'BTCUSDT' AND seq >= %s AND seq < %s AND {_SOURCE.where}
ORDER BY seq
"""


def measure() -> list[Figure]:
    """Fill a table, then read it in turn."""
    with tempfile.TemporaryDirectory(prefix="foretick-bench-") as name:
        Path(name).chmod(0o711)
        with PostgresServer(Path(name) / "postgres") as server:
            migrate.upgrade(server.url)
            with psycopg.connect(server.url, autocommit=True) as connection:
                for statement in _FILL.split(";\n"):
                    connection.execute(statement.encode())
            return [_measure(server.url)]


def _measure(url: str) -> Figure:
    with History(url) as history, psycopg.connect(url, autocommit=True) as connection:

        def ours() -> pl.DataFrame:
            return history.read(Kind.TRADES, Selection(symbol="BTCUSDT", run_id="bench"))

        def rival() -> pl.DataFrame:
            return pl.concat(_batch(connection, low) for low in range(1, TRADES + 1, _SOURCE.batch_events))

        if not ours().equals(rival().cast(dict(ours().schema))):
            raise RuntimeError("the two frames differ")
        ours_s, rival_s = time_pair(ours, rival, loops=1, rounds=9)
    note = f"{TRADES / ours_s:,.0f} rows/s against {TRADES / rival_s:,.0f} of psycopg"
    return Figure("history", rival_s / ours_s, "x psycopg rows", None, None, smaller_is_better=False, note=note)


def _batch(connection: psycopg.Connection, low: int) -> pl.DataFrame:
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_QUERY.encode(), (low, low + _SOURCE.batch_events)).fetchall()
        names = [column.name for column in cursor.description or ()]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
