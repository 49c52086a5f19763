"""The connection to PostgreSQL: endless reconnects, transactions, binary COPY."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from foretick.common.errors import Transient
from foretick.common.runtime.health import Health
from foretick.common.runtime.logs import Logger

COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0
_LOG_EVERY = 20


class Store:
    """One connection to PostgreSQL, for one task at a time; opened again when it is lost.

    The readiness condition ``database`` says whether it is there.
    """

    def __init__(self, url: str, name: str, log: Logger, health: Health) -> None:
        self.url = url
        self._name = name
        self._log = log
        self._health = health
        self._connection: psycopg.AsyncConnection[dict[str, Any]] | None = None

    async def connect(self) -> None:
        """Connect if need be, waiting for the server as long as it takes."""
        if self._connection is not None and not self._connection.closed:
            return
        wait_s, failures = _FIRST_WAIT_S, 0
        while True:
            try:
                self._connection = await psycopg.AsyncConnection[dict[str, Any]].connect(
                    self.url,
                    autocommit=True,
                    row_factory=dict_row,
                    application_name=self._name,
                    connect_timeout=5,
                    # A server that vanished without a word is noticed within half a minute.
                    keepalives_idle=10,
                    keepalives_interval=5,
                    keepalives_count=3,
                    options="-c timezone=UTC",
                )
            except psycopg.Error as error:
                self._health.set("database", ok=False, detail="waiting for the database")
                if failures % _LOG_EVERY == 0:
                    self._log.warning(
                        "database away", error=str(error).strip(), failures=failures + 1,
                        hint="is PostgreSQL running where DATABASE_URL says? This service waits for it",
                    )  # fmt: skip
                failures += 1
                # Jitter, so that services which lost it together do not return together.
                await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
            else:
                self._health.set("database", ok=True)
                if failures:
                    self._log.info("database connected", failures=failures)
                return

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[psycopg.AsyncConnection[dict[str, Any]]]:
        """Run the body in one transaction: committed at its end, rolled back by an exception.

        Raises:
            Transient: the connection was lost, and whether a commit under way succeeded is not known; or the server
                could not do it now
            psycopg.DataError, psycopg.IntegrityError: the server refused what it was given
        """
        connection = self._require()
        try:
            async with connection.transaction():
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            # A full disk or a lock that was not granted is trouble too, but the connection stands.
            if connection.closed:
                await self._lose(error)
            raise Transient(f"database: {error}") from error
        except asyncio.CancelledError:
            # A cancelled query leaves the connection in the middle of its protocol.
            await self.close()
            raise

    async def fetch(self, query: LiteralString, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return all rows of ``query``, each as a dict by column name.

        Raises:
            Transient: the connection was lost
        """
        async with self.transaction() as connection:
            return await (await connection.execute(query, parameters)).fetchall()

    async def call(self, statement: LiteralString) -> None:
        """Run ``statement`` outside of a transaction: a procedure that commits as it goes.

        Raises:
            Transient: the connection was lost, or the procedure did not come to its end
        """
        connection = self._require()
        try:
            await connection.execute(statement)
        except psycopg.Error as error:
            # What it held of the session, such as a lock, goes with the session.
            await self._lose(error)
            raise Transient(f"database: {error}") from error
        except asyncio.CancelledError:
            await self.close()
            raise

    async def copy_binary(self, table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
        """COPY blocks of rows, in PostgreSQL's binary format without header and trailer, within a ``transaction``."""
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        async with self._require().cursor() as cursor, cursor.copy(statement) as copy:
            await copy.write(COPY_HEADER)
            for block in rows:
                await copy.write(block)
            await copy.write(COPY_TRAILER)

    def _require(self) -> psycopg.AsyncConnection[dict[str, Any]]:
        if self._connection is None or self._connection.closed:
            raise Transient("database: not connected")
        return self._connection

    async def _lose(self, error: Exception) -> None:
        self._health.set("database", ok=False, detail="connection lost")
        self._log.warning("database connection lost", error=str(error).strip())
        await self.close()
