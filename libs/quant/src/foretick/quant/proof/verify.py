"""Holds the kernel to what the registry promises of every feature, on any stream of events of one instrument."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from foretick.quant import parameters as p
from foretick.quant.cross_section import CrossReading
from foretick.quant.events import EventArrays
from foretick.quant.kernel import FeatureKernel, Grid, Vectors, fold_history
from foretick.quant.kernel.vector import META_COLUMNS
from foretick.quant.proof import define_features
from foretick.quant.proof.closing import close_bars
from foretick.quant.proof.cross import CrossProof
from foretick.quant.registry import FEATURES, INDEX

Tell = Callable[[str, float], None]
"""Told which proof is under way, and how far the whole is, 0 to 1."""

TOLERANCE = 1e-9
"""Difference from the definition, relative to the largest value of the series, that is rounding."""


NOBODY_ELSE = CrossProof({}, {})
"""An instrument that is alone."""


@dataclass(slots=True)
class FeatureProof:
    """What was seen of one feature.

    values: how many there were; least, most: the ends of them, NaN without one
    error: largest difference from the definition, relative to the largest value; None where it has none of bars or of
        the mids of all instruments
    broken: the promises that were not kept, one word each
    """

    name: str
    values: int
    least: float
    most: float
    error: float | None = None
    broken: list[str] = field(default_factory=list)


def verify_features(
    events: EventArrays, grid: Grid, cuts: int, seed: int, tell: Tell, cross: CrossProof = NOBODY_ELSE
) -> list[FeatureProof]:
    """Return a proof for each feature, in the vector's order.

    cuts: how often the stream is cut at random: there the kernel is restarted from a snapshot, and there the future is
        left out; neither may change a bit
    cross: what all instruments say of this one
    """
    tell("fold", 0.0)
    sections = cross.sections
    whole = fold_history(events, grid, first_seq=0, sections=sections)
    proofs = [_prove_range(index, whole) for index in range(len(FEATURES))]
    tell("definitions", 0.1)
    _prove_definitions(proofs, events, whole)
    for name, error in cross.errors.items():
        _note_error(proofs[INDEX[name]], error)
    tell("streaming is batch", 0.4)
    _prove_equal(proofs, "streaming", _fold_single(events, grid, sections), whole)
    rng = np.random.default_rng(seed)
    for number, cut in enumerate(rng.integers(1, len(events), cuts).tolist()):
        tell("cuts", 0.5 + 0.5 * number / cuts)
        _prove_equal(proofs, "restart", _fold_restarted(events, grid, cut, sections), whole)
        now_s = int(events.recv_ns[cut - 1]) // p.BAR_NS
        known = {second: reading for second, reading in sections.items() if second < now_s}
        past = fold_history(events.slice(0, cut), grid, first_seq=0, sections=known).values
        _prove_equal(proofs, "future", past, whole)
    tell("done", 1.0)
    return proofs


def _prove_range(index: int, whole: Vectors) -> FeatureProof:
    feature, column = FEATURES[index], whole.values[:, index]
    there = column[~np.isnan(column)]
    if not len(there):
        return FeatureProof(feature.name, 0, np.nan, np.nan)
    proof = FeatureProof(feature.name, len(there), float(there.min()), float(there.max()))
    low = -np.inf if feature.low is None else feature.low - TOLERANCE * (1.0 + abs(feature.low))
    high = np.inf if feature.high is None else feature.high + TOLERANCE * (1.0 + abs(feature.high))
    if not (np.isfinite(there).all() and low <= proof.least and proof.most <= high):
        proof.broken.append("range")
    return proof


def _prove_definitions(proofs: list[FeatureProof], events: EventArrays, whole: Vectors) -> None:
    bars = close_bars(events)
    if bars.shape[1] < p.RECENT_BARS:
        return
    at = np.searchsorted(bars[0], whole.recv_ns // p.BAR_NS, side="left") - 1
    for name, series in define_features(bars[1:]).items():
        warmup = max(FEATURES[INDEX[name]].warmup.count, p.BODY_BARS + 4)
        known = at >= warmup - 1
        wanted, got = series[at[known]], whole.values[known, INDEX[name]]
        proof = proofs[INDEX[name]]
        largest = float(np.abs(wanted).max(initial=0.0))
        _note_error(proof, float(np.abs(got - wanted).max(initial=0.0)) / max(largest, 1e-3))


def _note_error(proof: FeatureProof, error: float) -> None:
    proof.error = error
    if not error <= TOLERANCE:
        proof.broken.append("definition")


def _prove_equal(proofs: list[FeatureProof], promise: str, values: NDArray[np.float64], whole: Vectors) -> None:
    wanted = whole.values[: len(values)]
    different = (values.view(np.int64) != np.ascontiguousarray(wanted).view(np.int64)).any(axis=0)
    for index in np.flatnonzero(different).tolist():
        if promise not in proofs[index].broken:
            proofs[index].broken.append(promise)


def _kernel_beside(grid: Grid, sections: Mapping[int, CrossReading]) -> tuple[FeatureKernel, int]:
    """Return a kernel with one instrument and its row; all that others say of it lies ready."""
    kernel = FeatureKernel(grid, capacity=1, kept_s=max(sections, default=0) - min(sections, default=0) + 1)
    row = kernel.add()
    for second, reading in sections.items():
        kernel.put_cross(row, second, reading)
    return kernel, row


def _fold_single(events: EventArrays, grid: Grid, sections: Mapping[int, CrossReading]) -> NDArray[np.float64]:
    kernel, row = _kernel_beside(grid, sections)
    rows = [
        kernel.out[0, META_COLUMNS:].copy()
        for at in range(len(events))
        if kernel.fold_buffers(row, (events.kind[at:], events.recv_ns[at:], events.v[at:], events.depth), 1)
    ]
    return np.array(rows).reshape(-1, len(FEATURES))


def _fold_restarted(
    events: EventArrays, grid: Grid, cut: int, sections: Mapping[int, CrossReading]
) -> NDArray[np.float64]:
    (first, row), (second, _) = _kernel_beside(grid, sections), _kernel_beside(grid, sections)
    before = _fold_part(first, row, events.slice(0, cut))
    second.restore(row, first.snapshot(row))
    return np.concatenate([before, _fold_part(second, row, events.slice(cut, len(events)))])


def _fold_part(kernel: FeatureKernel, row: int, events: EventArrays) -> NDArray[np.float64]:
    emitted = kernel.fold(row, events)
    return kernel.out[:emitted, META_COLUMNS:].copy()
