"""Training data: one row a vector, its division in time, and its classes."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain.labels import flat_threshold_bps
from foretick.predictor.domain.predicting import UNSEEN_SYMBOL

Classes = NDArray[np.int64]
"""Class index of each row: 0 down, 1 flat, 2 up."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Vectors of several instruments with their outcome, n of them.

    features: float32 (n, features), as the graph takes them, none missing
    return_bps: float64 (n), forward return over the horizon
    symbol: str (n)
    step, end_step: int64 (n), the vector's step and that of the vector which ends its horizon
    """

    features: NDArray[np.float32]
    return_bps: NDArray[np.float64]
    symbol: NDArray[np.str_]
    step: NDArray[np.int64]
    end_step: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.step)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Rows":
        """Return the given rows, by mask or by index."""
        return Rows(*(getattr(self, field.name)[rows] for field in fields(self)))


def join_rows(parts: list[Rows]) -> Rows:
    """Return the rows of all parts, one after the other."""
    return Rows(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Rows)))


def split_in_time(rows: Rows, first_frac: float, embargo_steps: int) -> tuple[Rows, Rows]:
    """Divide ``rows`` at an instant into what came before and what came after.

    Purged: no row of the first part has a horizon that reaches the cut. Embargoed: the second part starts
    ``embargo_steps`` after it, so that what the features remember of the first part has faded (Lopez de Prado 2018,
    ch. 7).
    """
    low, high = int(rows.step.min()), int(rows.step.max())
    cut = low + round(first_frac * (high - low))
    return rows.take(rows.end_step < cut), rows.take(rows.step >= cut + embargo_steps)


def flat_thresholds(rows: Rows) -> dict[str, float]:
    """Return the threshold between flat and a direction by symbol, bps, and their median for an unseen one."""
    by_symbol = {str(name): flat_threshold_bps(rows.return_bps[rows.symbol == name]) for name in np.unique(rows.symbol)}
    return {**by_symbol, UNSEEN_SYMBOL: float(np.median(list(by_symbol.values())))}


def classify_rows(rows: Rows, flat_bps: dict[str, float]) -> Classes:
    """Return the class of each row's return, by its symbol's threshold."""
    names, index = np.unique(rows.symbol, return_inverse=True)
    limits = np.array([flat_bps.get(str(name), flat_bps[UNSEEN_SYMBOL]) for name in names])[index]
    return 1 + (rows.return_bps > limits).astype(np.int64) - (rows.return_bps < -limits).astype(np.int64)


def shuffle_within_symbols(rows: Rows, classes: Classes, rng: np.random.Generator) -> Classes:
    """Return each symbol's classes in random order: whatever is found in them now is chance or a leak."""
    shuffled = classes.copy()
    for name in np.unique(rows.symbol):
        at = np.flatnonzero(rows.symbol == name)
        shuffled[at] = classes[rng.permutation(at)]
    return shuffled


def blocks_of(rows: Rows, block_steps: int) -> NDArray[np.int64]:
    """Return the number of the stretch of time that each row lies in, the same for all instruments."""
    return rows.step // block_steps
