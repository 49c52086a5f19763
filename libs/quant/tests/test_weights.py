"""Fixed share against the bound of its prior over sequences of members, on random and on hostile losses."""

from itertools import pairwise
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.quant.weights import FixedShare, RegretWindow

START = (0.7, 0.2, 0.1)
LEAST = 1e-6


def prior_of(sequence, start, share, spread):
    """Return the log of the probability that the scheme gives to a sequence of members before it begins."""
    count = len(start)
    base = [(1.0 - spread) * weight + spread / count for weight in start]
    moved = sum(log(share * base[now] + (1.0 - share if now == before else 0.0)) for before, now in pairwise(sequence))
    return log(start[sequence[0]]) + moved


def play(given, eta, share, spread=0.5, start=START):
    """Return the pool's log loss over the rows of ``given`` (n, members): what each gave to what came."""
    scheme, total = FixedShare(start, eta, share, spread), 0.0
    for row in given:
        total -= log(np.dot(scheme.weights, row))
        scheme.observe([-log(p) for p in row])
    return total


rows = st.lists(st.lists(st.floats(LEAST, 1.0), min_size=3, max_size=3), min_size=1, max_size=60)


@given(rows, st.sampled_from([0.2, 1.0]), st.sampled_from([0.001, 0.1]), st.randoms(use_true_random=False))
def test_loss_is_at_most_that_of_any_sequence_of_members_and_what_its_prior_costs(given, eta, share, random):
    """Cesa-Bianchi and Lugosi 2006, theorems 3.2 and 5.1, for a prior that is not even."""
    ours = play(given, eta, share)
    best = [int(np.argmax(row)) for row in given]
    some = [random.randrange(3) for _ in given]
    for sequence in ([0] * len(given), [1] * len(given), [2] * len(given), best, some):
        theirs = -sum(log(row[member]) for row, member in zip(given, sequence, strict=True))
        assert ours <= theirs - prior_of(sequence, START, share, 0.5) / eta + 1e-9


def hostile(n, count=3):
    """Return an adversary's rows: whoever has the most weight errs, whoever has the least is right."""
    scheme, given = FixedShare(START, 1.0, 1e-3), []
    for _ in range(n):
        order = np.argsort(scheme.weights)
        row = np.full(count, 0.5)
        row[order[-1]], row[order[0]] = 0.01, 0.9
        given.append(row)
        scheme.observe([-log(p) for p in row])
    return given


def test_adversary_cannot_break_the_bound_nor_kill_a_member():
    given = hostile(2_000)
    ours = play(given, 1.0, 1e-3)
    for member in range(3):
        theirs = -sum(log(row[member]) for row in given)
        assert ours <= theirs - prior_of([member] * len(given), START, 1e-3, 0.5)
    scheme = FixedShare(START, 1.0, 1e-3)
    for row in given:
        scheme.observe([-log(p) for p in row])
        assert min(scheme.weights) >= 1e-3 * 0.5 / 3
        assert sum(scheme.weights) == pytest.approx(1.0, abs=1e-12)


def test_member_that_becomes_the_best_is_believed_soon_and_without_a_share_it_is_not():
    """Control: after 1,000 outcomes of the first and 60 of the third plain exponential weights still name the first."""
    sure, unsure = [0.9, 0.5, 0.1], [0.1, 0.5, 0.9]
    schemes = [FixedShare(START, 1.0, share) for share in (1e-3, 0.0)]
    for scheme in schemes:
        for row in [sure] * 1_000 + [unsure] * 60:
            scheme.observe([-log(p) for p in row])
    assert schemes[0].weights[2] > 0.9
    assert schemes[1].weights[0] > 0.9


def test_update_is_that_of_the_paper():
    scheme = FixedShare((0.5, 0.5), eta=0.5, share=0.1, spread=1.0)
    scheme.observe([0.0, 2.0])
    first = 0.5 / (0.5 + 0.5 * exp(-1.0))
    assert scheme.weights == pytest.approx([0.9 * first + 0.05, 0.9 * (1.0 - first) + 0.05])


def test_loss_beyond_all_floats_leaves_weights_that_are_shares():
    scheme = FixedShare((1.0, 0.0), share=0.01, spread=1.0)
    scheme.observe([1e6, 0.0])
    assert scheme.weights == [0.5, 0.5]


def test_regret_is_that_of_the_latest_outcomes():
    """Of the last two: 1.5 + 0.5 against 0.25 + 1.0 of the first and 2.0 + 0.0 of the second member."""
    window = RegretWindow(2, members=2)
    assert window.read() is None
    for loss, members in ((9.0, (0.0, 0.0)), (1.5, (0.25, 2.0)), (0.5, (1.0, 0.0))):
        window.add(loss, members)
    assert window.read() == pytest.approx((2.0 - 1.25) / 2)


@pytest.mark.parametrize(
    "settings", [{"eta": 0.0}, {"eta": 1.5}, {"share": -0.1}, {"spread": 2.0}, {"start": (0.5, 0.4)}, {"start": ()}]
)
def test_senseless_settings_are_refused(settings):
    with pytest.raises(ValueError, match=r"weights|eta"):
        FixedShare(**({"start": START} | settings))
