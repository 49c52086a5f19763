"""Rows in the binary format of PostgreSQL's COPY. Pure.

A row is a count of its fields, then for each its length in bytes (-1: NULL) and its value, all big-endian.
"""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

EPOCH_2000_US = 946_684_800_000_000
"""PostgreSQL counts microseconds from 2000-01-01 UTC; from 1970 it is this far."""

_FLOAT8_OID = 701
_NULL = struct.pack(">i", -1)
_INT2 = struct.Struct(">ih")
_INT8 = struct.Struct(">iq")
_FLOAT8 = struct.Struct(">id")
_BOOL = struct.Struct(">i?")
_LENGTH = struct.Struct(">i")
_ARRAY = struct.Struct(">iiiiii")
_EMPTY_ARRAY = struct.pack(">iiii", 12, 0, 0, _FLOAT8_OID)
_ELEMENTS = np.dtype([("length", ">i4"), ("value", ">f8")])


def encode_rows(types: Iterable[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Encode ``rows`` one by one; ``types`` are those of the columns.

    Raises:
        OverflowError, struct.error: a number does not fit its type
    """
    encoders = [_ENCODERS[kind] for kind in types]
    count = struct.pack(">h", len(encoders))
    parts: list[bytes] = []
    for row in rows:
        parts.append(count)
        parts.extend(_NULL if value is None else encode(value) for encode, value in zip(encoders, row, strict=True))
    return b"".join(parts)


class Column(NamedTuple):
    """Values of one column as numbers, and where they are NULL; ``missing`` is None where none is."""

    values: NDArray[Any]
    missing: NDArray[np.bool_] | None


def to_columns(types: Mapping[str, str], columns: Mapping[str, Sequence[Any]]) -> dict[str, Column]:
    """Return ``columns`` of the given ``types`` as arrays; None becomes NULL.

    Raises:
        OverflowError: a number does not fit its type
    """
    return {name: _column(values, types[name]) for name, values in columns.items()}


def encode_block(types: Mapping[str, str], constants: Mapping[str, str | int], columns: Mapping[str, Column]) -> bytes:
    """Encode rows that share ``constants`` and differ in number ``columns``; a column in neither is NULL.

    Rows with the same pattern of NULLs have the same layout, so all of a pattern are one row repeated, then filled
    column by column. ``ts`` is derived from ``recv_ns``.

    Raises:
        OverflowError: a number does not fit its type
    """
    plain = {name: column.values for name, column in columns.items()}
    plain["ts"] = plain["recv_ns"]
    holes = {name: column.missing for name, column in columns.items() if column.missing is not None}
    if all(missing.all() for missing in holes.values()):
        present = {name: values for name, values in plain.items() if name not in holes}
        return bytes(_encode_pattern(types, constants, present))
    pattern = np.zeros(len(plain["seq"]), np.int64)
    for bit, missing in enumerate(holes.values()):
        pattern |= missing.astype(np.int64) << bit
    blocks: list[bytearray] = []
    for code in np.flatnonzero(np.bincount(pattern))[::-1].tolist():
        absent = {name for bit, name in enumerate(holes) if code >> bit & 1}
        chosen = pattern == code
        present = {name: values[chosen] for name, values in plain.items() if name not in absent}
        blocks.append(_encode_pattern(types, constants, present))
    return b"".join(blocks)


def _column(values: Sequence[Any], kind: str) -> Column:
    dtype = np.float64 if kind == "float8" else np.int64
    if None not in values:
        return Column(np.array(values, dtype), None)
    missing = np.array([value is None for value in values])
    return Column(np.array([0 if value is None else value for value in values], dtype), missing)


@dataclass(frozen=True, slots=True)
class _Layout:
    """A row of a block with everything in it but its columns.

    places: by column, where its value begins and how it is stored
    """

    row: bytes
    places: dict[str, tuple[int, str]]


@lru_cache(maxsize=4096)
def _lay_out(
    types: tuple[tuple[str, str], ...], constants: tuple[tuple[str, str | int], ...], columns: frozenset[str]
) -> _Layout:
    """Return the layout of rows with ``constants`` and ``columns``; it is the same for block after block."""
    fixed = dict(constants)
    row = bytearray(struct.pack(">h", len(types)))
    places: dict[str, tuple[int, str]] = {}
    for name, kind in types:
        if name in columns:
            stored = _FIXED[kind]
            size_bytes = np.dtype(stored).itemsize
            row += _LENGTH.pack(size_bytes)
            places[name] = (len(row), stored)
            row += bytes(size_bytes)
        else:
            row += _ENCODERS[kind](fixed[name]) if name in fixed else _NULL
    return _Layout(bytes(row), places)


def _encode_pattern(
    types: Mapping[str, str], constants: Mapping[str, str | int], columns: Mapping[str, NDArray[Any]]
) -> bytearray:
    layout = _lay_out(tuple(types.items()), tuple(constants.items()), frozenset(columns))
    count, size_bytes = len(columns["seq"]), len(layout.row)
    block = bytearray(layout.row * count)
    for name, (offset, stored) in layout.places.items():
        column = np.ndarray((count,), stored, block, offset, (size_bytes,))
        values = columns[name]
        column[:] = values // 1000 - EPOCH_2000_US if types[name] == "timestamptz" else values
        if types[name] == "int2" and not np.array_equal(column, values):
            raise OverflowError(f"{name} does not fit 16 bits")
    return block


def _encode_timestamp(ns: int) -> bytes:
    return _INT8.pack(8, ns // 1000 - EPOCH_2000_US)


def _encode_text(text: str) -> bytes:
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded


def _encode_json(encoded: bytes) -> bytes:
    return _LENGTH.pack(len(encoded) + 1) + b"\x01" + encoded


def _encode_floats(values: Sequence[float | None]) -> bytes:
    """One dimension, lower bound 1; the third number says whether there are NULLs."""
    if not values:
        return _EMPTY_ARRAY
    if None in values:
        body = b"".join(_NULL if value is None else _FLOAT8.pack(8, value) for value in values)
    else:
        elements = np.empty(len(values), _ELEMENTS)
        elements["length"] = 8
        elements["value"] = values
        body = elements.tobytes()
    return _ARRAY.pack(20 + len(body), 1, int(None in values), _FLOAT8_OID, len(values), 1) + body


_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "int2": lambda value: _INT2.pack(2, value),
    "int8": lambda value: _INT8.pack(8, value),
    "float8": lambda value: _FLOAT8.pack(8, value),
    "bool": lambda value: _BOOL.pack(1, value),
    "text": _encode_text,
    "timestamptz": _encode_timestamp,
    "float8[]": _encode_floats,
    "jsonb": _encode_json,
}

_FIXED = {"int2": ">i2", "int8": ">i8", "float8": ">f8", "timestamptz": ">i8"}
