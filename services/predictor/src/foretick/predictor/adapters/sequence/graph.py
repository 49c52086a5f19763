"""The network as an ONNX graph of the ensemble's contract: a member that is alone, its blend and its calibration.

Inputs ``features`` float32 (n, length * features), oldest vector first, and ``weights`` float32 (1); outputs as of
``adapters.onnx.graph``. Inside all is float64: onnxruntime and torch add in different orders, and float32 would part
them by more than the gate allows. A layer is a reshape that lays two neighbours side by side, a product, a rectifier.
"""

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import (
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    checker,
    helper,
    load_model_from_string,
    numpy_helper,
)

from foretick.common.errors import Refused
from foretick.predictor.adapters.onnx.graph import Head
from foretick.predictor.adapters.sequence.network import CLASSES, CLIP, Scaler
from foretick.quant.ensemble.output import EXPECTED_RETURN, FEATURES, MEMBERS, PROBABILITIES, WEIGHTS
from foretick.quant.scoring.tallies import LEAST_PROBABILITY

_OPSET, _IR_VERSION = 15, 8
_MEANS = "foretick.sequence.means"


def build_sequence_graph(weights: Sequence[NDArray[np.float64]], scaler: Scaler, length: int, head: Head) -> bytes:
    """Return the network as a serialised ONNX graph; ``weights`` as ``network.weights_of`` gives them.

    Raises:
        onnx.checker.ValidationError: the graph breaks the ONNX specification.
    """
    *kernels, output, output_bias = weights
    nodes, constants = _scaling(scaler, length)
    value, places = "scaled", length
    for level, (kernel, bias) in enumerate(zip(kernels[::2], kernels[1::2], strict=True)):
        places //= 2
        made, needed = _layer(level, value, places, kernel, bias)
        nodes, constants, value = [*nodes, *made], [*constants, *needed], f"active_{level}"
    nodes += [
        helper.make_node("Reshape", [value, "flat"], ["last"]),
        helper.make_node("MatMul", ["last", "output"], ["sums"]),
        helper.make_node("Add", ["sums", "output_bias"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["alone"], axis=1),
    ]
    constants += [
        _shape("flat", -1, kernels[-1].shape[0]),
        _real("output", output.T),
        _real("output_bias", output_bias),
    ]
    made, needed = _head(head)
    columns = length * len(scaler.centre)
    graph = helper.make_graph(
        [*nodes, *made],
        "foretick-sequence",
        [_tensor(FEATURES, ["n", columns]), _tensor(WEIGHTS, [1])],
        [
            _tensor(PROBABILITIES, ["n", CLASSES]),
            _tensor(EXPECTED_RETURN, ["n", 1]),
            _tensor(MEMBERS, ["n", 1, CLASSES]),
        ],
        [*constants, *needed],
    )
    opsets = [helper.make_opsetid("", _OPSET)]
    model: ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="foretick")
    checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def write_means(graph: bytes, means: NDArray[np.float64]) -> bytes:
    """Return ``graph`` with the mean of each feature in training, which its answers are explained by."""
    model = load_model_from_string(graph)
    helper.set_model_props(model, {_MEANS: json.dumps(means.tolist())})
    return model.SerializeToString(deterministic=True)


def read_means(graph: bytes) -> NDArray[np.float64]:
    """Return the mean of each feature in training.

    Raises:
        Refused: the graph keeps none.
    """
    kept = {each.key: each.value for each in load_model_from_string(graph).metadata_props}
    if _MEANS not in kept:
        raise Refused("no_explanation", "the graph keeps nothing to explain its answers by", "train again")
    return np.array(json.loads(kept[_MEANS]), np.float64)


