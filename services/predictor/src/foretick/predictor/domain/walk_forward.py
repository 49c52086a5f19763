"""Walk-forward: each stretch of the training part is answered by members that were fitted on what came before it.

The answers are out of fold, so they weigh the members, and their log loss is what a search may look at.
"""

from dataclasses import dataclass, replace
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain.coverage import Held, count_held, interval_outcomes
from foretick.predictor.domain.dataset import Classes, Rows, classify_rows, flat_thresholds, weigh_rows
from foretick.predictor.domain.ensemble import class_frequencies, fit_return_slopes
from foretick.predictor.domain.stacking import Lessons, M, MemberLearner, Stack, fit_lessons, stack
from foretick.predictor.domain.targets import Target
from foretick.quant.scoring.tallies import log_loss_rows
from foretick.quant.validation import Split, split_at, walk_forward
from foretick.quant.validation.leaks import Leak, Predict, check_fit, check_split

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Features = NDArray[np.floating]

_PROBED_ROWS = 2_400
_PROBE_EFFORT_FRAC = 0.05
_PROBE_CUT_FRAC = 0.7


@dataclass(frozen=True, slots=True)
class WalkTerms:
    """How it is walked.

    folds: stretches that are answered, of equal length in time; first_frac: share of time before the first of them
    embargo_steps: left out before each, beside what is purged
    stride_steps: only every so manieth step takes part: neighbours share most of their horizon
    seed: of every fit
    volatility_feature: place of the feature that scales the expected return
    """

    folds: int
    first_frac: float
    embargo_steps: int
    stride_steps: int
    seed: int
    volatility_feature: int


