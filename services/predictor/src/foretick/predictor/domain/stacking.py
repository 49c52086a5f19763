"""Out-of-fold stacking: each row is answered by members that have not seen it; the answers weigh and calibrate them."""

from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain.dataset import Classes
from foretick.quant.calibration import apply_temperature, fit_shares, fit_temperature
from foretick.quant.scoring.tallies import log_loss_rows
from foretick.quant.validation.splits import Ints, purged_k_fold

Floats = NDArray[np.float64]


class Members(Protocol):
    """Fitted members."""

    def predict(self, features: NDArray[np.float32]) -> list[Floats]:
        """Return each member's probabilities (n, 3), by its own library."""
        ...


M = TypeVar("M", bound=Members)
_M_co = TypeVar("_M_co", bound=Members, covariant=True)


class MemberLearner(Protocol[_M_co]):
    """Fits members."""

    def fit(
        self,
        features: NDArray[np.float32],
        classes: Classes,
        seed: int,
        effort_frac: float = 1.0,
        weight: Floats | None = None,
    ) -> _M_co:
        """Fit every member with a share of its trees, rounds and epochs; equal arguments give equal members."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Rows to learn from, n of them.

    features: float32 (n, features); classes: (n)
    start, end: when each row's features and its outcome are known, any unit, shape (n)
    weight: how much each counts, 1 on average, shape (n)
    """

    features: NDArray[np.float32]
    classes: Classes
    start: Ints
    end: Ints
    weight: Floats

    def take(self, rows: Ints) -> "Lessons":
        """Return the given rows."""
        return Lessons(self.features[rows], self.classes[rows], self.start[rows], self.end[rows], self.weight[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """What out-of-fold answers say of the members.

    shares: each member's, of 1; temperature: of their pool
    member_log_loss: (members), nats; pool_log_loss: before calibration; log_loss: after it
    """

    shares: Floats
    temperature: float
    member_log_loss: Floats
    pool_log_loss: float
    log_loss: float

    def blend(self, answers: list[Floats]) -> Floats:
        """Return the calibrated pool of the members' answers (n, 3)."""
        return apply_temperature(np.tensordot(self.shares, np.array(answers), axes=1), self.temperature)


def fit_lessons(learner: MemberLearner[M], lessons: Lessons, seed: int, effort_frac: float = 1.0) -> M:
    """Fit the members on ``lessons``, whose weights are made 1 on average."""
    weight = lessons.weight / lessons.weight.mean()
    return learner.fit(lessons.features, lessons.classes, seed, effort_frac, weight)


def answer_out_of_fold(learner: MemberLearner[M], lessons: Lessons, folds: int, embargo: int, seed: int) -> Floats:
    """Return the members' answers to each row by those that were fitted without it: (members, n, 3).

    Folds are stretches of time, purged and embargoed on both sides.

    Raises:
        ValueError: a fold is left without rows, or without one of the classes to train on.
    """
    answers: Floats | None = None
    for split in purged_k_fold(lessons.start, lessons.end, folds, embargo):
        fitted = fit_lessons(learner, lessons.take(split.train), seed)
        told = np.array(fitted.predict(lessons.features[split.test]))
        if answers is None:
            answers = np.zeros((len(told), len(lessons.classes), told.shape[2]))
        answers[:, split.test] = told
    assert answers is not None
    return answers


def stack(answers: Floats, classes: Classes, weight: Floats) -> Stack:
    """Weigh and calibrate members by their out-of-fold ``answers`` (members, n, 3)."""
    shares = fit_shares(answers, classes, weight)
    pool = np.tensordot(shares, answers, axes=1)
    temperature = fit_temperature(pool, classes, weight)

    def mean(probabilities: Floats) -> float:
        return float(np.average(log_loss_rows(probabilities, classes), weights=weight))

    return Stack(
        shares=shares,
        temperature=temperature,
        member_log_loss=np.array([mean(member) for member in answers]),
        pool_log_loss=mean(pool),
        log_loss=mean(apply_temperature(pool, temperature)),
    )
