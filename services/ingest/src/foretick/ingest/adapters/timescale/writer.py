"""The recorder's side of the database: one writer at a time, rows and offsets in one transaction."""

import asyncio
import struct
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from foretick.common.contracts import Instrument
from foretick.common.errors import Malformed, Transient
from foretick.common.runtime import migrate
from foretick.common.runtime.store import Store
from foretick.ingest.adapters.timescale.encode import encode_block, encode_rows, to_columns
from foretick.ingest.domain.bar_parts import fold_bar_parts
from foretick.ingest.domain.continuity import Positions
from foretick.ingest.domain.retention import Kept, Retention, days_over, oldest_kept
from foretick.ingest.domain.rows import EncodedRows, Rows
from foretick.ingest.domain.stream import Offset
from foretick.ingest.domain.tables import TABLES

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('foretick record', 0)) AS held"
_RUNS = """
INSERT INTO runs (run_id, origin) VALUES (%s, %s) ON CONFLICT (run_id) DO NOTHING
"""
_RUN_INSTRUMENTS = "INSERT INTO run_instruments (run_id, venue, symbol) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_LISTING = (
    "run_id", "venue", "symbol", "origin", "base", "quote", "tick_size", "lot_size", "aliases", "kind",
    "contract_size", "is_inverse", "order_step_qty", "min_order_qty", "maker_fee_bps", "taker_fee_bps", "session",
    "proof",
)  # fmt: skip
"""The fields of an ``Instrument`` that are columns of the same name; beside them ``recv_ns`` and ``ts``."""
_LISTING_COLUMNS = (*_LISTING, "recv_ns", "ts")
_INSTRUMENTS = f"""
INSERT INTO instruments ({", ".join(_LISTING_COLUMNS)})
VALUES ({", ".join(["%s"] * len(_LISTING_COLUMNS))})
ON CONFLICT (run_id, venue, symbol) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in _LISTING_COLUMNS[3:])}
""".encode()
_GAPS = """
INSERT INTO gaps (run_id, venue, symbol, from_seq, through_seq, found_by, reason)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_OFFSETS = """
INSERT INTO stream_offsets (stream, stream_created_ns, last_seq, last_stored_ns, positions)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (stream, stream_created_ns) DO UPDATE SET
    last_seq = excluded.last_seq, last_stored_ns = excluded.last_stored_ns, positions = excluded.positions,
    updated_at = now()
