"""Whether the exported graph says what its members say."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain.publication import Parity
from foretick.quant.runner import ModelRunner

_ROWS_A_CALL = 4_096


def run_in_calls(runner: ModelRunner, features: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the graph's probabilities (n, 3) and members (n, members, 3), some thousand rows a call."""
    outputs = [runner.run(features[at : at + _ROWS_A_CALL]) for at in range(0, len(features), _ROWS_A_CALL)]
    return (
        np.concatenate([output.probabilities for output in outputs]),
        np.concatenate([output.members for output in outputs]),
    )


def compare_with_members(
    graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32], native: Sequence[NDArray[np.floating]]
) -> Parity:
    """Run the graph on ``features`` (n, features) and compare it with the members' own answers, each (n, 3).

    The blend is compared too: natively it is the weighted sum in double precision.
    """
    runner = ModelRunner(graph, weights, features.shape[1])
    probabilities, members = run_in_calls(runner, features)
    expected = np.stack(native, axis=1).astype(np.float64)
    blend = np.einsum("m,nmc->nc", weights, expected)
    error = max(float(np.abs(members - expected).max()), float(np.abs(probabilities - blend).max()))
    flips = int(np.count_nonzero(probabilities.argmax(axis=1) != blend.argmax(axis=1)))
    return Parity(rows=len(features), max_error=error, decision_flips=flips)
