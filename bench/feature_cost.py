"""Figure ``feature-cost``: what an event costs in the feature kernel at 5,000 instruments over what it costs at 1.

Both sides fold the same kind of events, one a call: the one instrument in order, the 5,000 each event in turn, so that
every call finds its instrument's state out of the nearest caches. Equal events must give equal states.
"""

from bench.features import GRID
from bench.harness import Figure, time_pair
from foretick.quant.kernel import FeatureKernel, warm
from foretick.quant.testing import StreamShape, random_events

INSTRUMENTS = 5_000
EVENTS = 600
"""Events of an instrument: some 50 vectors and 5 bars of it."""

ROUNDS = 15


class Instruments:
    """So many instruments in one kernel, all fed the same events in turn, ``INSTRUMENTS`` of them at a time."""

    def __init__(self, count: int, events: int) -> None:
        stream = random_events(1, events, StreamShape(shares=(20, 55, 24, 1, 0)))
        parts = [stream.slice(at, at + 1) for at in range(events)]
        columns = [(part.kind, part.recv_ns, part.v, part.depth) for part in parts]
        self.kernel = FeatureKernel(GRID, capacity=count)
        self._rows = [self.kernel.add() for _ in range(count)]
        self._blank = self.kernel.snapshot(0)
        calls = [(row, one) for one in columns for row in self._rows]
        self._turns = [calls[at : at + INSTRUMENTS] for at in range(0, len(calls), INSTRUMENTS)]
        self._at = 0

    def run(self) -> None:
        """Fold the next events; begin anew after the last."""
        if self._at == len(self._turns):
            self._at = 0
            for row in self._rows:
                self.kernel.restore(row, self._blank)
        fold = self.kernel.fold_buffers
        for row, columns in self._turns[self._at]:
            fold(row, columns, 1)
        self._at += 1

    def states(self) -> set[bytes]:
        """Fold everything once and return the different states that came of it."""
        for _ in self._turns:
            self.run()
        return {self.kernel.snapshot(row) for row in self._rows}


def measure() -> list[Figure]:
    """Measure the figure.

    Raises:
        MachineTooNoisy: the null pair left its band.
    """
    warm()
    if len(Instruments(INSTRUMENTS, EVENTS).states()) != 1:
        raise RuntimeError("equal events gave different states")
    many, one = Instruments(INSTRUMENTS, EVENTS), Instruments(1, EVENTS * 50)
    many_s, one_s = time_pair(many.run, one.run, loops=20, rounds=ROUNDS)
    many_us, one_us = (seconds / INSTRUMENTS * 1e6 for seconds in (many_s, one_s))
    note = f"{many_us:.2f} us an event at {INSTRUMENTS:,} instruments, {one_us:.2f} at 1, one event a call"
    return [Figure("feature-cost", many_us / one_us, "ratio", floor=1.5, aim=1.1, note=note)]


if __name__ == "__main__":
    for figure in measure():
        figure.report()
