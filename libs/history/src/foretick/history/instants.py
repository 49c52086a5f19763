"""Where an instrument's sequence stands at an instant of data time.

The tables have an index by ``seq``, not by time: one more index on the hot tables would cost every row that is
recorded. Data time never falls along the sequence, so its place is found by bisection: some thirty steps along the key.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from foretick.history.reader import Reader

OF = "run_id = {run} AND venue = {venue} AND symbol = {symbol}"


class Instrument(NamedTuple):
    """An instrument of a run."""

    run: str
    venue: str
    symbol: str

    @property
    def parameters(self) -> Mapping[str, Any]:
        """For queries with ``OF``."""
        return self._asdict()


def seq_range(
    reader: Reader, table: str, instrument: Instrument, from_ns: int | None, to_ns: int | None
) -> tuple[int, int]:
    """Return the lowest ``seq`` of ``table`` from ``from_ns`` on, and that from ``to_ns`` on: a half-open range."""
    extent = reader.row(f"SELECT min(seq), max(seq) FROM {table} WHERE {OF}", instrument.parameters)
    if extent is None or extent[0] is None:
        return (0, 0)
    first, after = extent[0], extent[1] + 1
    low = first if from_ns is None else _first_at(reader, table, instrument, from_ns, (first, after))
    high = after if to_ns is None else _first_at(reader, table, instrument, to_ns, (low, after))
    return (low, high)


def _first_at(reader: Reader, table: str, instrument: Instrument, at_ns: int, within: tuple[int, int]) -> int:
    low, high = within
    query = f"SELECT seq, recv_ns FROM {table} WHERE {OF} AND seq >= {{low}} AND seq < {{high}} ORDER BY seq LIMIT 1"
    while low < high:
        middle = (low + high) // 2
        found = reader.row(query, {**instrument.parameters, "low": middle, "high": high})
        if found is None or found[1] >= at_ns:
            high = middle
        else:
            low = found[0] + 1
    return low
