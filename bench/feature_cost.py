"""Figure ``feature-cost``: what an event costs in the feature kernel at 5,000 instruments over what it costs at 1.

Both sides fold the same events, one a call: the one instrument all of them, the 5,000 one each in turn, so that every
call finds its instrument's state out of the nearest caches. Equal events must give equal states.
"""

from bench.features import GRID
from bench.harness import Figure, time_pair
from foretick.quant.kernel import FeatureKernel, warm
from foretick.quant.testing import StreamShape, random_events

INSTRUMENTS = 5_000
EVENTS = 500
"""Events of an instrument: some 40 vectors and 4 bars of it. ``INSTRUMENTS`` is a multiple."""

ROUNDS = 15


class Instruments:
    """So many instruments in one kernel, ``INSTRUMENTS`` events of them a run, one instrument after the other.

    Each goes through the same events over and over, begun anew after the last, and each stands at another of them than
    its neighbours. So either side has the same few events near in the caches, in the same changing kinds, and as many
    restores a call: what is left between the two is the state.
    """

    def __init__(self, count: int) -> None:
        stream = random_events(1, EVENTS, StreamShape(shares=(20, 55, 24, 1, 0)))
        parts = [stream.slice(at, at + 1) for at in range(EVENTS)]
        columns = [(part.kind, part.recv_ns, part.v, part.depth) for part in parts]
        self.kernel = FeatureKernel(GRID, capacity=count)
        self._rows = [self.kernel.add() for _ in range(count)]
        self._blank = self.kernel.snapshot(0)
        turns = [[(row, (turn + row) % EVENTS) for row in self._rows] for turn in range(EVENTS)]
        calls = [(row, columns[at], at == 0) for turn in turns for row, at in turn]
        size = max(count, EVENTS)
        self._turns = [calls[at : at + size] for at in range(0, len(calls), size)]
        self._turns_a_run = INSTRUMENTS // size
        self._at = 0

    def run(self) -> None:
        """Fold the next events."""
        for _ in range(self._turns_a_run):
            self._turn()

    def _turn(self) -> None:
        fold, restore = self.kernel.fold_buffers, self.kernel.restore
        for row, columns, begins in self._turns[self._at]:
            if begins:
                restore(row, self._blank)
            fold(row, columns, 1)
        self._at = (self._at + 1) % len(self._turns)

    def states(self) -> list[bytes]:
        """Fold everything once and return the states that came of it."""
        for _ in self._turns:
            self._turn()
        return [self.kernel.snapshot(row) for row in self._rows]


def check_agreement(many: Instruments, one: Instruments) -> None:
    """Stop unless equal events gave equal states, whoever was folded between them."""
    states = many.states()
    if states[0] != one.states()[0] or any(state != states[row % EVENTS] for row, state in enumerate(states)):
        raise RuntimeError("equal events gave different states")
    if len(set(states)) != EVENTS:
        raise RuntimeError("different events gave equal states")


def measure() -> list[Figure]:
    """Measure the figure.

    Raises:
        MachineTooNoisy: the null pair left its band.
    """
    warm()
    many, one = Instruments(INSTRUMENTS), Instruments(1)
    check_agreement(many, one)
    many_s, one_s = time_pair(many.run, one.run, loops=20, rounds=ROUNDS)
    many_us, one_us = (seconds / INSTRUMENTS * 1e6 for seconds in (many_s, one_s))
    note = f"{many_us:.2f} us an event at {INSTRUMENTS:,} instruments, {one_us:.2f} at 1, one event a call"
    return [Figure("feature-cost", many_us / one_us, "ratio", floor=1.5, aim=1.1, note=note)]


if __name__ == "__main__":
    for figure in measure():
        figure.report()
