"""The arrays in which events of one instrument reach the feature kernel: the same for live, replay and training.

Columns, one row an event, in the order of the instrument's sequence number:

``kind`` (uint8)
    0 trade, 1 quote, 2 depth, 3 clock, 4 state
``recv_ns`` (int64)
    data time of the event, UTC nanoseconds; never decreases
``v`` (float64, n x 4)
    ======  ====================================================================================================
    trade   price (quote currency), qty (base currency), side (1 the aggressor bought, -1 sold), 0
    quote   best bid, bid qty, best ask, ask qty
    depth   row of ``depth``, 0, 0, 0: the order book is LIVE and these are its top 10 levels
    clock   0, 0, 0, 0: time has passed
    state   trust, 0, 0, 0: the book is not LIVE; 1 STALE, 2 RESYNC, 3 CROSSED, 4 GAP (quotes are void too)
    ======  ====================================================================================================
``depth`` (float64, m x 40)
    bid price 10, bid qty 10, ask price 10, ask qty 10, best level first, 0 where there is no level

A state event masks what derives from the book until the next depth event.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

DEPTH_LEVELS = 10
DEPTH_COLUMNS = 4 * DEPTH_LEVELS
VALUE_COLUMNS = 4
_PADDING = (0.0,) * DEPTH_LEVELS


class EventKind(IntEnum):
    """What an event is; the values of column ``kind``."""

    TRADE = 0
    QUOTE = 1
    DEPTH = 2
    CLOCK = 3
    STATE = 4


class BookTrust(IntEnum):
    """``v[0]`` of a state event, as ``contracts.TRUST_SEVERITY`` ranks it.

    0 is LIVE and is said by a depth event.
    """

    STALE = 1
    RESYNC = 2
    CROSSED = 3
    GAP = 4


@dataclass(frozen=True, slots=True, eq=False)
class EventArrays:
    """Consecutive events of one instrument; see the module docstring for the columns.

    Raises:
        ValueError: a column has the wrong type, shape, kind, time order or depth row.
    """

    kind: NDArray[np.uint8]
    recv_ns: NDArray[np.int64]
    v: NDArray[np.float64]
    depth: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check every column."""
        faults = [*_shape_faults(self)]
        if not faults:
            faults = [*_content_faults(self)]
        if faults:
            raise ValueError("; ".join(faults))

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.kind)

    def slice(self, start: int, stop: int) -> "EventArrays":
        """Return events ``start`` to ``stop`` as views; they share the depth matrix, so its rows keep their numbers."""
        return EventArrays(self.kind[start:stop], self.recv_ns[start:stop], self.v[start:stop], self.depth)


def depth_values(bids: Sequence[tuple[float, float]], asks: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """Return a row of ``depth``; ``bids`` and ``asks`` are (price, qty), best first, at most ``DEPTH_LEVELS`` each."""
    no_bids, no_asks = _PADDING[len(bids) :], _PADDING[len(asks) :]
    return (
        *[price for price, _ in bids], *no_bids, *[qty for _, qty in bids], *no_bids,
        *[price for price, _ in asks], *no_asks, *[qty for _, qty in asks], *no_asks,
    )  # fmt: skip


def _shape_faults(events: EventArrays) -> list[str]:
    n = len(events.kind)
    wanted = (
        ("kind", events.kind, np.uint8, (n,)),
        ("recv_ns", events.recv_ns, np.int64, (n,)),
        ("v", events.v, np.float64, (n, VALUE_COLUMNS)),
        ("depth", events.depth, np.float64, (len(events.depth), DEPTH_COLUMNS)),
    )
    return [
        f"{name} must be C-contiguous {np.dtype(dtype).name} of shape {shape}, not {array.dtype} of {array.shape}"
        for name, array, dtype, shape in wanted
        if array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous
    ]


def _content_faults(events: EventArrays) -> list[str]:
    faults: list[str] = []
    if np.any(events.kind > EventKind.STATE):
        faults.append(f"kind {int(events.kind.max())} is not one of 0 to {int(EventKind.STATE)}")
    if np.any(np.diff(events.recv_ns) < 0):
        faults.append("recv_ns decreases")
    if np.any(events.recv_ns < 0):
        faults.append("recv_ns is negative")
    rows = events.v[events.kind == EventKind.DEPTH, 0]
    if not np.all((rows >= 0) & (rows < len(events.depth)) & (rows == np.floor(rows))):
        faults.append(f"a depth event names a row outside the {len(events.depth)} rows of depth")
    trust = events.v[events.kind == EventKind.STATE, 0]
    if not np.isin(trust, [int(level) for level in BookTrust]).all():
        faults.append("a state event carries a trust outside 1 to 4")
    return faults
