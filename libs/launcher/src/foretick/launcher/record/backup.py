"""Backup: one snapshot of the whole database, dumped by ``pg_dump``, with a manifest that says what must be in it.

A folder is a backup once ``manifest.json`` is there: it is written last.
"""

import subprocess
from pathlib import Path

import msgspec
from psycopg import sql

from foretick.common.errors import Refused
from foretick.launcher.domain.backup import (
    DUMP_NAME,
    MANIFEST_NAME,
    Manifest,
    check_target,
    choose_dump,
    choose_restore,
    differing_counts,
    parse_manifest,
)
from foretick.launcher.record import database
from foretick.launcher.record.programs import Tell, environment_of, find_programs, run_program

_DATA_TABLES = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace <> ALL (%s::regnamespace[])"
_SYSTEM = ["pg_catalog", "information_schema"]


def back_up(database_url: str, folder: Path, tell: Tell) -> Manifest:
    """Write a backup of the record at ``database_url`` into ``folder``, which must not have one.

    Raises:
        Refused: it cannot be, with what to do
        Transient: the database does not answer
    """
    if folder.exists() and any(folder.iterdir()):
        raise Refused("not_empty", f"{folder} is not empty", "name a new folder")
    with database.connected(database_url) as connection:
        revision = database.revision(connection)
        found = find_programs("pg_dump")
        major = choose_dump(found, database.server_major(connection))
        folder.mkdir(parents=True, exist_ok=True)
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        tell(0.0, "counting rows")
        manifest = Manifest(
            taken_at=_one(connection, 'SELECT to_char(now(), \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')'),
            revision=revision,
            server_major=database.server_major(connection),
            program_major=major,
            timescaledb=database.timescaledb_version(connection),
            counts=database.count_rows(connection),
        )
        snapshot = _one(connection, "SELECT pg_export_snapshot()")
        tables = int(_one(connection, _DATA_TABLES, (_SYSTEM,)))
        command = [
            found[major], "--format=custom", "--no-owner", "--no-privileges", "--verbose", f"--snapshot={snapshot}",
            f"--file={folder / DUMP_NAME}",
        ]  # fmt: skip
        run_program(command, environment_of(database_url), marker="dumping contents of table ", steps=tables, tell=tell)
        connection.execute("ROLLBACK")
    (folder / MANIFEST_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    return manifest


def restore(database_url: str, folder: Path, tell: Tell) -> Manifest:
    """Restore the backup in ``folder`` into the empty database at ``database_url``, and count what came of it.

    Raises:
        Refused: it cannot be, or the rows are not those of the manifest
        Transient: the database does not answer
    """
    try:
        manifest = parse_manifest((folder / MANIFEST_NAME).read_bytes())
    except OSError:
        raise Refused("no_backup", f"{folder} has no {MANIFEST_NAME}", "name the folder of a finished backup") from None
    with database.connected(database_url) as connection:
        target = database.describe_target(connection)
        check_target(manifest, target)
        found = find_programs("pg_restore")
        program = found[choose_restore(found, manifest, target.server_major)]
        _prepare(connection, manifest)
    dump = str(folder / DUMP_NAME)
    listed = subprocess.run([program, "--list", dump], capture_output=True, text=True, check=False).stdout
    # One transaction: a restore that fails leaves an empty database.
    command = [
        program, "--no-owner", "--no-privileges", "--verbose", "--single-transaction",
        f"--dbname={_name_of(database_url)}", dump,
    ]  # fmt: skip
    steps = listed.count(" TABLE DATA ")
    try:
        run_program(command, environment_of(database_url), marker="processing data for table ", steps=steps, tell=tell)
    finally:
        if manifest.timescaledb is not None:
            with database.connected(database_url) as connection:
                connection.execute("SELECT timescaledb_post_restore()")
    with database.connected(database_url) as connection:
        tell(1.0, "planner statistics")
        connection.execute("ANALYZE")
        tell(1.0, "counting rows")
        differing = differing_counts(manifest.counts, database.count_rows(connection))
    if differing:
        raise Refused("not_whole", "the restored rows are not those of the backup", "\n".join(differing))
    return manifest


def _prepare(connection: database.Connection, manifest: Manifest) -> None:
    """Create the extension in the version that the backup has, and let it take its catalogue as data."""
    if manifest.timescaledb is None:
        return
    version = sql.Literal(manifest.timescaledb)
    connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS timescaledb WITH VERSION {}").format(version))
    if database.timescaledb_version(connection) != manifest.timescaledb:
        raise Refused(
            "other_timescaledb", f"the database has another version of TimescaleDB than {manifest.timescaledb}",
            "create the database from template0, and restore into it",
        )  # fmt: skip
    connection.execute("SELECT timescaledb_pre_restore()")


def _name_of(database_url: str) -> str:
    return environment_of(database_url)["PGDATABASE"]


def _one(connection: database.Connection, query: str, parameters: tuple[object, ...] = ()) -> str:
    row = connection.execute(query.encode(), parameters).fetchone()
    assert row is not None  # each of these queries has exactly one row
    return row[0]
