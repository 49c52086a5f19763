"""The sliding window of recent vectors, held against what the champion was trained on."""

from collections import deque
from collections.abc import Collection, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from foretick.common.contracts import FeatureDrift, FeatureVector
from foretick.common.ownership import InstrumentKey
from foretick.common.units import NS_PER_S
from foretick.quant.drift import Drift, bin_shares, drift_limits, edges_of, effective_rows, ks_distance, stability_index

FORMAT = "foretick-drift-reference"


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What a model was trained on, in short: stored beside it.

    edges, shares: of each feature, the inner edges of its deciles in training and the share in each bin
    rows: a seeded sample of training rows, for the distance of distributions, and what they are worth
    effective_rows: how many independent rows the training's values of each feature are worth
    """

    format: str = FORMAT
    feature_names: list[str]
    edges: list[list[float]]
    shares: list[list[float]]
    rows: list[list[float]]
    effective_rows: list[float]
    seed: int


def make_reference(
    names: Sequence[str], values: NDArray[np.float32], symbol: NDArray[np.str_], seed: int, rows: int = 1_000
) -> Reference:
    """Return the reference of training rows (n, features), each instrument's in order of time."""
    chosen = np.sort(np.random.default_rng([seed, 3]).permutation(len(values))[:rows])
    columns = values.astype(np.float64).T
    by_symbol = [np.flatnonzero(symbol == name) for name in np.unique(symbol)]
    edges = [edges_of(column) for column in columns]
    return Reference(
        feature_names=list(names),
        edges=[one.tolist() for one in edges],
        shares=[bin_shares(column, one).tolist() for column, one in zip(columns, edges, strict=True)],
        rows=[[float(f"{value:.6g}") for value in row] for row in values[chosen].tolist()],
        effective_rows=[effective_rows([column[at] for at in by_symbol]) for column in columns],
        seed=seed,
    )


class DriftWindow:
    """At most one vector a second of each instrument, for ``length_s`` of data time.

    level: of one look, over all features together (Bonferroni); looks share most of the window, so that alarms by
        chance are rarer than ``level`` a window length
    least_s: no verdict on less: a feature's own memory is part of that
    left_out: features that are not compared
    """

    def __init__(
        self, reference: Reference, columns: Sequence[int], length_s: float, level: float = 0.01,
        least_s: float = 300.0, left_out: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._reference = reference
        self._columns = list(columns)
        self._rows = max(1, round(length_s))
        self._least = max(1, round(least_s))
        self._compared = [at for at, name in enumerate(reference.feature_names) if name not in left_out]
        self._level = level / max(1, len(self._compared))
        self._values: dict[InstrumentKey, deque[NDArray[np.float64]]] = {}
        self._second: dict[InstrumentKey, int] = {}
        self._sample = np.array(reference.rows, np.float64)

    def add(self, vector: FeatureVector) -> None:
        """Take a vector; of those of one second only the first whole one counts."""
        key, second = (vector.venue, vector.symbol), vector.ts_recv_ns // NS_PER_S
        if self._second.get(key) == second or not vector.warm:
            return
        taken = [vector.values[at] for at in self._columns]
        if any(value is None for value in taken):
            return
        self._second[key] = second
        self._values.setdefault(key, deque(maxlen=self._rows)).append(np.array(taken, np.float64))

    def __len__(self) -> int:
        """Return how many vectors it holds."""
        return sum(map(len, self._values.values()))

    def look(self) -> list[FeatureDrift]:
        """Return every feature, the furthest beyond its limits first; nothing while there is too little to compare."""
        series = [np.array(values) for values in self._values.values() if len(values) >= self._least]
        if not series:
            return []
        names = self._reference.feature_names
        found = [self._judge(at, names[at], [one[:, at] for one in series]) for at in self._compared]
        return sorted(found, key=lambda one: min(one.psi / one.psi_limit, one.ks / one.ks_limit), reverse=True)

    def _judge(self, at: int, name: str, series: list[NDArray[np.float64]]) -> FeatureDrift:
        values, reference = np.concatenate(series), self._reference
        edges, shares = np.array(reference.edges[at]), np.array(reference.shares[at])
        worth = 1.0 / (1.0 / reference.effective_rows[at] + 1.0 / len(self._sample))  # a sample of a sample
        limits = drift_limits(len(shares), worth, effective_rows(series), self._level)
        drift = Drift(
            stability_index(shares, bin_shares(values, edges)), ks_distance(self._sample[:, at], values), limits
        )
        return FeatureDrift(
            name=name, psi=drift.psi, psi_limit=limits.psi, ks=drift.ks, ks_limit=limits.ks, is_alarm=drift.is_alarm
        )
