"""Which features a model leans on, and whether it leans on the same ones where it has not learnt."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Importance:
    """Mean size of each feature's contribution to P(up) - P(down), over rows learnt from and over unseen ones."""

    learnt: Floats
    unseen: Floats

    @property
    def stability(self) -> float:
        """Rank correlation (Spearman) of the two, -1..1; 0 where one of them tells no feature from another.

        A model that leans on other features on an unseen market than where it learnt meets another market.
        """
        ranks = np.array([_rank(self.learnt), _rank(self.unseen)])
        ranks -= ranks.mean(axis=1, keepdims=True)
        size = np.sqrt((ranks**2).sum(axis=1)).prod()
        return float((ranks[0] @ ranks[1]) / size) if size > 0.0 else 0.0


def mean_size(contributions: Floats) -> Floats:
    """Return the mean size of the columns of ``contributions`` (n, features)."""
    return np.abs(contributions).mean(axis=0)


def _rank(values: Floats) -> Floats:
    """Return ranks from 0 on; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2.0)[place]
