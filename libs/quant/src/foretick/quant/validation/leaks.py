"""Checks that find what a model must not know. Each returns the leaks it found, an empty list for none.

They watch behaviour, not code: a transform is run on a history cut short, a fit is run again with other data where it
may not look. What they find is certain, except ``check_target``, which suspects a feature that tells too much.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.quant.validation.splits import Split

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]

Transform = Callable[[Floats], Floats]
"""A history, shape (n, ...), to one row for each of its instants, shape (n, ...)."""

Predict = Callable[[Floats], Floats]
"""Features (m, p) to answers (m, ...)."""

Fit = Callable[[Floats, Floats, Split], Predict]
"""Features (n, p), outcomes (n) and a split to a fitted pipeline: thresholds, scalers, models, calibration, weights."""

SUSPECT_RANK_CORRELATION = 0.5
"""No feature that is known in time ranks forward returns so well; the best known, queue imbalance, is far below."""


@dataclass(frozen=True, slots=True)
class Leak:
    """What was found: the check, and what it saw."""

    check: str
    detail: str


def check_future(transform: Transform, history: Floats, cuts: Sequence[int]) -> list[Leak]:
    """Find a transform whose past changes when the future is appended: shifts, centred windows, whole-history scaling.

    Args:
        transform: must be deterministic
        history: shape (n, ...)
        cuts: lengths at which the history is cut short, each from 1 to n; a leak that only shows at some instants, such
            as one that marks turning points, needs many
    """
    whole = transform(history)
    for cut in cuts:
        past = transform(history[:cut])
        if len(past) != cut:
            return [Leak("future", f"{cut} instants gave {len(past)} rows")]
        changed = _differing_rows(whole[:cut], past)
        if len(changed):
            return [Leak("future", f"row {changed[0]} of a history of {cut} changes when the future is appended")]
    return []


def check_split(split: Split, start: Ints, end: Ints, embargo: int = 0, *, walks_forward: bool = True) -> list[Leak]:
    """Find rows in both parts, labels that overlap across them, a missing embargo, and training after the test.

    Args:
        split: row numbers
        start: when each row's features are known, of all instruments on one clock, shape (n,)
        end: when its outcome is, shape (n,)
        embargo: what must lie between training and test, in the unit of ``start``
        walks_forward: whether training must come before the test altogether
    """
    leaks: list[Leak] = []
    both = np.intersect1d(split.train, split.test)
    if len(both):
        leaks.append(Leak("rows", f"{len(both)} rows are trained on and tested on, such as row {both[0]}"))
    if not (len(split.train) and len(split.test)):
        return leaks
    late = split.train[start[split.train] >= start[split.test].max()]
    if walks_forward and len(late):
        leaks.append(Leak("order", f"{len(late)} training rows begin after the last test row, such as row {late[0]}"))
    overlapping = _overlapping(split, start, end, 0)
    if len(overlapping):
        leaks.append(Leak("overlap", f"{len(overlapping)} training labels overlap a test label's life"))
    elif embargo and len(_overlapping(split, start, end, embargo)):
        leaks.append(Leak("embargo", f"training rows lie within {embargo} of the test"))
    return leaks


def check_fit(fit: Fit, features: Floats, outcome: Floats, split: Split, rng: np.random.Generator) -> list[Leak]:
    """Find a fit that looks outside its training rows: whatever lies there is replaced, and nothing may change.

    Catches scalers, imputation, selection, thresholds, priors and encodings taken from all rows, and models that are
    stopped, chosen, weighed or calibrated on the test. It is replaced by noise, and by outcomes that the pipeline would
    have foretold well, and badly: a choice among few can survive one of them. ``fit`` must be deterministic.
    """
    probe = features[split.train]
    outside = np.setdiff1d(np.arange(len(outcome)), split.train)
    fitted = fit(features, outcome, split)
    told = fitted(probe)
    foretold = fitted(features[outside]).reshape(len(outside), -1)[:, -1]
    loud = 5.0 * np.nanstd(outcome) * (foretold - foretold.mean()) / (foretold.std() + 1e-12)
    noise = rng.normal(0.0, 5.0, (len(outside), features.shape[1])) * (np.nanstd(features, axis=0) + 1.0)
    scrambled = -3.0 * rng.permutation(outcome[outside]) + rng.normal(0.0, 1.0, len(outside))
    for others, outcomes in ((noise, scrambled), (features[outside], loud), (features[outside], -loud)):
        other_features, other_outcome = features.copy(), outcome.copy()
        other_features[outside], other_outcome[outside] = others, outcomes
        changed = _differing_rows(told, fit(other_features, other_outcome, split)(probe))
        if len(changed):
            return [Leak("fit", f"{len(changed)} of {len(probe)} answers change with rows that are not trained on")]
    return []


def check_batch(predict: Predict, features: Floats) -> list[Leak]:
    """Find answers that depend on the other rows asked about, such as scores normalised over the test."""
    whole = predict(features)
    for cut in (1, len(features) // 2):
        changed = _differing_rows(whole[:cut], predict(features[:cut]))
        if len(changed):
            return [Leak("batch", f"the answer to row {changed[0]} depends on the rows after it")]
    return []


def check_target(
    features: Floats, outcome: Floats, names: Sequence[str], limit: float = SUSPECT_RANK_CORRELATION
) -> list[Leak]:
    """Suspect features whose ranks follow those of the outcome too closely (Spearman's correlation above ``limit``)."""
    wanted = _ranks(outcome)
    leaks: list[Leak] = []
    for column, name in enumerate(names):
        found = abs(_correlation(_ranks(features[:, column]), wanted))
        if found > limit:
            leaks.append(Leak("target", f"{name} has rank correlation {found:.2f} with the outcome"))
    return leaks


def check_duplicates(features: Floats, split: Split) -> list[Leak]:
    """Find rows of the test that are trained on, number for number."""
    known = {row.tobytes() for row in np.ascontiguousarray(features[split.train])}
    count = sum(row.tobytes() in known for row in np.ascontiguousarray(features[split.test]))
    return [Leak("duplicates", f"{count} test rows are also among those trained on")] if count else []


def check_known(known_ns: Ints, row_ns: Ints) -> list[Leak]:
    """Find values that were not known yet at the instant of their row."""
    early = np.flatnonzero(known_ns > row_ns)
    if not len(early):
        return []
    return [Leak("known", f"{len(early)} values were not known at their row, such as that of row {early[0]}")]


def _overlapping(split: Split, start: Ints, end: Ints, embargo: int) -> Ints:
    """Return the training rows whose life comes within ``embargo`` of that of a test row."""
    order = np.argsort(start[split.test], kind="stable")
    begins = start[split.test][order]
    latest = np.maximum.accumulate(end[split.test][order])
    begun = np.searchsorted(begins, end[split.train] + embargo, side="right")  # tests begun by the row's end
    reach = np.where(begun > 0, latest[np.maximum(begun - 1, 0)], np.iinfo(np.int64).min)
    return split.train[(begun > 0) & (reach >= start[split.train] - embargo)]


def _differing_rows(one: Floats, other: Floats) -> Ints:
    equal = (one == other) | (np.isnan(one) & np.isnan(other))
    return np.flatnonzero(~equal.reshape(len(one), -1).all(axis=1))


def _ranks(values: Floats) -> NDArray[np.float64]:
    """Return average ranks; equal values share theirs."""
    _, inverse, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2.0)[inverse]


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    one, other = one - one.mean(), other - other.mean()
    power = float(np.dot(one, one) * np.dot(other, other))
    return float(np.dot(one, other)) / power**0.5 if power > 0.0 else 0.0
