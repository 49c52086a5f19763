"""The walk-forward: each stretch answered by what came before it; leaks are found and named."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import log_loss

from foretick.predictor.domain import walk_forward as module
from foretick.predictor.domain.dataset import Rows
from foretick.predictor.domain.targets import targets_of
from foretick.predictor.domain.walk_forward import WalkTerms, find_fit_leaks, walk
from foretick.quant.validation import Split, split_at

TARGET = targets_of(5, (), ())[0]
TERMS = WalkTerms(folds=3, first_frac=0.4, embargo_steps=20, stride_steps=1, seed=1, volatility_feature=1)
N = 3_000


def market(seed=0):
    """One feature that leads the return, one of noise; two symbols at each step."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(N, 2)).astype(np.float32)
    step = np.repeat(np.arange(N // 2), 2)
    symbol = np.tile(["A", "B"], N // 2)
    return Rows(features, 2.0 * features[:, 0] + rng.normal(size=N), symbol, step, step + 5, np.full(N, -1))


class Recorder:
    """Members that answer by the sign of the first feature, and by the prior; remembers what it was fitted on."""

    def __init__(self):
        self.fits = []

    def fit(self, features, classes, seed, effort_frac=1.0, weight=None):
        self.fits.append((features, classes, weight))
        return _Answers(np.bincount(classes, weights=weight, minlength=3) / weight.sum())


class _Answers:
    def __init__(self, prior):
        self._prior = prior

    def predict(self, features):
        kind = 1 + np.sign(features[:, 0]).astype(int) * (np.abs(features[:, 0]) > 0.4)
        return [0.6 * np.eye(3)[kind] + 0.4 * self._prior, np.tile(self._prior, (len(features), 1))]


def test_folds_follow_each_other_and_train_only_on_what_was_known():
    found = walk(Recorder(), market(), TARGET, TERMS)
    assert len(found.folds) == 3
    for fold in found.folds:
        assert fold.train_last_end_step < fold.test_first_step - TERMS.embargo_steps
    for one, other in zip(found.folds, found.folds[1:], strict=False):
        assert one.test_last_step < other.test_first_step
        assert one.train_rows < other.train_rows
    assert found.answers.shape == (2, len(found.classes), 3)
    assert found.leaks == ()


def test_pool_of_a_fold_and_its_intervals_are_of_the_rows_that_it_answered():
    found = walk(Recorder(), market(), TARGET, TERMS)
    at = 0
    for fold in found.folds:
        mine = slice(at, at := at + fold.test_rows)
        pool = np.tensordot(found.stack.shares, found.answers[:, mine], axes=1)
        assert fold.pool_log_loss == pytest.approx(log_loss(found.classes[mine], pool, labels=[0, 1, 2]))
        assert 0 < fold.held.intervals <= fold.test_rows - 2 * 50  # two instruments warm up
        assert fold.train_first_step == 0
    assert at == len(found.classes)


def test_member_that_knows_takes_the_share_and_the_pool_beats_the_prior():
    found = walk(Recorder(), market(), TARGET, TERMS)
    assert found.stack.shares[0] > 0.9
    assert found.stack.pool_log_loss < found.prior_log_loss


def test_members_are_fitted_on_thinned_rows_that_weigh_alike():
    learner = Recorder()
    walk(learner, market(), TARGET, replace(TERMS, stride_steps=5))
    for features, classes, weight in learner.fits:
        assert len(features) == len(classes) == len(weight)
        assert weight.tolist() == pytest.approx([1.0] * len(weight))
    whole = Recorder()
    walk(whole, market(), TARGET, TERMS)
    assert sum(len(fit[0]) for fit in learner.fits) == pytest.approx(sum(len(fit[0]) for fit in whole.fits) / 5, abs=6)


def test_split_that_is_not_purged_is_found_by_name(monkeypatch):
    """Control: rows whose horizon reaches into the test train."""

    def unpurged(start, end, folds, embargo, first_frac):
        return [split_at(start, start, 700, 0)]

    monkeypatch.setattr(module, "walk_forward", unpurged)
    assert [leak.check for leak in walk(Recorder(), market(), TARGET, TERMS).leaks] == ["overlap"]


def test_fold_that_trains_after_its_test_is_found_by_name(monkeypatch):
    """Control: the future trains."""

    def backward(start, end, folds, embargo, first_frac):
        return [Split(np.flatnonzero(start > 900), np.flatnonzero(start < 700))]

    monkeypatch.setattr(module, "walk_forward", backward)
    assert [leak.check for leak in walk(Recorder(), market(), TARGET, TERMS).leaks] == ["order"]


def test_fit_of_a_fold_looks_at_its_training_rows_alone():
    assert find_fit_leaks(Recorder(), market(), TERMS) == []


def test_fit_that_takes_its_thresholds_from_all_rows_is_found(monkeypatch):
    """Control: the classes of the training rows then change with returns that are not trained on."""
    true = module.fit_part

    def leaky(learner, rows, train, stride_steps, seed, effort_frac=1.0):
        monkeypatch.setattr(module, "flat_thresholds", lambda _learnt: module_thresholds(rows))
        return true(learner, rows, train, stride_steps, seed, effort_frac)

    module_thresholds = module.flat_thresholds
    monkeypatch.setattr(module, "fit_part", leaky)
    assert [leak.check for leak in find_fit_leaks(Recorder(), market(), TERMS)] == ["fit"]
