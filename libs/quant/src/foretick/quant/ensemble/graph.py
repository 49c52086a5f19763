"""The parts of an ensemble graph, read back from its ONNX file.

Only the graph that training writes is read: members made of trees or of one hidden layer, side by side, weighted, and
an expected return. Anything else is refused by name rather than run on a guess. The blend is calibrated by a
temperature (``calibration.apply_temperature``); graphs from before that are read too.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretick.quant.ensemble.output import (
    CLASSES,
    EXPECTED_RETURN,
    FEATURES,
    MEMBERS,
    PROBABILITIES,
    WEIGHTS,
    ModelRefused,
)
from foretick.quant.scoring.tallies import LEAST_PROBABILITY

_OPSETS = {"": 15, "ai.onnx.ml": 3}
_POST = {b"NONE": False, b"SOFTMAX": True}


@dataclass(frozen=True, slots=True, eq=False)
class TreeNodes:
    """A member of trees: n nodes in all; an inner node sends ``x[feature] <= threshold`` left.

    tree, node: int64 (n), which tree, and which node of it
    is_leaf: bool (n); feature, left, right: int64 (n), children are nodes of the same tree
    threshold: float32 (n); value: float32 (n, 3), what a leaf adds to each class; base: float32 (3), added once
    softmax: whether a softmax turns the sums into probabilities
    """

    tree: NDArray[np.int64]
    node: NDArray[np.int64]
    is_leaf: NDArray[np.bool_]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float32]
    base: NDArray[np.float32]
    softmax: bool


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A member with one hidden layer of rectifiers: (features, units), (units), (units, 3), (3); float32."""

    hidden: NDArray[np.float32]
    hidden_bias: NDArray[np.float32]
    output: NDArray[np.float32]
    output_bias: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class EnsembleGraph:
    """All members in the order of the graph, and how probabilities become a return: slopes (3) times a feature.

    temperature: of the blend; None where the blend is the answer
    """

    feature_count: int
    members: tuple[TreeNodes | Network, ...]
    slopes: NDArray[np.float32]
    volatility_feature: int
    temperature: float | None = None


def read_graph(payload: bytes) -> EnsembleGraph:
    """Return the parts of a serialised graph.

    Raises:
        ModelRefused: it is not ONNX, or of another shape than the graphs that training writes.
    """
    import onnx  # heavy, and only needed while a model is loaded
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(payload)
    except DecodeError as error:
        raise ModelRefused(f"the graph does not load: {error}") from error
    return _Reader(model, onnx.numpy_helper.to_array).read()


