"""Sequences of an instrument's latest vectors, laid side by side, oldest first: the rows of a model of sequences."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from foretick.quant.feature import Group
from foretick.quant.registry import MODEL_FEATURES

SEQUENCE_LENGTH = 16
"""Vectors that a model of sequences is given: at steps of 0.1 s the last 1.6 s."""

_BESIDE = ("realised_volatility_bps", "volatility_log_ratio", "efficiency_ratio")
"""What scales the expected return, and what tells the regime."""

SEQUENCE_FEATURE_NAMES: tuple[str, ...] = (
    *(feature.name for feature in MODEL_FEATURES if feature.group is Group.MICROSTRUCTURE), *_BESIDE,
)  # fmt: skip
"""What its vectors are made of: order book and tape."""

_AGO = "@-"


def name_columns(names: tuple[str, ...], length: int) -> tuple[str, ...]:
    """Return the names of a row's columns: those of the latest vector, the last ones, are the features' own.

    >>> name_columns(("a", "b"), 2)
    ('a@-1', 'b@-1', 'a', 'b')
    """
    return tuple(f"{name}{_AGO}{ago}" if ago else name for ago in range(length - 1, -1, -1) for name in names)


def feature_of(column: str) -> str:
    """Return the feature whose value a column is.

    >>> feature_of("a@-1"), feature_of("a")
    ('a', 'a')
    """
    return column.partition(_AGO)[0]


def join_sequences(
    features: NDArray[np.float32], whole: NDArray[np.bool_], length: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return a row of each vector that is whole and follows ``length`` - 1 whole ones, and which vectors those are.

    features: (n, features) of one instrument in order; whole: (n)

    Returns:
        Rows (m, length * features), the oldest vector first, and a mask (n) of m vectors.
    """
    place = np.arange(len(whole))
    last_broken = np.maximum.accumulate(np.where(whole, -1, place)) if len(whole) else place
    follows = place - last_broken >= length
    ends = np.flatnonzero(follows)
    if not len(ends):
        return np.zeros((0, length * features.shape[1]), features.dtype), follows
    windows = sliding_window_view(features, length, axis=0)[ends - length + 1]
    return np.ascontiguousarray(windows.transpose(0, 2, 1)).reshape(len(ends), -1), follows
