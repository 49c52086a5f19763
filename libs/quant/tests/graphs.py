"""Graphs of the shape that training writes, built by hand from a few numbers."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FEATURES, VOLATILITY = 3, 2
SLOPES = [-1.0, 0.0, 2.0]
STUMP = [(0, 0.5, 1, 2), (0.5, 0.25, 0.25), (0.25, 0.25, 0.5)]
"""A tree: an inner node is (feature, threshold, left, right), a leaf what it adds to each class."""
CALIBRATION = (
    helper.make_node("Max", ["blend", "least"], ["floored"]),
    helper.make_node("Log", ["floored"], ["logs"]),
    helper.make_node("Div", ["logs", "temperature"], ["cooled"]),
    helper.make_node("Softmax", ["cooled"], ["probabilities"], axis=1),
)


def tree_member(name, trees, **changes):
    columns = {
        key: [] for key in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")
    }
    targets = {key: [] for key in ("treeids", "nodeids", "ids", "weights")}
    for number, tree in enumerate(trees):
        for place, node in enumerate(tree):
            leaf = len(node) == 3
            row = (number, place, 0, "LEAF", 0.0, 0, 0) if leaf else (number, place, node[0], "BRANCH_LEQ", *node[1:])
            for column, value in zip(columns.values(), row, strict=True):
                column.append(value)
            for kind, weight in enumerate(node if leaf else ()):
                for column, value in zip(targets.values(), (number, place, kind, weight), strict=True):
                    column.append(value)
    attributes = {f"nodes_{key}": column for key, column in columns.items()}
    attributes |= {f"target_{key}": column for key, column in targets.items()}
    attributes |= {"n_targets": 3, "aggregate_function": "SUM", "post_transform": "NONE", "base_values": [0.0] * 3}
    made = helper.make_node("TreeEnsembleRegressor", ["features"], [name], domain="ai.onnx.ml", **attributes | changes)
    return [made], []


def network_member(name, hidden, hidden_bias, output, output_bias):
    parts = {"w1": hidden, "b1": hidden_bias, "w2": output, "b2": output_bias}
    constants = [numpy_helper.from_array(np.array(value, np.float32), f"{name}.{key}") for key, value in parts.items()]
    return [
        helper.make_node("Gemm", ["features", f"{name}.w1", f"{name}.b1"], [f"{name}.sums"]),
        helper.make_node("Relu", [f"{name}.sums"], [f"{name}.active"]),
        helper.make_node("Gemm", [f"{name}.active", f"{name}.w2", f"{name}.b2"], [f"{name}.scores"]),
        helper.make_node("Softmax", [f"{name}.scores"], [name], axis=1),
    ], constants


def ensemble(*members, extra=(), opset=15, temperature=None, least=1e-6):
    """The graph that training writes, with ``members`` as (nodes, constants); without a temperature, an older one."""
    names = [nodes[-1].output[0] for nodes, _ in members]
    nodes = [node for made, _ in members for node in made] + [
        helper.make_node("Concat", names, ["side_by_side"], axis=1),
        helper.make_node("Reshape", ["side_by_side", "by_member"], ["members"]),
        helper.make_node("MatMul", ["weights", "members"], ["probabilities" if temperature is None else "blend"]),
        *(CALIBRATION if temperature is not None else ()),
        helper.make_node("MatMul", ["probabilities", "slopes"], ["in_volatilities"]),
        helper.make_node("Gather", ["features", "which"], ["volatility"], axis=1),
        helper.make_node("Mul", ["in_volatilities", "volatility"], ["expected_return"]),
        *extra,
    ]
    constants = [one for _, needed in members for one in needed] + [
        numpy_helper.from_array(np.array([-1, len(names), 3], np.int64), "by_member"),
        numpy_helper.from_array(np.array([[slope] for slope in SLOPES], np.float32), "slopes"),
        numpy_helper.from_array(np.array([VOLATILITY], np.int64), "which"),
        numpy_helper.from_array(np.array([least], np.float32), "least"),
        numpy_helper.from_array(np.array([temperature or 0.0], np.float32), "temperature"),
    ]
    shapes = {"features": ["n", FEATURES], "weights": [len(names)], "probabilities": ["n", 3]}
    shapes |= {"expected_return": ["n", 1], "members": ["n", len(names), 3]}
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    graph = helper.make_graph(nodes, "test", values[:2], values[2:], constants)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def random_tree(rng, depth, thresholds):
    """A tree of at most ``depth`` levels on thresholds from a small set, so that inputs can hit them."""
    nodes = [None]

    def grow(place, left):
        if left == 0 or rng.random() < 0.2:
            nodes[place] = tuple(rng.normal(size=3) / 10)
            return
        first = len(nodes)
        nodes.extend([None, None])
        nodes[place] = (int(rng.integers(FEATURES)), float(rng.choice(thresholds)), first, first + 1)
        grow(first, left - 1)
        grow(first + 1, left - 1)

    grow(0, depth)
    return nodes


def softmax(scores):
    raised = np.exp(np.array(scores) - max(scores))
    return raised / raised.sum()
