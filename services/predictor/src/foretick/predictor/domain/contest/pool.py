"""The ensemble of a contest: one for all instruments, on features without a scale, and blind to up and down.

Minutes of one instrument teach little. Rows of all are pooled: each instrument's features in units of their own size in
its training rows, and a column that says whose row it is. A market whose bids and asks are exchanged is as good a
market, so each row is also learnt from in its mirror, and asked about in both. The logit of the queue imbalance is a
member beside the others: the stack can be as plain as that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foretick.common.units import NS_PER_MS, NS_PER_S
from foretick.predictor.domain.contest.names import IMBALANCE_NAME
from foretick.predictor.domain.contest.plan import EvaluationPlan
from foretick.predictor.domain.contest.tables import Division, Table
from foretick.predictor.domain.dataset import Classes
from foretick.predictor.domain.stacking import Lessons, MemberLearner, Members

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Features = NDArray[np.float32]

HARDLY = 1e-3
"""Penalty of a logit with one input: there is nothing to overfit."""

_LONGEST_GAP_NS = 10 * NS_PER_S
_FARTHEST = 5.0
"""Features are cut off at so many of their units: a row far from all others would else decide a logit alone."""

Answer = Callable[[Floats], Floats]
"""From features (n, columns) to probabilities (n, 3)."""


class LogitLearner(Protocol):
    """Fits logits."""

    def fit_logit(self, features: Floats, classes: Classes, penalty: float) -> Answer:
        """Fit a multinomial logit on features (n, columns); ``penalty`` weighs its squared coefficients."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The training rows of some divisions of one horizon, together.

    names: of the features, the odd ones first; then follows a column an instrument
    signs: (columns) what a mirrored market does to each: -1 or 1
    scales: by instrument, (2, features) centre and unit
    """

    names: tuple[str, ...]
    signs: Features
    lessons: Lessons
    scales: tuple[Floats, ...]

    def features_of(self, division: Division, table: Table, instrument: int) -> Features:
        """Return rows of an instrument as the pool's learners take them."""
        return _scaled(_columns(division, table, self.names), self.scales[instrument], instrument, len(self.scales))


def pool_divisions(divisions: Sequence[Division], plan: EvaluationPlan) -> Pool:
    """Pool the training rows of ``divisions``: the plan's features as far as all have them; instruments count alike.

    Raises:
        ValueError: they do not all have the queue imbalance, or one is left without training rows.
    """
    wanted = (*plan.odd_features, *plan.even_features)
    names = tuple(name for name in wanted if all(name in division.names for division in divisions))
    odd_count = sum(name in plan.odd_features for name in names)
    if IMBALANCE_NAME not in names[:odd_count]:
        raise ValueError(f"the instruments do not share {IMBALANCE_NAME}")
    embargo_ns = plan.embargo_ms * NS_PER_MS
    rows = [_rows_apart(division.train, divisions, embargo_ns) for division in divisions]
    if not all(len(some) for some in rows):
        raise ValueError("an instrument has no training row apart from what the others are judged on")
    given = [_columns(each, each.train, names)[some] for each, some in zip(divisions, rows, strict=True)]
    scales = tuple(_scale(columns, odd_count) for columns in given)
    count = len(divisions)

    def joined(name: str) -> Ints:
        return np.concatenate([getattr(each.train, name)[some] for each, some in zip(divisions, rows, strict=True)])

    skipped_ns = _skipped_ns(joined("start_ns"), _LONGEST_GAP_NS + embargo_ns)
    weight = np.concatenate([each.weight[some] / len(some) for each, some in zip(divisions, rows, strict=True)])
    return Pool(
        names=names,
        signs=np.where(np.arange(len(names) + count) < odd_count, -1.0, 1.0).astype(np.float32),
        lessons=Lessons(
            np.concatenate([_scaled(columns, scales[n], n, count) for n, columns in enumerate(given)]),
            joined("classes"),
            joined("start_ns") - skipped_ns,
            joined("end_ns") - skipped_ns,
            weight / weight.mean(),
        ),
        scales=scales,
    )


def _rows_apart(train: Table, divisions: Sequence[Division], embargo_ns: int) -> Ints:
    """Return the training rows that are not of a time in which any instrument is judged, nor close to it.

    Instruments move together, and each is divided at an instant of its own.
    """
    apart = np.ones(len(train), np.bool_)
    for division in divisions:
        begin, last = int(division.test.start_ns.min()), int(division.test.end_ns.max())
        apart &= (train.end_ns < begin - embargo_ns) | (train.start_ns > last + embargo_ns)
    return np.flatnonzero(apart)


