"""Whether the exported graph says what its members say, and the kernel what the graph says."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain.publication import Parity
from foretick.quant.ensemble.judge import compare
from foretick.quant.ensemble.session import GraphSession
from foretick.quant.runner import ModelRunner


def compare_with_members(
    graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32], native: Sequence[NDArray[np.floating]]
) -> tuple[Parity, Parity]:
    """Run the graph on ``features`` (n, features) through onnxruntime and through the kernel.

    Returns:
        The graph in onnxruntime against the members' own answers, each (n, 3), and their blend in double precision;
        and the kernel against the graph in onnxruntime.
    """
    output = GraphSession(graph, weights, features.shape[1]).run(features)
    expected = np.stack(native, axis=1).astype(np.float64)
    blend = np.einsum("m,nmc->nc", weights, expected)
    error = max(float(np.abs(output.members - expected).max()), float(np.abs(output.probabilities - blend).max()))
    flips = int(np.count_nonzero(output.probabilities.argmax(axis=1) != blend.argmax(axis=1)))
    kernel = compare(ModelRunner(graph, weights, features.shape[1]).run(features), output)
    return (
        Parity(rows=len(features), max_error=error, decision_flips=flips),
        Parity(rows=kernel.rows, max_error=kernel.probability, decision_flips=kernel.decision_flips),
    )
