"""onnxruntime as the judge of the kernel: both run the same graph on the same rows and must say the same."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.quant.ensemble.graph import EnsembleGraph, TreeNodes
from foretick.quant.ensemble.output import ModelOutput, ModelRefused

MAX_DIFFERENCE = 1e-6
"""Between a probability of the kernel and of onnxruntime, which adds floats in another order."""

MAX_RETURN_DIFFERENCE_BPS = 1e-4

_SEED = 20_240_101


@dataclass(frozen=True, slots=True)
class Difference:
    """Two outputs for the same rows: largest difference of a probability, of a return, and rows decided otherwise."""

    rows: int
    probability: float
    return_bps: float
    decision_flips: int

    @property
    def is_none(self) -> bool:
        """Whether the two agree as closely as floats can be asked to; false where either says no number."""
        return (
            self.probability <= MAX_DIFFERENCE
            and self.return_bps <= MAX_RETURN_DIFFERENCE_BPS
            and not self.decision_flips
        )


def compare(ours: ModelOutput, theirs: ModelOutput) -> Difference:
    """Return how two outputs of the same rows differ."""
    apart = (
        float(np.abs(ours.members - theirs.members).max()),
        float(np.abs(ours.probabilities - theirs.probabilities).max()),
    )
    flips = ours.probabilities.argmax(axis=1) != theirs.probabilities.argmax(axis=1)
    return Difference(
        rows=len(flips),
        probability=float(np.max(apart)),
        return_bps=float(np.abs(ours.expected_return_bps - theirs.expected_return_bps).max()),
        decision_flips=int(np.count_nonzero(flips)),
    )


def refuse_difference(difference: Difference) -> None:
    """Refuse a kernel that disagrees with its graph.

    Raises:
        ModelRefused: it does.
    """
    if not difference.is_none:
        raise ModelRefused(
            f"the kernel differs from onnxruntime by {difference.probability:.2g} in a probability, "
            f"{difference.return_bps:.2g} bps in a return, and decides {difference.decision_flips} of "
            f"{difference.rows} rows otherwise"
        )


def probe_rows(graph: EnsembleGraph, count: int) -> NDArray[np.float32]:
    """Return ``count`` seeded rows whose features sit on, just below or just above the thresholds of the graph's trees.

    A feature that no tree reads stays zero. Where a walk could go wrong is where a feature equals a threshold.
    """
    rng = np.random.default_rng(_SEED)
    rows = np.zeros((count, graph.feature_count), np.float32)
    trees = [member for member in graph.members if isinstance(member, TreeNodes)]
    for feature in range(graph.feature_count):
        of_feature = [member.threshold[~member.is_leaf & (member.feature == feature)] for member in trees]
        thresholds = np.concatenate([np.zeros(0, np.float32), *of_feature])
        thresholds = thresholds[np.isfinite(thresholds)]
        if len(thresholds):
            exact = rng.choice(thresholds, count)
            beside = np.nextafter(exact, rng.choice(np.array([-np.inf, np.inf], np.float32), count))
            rows[:, feature] = np.where(rng.random(count) < 0.5, exact, beside)
    return rows
