"""Walk-forward: each stretch of the training part is answered by members that were fitted on what came before it.

The answers are out of fold, so they weigh the members, and their log loss is what a search may look at.
"""

from dataclasses import dataclass, replace
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain.dataset import Classes, Rows, classify_rows, flat_thresholds, weigh_rows
from foretick.predictor.domain.ensemble import class_frequencies
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
    """

    folds: int
    first_frac: float
    embargo_steps: int
    stride_steps: int
    seed: int


@dataclass(frozen=True, slots=True)
class Fold:
    """One stretch. Steps are those of the rows; log losses in nats, of the rows answered."""

    train_rows: int
    test_rows: int
    train_last_end_step: int
    test_first_step: int
    test_last_step: int
    member_log_loss: tuple[float, ...]
    prior_log_loss: float


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
    folds: list[Fold] = []
    parts: list[tuple[Floats, Classes, Floats]] = []
    priors: list[Floats] = []
    leaks: list[Leak] = []
    embargo = terms.embargo_steps
    rows = rows.thin(terms.stride_steps)
    for split in walk_forward(rows.step, rows.end_step, terms.folds, embargo, terms.first_frac):
        leaks += check_split(split, rows.step, rows.end_step, embargo)
        fitted = fit_part(learner, rows, split.train, 1, terms.seed)
        judged = rows.take(split.test)
        classes = classify_rows(judged, fitted.flat_bps)
        answers = np.array(fitted.members.predict(judged.features))
        prior = log_loss_rows(np.tile(fitted.prior, (len(judged), 1)), classes)
        folds.append(
            Fold(
                train_rows=fitted.rows,
                test_rows=len(judged),
                train_last_end_step=int(rows.end_step[split.train].max()),
                test_first_step=int(judged.step.min()),
                test_last_step=int(judged.step.max()),
                member_log_loss=tuple(float(log_loss_rows(member, classes).mean()) for member in answers),
                prior_log_loss=float(prior.mean()),
            )
        )
        parts.append((answers, classes, weigh_rows(judged)))
        priors.append(prior)
    answers = np.concatenate([part[0] for part in parts], axis=1)
    classes = np.concatenate([part[1] for part in parts])
    weight = np.concatenate([part[2] for part in parts])
    return Walk(
        target=target,
        folds=tuple(folds),
        answers=answers,
        classes=classes,
        weight=weight,
        stack=stack(answers, classes, weight),
        prior_log_loss=float(np.average(np.concatenate(priors), weights=weight)),
        leaks=tuple(leaks),
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
