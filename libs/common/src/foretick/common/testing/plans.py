"""What PostgreSQL does to answer: the plans of queries as they were executed, and the rows that went through them.

A count of rows says how work grows, on any machine and however busy it is, where seconds would not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

_EXPLAIN = b"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "
_ROWS = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck")
"""In EXPLAIN's words and for each time that a node was executed; what a join looked at in vain is among them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The executed plan of ``query``; ``root`` is its topmost node as EXPLAIN tells it."""

    query: str
    root: dict[str, Any]

    @property
    def kinds(self) -> set[str]:
        """The kinds of its nodes, such as ``Nested Loop``."""
        return {node["Node Type"] for node in _nodes(self.root)}

    @property
    def handled_rows(self) -> int:
        """Rows that all its nodes together gave on or threw away."""
        return round(sum(sum(node.get(name, 0) for name in _ROWS) * node["Actual Loops"] for node in _nodes(self.root)))


def keep_plans(connection: psycopg.Connection[Any]) -> list[Plan]:
    """Execute every query of ``connection`` twice from now on, first to see its plan; return the list of the plans."""
    plans: list[Plan] = []

    def explain(statement: bytes, parameters: Any) -> None:
        reply = psycopg.Cursor(connection).execute(_EXPLAIN + statement, parameters).fetchone()
        assert reply is not None  # EXPLAIN replies with one row
        plans.append(Plan(statement.decode(), reply[0][0]["Plan"]))

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            statement = _bytes(query)
            if statement.split(None, 1)[0].upper() in (b"SELECT", b"WITH"):
                explain(statement, params)
            return super().execute(query, params, **options)

    class ServerCursor(psycopg.ServerCursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            # a cursor is planned for its first rows to come soon, unlike the same query without one
            explain(b"DECLARE explained CURSOR FOR " + _bytes(query), params)
            return super().execute(query, params, **options)

    connection.cursor_factory, connection.server_cursor_factory = Cursor, ServerCursor
    return plans


def _bytes(query: Any) -> bytes:
    return query if isinstance(query, bytes) else str(query).encode()


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)
