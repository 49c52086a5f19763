"""What was wrong with feature values lately: differences of running counts."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from foretick.common.contracts import FeatureFaults
from foretick.common.units import NS_PER_S
from foretick.quant.registry import FEATURE_NAMES

WINDOW_NS = 60 * NS_PER_S


class HealthWindow:
    """Looks at running counts now and then, and tells how much they have grown within the last minute.

    faults: rows as ``quant.kernel.Fault``, one column a feature; read, never written
    """

    def __init__(self, faults: NDArray[np.int64], now_ns: int) -> None:
        self._faults = faults
        self._seen: deque[tuple[int, int, NDArray[np.int64]]] = deque([(now_ns, 0, faults.copy())])

    def look(self, vectors: int, now_ns: int) -> tuple[float, int, list[FeatureFaults]]:
        """Return the window's length in s, and the vectors and faults in it; ``vectors`` is the running count now."""
        self._seen.append((now_ns, vectors, self._faults.copy()))
        while len(self._seen) > 2 and self._seen[1][0] <= now_ns - WINDOW_NS:
            self._seen.popleft()
        since_ns, vectors_then, faults_then = self._seen[0]
        grown = self._seen[-1][2] - faults_then
        rows = [
            FeatureFaults(
                feature=FEATURE_NAMES[column], warming=counts[0], masked=counts[1], missing=counts[2],
                outside=counts[3], stale=counts[4],
            )
            for column in np.flatnonzero(grown.any(axis=0)).tolist()
            for counts in [grown[:, column].tolist()]
        ]  # fmt: skip
        return (now_ns - since_ns) / NS_PER_S, vectors - vectors_then, rows
