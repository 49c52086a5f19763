"""Seconds of many instruments, however they come."""

import random

import pytest

from foretick.quant.correlation import Alignment

KEYS = [("sim", name) for name in "ABCD"]


def feed(alignment, messages):
    return [(second, dict(values)) for message in messages for second, values in alignment.add(*message)]


@pytest.mark.parametrize("seed", range(5))
def test_order_of_arrival_does_not_matter(seed):
    """Each instrument in its own order, mixed at random."""
    rng = random.Random(seed)
    lanes = {key: [(key, second, (key, second)) for second in range(60) if rng.random() < 0.8] + [(key, 60, None)]
             for key in KEYS}  # fmt: skip
    wanted = None
    for _ in range(4):
        queues = {key: list(lane) for key, lane in lanes.items()}
        mixed = []
        while any(queues.values()):  # none ever 30 seconds ahead of another
            slowest = min(queue[0][1] for queue in queues.values() if queue)
            key = rng.choice([key for key, queue in queues.items() if queue and queue[0][1] <= slowest + 30])
            mixed.append(queues[key].pop(0))
        alignment = Alignment(patience_s=40)
        handed = feed(alignment, mixed)
        assert alignment.late == 0
        assert [second for second, _ in handed] == sorted(second for second, _ in handed)
        wanted = wanted or handed
        assert handed == wanted


def test_instrument_that_fell_silent_is_not_waited_for_and_comes_late():
    alignment = Alignment(patience_s=3)
    a, b = KEYS[:2]
    assert feed(alignment, [(a, 1, "a"), (b, 1, "b"), (b, 2, "b"), (b, 3, "b")]) == []  # it is not known who lives
    assert feed(alignment, [(b, 4, "b")]) == [(1, {a: "a", b: "b"})]
    handed = feed(alignment, [(b, 5, "b")])  # a is 4 seconds behind
    assert handed == [(2, {b: "b"}), (3, {b: "b"}), (4, {b: "b"}), (5, {b: "b"})]
    assert feed(alignment, [(a, 4, "a")]) == []
    assert alignment.late == 1
    assert feed(alignment, [(a, 6, "a")]) == []
    assert feed(alignment, [(b, 6, "b")]) == [(6, {a: "a", b: "b"})]