def _skipped_ns(start_ns: Ints, longest_ns: int) -> Ints:
    """Return how much of the time before each row is left out: what gaps between recordings have beyond a length.

    Folds are stretches of equal time: those in a gap would be empty.
    """
    order = np.argsort(start_ns, kind="stable")
    beyond = np.maximum(np.diff(start_ns[order], prepend=start_ns[order[0]]) - longest_ns, 0)
    skipped = np.empty_like(start_ns)
    skipped[order] = np.cumsum(beyond)
    return skipped


def _columns(division: Division, table: Table, names: Sequence[str]) -> Floats:
    return table.features[:, [division.names.index(name) for name in names]].astype(np.float64)


def _scale(columns: Floats, odd_count: int) -> Floats:
    """Return centre and unit: an odd feature is centred at 0, or its mirror would be another one."""
    centre = columns.mean(axis=0)
    centre[:odd_count] = 0.0
    unit = np.sqrt(np.square(columns - centre).mean(axis=0))
    unit[unit == 0.0] = 1.0
    return np.array([centre, unit])


def _scaled(columns: Floats, scale: Floats, instrument: int, count: int) -> Features:
    whose = np.zeros((len(columns), count))
    whose[:, instrument] = 1.0
    near = np.clip((columns - scale[0]) / scale[1], -_FARTHEST, _FARTHEST)
    return np.concatenate([near, whose], axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class MirroredLearner:
    """Fits members on rows and on their mirrors, so that they say of a mirrored market the mirrored."""

    learner: MemberLearner[Members]
    signs: Features

    def fit(
        self, features: Features, classes: Classes, seed: int, effort_frac: float = 1.0, weight: Floats | None = None
    ) -> "MirroredMembers":
        """Fit every member."""
        both = np.concatenate([features, features * self.signs])
        weights = None if weight is None else np.concatenate([weight, weight])
        fitted = self.learner.fit(both, np.concatenate([classes, 2 - classes]), seed, effort_frac, weights)
        return MirroredMembers(fitted, self.signs)


@dataclass(frozen=True, slots=True)
class MirroredMembers:
    """Members whose answer is the mean of that to the row and of that to its mirror, mirrored."""

    members: Members
    signs: Features

    def predict(self, features: Features) -> list[Floats]:
        """Return each member's probabilities (n, 3)."""
        told, mirrored = self.members.predict(features), self.members.predict(features * self.signs)
        return [(one + other[:, ::-1]) / 2.0 for one, other in zip(told, mirrored, strict=True)]


@dataclass(frozen=True, slots=True)
class ImbalanceLearner:
    """Adds a member to those of ``learner``: of each instrument, a logit of its queue imbalance.

    column: of the imbalance; instruments: how many, whose columns are the last
    """

    learner: MemberLearner[Members]
    logits: LogitLearner
    column: int
    instruments: int

    def fit(
        self, features: Features, classes: Classes, seed: int, effort_frac: float = 1.0, weight: Floats | None = None
    ) -> "ImbalanceMembers":
        """Fit every member; the logits take no weights."""
        fitted = self.learner.fit(features, classes, seed, effort_frac, weight)
        whose = _whose(features, self.instruments)
        inputs = self.imbalance_of(features)
        logits = {number: self.logits.fit_logit(inputs[whose == number], classes[whose == number], HARDLY)
                  for number in np.unique(whose).tolist()}  # fmt: skip
        return ImbalanceMembers(fitted, self, logits, self.logits.fit_logit(inputs, classes, HARDLY))

    def imbalance_of(self, features: Features) -> Floats:
        """Return the one input of the logits, (n, 1)."""
        return features[:, [self.column]].astype(np.float64)


@dataclass(frozen=True, slots=True)
class ImbalanceMembers:
    """The members, and the logits as one more; ``usual``: of an instrument that was not among the training rows."""

    members: Members
    learner: ImbalanceLearner
    logits: dict[int, Answer]
    usual: Answer

    def predict(self, features: Features) -> list[Floats]:
        """Return each member's probabilities (n, 3), the logits' last."""
        whose = _whose(features, self.learner.instruments)
        told = np.zeros((len(features), 3))
        for number in np.unique(whose).tolist():
            rows = whose == number
            told[rows] = self.logits.get(number, self.usual)(self.learner.imbalance_of(features[rows]))
        return [*self.members.predict(features), told]


def _whose(features: Features, instruments: int) -> NDArray[np.int64]:
    return features[:, -instruments:].argmax(axis=1)
