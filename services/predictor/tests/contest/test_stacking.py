"""Out-of-fold answers come from members that have not seen the row, and what they teach carries over."""

import numpy as np
import pytest

from foretick.predictor.domain.stacking import Lessons, answer_out_of_fold, stack
from foretick.quant.validation.leaks import check_fit

N = 600


class Remembering:
    """Members: one that knows each row it was trained on by heart and guesses others, and one that says the prior."""

    def __init__(self):
        self.trained = []

    def fit(self, features, classes, seed, effort_frac=1.0, weight=None):
        self.trained.append(features[:, 0].tolist())
        known = dict(zip(features[:, 0].tolist(), classes.tolist(), strict=True))
        prior = np.bincount(classes, weights=weight, minlength=3) / weight.sum()
        return _Memory(known, prior)


class _Memory:
    def __init__(self, known, prior):
        self._known, self._prior = known, prior

    def predict(self, features):
        wrong = np.array([0.98, 0.01, 0.01])
        by_heart = [np.roll(wrong, self._known[row]) if row in self._known else wrong for row in features[:, 0]]
        return [np.array(by_heart), np.tile(self._prior, (len(features), 1))]


@pytest.fixture
def lessons():
    rng = np.random.default_rng(0)
    start = np.arange(N)
    features = np.column_stack([start, rng.normal(size=N)]).astype(np.float32)
    return Lessons(features, rng.integers(0, 3, N), start, start + 5, np.ones(N))


def test_member_that_only_remembers_gets_no_share(lessons):
    answers = answer_out_of_fold(Remembering(), lessons, folds=4, embargo=10, seed=1)
    assert stack(answers, lessons.classes, lessons.weight).shares[0] < 0.05


def test_member_that_remembers_would_win_on_rows_it_has_seen(lessons):
    """Control: weighed on its own training rows it takes all, so the folds are what catches it."""
    member = Remembering().fit(lessons.features, lessons.classes, 1, weight=lessons.weight)
    seen = np.array(member.predict(lessons.features))
    assert stack(seen, lessons.classes, lessons.weight).shares[0] > 0.95


def test_no_fold_trains_within_the_horizon_or_embargo_of_its_test(lessons):
    learner = Remembering()
    answer_out_of_fold(learner, lessons, folds=4, embargo=10, seed=1)
    for fold, rows in enumerate(learner.trained):
        low, high = fold * 150, (fold + 1) * 150
        assert not any(low - 15 <= row <= high + 14 for row in rows)


def test_stack_calibrates_what_is_too_sure():
    rng = np.random.default_rng(3)
    truth = rng.dirichlet([2, 2, 2], 8_000)
    came = (rng.random(8_000)[:, None] > truth.cumsum(axis=1)).sum(axis=1)
    sure = truth**3 / (truth**3).sum(axis=1, keepdims=True)
    found = stack(np.array([sure]), came, np.ones(8_000))
    assert found.temperature == pytest.approx(3.0, rel=0.05)
    assert found.log_loss < found.pool_log_loss
    np.testing.assert_allclose(found.blend([sure[:50]]), truth[:50], atol=0.03)


def test_stacking_never_looks_outside_its_training_rows(lessons, learner):
    from foretick.quant.validation import split_at

    def fit(features, outcome, split):
        rows = split.train
        classes = np.digitize(outcome[rows], [-0.5, 0.5])
        own = Lessons(features[rows].astype(np.float32), classes, rows, rows + 5, np.ones(len(rows)))
        found = stack(answer_out_of_fold(learner, own, 3, 10, 1), classes, own.weight)
        fitted = learner.fit(own.features, classes, 1, weight=own.weight)
        return lambda probe: found.blend(fitted.predict(probe.astype(np.float32)))

    rng = np.random.default_rng(1)
    features, outcome = rng.normal(size=(N, 3)), rng.normal(size=N)
    split = split_at(lessons.start, lessons.end, 420, 10)
    assert check_fit(fit, features, outcome, split, rng) == []
