"""Vectors of a whole history, by the kernel that runs live."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.quant.cross_section import CrossReading
from foretick.quant.events import EventArrays
from foretick.quant.kernel.engine import FeatureKernel, Grid
from foretick.quant.kernel.vector import META_COLUMNS

_CHUNK_EVENTS = 16_384
"""Events a call: the buffer of vectors stays small however long the history is."""


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Feature vectors of one instrument, one row each, in order.

    values: float64 (n, features), NaN is missing
    step, recv_ns, asof_seq: int64 (n); mid: float64 (n), NaN where unknown; warm: bool (n)
    cross_s: int64 (n), second of the cross-section in it, -1 for none
    """

    values: NDArray[np.float64]
    step: NDArray[np.int64]
    recv_ns: NDArray[np.int64]
    asof_seq: NDArray[np.int64]
    mid: NDArray[np.float64]
    warm: NDArray[np.bool_]
    cross_s: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self.step)


def read_vectors(rows: NDArray[np.float64], first_seq: int, interval_ns: int) -> Vectors:
    """Return rows of a kernel's ``out`` as vectors (copied); ``first_seq`` numbers the first event of that call."""
    step = rows[:, 1].astype(np.int64)
    return Vectors(
        values=rows[:, META_COLUMNS:].copy(),
        step=step,
        recv_ns=step * interval_ns + rows[:, 2].astype(np.int64),
        asof_seq=first_seq + rows[:, 0].astype(np.int64),
        mid=rows[:, 3].copy(),
        warm=rows[:, 4] > 0.0,
        cross_s=rows[:, 5].astype(np.int64),
    )


def fold_history(
    events: EventArrays, grid: Grid, first_seq: int = 1, sections: Mapping[int, CrossReading] | None = None
) -> Vectors:
    """Fold the whole history of one instrument and return its vectors; event i has number ``first_seq + i``.

    sections: what the cross-section of each second says of it; without them those features are missing
    """
    sections = sections or {}
    kernel = FeatureKernel(grid, capacity=1, kept_s=max(sections, default=0) - min(sections, default=0) + 1)
    row = kernel.add()
    for second, reading in sections.items():
        kernel.put_cross(row, second, reading)
    parts: list[NDArray[np.float64]] = [kernel.out[:0].copy()]
    for start in range(0, len(events), _CHUNK_EVENTS):
        emitted = kernel.fold(row, events.slice(start, min(start + _CHUNK_EVENTS, len(events))))
        part = kernel.out[:emitted].copy()
        part[:, 0] += start
        parts.append(part)
    return read_vectors(np.concatenate(parts), first_seq, grid.interval_ns)
