"""The kernel as Python sees it: instruments by row, one compiled call a run of events, snapshots as bytes."""

import hashlib
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.quant import parameters as p
from foretick.quant.cross_section import CrossReading
from foretick.quant.events import DEPTH_COLUMNS, VALUE_COLUMNS, BookTrust, EventArrays, EventKind
from foretick.quant.kernel.compiled import OUT_COLUMNS, fold_events
from foretick.quant.kernel.cross import blank_lines, put_line
from foretick.quant.kernel.health import no_faults
from foretick.quant.kernel.state import DEQUE_ROWS, STATE, initial_row
from foretick.quant.registry import SCHEMA_HASH

_HEADER = struct.Struct("<16sqq")
_LAYOUT = hashlib.sha256(f"{SCHEMA_HASH} {STATE.descr}".encode()).digest()[:16]
_MIN_OUT_ROWS = 64
Columns = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
"""kind, recv_ns, v and depth, as ``EventArrays`` lays them out."""

_NO_DEPTH = np.zeros((1, DEPTH_COLUMNS))


class SnapshotMismatch(ValueError):
    """A snapshot of another kernel, schema or grid: it cannot be restored, fold the history instead."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Length of a step in ns, and of the feature window in steps."""

    interval_ns: int
    window_steps: int

    def __post_init__(self) -> None:
        if self.interval_ns < 1 or self.window_steps < 2:
            raise ValueError(f"a step must last at least 1 ns and a window 2 steps, not {self}")


class FeatureKernel:
    """Feature state of many instruments: one row of a state matrix and one block of queues each.

    ``out`` holds the vectors of the latest ``fold``, one a row: index of the event in that call, step, ns since the
    step began, mid, warm (0 or 1), the second of the cross-section in it (-1: none), then the values in the registry's
    order; NaN is missing. ``faults`` counts over all instruments what was wrong with them: rows as ``health.Fault``,
    one column a feature. Cross-sections are put beside the state and are no part of it.

    >>> kernel = FeatureKernel(Grid(interval_ns=100_000_000, window_steps=1000))
    >>> kernel.add(), kernel.add()
    (0, 1)
    """

    def __init__(self, grid: Grid, capacity: int = 8, kept_s: int = p.CROSS_KEPT_S) -> None:
        self.grid = grid
        self.out: NDArray[np.float64] = np.zeros((_MIN_OUT_ROWS, OUT_COLUMNS))
        self.faults: NDArray[np.int64] = no_faults()
        self._count = 0
        self._kept_s = kept_s
        self._allot(max(capacity, 1))

    def __len__(self) -> int:
        """Return the number of instruments."""
        return self._count

    def add(self) -> int:
        """Add an instrument and return its row."""
        if self._count == len(self._states):
            states, deques, lines = self._states, self._deques, self._lines
            self._allot(2 * len(states))
            self._states[: len(states)] = states
            self._deques[: len(deques)] = deques
            self._lines[: len(lines)] = lines
        self._count += 1
        return self._count - 1

    def fold(self, row: int, events: EventArrays) -> int:
        """Fold ``events`` into the instrument of ``row``; return how many vectors are in ``out``."""
        return self.fold_buffers(row, (events.kind, events.recv_ns, events.v, events.depth), len(events))

    def fold_buffers(self, row: int, columns: Columns, n: int) -> int:
        """Fold the first ``n`` rows of unchecked, preallocated ``columns`` (kind, recv_ns, v, depth): the hot path."""
        if n > len(self.out):
            self.out = np.zeros((2 * n, OUT_COLUMNS))
        states, deques, lines = self._views[row]
        return fold_events(states, deques, lines, *columns, self.out, self.faults, n)

    def void(self, row: int) -> None:
        """Note that events of an instrument were lost: its book and quotes are unknown until the next of each."""
        kind, v = np.full(1, EventKind.STATE, np.uint8), np.full((1, VALUE_COLUMNS), float(BookTrust.GAP))
        self.fold_buffers(row, (kind, np.zeros(1, np.int64), v, _NO_DEPTH), 1)  # time 0 is held at the last event's

    def put_cross(self, row: int, second: int, reading: CrossReading) -> None:
        """Take what the cross-section of ``second`` says of an instrument; the latest ``kept_s`` are kept."""
        put_line(self._lines[row], second, reading)

    def forget_cross(self, row: int) -> None:
        """Forget an instrument's cross-sections."""
        self._lines[row] = blank_lines((self._kept_s,))

    def snapshot(self, row: int) -> bytes:
        """Return the state of an instrument, to be restored by an equal kernel."""
        states, deques, _ = self._views[row]
        queues = [deques[lines][:, slots] for lines, slots in _queue_slots(states, deques.shape[1])]
        header = _HEADER.pack(_LAYOUT, self.grid.interval_ns, self.grid.window_steps)
        return b"".join([header, states.tobytes(), *(queue.tobytes() for queue in queues)])

    def restore(self, row: int, snapshot: bytes) -> None:
        """Set an instrument to ``snapshot``.

        Raises:
            SnapshotMismatch: it was taken by another kernel, schema or grid, or is cut short.
        """
        states, deques, _ = self._views[row]
        if len(snapshot) < _HEADER.size + states.nbytes:
            raise SnapshotMismatch(f"{len(snapshot)} bytes are too few")
        layout, interval_ns, window_steps = _HEADER.unpack_from(snapshot)
        if layout != _LAYOUT or (interval_ns, window_steps) != (self.grid.interval_ns, self.grid.window_steps):
            raise SnapshotMismatch(f"taken by another kernel or grid ({interval_ns} ns, {window_steps} steps)")
        saved = np.frombuffer(snapshot, np.uint8, states.nbytes, _HEADER.size).copy()
        queues = _queue_slots(saved, deques.shape[1])
        start = _HEADER.size + saved.nbytes
        if len(snapshot) != start + sum(16 * len(slots) for _, slots in queues):
            raise SnapshotMismatch(f"{len(snapshot)} bytes are not what its queues take")
        states[:] = saved
        for lines, slots in queues:
            deques[lines][:, slots] = np.frombuffer(snapshot, np.float64, 2 * len(slots), start).reshape(2, -1)
            start += 16 * len(slots)

    def _allot(self, capacity: int) -> None:
        fresh = initial_row(self.grid.interval_ns, self.grid.window_steps)
        self._states = np.tile(fresh.view(np.uint8), (capacity, 1))
        self._deques = np.zeros((capacity, DEQUE_ROWS, self.grid.window_steps + 1))
        self._lines = blank_lines((capacity, self._kept_s))
        self._views = [(self._states[row], self._deques[row], self._lines[row]) for row in range(capacity)]


def _queue_slots(states: NDArray[np.uint8], size: int) -> list[tuple[slice, NDArray[np.int64]]]:
    """Return, for the queue of lows and that of highs, its lines of the deque block and the slots in use."""
    record = states.view(STATE)[0]
    lows = np.arange(record["low_head"], record["low_tail"]) % size
    highs = np.arange(record["high_head"], record["high_tail"]) % size
    return [(slice(0, 2), lows), (slice(2, 4), highs)]
