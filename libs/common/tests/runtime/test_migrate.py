"""Migrations on the real server."""

import os
import subprocess
import sys
import threading

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url, pool

from foretick.common.runtime import migrate

TABLES = {
    "runs", "instruments", "gaps", "stream_offsets", "ticks", "book_events", "features", "predictions", "outcomes",
    "derivatives", "integrity_events", "run_instruments", "bar_parts_1s",
}  # fmt: skip
BARS_OF_PLAIN = {"bar_levels"} | {f"bar_final_{name}" for name in ("1m", "5m", "15m", "1h", "4h", "1d")}
"""TimescaleDB keeps what they hold in a schema of its own."""


def tables_of(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename !~ '_[0-9]{8}$'"
        ).fetchall()
    return {name for (name,) in rows if name != "alembic_version"} - BARS_OF_PLAIN


def test_empty_database_is_migrated_and_again_is_harmless(empty_postgres_url: str) -> None:
    assert tables_of(empty_postgres_url) == set()
    migrate.upgrade(empty_postgres_url)
    assert tables_of(empty_postgres_url) == TABLES
    with psycopg.connect(empty_postgres_url) as connection:
        connection.execute("INSERT INTO runs (run_id, origin) VALUES ('kept', 'sim')")
    migrate.upgrade(empty_postgres_url)
    with psycopg.connect(empty_postgres_url) as connection:
        assert connection.execute("SELECT run_id FROM runs").fetchall() == [("kept",)]
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(migrate.HEAD,)]


def test_starters_at_the_same_moment_do_not_collide(empty_postgres_url: str) -> None:
    faults: list[Exception] = []

    def upgrade() -> None:
        try:
            migrate.upgrade(empty_postgres_url)
        except Exception as error:  # noqa: BLE001 - whatever it is, the assertion shows it
            faults.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert tables_of(empty_postgres_url) == TABLES


def test_days_are_made_once_and_old_ones_dropped(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for day in ("2026-02-28", "2026-03-01", "2026-03-01"):
            connection.execute("SELECT ensure_day(%s)", (day,))
        connection.execute(
            "INSERT INTO runs (run_id, origin) VALUES ('r', 'sim');"
            "INSERT INTO ticks (ingested_at, ts, recv_ns, epoch, seq, kind, trust, origin, run_id, venue, symbol)"
            " SELECT at, at, 0, 1, 1, 'C', 'LIVE', 'sim', 'r', 'sim', 'BTCUSDT' FROM unnest(ARRAY["
            "'2026-02-28T23:59:59.999999Z', '2026-03-01T00:00:00Z']::timestamptz[]) AS at"
        )
        assert (connection.execute("SELECT expire_before('2026-03-01')").fetchone() or (0,))[0] >= 1
        left = connection.execute("SELECT ts AT TIME ZONE 'UTC' FROM ticks").fetchall()
    assert [str(ts) for (ts,) in left] == ["2026-03-01 00:00:00"]


def test_way_back_and_forth_keeps_the_ticks_and_makes_their_bars_anew(empty_postgres_url: str) -> None:
    migrate.upgrade(empty_postgres_url)
    with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
        connection.execute("SELECT ensure_day('2026-03-01')")
        connection.execute(
            "INSERT INTO ticks (ingested_at, ts, recv_ns, epoch, seq, kind, trust, origin, run_id, venue, symbol)"
            " SELECT '2026-03-01', '2026-03-01', n * 1000000000, 1, n, 'C', 'LIVE', 'sim', 'r', 'sim', 'BTCUSDT'"
            " FROM generate_series(1::bigint, 90) AS n"
        )
    config = Config()
    config.set_main_option("script_location", str(migrate._MIGRATIONS))
    engine = create_engine(make_url(empty_postgres_url).set(drivername="postgresql+psycopg"), poolclass=pool.NullPool)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
    assert tables_of(empty_postgres_url) == TABLES - {
        "derivatives", "integrity_events", "run_instruments", "bar_parts_1s",
    }  # fmt: skip
    migrate.upgrade(empty_postgres_url)
    with psycopg.connect(empty_postgres_url) as connection:
        bars = connection.execute("SELECT events, is_partial FROM bars('1m', 'r', 'sim', 'BTCUSDT', 0, 2000000000000)")
        assert bars.fetchall() == [(59, False), (31, True)]
        assert connection.execute("SELECT * FROM run_instruments").fetchall() == [("r", "sim", "BTCUSDT")]


def test_command_without_address_says_what_to_do() -> None:
    env = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "foretick.common.runtime.migrate"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "DATABASE_URL is not set" in done.stderr
