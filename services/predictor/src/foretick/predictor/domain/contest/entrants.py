"""Who takes part: the ensemble, and the rivals that it has to be held against."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foretick.common.units import NS_PER_MS
from foretick.predictor.domain.contest.names import IMBALANCE_NAME
from foretick.predictor.domain.contest.plan import BoostingSizes, EvaluationPlan
from foretick.predictor.domain.contest.pool import (
    HARDLY,
    ImbalanceLearner,
    LogitLearner,
    MirroredLearner,
    pool_divisions,
)
from foretick.predictor.domain.contest.tables import Division, Table
from foretick.predictor.domain.dataset import Classes
from foretick.predictor.domain.ensemble import class_frequencies
from foretick.predictor.domain.stacking import (
    MemberLearner,
    Members,
    Stack,
    answer_out_of_fold,
    fit_lessons,
    stack,
)

Floats = NDArray[np.float64]

ENSEMBLE = "ensemble"
RIVALS = ("class prior", "last direction", "queue imbalance", "logistic regression", "gradient boosting")
"""The first three have one input or none; the other two have the plain features of ten book levels."""

Answer = Callable[[Table], Floats]
"""Probabilities (n, 3) of a table's rows."""


class RivalLearner(LogitLearner, Protocol):
    """Fits the rivals' models."""

    def fit_boosting(
        self, features: NDArray[np.float32], classes: Classes, sizes: BoostingSizes, seed: int
    ) -> Callable[[NDArray[np.float32]], Floats]:
        """Fit gradient boosting."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """The ensemble's answers to the test of each division, and what is known of it. features: how many it was given."""

    answers: tuple[Floats, ...]
    stack: Stack
    features: int


def fit_ensemble(
    divisions: Sequence[Division], members: MemberLearner[Members], logits: LogitLearner, plan: EvaluationPlan
) -> Fitted:
    """Fit the ensemble on the training rows of all ``divisions`` of a horizon, and ask it about each test.

    Raises:
        ValueError: the training rows lack a class, or the features that it is made for.
    """
    pool = pool_divisions(divisions, plan)
    nesting = ImbalanceLearner(members, logits, pool.names.index(IMBALANCE_NAME), len(divisions))
    learner = MirroredLearner(nesting, pool.signs)
    lessons, embargo_ns = pool.lessons, plan.embargo_ms * NS_PER_MS
    out_of_fold = answer_out_of_fold(learner, lessons, plan.folds, embargo_ns, plan.seed)
    found = stack(out_of_fold, lessons.classes, lessons.weight)
    fitted = fit_lessons(learner, lessons, plan.seed)
    told = [fitted.predict(pool.features_of(each, each.test, number)) for number, each in enumerate(divisions)]
    return Fitted(tuple(found.blend(each) for each in told), found, len(pool.names))


def answer_rivals(division: Division, rivals: RivalLearner, plan: EvaluationPlan) -> dict[str, Floats]:
    """Fit every rival on the training rows and ask each about the test.

    Raises:
        ValueError: the training rows lack a class.
    """
    return {name: answer(division.test) for name, answer in _fit_rivals(division, rivals, plan).items()}


def _fit_rivals(division: Division, rivals: RivalLearner, plan: EvaluationPlan) -> dict[str, Answer]:
    train, plain = division.train, division.plain
    prior = class_frequencies(train.classes)
    last = rivals.fit_logit(_one(train.last_class - 1.0), train.classes, HARDLY)
    imbalance = rivals.fit_logit(_one(train.imbalance), train.classes, HARDLY)
    logistic = rivals.fit_logit(train.features[:, plain].astype(np.float64), train.classes, 1.0)
    boosting = rivals.fit_boosting(train.features[:, plain], train.classes, plan.boosting, plan.seed)
    given: tuple[Answer, ...] = (
        lambda table: np.tile(prior, (len(table), 1)),
        lambda table: last(_one(table.last_class - 1.0)),
        lambda table: imbalance(_one(table.imbalance)),
        lambda table: logistic(table.features[:, plain].astype(np.float64)),
        lambda table: boosting(table.features[:, plain]),
    )
    return dict(zip(RIVALS, given, strict=True))


def _one(values: NDArray[np.floating]) -> Floats:
    return values.astype(np.float64)[:, None]
