"""The record's database: where it is, and what an operator's command must know of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from foretick.common.errors import Refused, Transient
from foretick.common.runtime.embedded import PostgresServer
from foretick.launcher.domain.backup import Target
from foretick.launcher.machine import instance
from foretick.launcher.settings import LauncherSettings

CONNECT_TIMEOUT_S = 5
Connection = psycopg.Connection[tuple[Any, ...]]

_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
AND NOT relispartition ORDER BY relname
"""


@contextmanager
def opened_server(settings: LauncherSettings) -> Iterator[str]:
    """Yield the address of DATABASE_URL, else of the running system's database, else of the embedded one, started here.

    An embedded PostgreSQL that was started here is stopped again, and nobody starts the system meanwhile.
    """
    data_dir = settings.run_data_dir
    if settings.database_url is not None:
        yield settings.database_url
        return
    card = instance.read_card(data_dir) if instance.running_pid(data_dir) is not None else None
    if card is not None and card.get("database_url"):
        yield card["database_url"]
        return
    with instance.Instance(data_dir), PostgresServer(data_dir / "postgres", settings.postgres_port) as server:
        yield server.url


@contextmanager
def connected(database_url: str) -> Iterator[Connection]:
    """Connect, every statement a transaction of its own.

    Raises:
        Transient: the database does not answer
    """
    try:
        connection = psycopg.connect(
            database_url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, options="-c timezone=UTC",
            application_name="foretick",
        )  # fmt: skip
    except psycopg.OperationalError as error:
        reason = next(iter(str(error).splitlines()), "")
        raise Transient(f"the database does not answer: {reason}") from error
    with connection:
        yield connection


def describe_target(connection: Connection) -> Target:
    """Return what a restore must know of the database."""
    extensions = _column(connection, "SELECT version FROM pg_available_extension_versions WHERE name = 'timescaledb'")
    preloaded = _column(connection, "SELECT current_setting('shared_preload_libraries')")
    return Target(
        server_major=server_major(connection),
        tables=_column(connection, _TABLES),
        extensions=sorted(extensions),
        is_preloaded="timescaledb" in preloaded[0],
    )


def server_major(connection: Connection) -> int:
    """Return the server's major version."""
    return connection.info.server_version // 10_000


def timescaledb_version(connection: Connection) -> str | None:
    """Return the version of the extension in the database; None without."""
    return next(iter(_column(connection, "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")), None)


def revision(connection: Connection) -> str:
    """Return the revision of the schema.

    Raises:
        Refused: the database is no record
    """
    try:
        return _column(connection, "SELECT version_num FROM alembic_version")[0]
    except psycopg.errors.UndefinedTable:
        raise Refused("no_record", "the database has no tables of Foretick", "check DATABASE_URL") from None


def count_rows(connection: Connection) -> dict[str, int]:
    """Return the number of rows of every table; those of the days of a table count as its own."""
    return {
        table: _column(connection, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))[0]
        for table in _column(connection, _TABLES)
    }


def _column(connection: Connection, query: LiteralString | sql.Composed) -> list[Any]:
    return [value for (value,) in connection.execute(query).fetchall()]
