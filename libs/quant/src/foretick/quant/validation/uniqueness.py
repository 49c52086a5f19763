"""How much of its own each label tells: labels whose horizons overlap share returns (Lopez de Prado 2018, ch. 4)."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def concurrency(start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Count the labels that are open at each instant.

    A label is open over ``(start, end]``: it tells the returns after ``start`` up to that which ends at ``end``.

    Args:
        start: when each label begins, any unit, shape (n,)
        end: when its outcome is known, after ``start``, shape (n,)

    Returns:
        The instants at which the count changes, strictly increasing, shape (m,), and the count from each of them up to
        the next.

    Raises:
        ValueError: the shapes differ, or a label does not end after its start.

    >>> [part.tolist() for part in concurrency(np.array([0, 1]), np.array([2, 3]))]
    [[0, 1, 2, 3], [1, 2, 1, 0]]
    """
    if start.shape != end.shape or np.any(end <= start):
        raise ValueError("every label must end after its start")
    at, where = np.unique(np.concatenate([start, end]), return_inverse=True)
    change = np.bincount(where[: len(start)], minlength=len(at)) - np.bincount(where[len(start) :], minlength=len(at))
    return at, np.cumsum(change)


def uniqueness(start: Ints, end: Ints) -> Floats:
    """Return each label's average uniqueness: the mean of 1 / concurrency over its life, in (0, 1].

    Arguments and errors as of ``concurrency``. Labels of different instruments are unique apart: call it for each.

    >>> uniqueness(np.array([0, 1, 5]), np.array([2, 3, 6])).tolist()
    [0.75, 0.75, 1.0]
    """
    at, count = concurrency(start, end)
    if not len(at):
        return np.zeros(0)
    share = np.divide(1.0, count[:-1], out=np.zeros(len(at) - 1), where=count[:-1] > 0)
    area = np.concatenate([[0.0], np.cumsum(np.diff(at) * share)])
    return (area[np.searchsorted(at, end)] - area[np.searchsorted(at, start)]) / (end - start)
