"""The model runner: an ONNX graph in, arrays out. One thread, no spinning: a step's rows cost tens of microseconds.

The graph's inputs are ``features`` float32 (n, features) and ``weights`` float32 (members); its outputs
``probabilities`` (n, 3; down, flat, up), ``expected_return`` (n or n x 1; bps) and ``members`` (n, members, 3). Rows
with a missing value are the caller's to leave out.
"""

from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
from numpy.typing import ArrayLike, NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile

from foretick.common.errors import Refused

FEATURES, WEIGHTS = "features", "weights"
PROBABILITIES, EXPECTED_RETURN, MEMBERS = "probabilities", "expected_return", "members"
CLASSES = 3
_OUTPUTS = [PROBABILITIES, EXPECTED_RETURN, MEMBERS]
_LOG_ERRORS = 3


class ModelRefused(Refused):
    """A graph that cannot be served: it does not load, or its inputs or outputs are not the agreed ones."""

    def __init__(self, message: str) -> None:
        super().__init__("model_refused", message, "train again with this version")


@dataclass(frozen=True, slots=True, eq=False)
class ModelOutput:
    """Predictions of n rows: ``probabilities`` (n, 3), ``expected_return_bps`` (n), ``members`` (n, members, 3)."""

    probabilities: NDArray[np.float32]
    expected_return_bps: NDArray[np.float32]
    members: NDArray[np.float32]


class ModelRunner:
    """Runs one ensemble graph with fixed weights.

    Raises:
        ModelRefused: the graph does not load, or does not take ``feature_count`` features and these weights.
    """

    def __init__(self, graph: bytes, weights: ArrayLike, feature_count: int, max_rows: int = 64) -> None:
        self._session = _open_session(graph)
        self._weights = np.ascontiguousarray(weights, np.float32)
        self._rows = np.zeros((max_rows, feature_count), np.float32)
        _check_graph(self._session, feature_count, len(self._weights))
        self._check_outputs(self.run(np.zeros((1, feature_count))))

    def run(self, rows: NDArray[np.floating]) -> ModelOutput:
        """Predict ``rows``, shape (n, features), without missing values.

        Raises:
            ValueError: ``rows`` has another number of features.
        """
        n = len(rows)
        if n > len(self._rows):
            self._rows = np.zeros((2 * n, self._rows.shape[1]), np.float32)
        buffer = self._rows[:n]
        buffer[:] = rows
        probabilities, expected, members = self._session.run(_OUTPUTS, {FEATURES: buffer, WEIGHTS: self._weights})
        return ModelOutput(np.asarray(probabilities), np.asarray(expected).reshape(-1), np.asarray(members))

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
