"""Recordings as tables: names and types of the columns, and batches of rows by column."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args, get_type_hints

from foretick.common.errors import Malformed
from foretick.market.recording.market_rows import TABLES, MarketRow
from foretick.market.recording.records import Record

FRAMES = "frames"
"""The table of records."""

BATCH_ROWS = 20_000
BATCH_BYTES = 32 * 1024 * 1024

_NAMES = {row: table for table, row in TABLES.items()}
_FRAME_SCHEMA: dict[str, type] = {
    "recv_ns": int, "venue": str, "connection": int, "kind": str, "symbol": str, "url": str, "status": int,
}  # fmt: skip


def table_of(item: Record | MarketRow) -> str:
    """Return the name of the table that ``item`` is a row of."""
    return FRAMES if isinstance(item, Record) else _NAMES[type(item)]


def schema_of(table: str, *, as_text: bool) -> dict[str, type]:
    """Return names and types of the columns of ``table``.

    ``as_text``: for a file of text. A payload is there where it is UTF-8, else its base64 in a column of its own.
    """
    if table == FRAMES:
        return _FRAME_SCHEMA | ({"payload": str, "payload_base64": str} if as_text else {"payload": bytes})
    return {name: _plain(hint) for name, hint in get_type_hints(TABLES[table]).items()}


def batches_of(items: Iterable[Record | MarketRow], table: str, *, as_text: bool) -> Iterator[dict[str, Sequence[Any]]]:
    """Yield ``items`` by column, so many at a time that memory stays bounded.

    Raises:
        Malformed: for an item of another table
    """
    names = list(schema_of(table, as_text=as_text))
    rows: list[tuple[Any, ...]] = []
    payload_bytes = 0
    for item in items:
        if table_of(item) != table:
            raise Malformed("recording", f"a row of {table_of(item)} among {table}: convert them one after the other")
        if isinstance(item, Record):
            payload_bytes += len(item.payload)
            rows.append(_frame(item, as_text))
        else:
            rows.append(tuple(getattr(item, name) for name in names))
        if len(rows) == BATCH_ROWS or payload_bytes >= BATCH_BYTES:
            yield dict(zip(names, zip(*rows, strict=True), strict=True))
            rows, payload_bytes = [], 0
    if rows:
        yield dict(zip(names, zip(*rows, strict=True), strict=True))


def _frame(record: Record, as_text: bool) -> tuple[Any, ...]:
    known = (
        record.recv_ns, record.venue, record.connection, record.kind.value, record.symbol, record.url, record.status,
    )  # fmt: skip
    if not as_text:
        return (*known, record.payload)
    try:
        return (*known, record.payload.decode(), None)
    except UnicodeDecodeError:
        return (*known, None, base64.b64encode(record.payload).decode())


def _plain(hint: Any) -> type:
    """Return the type of a column, which may always be empty."""
    return next((each for each in get_args(hint) if each is not type(None)), hint)