def _scaling(scaler: Scaler, length: int) -> tuple[list[NodeProto], list[TensorProto]]:
    nodes = [
        helper.make_node("Cast", [FEATURES], ["wide"], to=TensorProto.DOUBLE),
        helper.make_node("Reshape", ["wide", "by_vector"], ["vectors"]),
        helper.make_node("Sub", ["vectors", "centre"], ["centred"]),
        helper.make_node("Div", ["centred", "scale"], ["unheld"]),
        helper.make_node("Clip", ["unheld", "lowest", "highest"], ["scaled"]),
    ]
    constants = [
        _shape("by_vector", -1, length, len(scaler.centre)), _real("centre", scaler.centre),
        _real("scale", scaler.scale), _real("lowest", np.array(-CLIP)), _real("highest", np.array(CLIP)),
    ]  # fmt: skip
    return nodes, constants


def _layer(
    level: int, value: str, places: int, kernel: NDArray[np.float64], bias: NDArray[np.float64]
) -> tuple[list[NodeProto], list[TensorProto]]:
    """Return a convolution over pairs: kernel (out, in, 2) becomes a matrix (2 * in, out), the older vector first."""
    matrix = np.concatenate([kernel[:, :, 0].T, kernel[:, :, 1].T])
    names = [f"{name}_{level}" for name in ("pairs", "kernel", "bias")]
    nodes = [
        helper.make_node("Reshape", [value, names[0]], [f"paired_{level}"]),
        helper.make_node("MatMul", [f"paired_{level}", names[1]], [f"product_{level}"]),
        helper.make_node("Add", [f"product_{level}", names[2]], [f"sum_{level}"]),
        helper.make_node("Relu", [f"sum_{level}"], [f"active_{level}"]),
    ]
    return nodes, [_shape(names[0], -1, places, len(matrix)), _real(names[1], matrix), _real(names[2], bias)]


def _head(head: Head) -> tuple[list[NodeProto], list[TensorProto]]:
    """Return what follows the network: blend by the weight, calibration, expected return, and casts to the contract."""
    nodes = [
        helper.make_node("Reshape", ["alone", "by_member"], ["wide_members"]),
        helper.make_node("Cast", ["wide_members"], [MEMBERS], to=TensorProto.FLOAT),
        helper.make_node("Cast", [WEIGHTS], ["wide_weights"], to=TensorProto.DOUBLE),
        helper.make_node("MatMul", ["wide_weights", "wide_members"], ["blend"]),
    ]
    constants = [_shape("by_member", -1, 1, CLASSES)]
    given = "blend"
    if head.temperature is not None:
        nodes += [
            helper.make_node("Max", ["blend", "least"], ["floored"]),
            helper.make_node("Log", ["floored"], ["logs"]),
            helper.make_node("Div", ["logs", "temperature"], ["calibrated_logs"]),
            helper.make_node("Softmax", ["calibrated_logs"], ["calibrated"], axis=1),
        ]
        constants += [_real("least", np.array([LEAST_PROBABILITY])), _real("temperature", np.array([head.temperature]))]
        given = "calibrated"
    nodes += [
        helper.make_node("Cast", [given], [PROBABILITIES], to=TensorProto.FLOAT),
        helper.make_node("MatMul", [given, "slopes"], ["return_in_volatilities"]),
        helper.make_node("Gather", ["wide", "volatility_feature"], ["volatility_bps"], axis=1),
        helper.make_node("Mul", ["return_in_volatilities", "volatility_bps"], ["wide_return"]),
        helper.make_node("Cast", ["wide_return"], [EXPECTED_RETURN], to=TensorProto.FLOAT),
    ]
    constants += [
        _real("slopes", head.slopes.reshape(CLASSES, 1)),
        _shape("volatility_feature", head.volatility_feature),
    ]
    return nodes, constants


def _tensor(name: str, shape: list[str | int]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _real(name: str, values: NDArray[np.float64]) -> TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(values, np.float64).reshape(values.shape), name)


def _shape(name: str, *sizes: int) -> TensorProto:
    return numpy_helper.from_array(np.array(sizes, np.int64), name)
