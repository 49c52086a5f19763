"""The graph through onnxruntime: the contract's own meaning. One thread, no spinning, one operator after the other.

The graph's inputs are ``features`` float32 (n, features) and ``weights`` float32 (members); its outputs
``probabilities`` (n, 3; down, flat, up), ``expected_return`` (n or n x 1; bps) and ``members`` (n, members, 3).
"""

import numpy as np
import onnxruntime as ort
from numpy.typing import ArrayLike, NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile

from foretick.quant.ensemble.output import (
    CLASSES,
    EXPECTED_RETURN,
    FEATURES,
    MEMBERS,
    PROBABILITIES,
    WEIGHTS,
    ModelOutput,
    ModelRefused,
)

_OUTPUTS = [PROBABILITIES, EXPECTED_RETURN, MEMBERS]
_LOG_ERRORS = 3
_ROWS_A_CALL = 4_096


class GraphSession:
    """Runs one ensemble graph with fixed weights through onnxruntime.

    Raises:
        ModelRefused: the graph does not load, or does not take ``feature_count`` features and these weights.
    """

    def __init__(self, graph: bytes, weights: ArrayLike, feature_count: int) -> None:
        self._session = _open_session(graph)
        self._weights = np.ascontiguousarray(weights, np.float32)
        _check_graph(self._session, feature_count, len(self._weights))
        self._check_outputs(self.run(np.zeros((1, feature_count))))

    def run(self, rows: NDArray[np.floating]) -> ModelOutput:
        """Predict ``rows``, shape (n, features), some thousand at a time."""
        features = np.ascontiguousarray(rows, np.float32)
        starts = range(0, max(len(features), 1), _ROWS_A_CALL)
        parts = [self._call(features[at : at + _ROWS_A_CALL]) for at in starts]
        probabilities, expected, members = (np.concatenate(column) for column in zip(*parts, strict=True))
        return ModelOutput(probabilities, expected.reshape(-1), members)

    def _call(self, features: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        answers = self._session.run(_OUTPUTS, {FEATURES: features, WEIGHTS: self._weights})
        return [np.asarray(answer) for answer in answers]

    def _check_outputs(self, output: ModelOutput) -> None:
        shapes = (output.probabilities.shape, output.expected_return_bps.shape, output.members.shape)
        wanted = ((1, CLASSES), (1,), (1, len(self._weights), CLASSES))
        if shapes != wanted:
            raise ModelRefused(f"outputs of one row have shapes {shapes}, not {wanted}")


def _open_session(graph: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _LOG_ERRORS
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile, RuntimeError, ValueError) as error:
        raise ModelRefused(f"the graph does not load: {error}") from error


def _check_graph(session: ort.InferenceSession, feature_count: int, member_count: int) -> None:
    inputs = {node.name: node.shape for node in session.get_inputs()}
    missing = {FEATURES, WEIGHTS} - inputs.keys() | set(_OUTPUTS) - {node.name for node in session.get_outputs()}
    if missing:
        raise ModelRefused(f"the graph lacks {', '.join(sorted(missing))}")
    extra = inputs.keys() - {FEATURES, WEIGHTS}
    if extra:
        raise ModelRefused(f"the graph asks for {', '.join(sorted(extra))}")
    for name, count in ((FEATURES, feature_count), (WEIGHTS, member_count)):
        width = inputs[name][-1]
        if isinstance(width, int) and width != count:
            raise ModelRefused(f"{name} is {width} wide in the graph, not {count}")
