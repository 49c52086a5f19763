"""Training data: vectors with what came of each over every target, rows of one target, and their classes."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain.labels import flat_threshold_bps
from foretick.predictor.domain.predicting import UNSEEN_SYMBOL
from foretick.predictor.domain.targets import Target
from foretick.quant.validation import uniqueness

Classes = NDArray[np.int64]
"""Class index of each row: 0 down, 1 flat, 2 up."""

UNKNOWN = -1


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What came of n vectors over one target.

    return_bps: float64 (n), log return of the mid up to ``end_step``; NaN where unknown
    touched: int64 (n), the class where the label itself says it; -1 where a threshold does, and where unknown
    end_step: int64 (n), step at which the outcome was known: the end of the horizon, or the touch; -1 where unknown
    """

    return_bps: NDArray[np.float64]
    touched: NDArray[np.int64]
    end_step: NDArray[np.int64]

    def forget(self, rows: NDArray[np.bool_]) -> "Outcomes":
        """Return the same with the outcomes of ``rows`` unknown."""
        return Outcomes(
            np.where(rows, np.nan, self.return_bps),
            np.where(rows, UNKNOWN, self.touched),
            np.where(rows, UNKNOWN, self.end_step),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Vectors of several instruments with their outcome over one target, n of them.

    features: float32 (n, features), as the graph takes them, none missing
    return_bps: float64 (n), return up to the end
    symbol: str (n)
    step, end_step: int64 (n), the vector's step and that at which its outcome was known
    touched: int64 (n), as of ``Outcomes``
    """

    features: NDArray[np.float32]
    return_bps: NDArray[np.float64]
    symbol: NDArray[np.str_]
    step: NDArray[np.int64]
    end_step: NDArray[np.int64]
    touched: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.step)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Rows":
        """Return the given rows, by mask or by index."""
        return Rows(*(getattr(self, field.name)[rows] for field in fields(self)))

    def thin(self, stride_steps: int) -> "Rows":
        """Return the rows of every ``stride_steps``-th step: neighbours share most of their horizon."""
        return self if stride_steps == 1 else self.take(self.step % stride_steps == 0)


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Vectors of several instruments with what came of each, n of them: one kernel pass for every target.

    features: float32 (n, features), none missing; symbol: str (n); step: int64 (n)
    outcomes: by target
    """

    features: NDArray[np.float32]
    symbol: NDArray[np.str_]
    step: NDArray[np.int64]
    outcomes: dict[Target, Outcomes]

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self.step)

    def rows(self, target: Target) -> Rows:
        """Return the vectors whose outcome over ``target`` is known."""
        found = self.outcomes[target]
        known = found.end_step >= 0
        return Rows(
            self.features[known],
            found.return_bps[known],
            self.symbol[known],
            self.step[known],
            found.end_step[known],
            found.touched[known],
        )

    def take(self, rows: NDArray[np.bool_]) -> "Panel":
        """Return the vectors of a mask."""
        outcomes = {
            target: Outcomes(found.return_bps[rows], found.touched[rows], found.end_step[rows])
            for target, found in self.outcomes.items()
        }
        return Panel(self.features[rows], self.symbol[rows], self.step[rows], outcomes)


def join_panels(parts: Sequence[Panel]) -> Panel:
    """Return the vectors of all parts, one after the other."""

    def joined(target: Target) -> Outcomes:
        found = [part.outcomes[target] for part in parts]
        return Outcomes(
            np.concatenate([each.return_bps for each in found]),
            np.concatenate([each.touched for each in found]),
            np.concatenate([each.end_step for each in found]),
        )

    outcomes = {target: joined(target) for target in parts[0].outcomes}
    features, symbol, step = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("features", "symbol", "step")
    )
    return Panel(features, symbol, step, outcomes)


def split_panel(panel: Panel, first_frac: float, embargo_steps: int) -> tuple[Panel, Panel]:
    """Divide ``panel`` at an instant into what came before and what came after.

    Purged: no outcome of the first part, over any target, is known later than ``embargo_steps`` before the cut; the
    second part begins at the cut (Lopez de Prado 2018, ch. 7).
    """
    low, high = int(panel.step.min()), int(panel.step.max())
    cut = low + round(first_frac * (high - low))
    first = panel.take(panel.step < cut)
    purged = {target: found.forget(found.end_step >= cut - embargo_steps) for target, found in first.outcomes.items()}
    return replace(first, outcomes=purged), panel.take(panel.step >= cut)


def hash_panel(panel: Panel) -> str:
    """Return the sha256 (hex) over all vectors and outcomes."""
    digest = sha256()
    parts = [panel.features, panel.symbol.astype("U64"), panel.step]
    for target in sorted(panel.outcomes):
        digest.update(str(target).encode())
        parts += [getattr(panel.outcomes[target], field.name) for field in fields(Outcomes)]
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def flat_thresholds(rows: Rows) -> dict[str, float]:
    """Return the threshold between flat and a direction by symbol, bps, and their median for an unseen one."""
    by_symbol = {str(name): flat_threshold_bps(rows.return_bps[rows.symbol == name]) for name in np.unique(rows.symbol)}
    return {**by_symbol, UNSEEN_SYMBOL: float(np.median(list(by_symbol.values())))}


def thresholds_at(rows: Rows, flat_bps: dict[str, float]) -> NDArray[np.float64]:
    """Return each row's threshold between flat and a direction: its symbol's, bps."""
    names, index = np.unique(rows.symbol, return_inverse=True)
    return np.array([flat_bps.get(str(name), flat_bps[UNSEEN_SYMBOL]) for name in names])[index]


def classify_rows(rows: Rows, flat_bps: dict[str, float]) -> Classes:
    """Return each row's class: the barrier it touched, or that of its return by its symbol's threshold."""
    limits = thresholds_at(rows, flat_bps)
    direction = 1 + (rows.return_bps > limits).astype(np.int64) - (rows.return_bps < -limits).astype(np.int64)
    return np.where(rows.touched == UNKNOWN, direction, rows.touched)


def weigh_rows(rows: Rows) -> NDArray[np.float64]:
    """Return how much each row counts, 1 on average: how unique its outcome's life is among its symbol's rows."""
    weight = np.zeros(len(rows))
    for name in np.unique(rows.symbol):
        at = np.flatnonzero(rows.symbol == name)
        weight[at] = uniqueness(rows.step[at], rows.end_step[at])
    return weight / weight.mean()


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
