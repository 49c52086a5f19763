"""An instrument's events as vectors with outcomes: one pass of the kernel that runs live, whatever the targets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.common.units import NS_PER_S
from foretick.predictor.domain.dataset import UNKNOWN, Outcomes, Panel
from foretick.predictor.domain.sequences import join_sequences
from foretick.predictor.domain.targets import LabelKind, Target
from foretick.quant.events import EventArrays
from foretick.quant.feature import Input
from foretick.quant.kernel import Grid, Vectors, fold_history
from foretick.quant.labels import label_barriers, label_vectors
from foretick.quant.registry import FEATURES, INDEX
from foretick.quant.validation.leaks import Leak, check_future, check_known

BARRIER_WIDTHS = 1.0
"""Distance of a barrier in units of the volatility over its horizon, known at the prediction."""

_VOLATILITY = INDEX["realised_volatility_bps"]
_VOLATILITY_BAR_S = 1.0
_WEEK_S = 7 * 86_400
_PROBED_EVENTS = 4_096


@dataclass(frozen=True, slots=True)
class Sampling:
    """How events become vectors.

    targets: what is labelled; feature_names: what a vector is made of, in this order
    draws_calendar: a history of less than two weeks knows no season: members would take the hour that it happened to
        have for a fact, and meet hours that they have never seen when served. Drawn at random from the whole week, the
        calendar's features say nothing, which is true
    sequence_length: vectors that a row is made of, the latest last
    """

    grid: Grid
    targets: tuple[Target, ...]
    feature_names: tuple[str, ...]
    draws_calendar: bool = True
    sequence_length: int = 1


@dataclass(frozen=True, slots=True)
class Yield:
    """What became of an instrument's vectors.

    events, vectors: how many there were; cold: vectors before the warm-up was over
    missing: by feature, warm vectors that lack it, or have no number there; those vectors are left out
    unknown: by target, whole vectors without an outcome: the end, a gap, an unknown mid
    kept: whole vectors; moved: of them, those whose mid differs from that before
    last_lacks: features that the last vector has no number for: what the warm-up still waits for
    unpreceded: whole vectors that do not follow as many whole ones as a sequence takes; not among those kept
    """

    symbol: str
    events: int
    vectors: int
    cold: int
    missing: dict[str, int]
    unknown: dict[str, int]
    kept: int
    moved: int
    last_lacks: tuple[str, ...] = ()
    unpreceded: int = 0


def build_panel(
    symbol: str, events: EventArrays, sampling: Sampling, rng: np.random.Generator
) -> tuple[Panel, Yield, list[Leak]]:
    """Return the warm and whole vectors of an instrument, what became of the others, and values known too late."""
    vectors = fold_history(events, sampling.grid, first_seq=0)
    columns = [INDEX[name] for name in sampling.feature_names]
    values = vectors.values.astype(np.float32)
    if sampling.draws_calendar:
        _draw_calendar(values, rng)
    features = values[:, columns]
    held = np.isfinite(features)
    whole = vectors.warm & held.all(axis=1)
    rows, use = join_sequences(features, whole, sampling.sequence_length)
    outcomes = {target: _outcomes(vectors, target, sampling.grid, use) for target in sampling.targets}
    lacking = np.count_nonzero(~held[vectors.warm], axis=0)
    mid = vectors.mid[use]
    found = Yield(
        symbol=symbol,
        events=len(events),
        vectors=len(vectors),
        cold=int(np.count_nonzero(~vectors.warm)),
        missing={name: int(n) for name, n in zip(sampling.feature_names, lacking, strict=True) if n},
        unknown={str(target): int(np.count_nonzero(part.end_step < 0)) for target, part in outcomes.items()},
        kept=len(mid),
        moved=int(np.count_nonzero(np.diff(mid))),
        last_lacks=tuple(np.array(sampling.feature_names)[~held[-1]].tolist()) if len(held) else (),
        unpreceded=int(np.count_nonzero(whole & ~use)),
    )
    leaks = check_known(events.recv_ns[vectors.asof_seq], vectors.recv_ns)
    return Panel(rows, np.full(len(mid), symbol), vectors.step[use], outcomes), found, leaks


def find_future(events: EventArrays, grid: Grid) -> list[Leak]:
    """Find features of the kernel that change when the future is appended, on the first events of an instrument."""
    some = events.slice(0, min(len(events), _PROBED_EVENTS))
    count = len(some)

    def values_at(history: NDArray[np.floating]) -> NDArray[np.float64]:
        n = len(history)
        vectors = fold_history(some.slice(0, n), grid, first_seq=0)
        latest = np.searchsorted(vectors.asof_seq, np.arange(n), side="right") - 1
        known = (latest >= 0)[:, None]
        return np.where(known, vectors.values[np.maximum(latest, 0)], np.nan) if len(vectors) else np.zeros((n, 1))

    cuts = sorted({max(1, count // 3), max(1, count // 2), max(1, count - 1)})
    return check_future(values_at, np.arange(count, dtype=np.float64), cuts)


def _outcomes(vectors: Vectors, target: Target, grid: Grid, use: NDArray[np.bool_]) -> Outcomes:
    if target.label is LabelKind.FORWARD_RETURN:
        labels = label_vectors(vectors.step, vectors.mid, target.horizon_steps, flat_bps=0.0)
        touched = np.full(len(vectors), UNKNOWN, np.int64)
    else:
        bars = target.horizon_steps * grid.interval_ns / NS_PER_S / _VOLATILITY_BAR_S
        width = BARRIER_WIDTHS * vectors.values[:, _VOLATILITY] * bars**0.5
        labels = label_barriers(vectors.step, vectors.mid, np.where(width > 0.0, width, np.nan), target.horizon_steps)
        touched = labels.direction.astype(np.int64)
    end = np.where(labels.known, vectors.step[labels.end], UNKNOWN)
    return Outcomes(labels.return_bps[use], touched[use], end[use])


def _draw_calendar(values: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Write the calendar's features, drawn from the whole week, into ``values``."""
    second = rng.integers(0, _WEEK_S, len(values))
    drawn = {"day_of_week": second // 86_400}
    for name, period_s in (("hour", 86_400), ("minute", 3_600), ("week", _WEEK_S)):
        angle = 2.0 * np.pi * (second % period_s) / period_s
        drawn |= {f"{name}_sin": np.sin(angle), f"{name}_cos": np.cos(angle)}
    for feature in FEATURES:
        if feature.inputs == (Input.CLOCK,):
            values[:, INDEX[feature.name]] = drawn[feature.name]
