"""Division into training and test by time: purged and embargoed (Lopez de Prado 2018, ch. 7).

Rows are of any number of instruments; each has the instant at which its features are known (``start``) and the one at
which its outcome is (``end``). *Purged*: no training row's life touches that of a test row. *Embargoed*: neither rows
that begin within ``embargo`` after the test nor those that end within it before the test train: features remember.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Row numbers to train on and to test on, each ascending."""

    train: Ints
    test: Ints


def split_at(start: Ints, end: Ints, cut: int, embargo: int = 0) -> Split:
    """Train on rows whose outcome is known at least ``embargo`` before ``cut``, test on those that begin at or after.

    Raises:
        ValueError: a row ends before it starts, or the embargo is negative.
    """
    _check(start, end, embargo)
    return Split(np.flatnonzero(end < cut - embargo), np.flatnonzero(start >= cut))


def walk_forward(start: Ints, end: Ints, folds: int, embargo: int = 0, first_frac: float = 0.4) -> list[Split]:
    """Return ``folds`` splits: each trains on all that was known before its test, the tests follow each other.

    Args:
        start: when each row's features are known, shape (n,)
        end: when its outcome is, shape (n,)
        folds: at least 1; their tests are of equal length in time
        embargo: in the unit of ``start``
        first_frac: share of the time span that the first fold trains on, above 0 and below 1

    Raises:
        ValueError: an argument is out of its range, or a fold is left without training or test rows.
    """
    _check(start, end, embargo)
    if folds < 1 or not 0.0 < first_frac < 1.0:
        raise ValueError(f"folds {folds} must be at least 1 and first_frac {first_frac} between 0 and 1")
    low, high = int(start.min()), int(start.max()) + 1
    first = low + round(first_frac * (high - low))
    cuts = [first + round(fold * (high - first) / folds) for fold in range(folds + 1)]
    splits: list[Split] = []
    for cut, until in pairwise(cuts):
        whole = split_at(start, end, cut, embargo)
        splits.append(Split(whole.train, whole.test[start[whole.test] < until]))
    return _refuse_empty(splits)


def purged_k_fold(start: Ints, end: Ints, folds: int, embargo: int = 0) -> list[Split]:
    """Return ``folds`` splits whose tests are equal stretches of time, with training before and after each.

    For what only weighs or calibrates models, never for figures that are reported: the future trains as well.

    Raises:
        ValueError: fewer than 2 folds, or a fold is left without training or test rows.
    """
    _check(start, end, embargo)
    if folds < 2:
        raise ValueError(f"folds {folds} must be at least 2")
    low, high = int(start.min()), int(start.max()) + 1
    cuts = [low + round(fold * (high - low) / folds) for fold in range(folds + 1)]
    splits: list[Split] = []
    for begin, until in pairwise(cuts):
        is_test = (start >= begin) & (start < until)
        last = int(end[is_test].max()) if is_test.any() else until
        before, after = end < begin - embargo, start > last + embargo
        splits.append(Split(np.flatnonzero(before | after), np.flatnonzero(is_test)))
    return _refuse_empty(splits)


def _check(start: Ints, end: Ints, embargo: int) -> None:
    if not len(start) or start.shape != end.shape or np.any(end < start):
        raise ValueError("there must be rows, and none may end before it starts")
    if embargo < 0:
        raise ValueError(f"the embargo {embargo} must not be negative")


def _refuse_empty(splits: list[Split]) -> list[Split]:
    for number, split in enumerate(splits, start=1):
        if not (len(split.train) and len(split.test)):
            raise ValueError(
                f"fold {number} of {len(splits)} has {len(split.train)} rows to train on and {len(split.test)} to test"
            )
    return splits
