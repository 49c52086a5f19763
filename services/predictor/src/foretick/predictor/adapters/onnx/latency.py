"""How long one row takes, as it is served."""

import timeit

import numpy as np
from numpy.typing import NDArray

from foretick.quant.ensemble.session import GraphSession
from foretick.quant.runner import ModelRunner

_CALLS = 10
_REPEATS = 60


def measure_latency_us(runner: ModelRunner | GraphSession, features: NDArray[np.float32]) -> float:
    """Return the time of one row in microseconds: the best of many short runs, which another process cannot lengthen.

    features: (n, features), at least 1 row; they are taken in turn
    """
    rows = [np.ascontiguousarray(features[[n % len(features)]]) for n in range(_CALLS)]

    def run() -> None:
        for row in rows:
            runner.run(row)

    return min(timeit.repeat(run, number=1, repeat=_REPEATS)) / _CALLS * 1e6