class _Reader:
    def __init__(self, model: Any, to_array: Any) -> None:
        self._model = model
        self._nodes = {name: node for node in model.graph.node for name in node.output}
        self._constants = {tensor.name: to_array(tensor) for tensor in model.graph.initializer}
        self._widths = {one.name: one.type.tensor_type.shape.dim[-1].dim_value for one in model.graph.input}
        self._read = 0

    def read(self) -> EnsembleGraph:
        opsets = {one.domain: one.version for one in self._model.opset_import}
        if opsets != _OPSETS:
            raise ModelRefused(f"the graph is written for {opsets}, not {_OPSETS}")
        in_volatilities, volatility = self._node(EXPECTED_RETURN, "Mul").input
        blend, slopes = self._node(in_volatilities, "MatMul").input
        features, index = self._node(volatility, "Gather", axis=1).input
        blended, temperature = self._calibration()
        weights, members = self._node(blended, "MatMul").input
        side_by_side, shape = self._node(MEMBERS, "Reshape").input
        names = self._node(side_by_side, "Concat", axis=1).input
        _expect((features, blend, weights, members), (FEATURES, PROBABILITIES, WEIGHTS, MEMBERS))
        _expect(self._constant(shape).tolist(), [-1, len(names), CLASSES])
        graph = EnsembleGraph(
            feature_count=self._widths.get(FEATURES, 0),
            members=tuple(self._member(name) for name in names),
            slopes=self._constant(slopes).reshape(CLASSES),
            volatility_feature=int(self._constant(index)[0]),
            temperature=temperature,
        )
        if self._read != len(self._model.graph.node):
            raise ModelRefused(
                f"the graph has {len(self._model.graph.node)} nodes, {self._read} of them are understood"
            )
        _check_features(graph)
        return graph

    def _calibration(self) -> tuple[str, float | None]:
        """Return the name of the blend, and the temperature that the probabilities are made from it with."""
        node = self._nodes.get(PROBABILITIES)
        if node is None or node.op_type != "Softmax":
            return PROBABILITIES, None
        (scores,) = self._node(PROBABILITIES, "Softmax", axis=1).input
        logs, divisor = self._node(scores, "Div").input
        (floored,) = self._node(logs, "Log").input
        blended, least = self._node(floored, "Max").input
        _expect(self._constant(least).tolist(), [float(np.float32(LEAST_PROBABILITY))])
        temperature = float(self._constant(divisor).reshape(1)[0])
        if not 0.0 < temperature < np.inf:
            raise ModelRefused(f"the graph's temperature is {temperature}")
        return blended, temperature

    def _member(self, name: str) -> TreeNodes | Network:
        node = self._nodes.get(name)
        if node is not None and node.op_type == "TreeEnsembleRegressor":
            return self._trees(name)
        (scores,) = self._node(name, "Softmax", axis=1).input
        active, output, output_bias = self._node(scores, "Gemm").input
        (sums,) = self._node(active, "Relu").input
        features, hidden, hidden_bias = self._node(sums, "Gemm").input
        _expect(features, FEATURES)
        return Network(*(self._constant(one) for one in (hidden, hidden_bias, output, output_bias)))

    def _trees(self, name: str) -> TreeNodes:
        node = self._nodes[name]
        self._read += 1
        _expect((node.domain, *node.input), ("ai.onnx.ml", FEATURES))
        given = {one.name: one for one in node.attribute}
        modes = np.array(given["nodes_modes"].strings)
        post = given["post_transform"].s
        if not set(modes.tolist()) <= {b"LEAF", b"BRANCH_LEQ"} or given["aggregate_function"].s != b"SUM":
            raise ModelRefused(f"{name} compares or adds up otherwise than by <= and sums")
        if post not in _POST or given["n_targets"].i != CLASSES:
            raise ModelRefused(f"{name} ends in {post!r} of {given['n_targets'].i} targets")
        tree, number = _ints(given["nodes_treeids"]), _ints(given["nodes_nodeids"])
        return TreeNodes(
            tree=tree,
            node=number,
            is_leaf=modes == b"LEAF",
            feature=_ints(given["nodes_featureids"]),
            threshold=_floats(given["nodes_values"]),
            left=_ints(given["nodes_truenodeids"]),
            right=_ints(given["nodes_falsenodeids"]),
            value=_leaf_values(given, tree, number),
            base=_floats(given["base_values"]) if "base_values" in given else np.zeros(CLASSES, np.float32),
            softmax=_POST[post],
        )

    def _node(self, output: str, kind: str, **attributes: int) -> Any:
        node = self._nodes.get(output)
        if node is None or node.op_type != kind or {one.name: one.i for one in node.attribute} != attributes:
            found = f"a {node.op_type}" if node is not None else "nothing"
            raise ModelRefused(f"{output} is made by {found} where a {kind} {attributes or ''} was expected")
        self._read += 1
        return node

    def _constant(self, name: str) -> NDArray[Any]:
        if name not in self._constants:
            raise ModelRefused(f"{name} is not a constant of the graph")
        return self._constants[name]


def _leaf_values(given: dict[str, Any], tree: NDArray[np.int64], number: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the targets' weights as one row a node; nodes are looked up by tree and number."""
    span = int(number.max()) + 1
    keys = tree * span + number
    order = np.argsort(keys, kind="stable")
    wanted = _ints(given["target_treeids"]) * span + _ints(given["target_nodeids"])
    rows = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
    if not np.array_equal(keys[rows], wanted):
        raise ModelRefused("a leaf's value belongs to no node")
    value = np.zeros((len(keys), CLASSES), np.float32)
    np.add.at(value, (rows, _ints(given["target_ids"])), _floats(given["target_weights"]))
    return value


def _check_features(graph: EnsembleGraph) -> None:
    count = graph.feature_count
    used = [graph.volatility_feature]
    for member in graph.members:
        if isinstance(member, Network):
            units = len(member.hidden_bias)
            shapes = [part.shape for part in (member.hidden, member.output, member.output_bias)]
            _expect(shapes, [(count, units), (units, CLASSES), (CLASSES,)])
        else:
            used += [int(member.feature.min()), int(member.feature.max())]
    if not 0 <= min(used) <= max(used) < count:
        raise ModelRefused(f"the graph reads features {min(used)} to {max(used)} of {count}")


def _expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise ModelRefused(f"the graph has {found} where {wanted} was expected")


def _ints(attribute: Any) -> NDArray[np.int64]:
    return np.array(attribute.ints, np.int64)


def _floats(attribute: Any) -> NDArray[np.float32]:
    return np.array(attribute.floats, np.float32)
