"""Who takes part: the ensemble, and the rivals that it has to be held against."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foretick.common.units import NS_PER_MS
from foretick.predictor.domain.contest.plan import BoostingSizes, EvaluationPlan
from foretick.predictor.domain.contest.tables import Division, Table
from foretick.predictor.domain.dataset import Classes
from foretick.predictor.domain.ensemble import class_frequencies
from foretick.predictor.domain.stacking import (
    Lessons,
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


class RivalLearner(Protocol):
    """Fits the rivals' models."""

    def fit_logit(self, features: Floats, classes: Classes, penalty: float) -> Callable[[Floats], Floats]:
        """Fit a multinomial logit on scaled features; ``penalty`` weighs its squared coefficients."""
        ...

    def fit_boosting(
        self, features: NDArray[np.float32], classes: Classes, sizes: BoostingSizes, seed: int
    ) -> Callable[[NDArray[np.float32]], Floats]:
        """Fit gradient boosting."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """The entrants' answers to the test by name, and what is known of the ensemble."""

    answers: dict[str, Floats]
    stack: Stack
    members: tuple[Floats, ...]


_HARDLY = 1e-3
"""Penalty of a logit with one input: there is nothing to overfit."""


def answer_all(
    division: Division, members: MemberLearner[Members], rivals: RivalLearner, plan: EvaluationPlan
) -> Fitted:
    """Fit every entrant on the training rows and ask each about the test.

    Raises:
        ValueError: the training rows lack a class.
    """
    train, test = division.train, division.test
    answers = {name: answer(test) for name, answer in _fit_rivals(division, rivals, plan).items()}
    lessons = Lessons(train.features, train.classes, train.start_ns, train.end_ns, division.weight)
    embargo_ns = plan.embargo_ms * NS_PER_MS
    out_of_fold = answer_out_of_fold(members, lessons, plan.folds, embargo_ns, plan.seed)
    found = stack(out_of_fold, train.classes, division.weight)
    fitted = fit_lessons(members, lessons, plan.seed)
    told = fitted.predict(test.features)
    answers[ENSEMBLE] = found.blend(told)
    return Fitted(answers, found, tuple(told))


def _fit_rivals(division: Division, rivals: RivalLearner, plan: EvaluationPlan) -> dict[str, Answer]:
    train, plain = division.train, division.plain
    prior = class_frequencies(train.classes)
    last = rivals.fit_logit(_one(train.last_class - 1.0), train.classes, _HARDLY)
    imbalance = rivals.fit_logit(_one(train.imbalance), train.classes, _HARDLY)
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
