"""Bring a database to the current schema. Run alone: ``DATABASE_URL=... python -m foretick.common.runtime.migrate``."""

import logging
import os
import sys
from pathlib import Path

_MIGRATIONS = Path(__file__).parent / "migrations"

HEAD = max(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
"""The newest revision; revisions are numbered, so that this needs no import of Alembic."""


def upgrade(database_url: str, revision: str = "head") -> None:
    """Migrate the database at ``database_url`` up to ``revision``.

    Several processes may do so at once: one migrates, the others wait for it and find nothing to do.

    Raises:
        OSError: the database does not answer
    """
    # Imported here: a service whose database is up to date never pays for Alembic's 30 MB.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, make_url, pool, text
    from sqlalchemy.exc import OperationalError

    logging.getLogger("alembic").setLevel(logging.WARNING)
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"), poolclass=pool.NullPool)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('foretick migrate', 0))"))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    except OperationalError as error:
        raise OSError(str(error.orig).strip()) from error


def main() -> int:
    """Migrate the database that ``DATABASE_URL`` names."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        print("DATABASE_URL is not set: give the address of the database to migrate", file=sys.stderr)  # noqa: T201
        return 2
    try:
        upgrade(url)
    except OSError as error:
        print(f"the database does not answer: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"database is at revision {HEAD}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
