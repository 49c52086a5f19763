from itertools import islice
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.predictor.domain.score import RunningScore, log_loss_of
from foretick.quant.scoring.tallies import LEAST_PROBABILITY

PRIOR = (0.2, 0.5, 0.3)


def simplex():
    weights = st.floats(0.01, 1.0)
    return st.tuples(weights, weights, weights).map(lambda w: tuple(part / sum(w) for part in w))


@given(st.lists(st.tuples(simplex(), st.integers(0, 2)), min_size=1, max_size=60), st.integers(1, 12))
def test_running_score_equals_means_over_the_last_outcomes(outcomes, capacity):
    score = RunningScore(PRIOR, capacity)
    for probabilities, realised in outcomes:
        score.add(probabilities, realised)
    window = outcomes[-capacity:]
    got = score.read()
    assert got.count == len(window)
    assert got.accuracy_frac == pytest.approx(sum(p.index(max(p)) == r for p, r in window) / len(window))
    assert got.prior_accuracy_frac == pytest.approx(sum(r == 1 for _, r in window) / len(window))
    assert got.log_loss == pytest.approx(sum(-log(p[r]) for p, r in window) / len(window))
    assert got.prior_log_loss == pytest.approx(sum(-log(PRIOR[r]) for _, r in window) / len(window))


def test_rounding_does_not_build_up_over_many_windows():
    score = RunningScore(PRIOR, 7)
    for index in islice(range(100_000), 100_000):
        score.add((1e-3, 0.999 - 1e-12 * index, 1e-12 * index), index % 3 % 2)
    for _ in range(7):
        score.add((0.25, 0.5, 0.25), 1)
    assert score.read().log_loss == pytest.approx(log(2), abs=1e-12)


def test_impossible_outcome_costs_a_bounded_loss():
    assert log_loss_of(0.0) == pytest.approx(-log(LEAST_PROBABILITY))


def test_empty_score_is_zero():
    assert RunningScore(PRIOR, 3).read().count == 0
