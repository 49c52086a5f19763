"""The compiled loop over events, and its cache.

Numba caches by the file of the entry function alone, so that an edit of ``flow`` or ``bars`` would go unnoticed. The
entry therefore closes over a fingerprint of every source it is made from, which numba makes part of the cache's key.
No fast math: the result must not depend on how a run of events is cut into calls.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

from foretick.quant import parameters as p
from foretick.quant.events import DEPTH_COLUMNS, VALUE_COLUMNS, EventKind
from foretick.quant.kernel import cross, state
from foretick.quant.kernel.bars import roll_bar
from foretick.quant.kernel.flow import fold_depth, fold_quote, fold_state, fold_trade
from foretick.quant.kernel.health import no_faults
from foretick.quant.kernel.state import STATE, advance
from foretick.quant.kernel.vector import META_COLUMNS, emit
from foretick.quant.registry import FEATURE_COUNT

OUT_COLUMNS = META_COLUMNS + FEATURE_COUNT

_TRADE, _QUOTE, _DEPTH, _STATE = (
    EventKind.TRADE.value,
    EventKind.QUOTE.value,
    EventKind.DEPTH.value,
    EventKind.STATE.value,
)
_GAP = 4


def _fingerprint() -> int:
    quant = Path(__file__).parents[1]
    digest = hashlib.sha256()
    single = [quant / f"{name}.py" for name in ("parameters", "events", "feature", "registry", "cross_section")]
    for path in [*single, *sorted([*quant.glob("kernel/*.py"), *quant.glob("catalogue/*.py")])]:
        digest.update(path.read_bytes())
    return int.from_bytes(digest.digest()[:7], "big")


def _compile(fingerprint: int) -> Callable[..., int]:
    @numba.njit(cache=True, nogil=True, error_model="numpy")
    def fold(states, deques, lines, kind, recv_ns, v, depth, out, faults, n):  # noqa: ANN001, ANN202, PLR0913 - compiled
        if n < 0:
            return fingerprint
        s = states.view(STATE)[0]
        emitted = 0
        for i in range(n):
            t_ns = advance(states, s, recv_ns[i])
            roll_bar(s, t_ns)
            if kind[i] == _TRADE:
                fold_trade(s, t_ns, v[i])
            elif kind[i] == _QUOTE:
                fold_quote(s, t_ns, v[i])
            elif kind[i] == _DEPTH:
                fold_depth(s, t_ns, depth[int(v[i, 0])])
            elif kind[i] == _STATE:
                fold_state(s, v[i, 0] >= _GAP)
            step = t_ns // s.interval_ns
            if step > s.last_step:
                s.last_step = step
                out[emitted, 0] = i
                emit(s, deques, lines, t_ns, step, out[emitted], faults)
                emitted += 1
        return emitted

    return fold


fold_events = _compile(_fingerprint())
"""Fold ``n`` events into one instrument and return how many vectors were written to ``out``.

``fold_events(states, deques, lines, kind, recv_ns, v, depth, out, faults, n)``: ``states`` uint8, the bytes of one
``STATE`` record; ``deques`` float64 (4, window + 1); ``lines`` as ``cross.blank_lines`` makes them; the columns of
``EventArrays``; ``out`` float64 (at least n, ``OUT_COLUMNS``); ``faults`` as ``health.no_faults`` makes it, added to.
With ``n`` below 0 it folds nothing and returns the fingerprint of its sources.
"""


def arguments(interval_ns: int, window_steps: int, rows: int) -> tuple[Any, ...]:
    """Return a fresh instrument and buffers for ``rows`` events: the arguments of ``fold_events`` before ``n``."""
    return (
        state.initial_row(interval_ns, window_steps).view(np.uint8),
        np.zeros((state.DEQUE_ROWS, window_steps + 1)),
        cross.blank_lines((p.CROSS_KEPT_S,)),
        np.zeros(rows, np.uint8),
        np.zeros(rows, np.int64),
        np.zeros((rows, VALUE_COLUMNS)),
        np.zeros((rows, DEPTH_COLUMNS)),
        np.zeros((rows, OUT_COLUMNS)),
        no_faults(),
    )


def warm() -> None:
    """Compile the kernel, or load it from numba's cache: do it in the build, not by several processes at start."""
    fold_events(*arguments(interval_ns=100_000_000, window_steps=10, rows=1), 1)
