"""Figures ``features`` and ``features-amortised``: a tick through the feature kernel against one TA-Lib RSI call.

The RSI call recomputes 1,000 samples, which is what a service without a streaming kernel does on each tick. Both run
interleaved in this process, and nothing is timed unless the kernel's RSI is TA-Lib's.
"""

import numpy as np
import talib

from bench.harness import Figure, time_pair
from foretick.quant.events import EventArrays, EventKind
from foretick.quant.kernel import FeatureKernel, Grid, fold_history, warm
from foretick.quant.registry import FEATURE_COUNT, INDEX
from foretick.quant.testing import START_NS, StreamShape, random_events

GRID = Grid(interval_ns=100_000_000, window_steps=1000)
SAMPLES = 1_000
FRAME = 64
STREAM_EVENTS = FRAME * 1_000
LOOPS = 1_000
ROUNDS = 25


class Ticks:
    """A stream at 125 events a second in frames of ``size``, endless: it starts a fresh instrument when it ends."""

    def __init__(self, size: int) -> None:
        events = random_events(1, STREAM_EVENTS, StreamShape(shares=(20, 55, 24, 1, 0)))
        frames = [events.slice(at, at + size) for at in range(0, len(events), size)]
        self._columns = [(frame.kind, frame.recv_ns, frame.v, frame.depth) for frame in frames]
        self._size = size
        self._begin()

    def run(self) -> None:
        """Fold one frame."""
        columns = next(self._next, None)
        if columns is None:
            self._begin()
            columns = next(self._next)
        self._fold(0, columns, self._size)

    def _begin(self) -> None:
        kernel = FeatureKernel(GRID)
        kernel.add()
        self._fold = kernel.fold_buffers
        self._next = iter(self._columns)


def check_agreement(closes: np.ndarray) -> None:
    """Stop unless the kernel's RSI on one trade a second is TA-Lib's."""
    n = len(closes)
    v = np.zeros((n, 4))
    v[:, 0], v[:, 1], v[:, 2] = closes, 1.0, 1.0
    recv_ns = START_NS + np.arange(n, dtype=np.int64) * 1_000_000_000
    trades = EventArrays(np.full(n, EventKind.TRADE, np.uint8), recv_ns, v, np.zeros((0, 40)))
    folded = fold_history(trades, GRID).values[1:, INDEX["rsi"]]
    np.testing.assert_allclose(folded, talib.RSI(closes, 14)[:-1], rtol=1e-9)


def measure() -> list[Figure]:
    """Measure both figures.

    Raises:
        MachineTooNoisy: the null pair left its band.
    """
    warm()
    closes = 100.0 + np.cumsum(np.random.default_rng(2).normal(0.0, 0.05, SAMPLES))
    check_agreement(closes)

    def rsi() -> object:
        return talib.RSI(closes, 14)

    single_s, rsi_s = time_pair(Ticks(1).run, rsi, loops=LOOPS, rounds=ROUNDS)
    framed_s, framed_rsi_s = time_pair(Ticks(FRAME).run, rsi, loops=LOOPS, rounds=ROUNDS)
    note = f"RSI {rsi_s * 1e6:.2f} us, tick alone {single_s * 1e6:.2f} us, in a frame {framed_s / FRAME * 1e6:.3f} us"
    return [
        Figure("features", single_s / rsi_s, "ratio", floor=0.4, aim=0.1, note=f"{FEATURE_COUNT} features. {note}"),
        Figure("features-amortised", framed_s / FRAME / framed_rsi_s, "ratio", floor=0.4, aim=0.1, note=note),
    ]


if __name__ == "__main__":
    for figure in measure():
        figure.report()
