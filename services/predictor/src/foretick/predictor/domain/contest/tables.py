"""Samples divided into what is learnt from and what is judged, complete rows only, with classes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.common.errors import Refused
from foretick.common.units import NS_PER_MS
from foretick.predictor.domain.contest.names import ENSEMBLE_NAMES, IMBALANCE, PLAIN_NAMES
from foretick.predictor.domain.contest.plan import EvaluationPlan
from foretick.predictor.domain.contest.samples import Samples
from foretick.predictor.domain.dataset import Classes
from foretick.predictor.domain.labels import flat_threshold_bps
from foretick.quant.labels import classify
from foretick.quant.validation import split_at, uniqueness
from foretick.quant.validation.leaks import check_split

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_ROWS = 200
"""Rows to learn from and to be judged on: below, a figure would say nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Complete rows, n of them, with one horizon's outcomes.

    features: float32 (n, columns kept); last_class: (n), the class of the return before
    start_ns, end_ns: (n), when the row and its outcome are known; spread_bps, exit_return_bps: (n)
    """

    features: NDArray[np.float32]
    imbalance: Floats
    last_class: Classes
    classes: Classes
    return_bps: Floats
    start_ns: Ints
    end_ns: Ints
    spread_bps: Floats
    exit_return_bps: Floats

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.classes)


@dataclass(frozen=True, slots=True, eq=False)
class Division:
    """One instrument and horizon, divided.

    plain: columns of the features that the rivals are given; names: of all columns kept
    missing_rows: of the test that had to be left out because a feature was missing
    """

    name: str
    horizon_events: int
    train: Table
    test: Table
    names: tuple[str, ...]
    plain: Ints
    flat_bps: float
    weight: Floats
    taker_fee_bps: float
    missing_rows: int


def divide(train: Samples, test: Samples, horizon: int, plan: EvaluationPlan) -> Division:
    """Divide one instrument by time, or learn from one and judge another if they are two.

    Thresholds and the choice of columns come from the training rows alone.

    Raises:
        Refused: too few rows are left.
    """
    learnt, judged = _rows(train, test, horizon, plan)
    columns = _columns(train.features[learnt], plan.max_missing_frac)
    complete = np.isfinite(train.features[learnt][:, columns]).all(axis=1)
    learnt = learnt[complete]
    whole = np.isfinite(test.features[judged][:, columns]).all(axis=1)
    missing, judged = int(np.count_nonzero(~whole)), judged[whole]
    if min(len(learnt), len(judged)) < FEWEST_ROWS:
        said = f"{test.name}: {len(learnt)} rows to learn from and {len(judged)} to be judged on, horizon {horizon}"
        raise Refused("too_little", said, f"give recordings that leave {FEWEST_ROWS} of each")
    flat_bps = flat_threshold_bps(train.outcomes[horizon].return_bps[learnt])
    first = _table(train, learnt, horizon, flat_bps, columns)
    unique = uniqueness(first.start_ns, np.maximum(first.end_ns, first.start_ns + 1))
    return Division(
        name=test.name,
        horizon_events=horizon,
        train=first,
        test=_table(test, judged, horizon, flat_bps, columns),
        names=tuple(ENSEMBLE_NAMES[int(column)] for column in columns),
        plain=np.flatnonzero(columns < len(PLAIN_NAMES)),
        flat_bps=flat_bps,
        weight=unique / unique.mean(),
        taker_fee_bps=test.taker_fee_bps,
        missing_rows=missing,
    )


def _rows(train: Samples, test: Samples, horizon: int, plan: EvaluationPlan) -> tuple[Ints, Ints]:
    if train is not test:
        return _known(train, horizon), _known(test, horizon)
    known = _known(train, horizon)
    start, end = train.recv_ns[known], train.outcomes[horizon].end_ns[known]
    first, last = int(train.recv_ns[0]), int(train.recv_ns[-1])
    embargo_ns = plan.embargo_ms * NS_PER_MS
    split = split_at(start, end, first + round(plan.train_frac * (last - first)), embargo_ns)
    leaks = check_split(split, start, end, embargo_ns) if len(split.train) and len(split.test) else []
    if leaks:
        raise ValueError("; ".join(leak.detail for leak in leaks))
    return known[split.train], known[split.test]


def _known(samples: Samples, horizon: int) -> Ints:
    outcomes = samples.outcomes[horizon]
    known = np.isfinite(outcomes.return_bps) & np.isfinite(outcomes.exit_return_bps)
    return np.flatnonzero(known & np.isfinite(outcomes.last_return_bps))


def _columns(features: NDArray[np.float32], max_missing_frac: float) -> Ints:
    """Return the columns that are there in enough rows and vary."""
    held = np.isfinite(features)
    enough = held.mean(axis=0) >= 1.0 - max_missing_frac
    low = np.where(held, features, np.inf).min(axis=0)
    varies = np.where(held, features, -np.inf).max(axis=0) > low
    return np.flatnonzero(enough & varies)


def _table(samples: Samples, rows: Ints, horizon: int, flat_bps: float, columns: Ints) -> Table:
    outcomes = samples.outcomes[horizon]
    return Table(
        features=samples.features[rows][:, columns],
        imbalance=samples.features[rows, IMBALANCE].astype(np.float64),
        last_class=classify(outcomes.last_return_bps[rows], flat_bps).astype(np.int64),
        classes=classify(outcomes.return_bps[rows], flat_bps).astype(np.int64),
        return_bps=outcomes.return_bps[rows],
        start_ns=samples.recv_ns[rows],
        end_ns=outcomes.end_ns[rows],
        spread_bps=samples.spread_bps[rows],
        exit_return_bps=outcomes.exit_return_bps[rows],
    )