@dataclass(frozen=True, slots=True)
class Fold:
    """One stretch. Steps are those of the rows; log losses in nats, of the rows answered.

    pool_log_loss: of the members' pool, by the shares that all stretches together give
    held: intervals around the pool's expected return; they begin anew with each stretch, as with a new model
    """

    train_rows: int
    test_rows: int
    train_first_step: int
    train_last_end_step: int
    test_first_step: int
    test_last_step: int
    member_log_loss: tuple[float, ...]
    pool_log_loss: float
    prior_log_loss: float
    held: Held


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """All stretches of one target together, m rows answered.

    answers: (members, m, 3); classes, weight: (m); stack: what the answers say of the members
    prior_log_loss: of the class shares that each fold was fitted on; leaks: what the folds' splits gave away
    """

    target: Target
    folds: tuple[Fold, ...]
    answers: Floats
    classes: Classes
    weight: Floats
    stack: Stack
    prior_log_loss: float
    leaks: tuple[Leak, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FittedPart(Generic[M]):
    """Members with the thresholds and the class shares of the rows they were fitted on."""

    members: M
    flat_bps: dict[str, float]
    prior: Floats
    rows: int


def fit_part(
    learner: MemberLearner[M], rows: Rows, train: Ints, stride_steps: int, seed: int, effort_frac: float = 1.0
) -> FittedPart[M]:
    """Fit members on the rows ``train`` of ``rows``: thresholds from all of these, members from every so manieth step.

    Raises:
        ValueError: no row, or a class that does not occur.
    """
    learnt = rows.take(train)
    flat_bps = flat_thresholds(learnt)
    prior = class_frequencies(classify_rows(learnt, flat_bps))
    some = learnt.thin(stride_steps)
    lessons = Lessons(some.features, classify_rows(some, flat_bps), some.step, some.end_step, weigh_rows(some))
    return FittedPart(fit_lessons(learner, lessons, seed, effort_frac), flat_bps, prior, len(some))


def walk(learner: MemberLearner[M], rows: Rows, target: Target, terms: WalkTerms) -> Walk:
    """Walk forward over ``rows``, thinned.

    Raises:
        ValueError: a fold is left without rows, or without one of the classes to train on.
    """
    leaks: list[Leak] = []
    embargo = terms.embargo_steps
    rows = rows.thin(terms.stride_steps)
    stretches: list[_Stretch] = []
    for split in walk_forward(rows.step, rows.end_step, terms.folds, embargo, terms.first_frac):
        leaks += check_split(split, rows.step, rows.end_step, embargo)
        stretches.append(_answer(learner, rows, split, terms))
    answers = np.concatenate([each.answers for each in stretches], axis=1)
    classes = np.concatenate([each.classes for each in stretches])
    weight = np.concatenate([weigh_rows(each.judged) for each in stretches])
    priors = np.concatenate([each.prior_losses for each in stretches])
    found = stack(answers, classes, weight)
    return Walk(
        target=target,
        folds=tuple(each.judge(found.shares, terms.volatility_feature) for each in stretches),
        answers=answers,
        classes=classes,
        weight=weight,
        stack=found,
        prior_log_loss=float(np.average(priors, weights=weight)),
        leaks=tuple(leaks),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """A stretch that was answered, n rows: answers (members, n, 3), classes (n), the prior's losses (n) in nats.

    slopes: (3), of the rows it was fitted on
    """

    learnt: Rows
    judged: Rows
    answers: Floats
    classes: Classes
    prior_losses: Floats
    slopes: Floats

    def judge(self, shares: Floats, volatility_feature: int) -> Fold:
        """Return what the stretch says of its members and of their pool by ``shares``."""
        pool = np.tensordot(shares, self.answers, axes=1)
        volatility = self.judged.features[:, volatility_feature].astype(np.float64)
        outcomes = interval_outcomes(self.judged, volatility * (pool @ self.slopes), volatility)
        return Fold(
            train_rows=len(self.learnt),
            test_rows=len(self.judged),
            train_first_step=int(self.learnt.step.min()),
            train_last_end_step=int(self.learnt.end_step.max()),
            test_first_step=int(self.judged.step.min()),
            test_last_step=int(self.judged.step.max()),
            member_log_loss=tuple(float(log_loss_rows(member, self.classes).mean()) for member in self.answers),
            pool_log_loss=float(log_loss_rows(pool, self.classes).mean()),
            prior_log_loss=float(self.prior_losses.mean()),
            held=count_held(outcomes),
        )


def _answer(learner: MemberLearner[M], rows: Rows, split: Split, terms: WalkTerms) -> _Stretch:
    """Fit members on the training part of ``split`` and let them answer its test part."""
    fitted = fit_part(learner, rows, split.train, 1, terms.seed)
    learnt, judged = rows.take(split.train), rows.take(split.test)
    classes = classify_rows(judged, fitted.flat_bps)
    volatility = learnt.features[:, terms.volatility_feature].astype(np.float64)
    return _Stretch(
        learnt=learnt,
        judged=judged,
        answers=np.array(fitted.members.predict(judged.features)),
        classes=classes,
        prior_losses=log_loss_rows(np.tile(fitted.prior, (len(judged), 1)), classes),
        slopes=fit_return_slopes(learnt.return_bps, volatility, classify_rows(learnt, fitted.flat_bps)),
    )


def find_fit_leaks(learner: MemberLearner[M], rows: Rows, terms: WalkTerms) -> list[Leak]:
    """Find whether a fold looks outside its training rows, on few rows and with small members.

    Raises:
        ValueError: too few rows, or a class that does not occur among them.
    """
    order = np.argsort(rows.step, kind="stable")
    some = rows.take(order[np.arange(min(len(rows), _PROBED_ROWS)) * len(rows) // min(len(rows), _PROBED_ROWS)])
    low, high = int(some.step.min()), int(some.step.max())
    split = split_at(some.step, some.end_step, low + round(_PROBE_CUT_FRAC * (high - low)), terms.embargo_steps)

    def fit(features: Features, outcome: Features, split: Split) -> Predict:
        given = replace(some, features=features.astype(np.float32), return_bps=outcome.astype(np.float64))
        fitted = fit_part(learner, given, split.train, 1, terms.seed, _PROBE_EFFORT_FRAC)

        def predict(probe: Features) -> Floats:
            return np.mean(fitted.members.predict(probe.astype(np.float32)), axis=0)

        return predict

    return check_fit(fit, some.features, some.return_bps, split, np.random.default_rng([terms.seed, 3]))
