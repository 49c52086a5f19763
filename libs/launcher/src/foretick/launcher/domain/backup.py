"""Backups of the record: what one says of itself, and which program of PostgreSQL may make and read it."""

from collections.abc import Mapping, Sequence

import msgspec

from foretick.common.errors import Refused

DUMP_NAME = "record.dump"
MANIFEST_NAME = "manifest.json"
FORMAT = 1


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds; ``manifest.json`` beside ``record.dump``.

    taken_at: UTC, of the one snapshot that everything in it is of
    revision: of the schema
    server_major, program_major: of the server that was dumped and of ``pg_dump``, as 18
    timescaledb: version of the extension; null without
    counts: rows by table
    """

    format: int = FORMAT
    taken_at: str
    revision: str
    server_major: int
    program_major: int
    timescaledb: str | None
    counts: dict[str, int]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The database that a backup is to be restored into.

    tables: those that it has
    extensions: versions of TimescaleDB that could be created there
    is_preloaded: whether its server loads TimescaleDB at its start
    """

    server_major: int
    tables: Sequence[str]
    extensions: Sequence[str]
    is_preloaded: bool


def parse_manifest(payload: bytes) -> Manifest:
    """Read ``manifest.json``.

    Raises:
        Refused: it is not one, or of a format that this version does not know
    """
    try:
        manifest = msgspec.json.decode(payload, type=Manifest)
    except msgspec.DecodeError as error:
        raise Refused(
            "no_backup", f"{MANIFEST_NAME} is not of a backup: {error}", "is this the right folder?"
        ) from None
    if manifest.format != FORMAT:
        raise Refused("newer_backup", f"the backup is of format {manifest.format}", "restore it with a newer Foretick")
    return manifest


def check_target(manifest: Manifest, target: Target) -> None:
    """Hold a backup against where it shall go.

    Raises:
        Refused: it would not fit, with what to do
    """
    if target.tables:
        some = ", ".join(sorted(target.tables)[:4])
        raise Refused(
            "not_empty", f"the database has tables already: {some}",
            "a backup goes into an empty database: create one, or move the folder of the embedded PostgreSQL away",
        )  # fmt: skip
    if target.server_major < manifest.server_major:
        raise Refused(
            "older_server", f"the backup is of PostgreSQL {manifest.server_major}, the server is {target.server_major}",
            f"restore it into PostgreSQL {manifest.server_major} or newer",
        )  # fmt: skip
    if manifest.timescaledb is None:
        return
    if not target.is_preloaded or manifest.timescaledb not in target.extensions:
        there = ", ".join(target.extensions) or "none"
        raise Refused(
            "no_timescaledb", f"the backup needs TimescaleDB {manifest.timescaledb}; the server offers: {there}",
            "install that version, and name it in shared_preload_libraries; upgrade it after the restore",
        )  # fmt: skip


def choose_dump(found: Mapping[int, str], server_major: int) -> int:
    """Return the major version of the ``pg_dump`` to use: the server's own, else the nearest newer one.

    Raises:
        Refused: there is none
    """
    fitting = [major for major in sorted(found) if major >= server_major]
    if not fitting:
        raise _no_program("pg_dump", f"of version {server_major} or newer", found, server_major)
    return fitting[0]


def choose_restore(found: Mapping[int, str], manifest: Manifest, server_major: int) -> int:
    """Return the major version of the ``pg_restore`` to use: it must know the archive, and the server must know it.

    Raises:
        Refused: there is none
    """
    fitting = [major for major in sorted(found) if manifest.program_major <= major <= server_major]
    if not fitting:
        span = f"from version {manifest.program_major} to {server_major}"
        raise _no_program("pg_restore", span, found, server_major)
    return fitting[-1]


def _no_program(name: str, wanted: str, found: Mapping[int, str], major: int) -> Refused:
    there = ", ".join(str(version) for version in sorted(found)) or "none"
    return Refused(
        "no_program", f"no {name} {wanted} on this machine; found: {there}",
        f"install PostgreSQL {major}'s client programs, such as the package postgresql-client-{major}",
    )  # fmt: skip


def differing_counts(expected: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    """Return the tables whose rows are not as many as they should be, with both numbers."""
    return [
        f"{table}: {found.get(table, 0):,} of {expected.get(table, 0):,} rows"
        for table in sorted(expected.keys() | found.keys())
        if expected.get(table) != found.get(table)
    ]
