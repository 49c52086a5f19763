"""Brings the database to the present schema, waiting for it where it is another's."""

import asyncio
import sys

import psycopg

from foretick.common.errors import Fatal
from foretick.common.runtime.migrate import HEAD
from foretick.launcher.domain.lifecycle import Backoff
from foretick.launcher.journal import Journal
from foretick.launcher.machine import clock
from foretick.launcher.machine.child import inherited_environment

_CONNECT_TIMEOUT_S = 3


async def migrate(database_url: str, journal: Journal) -> str:
    """Migrate the database and return what was done. While it does not answer, wait with a growing pause.

    Alembic costs a second and 30 MB, so it runs in a process of its own, and only where something is to be done.

    Raises:
        Fatal: a migration failed.
    """
    failures = 0
    while True:
        try:
            revision = await asyncio.to_thread(current_revision, database_url)
        except psycopg.OperationalError as error:
            failures += 1
            delay_s = Backoff().delay_s(failures, clock.chance_frac())
            journal.say(
                "database does not answer, waiting", "WARNING", reason=_first_line(error), delay_s=round(delay_s, 1)
            )
            await asyncio.sleep(delay_s)
            continue
        if revision == HEAD:
            return f"at {HEAD}"
        await _run_migrations(database_url)
        return f"{revision or 'empty'} -> {HEAD}"


def current_revision(database_url: str) -> str | None:
    """Return the revision the database is at, or None for an empty one.

    Raises:
        psycopg.OperationalError: it does not answer.
    """
    with psycopg.connect(database_url, connect_timeout=_CONNECT_TIMEOUT_S) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return str(row[0]) if row else None


async def _run_migrations(database_url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "foretick.common.runtime.migrate",
        env=inherited_environment() | {"DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode:
        tail = "\n".join(output.decode(errors="replace").splitlines()[-12:])
        raise Fatal(f"the database was not migrated:\n{tail}")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
