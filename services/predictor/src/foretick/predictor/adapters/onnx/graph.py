"""One ONNX graph of the whole ensemble: every member, their blend and its calibration, in few nodes.

Inputs ``features`` float32 (n, features) and ``weights`` float32 (members); outputs ``probabilities`` (n, 3),
``expected_return`` (n, 1; bps) and ``members`` (n, members, 3), classes down, flat, up. ::

    features -+- trees (forest) ------------------------------+
              +- trees (LightGBM), softmax inside the node ---+- concat - reshape = members
              +- trees (XGBoost), softmax inside the node ----+      weights x members = blend,
              +- gemm, relu, gemm, softmax (neural network) --+      softmax(log(blend) / temperature) = probabilities,
              +- gemm, relu, gemm, softmax (linear) ----------+      x slopes x volatility = expected_return

The scaling of the network's inputs is folded into its first layer. At one row the cost of a node is about its overhead,
so what can be folded is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, checker, helper, numpy_helper

from foretick.predictor.adapters.onnx.trees import CLASSES, Trees
from foretick.quant.ensemble.output import EXPECTED_RETURN, FEATURES, MEMBERS, PROBABILITIES, WEIGHTS
from foretick.quant.scoring.tallies import LEAST_PROBABILITY

_OPSET, _ML_OPSET, _IR_VERSION = 15, 3, 8


@dataclass(frozen=True, slots=True, eq=False)
class TreeMember:
    """A member made of trees. ``softmax``: a softmax turns its scores into probabilities; else they are some."""

    name: str
    trees: Trees
    softmax: bool


@dataclass(frozen=True, slots=True, eq=False)
class NetworkMember:
    """A network with one hidden layer of rectifiers, and the centre and scale of its inputs.

    centre, scale: (features); hidden: (features, units); hidden_bias: (units); output: (units, 3); output_bias: (3)
    """

    name: str
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    hidden: NDArray[np.float64]
    hidden_bias: NDArray[np.float64]
    output: NDArray[np.float64]
    output_bias: NDArray[np.float64]


def linear_member(
    name: str,
    centre: NDArray[np.float64],
    scale: NDArray[np.float64],
    slopes: NDArray[np.floating],
    bias: NDArray[np.floating],
) -> NetworkMember:
    """Return a linear model's scores as a network: ``s = max(s, 0) - max(-s, 0)``, exactly.

    slopes: (3, features) of scaled inputs; bias: (3)
    """
    identity = np.eye(CLASSES)
    hidden = np.concatenate([slopes.T, -slopes.T], axis=1).astype(np.float64)
    hidden_bias = np.concatenate([bias, -bias]).astype(np.float64)
    return NetworkMember(
        name, centre, scale, hidden, hidden_bias, np.concatenate([identity, -identity]), np.zeros(CLASSES)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """What follows the members: how their blend becomes probabilities, and these an expected return.

    slopes: (3) by class, times the feature of volatility in bps
    temperature: of the blend; None leaves it as it is
    """

    slopes: NDArray[np.float64]
    volatility_feature: int
    temperature: float | None = None


Member = TreeMember | NetworkMember


def build_graph(members: Sequence[Member], head: Head, feature_count: int) -> bytes:
    """Return the ensemble as a serialised ONNX graph; members keep their order.

    Raises:
        onnx.checker.ValidationError: the graph breaks the ONNX specification.
    """
    nodes: list[NodeProto] = []
    constants: list[TensorProto] = []
    for member in members:
        build = _network_nodes if isinstance(member, NetworkMember) else _tree_nodes
        made, needed = build(member)  # type: ignore[arg-type]  # chosen by the member's type
        nodes += made
        constants += needed
    nodes += _blend_nodes([member.name for member in members], PROBABILITIES if head.temperature is None else "blend")
    constants += _blend_constants(len(members), head, feature_count)
    if head.temperature is not None:
        nodes += _calibration_nodes()
        constants += _calibration_constants(head.temperature)
    nodes += _return_nodes()
    graph = helper.make_graph(
        nodes,
        "foretick-ensemble",
        [_tensor(FEATURES, ["n", feature_count]), _tensor(WEIGHTS, [len(members)])],
        [
            _tensor(PROBABILITIES, ["n", CLASSES]),
            _tensor(EXPECTED_RETURN, ["n", 1]),
            _tensor(MEMBERS, ["n", len(members), CLASSES]),
        ],
        constants,
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
    model: ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="foretick")
    checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def _tree_nodes(member: TreeMember) -> tuple[list[NodeProto], list[TensorProto]]:
    trees = member.trees
    leaf, target = np.nonzero(trees.is_leaf[:, None] & (trees.value != 0.0))
    node = helper.make_node(
        "TreeEnsembleRegressor",
        [FEATURES],
        [_probabilities_of(member.name)],
        name=member.name,
        domain="ai.onnx.ml",
        n_targets=CLASSES,
        aggregate_function="SUM",
        post_transform="SOFTMAX" if member.softmax else "NONE",
        base_values=trees.base.tolist(),
        nodes_treeids=trees.tree.tolist(),
        nodes_nodeids=trees.node.tolist(),
        nodes_featureids=np.where(trees.is_leaf, 0, trees.feature).tolist(),
        nodes_modes=np.where(trees.is_leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_values=np.where(trees.is_leaf, np.float32(0), trees.threshold).tolist(),
        nodes_truenodeids=np.maximum(trees.left, 0).tolist(),
        nodes_falsenodeids=np.maximum(trees.right, 0).tolist(),
        target_treeids=trees.tree[leaf].tolist(),
        target_nodeids=trees.node[leaf].tolist(),
        target_ids=target.tolist(),
        target_weights=trees.value[leaf, target].tolist(),
    )
    return [node], []


def _network_nodes(member: NetworkMember) -> tuple[list[NodeProto], list[TensorProto]]:
    name = member.name
    folded = member.hidden / member.scale[:, None]
    constants = [
        _constant(f"{name}.hidden", folded),
        _constant(f"{name}.hidden_bias", member.hidden_bias - member.centre @ folded),
        _constant(f"{name}.output", member.output),
        _constant(f"{name}.output_bias", member.output_bias),
    ]
    nodes = [
        helper.make_node("Gemm", [FEATURES, f"{name}.hidden", f"{name}.hidden_bias"], [f"{name}.sums"]),
        helper.make_node("Relu", [f"{name}.sums"], [f"{name}.active"]),
        helper.make_node("Gemm", [f"{name}.active", f"{name}.output", f"{name}.output_bias"], [f"{name}.scores"]),
        helper.make_node("Softmax", [f"{name}.scores"], [_probabilities_of(name)], axis=1),
    ]
    return nodes, constants


def _blend_nodes(names: list[str], output: str) -> list[NodeProto]:
    return [
        helper.make_node("Concat", [_probabilities_of(name) for name in names], ["side_by_side"], axis=1),
        helper.make_node("Reshape", ["side_by_side", "by_member"], [MEMBERS]),
        helper.make_node("MatMul", [WEIGHTS, MEMBERS], [output]),
    ]


def _calibration_nodes() -> list[NodeProto]:
    return [
        helper.make_node("Max", ["blend", "least"], ["floored"]),
        helper.make_node("Log", ["floored"], ["logs"]),
        helper.make_node("Div", ["logs", "temperature"], ["calibrated_logs"]),
        helper.make_node("Softmax", ["calibrated_logs"], [PROBABILITIES], axis=1),
    ]


def _calibration_constants(temperature: float) -> list[TensorProto]:
    return [_constant("least", np.array([LEAST_PROBABILITY])), _constant("temperature", np.array([temperature]))]


def _return_nodes() -> list[NodeProto]:
    return [
        helper.make_node("MatMul", [PROBABILITIES, "slopes"], ["return_in_volatilities"]),
        helper.make_node("Gather", [FEATURES, "volatility_feature"], ["volatility_bps"], axis=1),
        helper.make_node("Mul", ["return_in_volatilities", "volatility_bps"], [EXPECTED_RETURN]),
    ]


def _blend_constants(member_count: int, head: Head, feature_count: int) -> list[TensorProto]:
    if not 0 <= head.volatility_feature < feature_count:
        raise ValueError(f"feature {head.volatility_feature} is not one of {feature_count}")
    return [
        numpy_helper.from_array(np.array([-1, member_count, CLASSES], np.int64), "by_member"),
        numpy_helper.from_array(np.array([head.volatility_feature], np.int64), "volatility_feature"),
        _constant("slopes", head.slopes.reshape(CLASSES, 1)),
    ]


def _probabilities_of(name: str) -> str:
    return f"{name}.probabilities"


def _tensor(name: str, shape: list[str | int]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _constant(name: str, values: NDArray[np.float64]) -> TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name)