"""


class RecordWriter:
    """Writes to the record's tables over a ``Store``. A ``Record``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known_days: set[int] = set()
        self._known_runs: set[str] = set()
        self._known_instruments: set[tuple[str, str, str]] = set()

    async def prepare(self) -> None:
        """Connect, waiting for the server as long as it takes, and bring the schema up to date if it is not."""
        await self._store.connect()
        known = await self._store.fetch("SELECT to_regclass('alembic_version') IS NOT NULL AS is_migrated")
        if known[0]["is_migrated"]:
            versions = await self._store.fetch("SELECT version_num FROM alembic_version")
            if versions and versions[0]["version_num"] >= migrate.HEAD:
                return
        try:
            await asyncio.to_thread(migrate.upgrade, self._store.url)
        except OSError as error:
            raise Transient(f"migration: {error}") from error

    async def try_lock(self) -> bool:
        """Become the only recorder of this database, until the connection ends; False while there is another."""
        return bool((await self._store.fetch(_LOCK))[0]["held"])

    async def offset(self, stream: str, created_ns: int) -> Offset:
        """Return how far ``stream`` is recorded; sequence 0 if it never was."""
        rows = await self._store.fetch(
            "SELECT last_seq, last_stored_ns, positions FROM stream_offsets"
            " WHERE stream = %s AND stream_created_ns = %s",
            (stream, created_ns),
        )
        if not rows:
            return Offset(stream, created_ns)
        return Offset(
            stream, created_ns, rows[0]["last_seq"], rows[0]["last_stored_ns"], Positions.load(rows[0]["positions"])
        )

    def encode(self, rows: Rows) -> EncodedRows:
        """Return ``rows`` in COPY's binary format.

        Raises:
            Malformed: some row is impossible
        """
        try:
            payloads, bar_parts = _encode(rows)
        except (OverflowError, UnicodeError, struct.error) as error:
            raise Malformed("record", str(error)) from error
        counts = rows.counts() | {"bar_parts_1s": bar_parts}
        return EncodedRows(payloads, counts, rows.gaps, rows.runs, rows.seen, rows.instruments, rows.days, rows.audit)

    async def write(self, parts: Sequence[tuple[EncodedRows, Offset]]) -> None:
        """Write the rows, and that each stream is recorded through the last of its offsets: all of it or nothing.

        Raises:
            Transient: the database is away; whether the commit succeeded is not known
            Malformed: the database refuses some row
        """
        new_days = {day for rows, _ in parts for day in rows.days} - self._known_days
        new_runs = {run: origin for rows, _ in parts for run, origin in rows.runs.items()}
        new_runs = {run: origin for run, origin in new_runs.items() if run not in self._known_runs}
        new_instruments = {name for rows, _ in parts for name in rows.seen} - self._known_instruments
        try:
            async with self._store.transaction() as connection:
                if not self._known_days:
                    await connection.execute("SELECT ensure_day(current_date)")
                for day in sorted(new_days):
                    await connection.execute("SELECT ensure_day(%s)", (_date(day),))
                for run in new_runs.items():
                    await connection.execute(_RUNS, run)
                for name in sorted(new_instruments):
                    await connection.execute(_RUN_INSTRUMENTS, name)
                for table, columns in TABLES.items():
                    payloads = [rows.payloads[table] for rows, _ in parts if table in rows.payloads]
                    if payloads:
                        await self._store.copy_binary(table, tuple(columns), payloads)
                for rows, _ in parts:
                    await _write_small(connection, rows)
                for offset in {offset.stream: offset for _, offset in parts}.values():
                    await _write_offset(connection, offset)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise Malformed("record", str(error).strip()) from error
        self._known_days |= new_days
        self._known_runs |= new_runs.keys()
        self._known_instruments |= new_instruments

    async def keep_house(self, now_ns: int, retention: Retention) -> Kept:
        """Make the days to come, make bars final, drop what is too old and, beyond the bound on size, the oldest days.

        Raises:
            Transient: the database is away, or a reader holds what should be dropped
        """
        today = _moment(now_ns).date()
        async with self._store.transaction() as connection:
            for day in (today, today + timedelta(days=1)):
                await connection.execute("SELECT ensure_day(%s)", (day,))
            # The parts of bars lie by the database's own clock.
            await connection.execute("SELECT ensure_day(current_date), ensure_day(current_date + 1)")
        await self._store.call("CALL refresh_bars()")
        oldest_bars = oldest_kept(today, retention.bar_days)
        await self._expire("SELECT expire_bars_before(%s) AS dropped", oldest_bars)
        dropped = await self._expire("SELECT expire_before(%s) AS dropped", oldest_kept(today, retention.days))
        sizes = await self._sizes()
        over = [] if retention.max_bytes is None else days_over(sizes, retention.max_bytes, today)
        if over:
            await self._expire("SELECT expire_before(%s) AS dropped", over[-1] + timedelta(days=1))
            sizes = await self._sizes()
        size_bytes = sum(sizes.values())
        self._known_days.clear()
        is_too_large = retention.max_bytes is not None and size_bytes > retention.max_bytes
        return Kept(dropped, tuple(over), size_bytes, is_too_large)

    async def _expire(self, query: LiteralString, day: date) -> int:
        async with self._store.transaction() as connection:
            # A reader in the middle of a long query must not stop the recording behind a waiting DROP.
            await connection.execute("SET LOCAL lock_timeout = '2s'")
            row = await (await connection.execute(query, (day,))).fetchone()
        return int(row["dropped"]) if row else 0

    async def _sizes(self) -> dict[date, int]:
        rows = await self._store.fetch("SELECT day, size_bytes FROM record_days()")
        return {row["day"]: int(row["size_bytes"]) for row in rows}


def _encode(rows: Rows) -> tuple[dict[str, bytes], int]:
    """Return, by table that gets any, the rows as COPY takes them, and how many parts of bars are among them."""
    types = TABLES["ticks"]
    blocks = [(block.constants, to_columns(types, block.columns)) for block in rows.ticks.values()]
    ticks = b"".join(encode_block(types, constants, columns) for constants, columns in blocks)
    bar_parts = fold_bar_parts(
        ((constants, {name: column.values for name, column in columns.items()}) for constants, columns in blocks),
        rows.marks,
    )
    others = {
        table: encode_rows(TABLES[table].values(), values)
        for table, values in (rows.others | {"bar_parts_1s": bar_parts}).items()
    }
    return {table: payload for table, payload in ({"ticks": ticks} | others).items() if payload}, len(bar_parts)


def _listing_row(listing: Instrument) -> tuple[Any, ...]:
    values = (getattr(listing, name) for name in _LISTING)
    plain = [value.value if isinstance(value, Enum) else value for value in values]
    return (*plain, listing.ts_recv_ns, _moment(listing.ts_recv_ns))


async def _write_small(connection: AsyncConnection[dict[str, Any]], rows: EncodedRows) -> None:
    for each in rows.instruments.values():
        await connection.execute(_INSTRUMENTS, _listing_row(each))
    for gap in rows.gaps:
        await connection.execute(
            _GAPS,
            (gap.run_id, gap.venue, gap.symbol, gap.from_seq, gap.through_seq, gap.found_by, gap.reason),
        )


async def _write_offset(connection: AsyncConnection[dict[str, Any]], offset: Offset) -> None:
    await connection.execute(
        _OFFSETS,
        (
            offset.stream, offset.stream_created_ns, offset.last_seq, offset.last_stored_ns,
            Jsonb(offset.positions.dump()),
        ),
    )  # fmt: skip


def _moment(ns: int) -> datetime:
    """Return ``ns`` as a datetime, cut to microseconds."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)
