"""What the events of a commit add to each second of an instrument's bars.

A *part* is a row of ``bar_parts_1s``: the share that one chunk of messages has in one second of data time of one
instrument. Parts of a second do not overlap in ``seq``, so they merge in any order into the bar of all its events, and
seconds merge into longer bars. Every event counts, of ticks and book alike: a bar that is there says that the
instrument was watched, and the ``events`` of an instrument's bars are all its events.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretick.common.contracts import TRUST_SEVERITY
from foretick.common.units import NS_PER_S

Instrument = tuple[str, str, str]
"""Run, venue, symbol."""


class Mark(NamedTuple):
    """An event that is no tick: it counts, and it has a trust."""

    instrument: Instrument
    seq: int
    recv_ns: int
    trust: str


@dataclass(slots=True)
class _Prices:
    """First, highest, lowest and last of some prices, and the numbers of the first and the last."""

    first_seq: int
    last_seq: int
    open: float
    high: float
    low: float
    close: float

    def merge(self, other: "_Prices") -> "_Prices":
        early, late = (self, other) if self.first_seq <= other.first_seq else (other, self)
        last = self if self.last_seq >= other.last_seq else other
        return _Prices(
            early.first_seq, last.last_seq, early.open, max(early.high, late.high), min(early.low, late.low), last.close
        )  # fmt: skip


@dataclass(slots=True)
class _Part:
    first_seq: int
    last_seq: int
    events: int = 0
    live_events: int = 0
    worst_trust: int = 0
    trades: int = 0
    volume_qty: float = 0.0
    buy_volume_qty: float = 0.0
    price_qty: float = 0.0
    qty_per_price: float = 0.0
    traded: _Prices | None = None
    mids: _Prices | None = None

    def count(self, first_seq: int, last_seq: int, events: int, rank: int) -> None:
        self.first_seq, self.last_seq = min(self.first_seq, first_seq), max(self.last_seq, last_seq)
        self.events += events
        self.live_events += events if rank == 0 else 0
        self.worst_trust = max(self.worst_trust, rank)

    def row(self, start_ns: int, instrument: Instrument) -> tuple[Any, ...]:
        traded, mids = self.traded, self.mids
        nothing = (None, None, None, None)
        return (
            start_ns, self.first_seq, self.last_seq, self.events, self.live_events, self.trades, self.volume_qty,
            self.buy_volume_qty, self.price_qty, self.qty_per_price,
            *((traded.open, traded.high, traded.low, traded.close) if traded else nothing),
            *((mids.open, mids.high, mids.low, mids.close) if mids else nothing),
            self.worst_trust, *instrument,
        )  # fmt: skip


_Parts = dict[tuple[Instrument, int], _Part]


def fold_bar_parts(
    blocks: Iterable[tuple[Mapping[str, str | int], Mapping[str, NDArray[Any]]]], marks: Iterable[Mark]
) -> list[tuple[Any, ...]]:
    """Return the rows of ``bar_parts_1s`` that these events make.

    Args:
        blocks: ticks by column, ascending in ``seq``, and what they have in common; see ``rows.TickBlock``
        marks: the other events
    """
    parts: _Parts = {}
    for constants, columns in blocks:
        _fold_block(parts, constants, columns)
    for instrument, seq, recv_ns, trust in marks:
        _part(parts, instrument, recv_ns // NS_PER_S, seq).count(seq, seq, 1, TRUST_SEVERITY[trust])
    return [part.row(second * NS_PER_S, instrument) for (instrument, second), part in parts.items()]


def _part(parts: _Parts, instrument: Instrument, second: int, seq: int) -> _Part:
    part = parts.get((instrument, second))
    if part is None:
        part = parts[instrument, second] = _Part(seq, seq)
    return part


def _fold_block(parts: _Parts, constants: Mapping[str, str | int], columns: Mapping[str, NDArray[Any]]) -> None:
    instrument = (str(constants["run_id"]), str(constants["venue"]), str(constants["symbol"]))
    rank, seq = TRUST_SEVERITY[str(constants["trust"])], columns["seq"]
    seconds = columns["recv_ns"] // NS_PER_S
    starts = np.concatenate(([0], np.flatnonzero(seconds[1:] != seconds[:-1]) + 1))
    ends = np.append(starts[1:], len(seq)) - 1
    firsts, lasts = seq[starts].tolist(), seq[ends].tolist()
    counts = (ends - starts + 1).tolist()
    found = [_part(parts, instrument, second, first)
             for second, first in zip(seconds[starts].tolist(), firsts, strict=True)]  # fmt: skip
    for part, first, last, count in zip(found, firsts, lasts, counts, strict=True):
        part.count(first, last, count, rank)
    if "price" in columns:
        _fold_trades(found, columns, starts)
        for part, prices in zip(found, _prices(columns["price"], seq, starts, ends), strict=True):
            part.traded = part.traded.merge(prices) if part.traded else prices
        for part, count in zip(found, counts, strict=True):
            part.trades += count
    elif "bid" in columns:
        mids = (columns["bid"] + columns["ask"]) / 2
        for part, prices in zip(found, _prices(mids, seq, starts, ends), strict=True):
            part.mids = part.mids.merge(prices) if part.mids else prices


def _fold_trades(found: list[_Part], columns: Mapping[str, NDArray[Any]], starts: NDArray[Any]) -> None:
    price, qty = columns["price"], columns["qty"]
    per_price = np.divide(qty, price, out=np.zeros(len(qty)), where=price != 0)
    for name, values in (
        ("volume_qty", qty),
        ("buy_volume_qty", np.where(columns["side"] == 1, qty, 0.0)),
        ("price_qty", price * qty),
        ("qty_per_price", per_price),
    ):
        for part, total in zip(found, np.add.reduceat(values, starts).tolist(), strict=True):
            setattr(part, name, getattr(part, name) + total)


def _prices(values: NDArray[Any], seq: NDArray[Any], starts: NDArray[Any], ends: NDArray[Any]) -> list[_Prices]:
    """Return the prices of each stretch from one of ``starts`` to its end."""
    return list(
        map(
            _Prices, seq[starts].tolist(), seq[ends].tolist(), values[starts].tolist(),
            np.maximum.reduceat(values, starts).tolist(), np.minimum.reduceat(values, starts).tolist(),
            values[ends].tolist(),
        )
    )  # fmt: skip
