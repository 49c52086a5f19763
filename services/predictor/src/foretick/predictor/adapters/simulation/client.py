"""Labelled vectors of a simulated market, fast-forwarded through the kernel that runs live."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.common.units import NS_PER_S
from foretick.market.simulation import simulate_history
from foretick.predictor.domain.dataset import Rows, join_rows
from foretick.quant.events import EventArrays
from foretick.quant.feature import Input
from foretick.quant.kernel import Grid, Vectors, fold_history
from foretick.quant.labels import label_vectors
from foretick.quant.registry import FEATURES, INDEX, MODEL_FEATURE_NAMES

EPOCH_NS = 1_704_067_200 * NS_PER_S
"""Monday, 1 January 2024, 00:00 UTC: where simulated histories begin."""

_APART_NS = 24 * 3600 * NS_PER_S
_WEEK_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class SimulatedMarketHistory:
    """Histories of the simulated market for ``symbols``; each seed has a day of its own, later seeds later days.

    feature_names: what a row is made of, in this order
    """

    symbols: tuple[str, ...]
    grid: Grid
    horizon_steps: int
    feature_names: tuple[str, ...] = MODEL_FEATURE_NAMES

    def rows(self, seed: int, duration_s: float) -> Rows:
        """Return the warm vectors of a market of that seed whose outcome is known."""
        market = simulate_history(self.symbols, seed, duration_s, EPOCH_NS + seed % 1_000 * _APART_NS)
        rng = np.random.default_rng([seed, 2])
        return join_rows([self._rows_of(symbol, EventArrays(*market.events[symbol]), rng) for symbol in self.symbols])

    def _rows_of(self, symbol: str, events: EventArrays, rng: np.random.Generator) -> Rows:
        vectors = fold_history(events, self.grid)
        labels = label_vectors(vectors.step, vectors.mid, self.horizon_steps, flat_bps=0.0)
        columns = [INDEX[name] for name in self.feature_names]
        features = _with_any_time_of_week(vectors, rng)[:, columns]
        use = vectors.warm & labels.known & ~np.isnan(features).any(axis=1)
        return Rows(
            features=features[use],
            return_bps=labels.return_bps[use],
            symbol=np.full(np.count_nonzero(use), symbol),
            step=vectors.step[use],
            end_step=vectors.step[np.maximum(labels.end, 0)][use],
        )


def _with_any_time_of_week(vectors: Vectors, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the values with the calendar's features drawn from the whole week.

    The simulated market knows no season, and a history lasts minutes: members would take the hour it happened to have
    for a fact, and meet hours that they have never seen when served. Drawn at random, the calendar says nothing, which
    is true.
    """
    values = vectors.values.astype(np.float32)
    second = rng.integers(0, _WEEK_S, len(values))
    drawn = {"day_of_week": second // 86_400}
    for name, period_s in (("hour", 86_400), ("minute", 3_600), ("week", _WEEK_S)):
        angle = 2.0 * np.pi * (second % period_s) / period_s
        drawn |= {f"{name}_sin": np.sin(angle), f"{name}_cos": np.cos(angle)}
    for feature in FEATURES:
        if feature.inputs == (Input.CLOCK,):
            values[:, INDEX[feature.name]] = drawn[feature.name]
    return values
