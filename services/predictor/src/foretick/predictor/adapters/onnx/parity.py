"""Whether the exported graph says what its members say, and the kernel what the graph says."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain.gate import Parity
from foretick.quant.calibration import apply_temperature
from foretick.quant.ensemble.judge import compare
from foretick.quant.ensemble.session import GraphSession
from foretick.quant.runner import ModelOutput, ModelRunner

JUDGED_ROWS = 20_000
"""Rows that onnxruntime runs: the kernel is held to it again, on its thresholds, whenever a model is loaded."""


def compare_answers(
    served: ModelOutput,
    weights: NDArray[np.float64],
    native: Sequence[NDArray[np.floating]],
    temperature: float | None,
) -> Parity:
    """Compare ``served`` with the members' own answers, each (n, 3), and their calibrated blend in double precision."""
    expected = np.stack(native, axis=1).astype(np.float64)
    blend = np.einsum("m,nmc->nc", weights, expected)
    if temperature is not None:
        blend = apply_temperature(blend, temperature)
    relative = float(np.abs(served.probabilities / blend - 1.0).max())
    error = max(float(np.abs(served.members - expected).max()), relative)
    flips = int(np.count_nonzero(served.probabilities.argmax(axis=1) != blend.argmax(axis=1)))
    return Parity(rows=len(blend), max_error=error, decision_flips=flips)


def compare_with_members(
    graph: bytes,
    weights: NDArray[np.float64],
    features: NDArray[np.float32],
    native: Sequence[NDArray[np.floating]],
    temperature: float | None = None,
) -> tuple[Parity, Parity]:
    """Run the graph on ``features`` (n, features) as it is served, and on some of them in onnxruntime.

    Returns:
        The kernel against the members' own answers, each (n, 3), and their calibrated blend in double precision; and
        the kernel against onnxruntime on at most ``JUDGED_ROWS`` of the rows, evenly spread.
    """
    served = ModelRunner(graph, weights, features.shape[1]).run(features)
    some = slice(None, None, max(1, len(features) // JUDGED_ROWS))
    judge = GraphSession(graph, weights, features.shape[1]).run(features[some])
    ours = ModelOutput(served.probabilities[some], served.expected_return_bps[some], served.members[some])
    kernel = compare(ours, judge)
    return (
        compare_answers(served, weights, native, temperature),
        Parity(rows=kernel.rows, max_error=kernel.probability, decision_flips=kernel.decision_flips),
    )
