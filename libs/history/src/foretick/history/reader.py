"""Queries -> polars frames over Arrow: COPY's binary format, decoded by the driver into columns, never into objects."""

from collections.abc import Mapping
from typing import Any, Self

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as adbc
import polars as pl
from psycopg import sql

from foretick.common.errors import Refused, Transient

_NO_TABLE = "42P01"


class Reader:
    """One connection. Each query sees the record as it is then; none holds it up: there is no long transaction."""

    def __init__(self, database_url: str) -> None:
        try:
            self._connection = adbc.connect(database_url, autocommit=True)
        except adbc_driver_manager.Error as error:
            raise Transient(f"the database does not answer: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def frame(self, query: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """Return all rows of ``query``, in which ``{name}`` stands for the value of that parameter.

        Raises:
            Refused: the database has no record, or cannot answer such a query
            Transient: it does not answer
        """
        # A query with parameters apart is not read through COPY, so values go in as literals, quoted by psycopg.
        text = query.format(**{name: _literal(value) for name, value in (parameters or {}).items()})
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(text)
                # By the Arrow PyCapsule protocol, which the stubs of polars do not know.
                return pl.DataFrame(cursor.fetch_arrow())  # pyright: ignore[reportArgumentType]
        except adbc_driver_manager.Error as error:
            if error.sqlstate == _NO_TABLE:
                raise Refused("no_record", "the database has no tables of Foretick", "run: foretick migrate") from error
            if isinstance(error, adbc_driver_manager.OperationalError):
                raise Transient(f"the database does not answer: {error}") from error
            raise Refused("cannot_query", str(error)) from error

    def row(self, query: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return the first row of ``query``; None where it has none."""
        found = self.frame(query, parameters)
        return found.row(0) if len(found) else None


def _literal(value: Any) -> str:
    return sql.Literal(value).as_string(None)
