"""What the tables themselves forbid, whatever the recorder does."""

from collections.abc import Iterator

import psycopg
import pytest

from foretick.common.runtime import migrate

TICK = (
    "INSERT INTO ticks (ingested_at, ts, recv_ns, epoch, seq, kind, trust, origin, run_id, venue, symbol)"
    " VALUES ('2026-03-01', '2026-03-01', 0, 1, %s, 'C', 'LIVE', 'sim', %s, %s, %s)"
)


@pytest.fixture
def rows(postgres_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("SELECT ensure_day('2026-03-01')")
        connection.execute(TICK, (7, "run", "sim", "BTCUSDT"))
        yield connection


def test_doubled_tick_is_refused(rows: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        rows.execute(TICK, (7, "run", "sim", "BTCUSDT"))


@pytest.mark.parametrize(
    "other", [(8, "run", "sim", "BTCUSDT"), (7, "next", "sim", "BTCUSDT"), (7, "run", "binance", "BTCUSDT"),
              (7, "run", "sim", "ETHUSDT")],
)  # fmt: skip
def test_tick_that_differs_in_one_part_of_the_key_is_taken(rows: psycopg.Connection, other: tuple[object, ...]) -> None:
    rows.execute(TICK, other)
    assert rows.execute("SELECT count(*) FROM ticks").fetchone() == (2,)


def test_last_tick_of_an_instrument_is_found_along_the_key(rows: psycopg.Connection) -> None:
    """The audit and every history ask so; it must not read the table."""
    if rows.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone():
        pytest.skip("a hypertable's chunks are planned one by one, and with few rows in another way")
    rows.execute("SET enable_seqscan = off")
    plan = rows.execute(
        "EXPLAIN SELECT max(seq) FROM ticks WHERE run_id = 'run' AND venue = 'sim' AND symbol = 'BTCUSDT'"
    ).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "Backward" in text, text


def test_rows_of_the_former_key_are_kept_by_the_new_one(empty_postgres_url: str) -> None:
    migrate.upgrade(empty_postgres_url, "0001")
    with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
        connection.execute("SELECT ensure_day('2026-03-01')")
        connection.execute(TICK, (7, "run", "sim", "BTCUSDT"))
        migrate.upgrade(empty_postgres_url)
        assert connection.execute("SELECT seq FROM ticks").fetchall() == [(7,)]
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(TICK, (7, "run", "sim", "BTCUSDT"))
