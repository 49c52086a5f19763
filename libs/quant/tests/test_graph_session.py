"""The onnxruntime session against graphs whose result is arithmetic."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from foretick.quant.ensemble.output import ModelRefused
from foretick.quant.ensemble.session import GraphSession

FEATURES, MEMBERS = 3, 2


def build_graph(rename: dict[str, str] | None = None, classes: int = 3) -> bytes:
    """Members: the first ``classes`` features and twice them; probabilities: their weighted sum; return: the total."""
    names = {name: name for name in ("features", "weights", "probabilities", "expected_return", "members")} | (
        rename or {}
    )
    nodes = [
        helper.make_node("Slice", [names["features"], "zero", "classes", "one"], ["first"]),
        helper.make_node("Add", ["first", "first"], ["second"]),
        helper.make_node("Unsqueeze", ["first", "one"], ["first3"]),
        helper.make_node("Unsqueeze", ["second", "one"], ["second3"]),
        helper.make_node("Concat", ["first3", "second3"], [names["members"]], axis=1),
        helper.make_node("Reshape", [names["weights"], "column"], ["weights3"]),
        helper.make_node("Mul", [names["members"], "weights3"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "one"], [names["probabilities"]], keepdims=0),
        helper.make_node("ReduceSum", [names["features"], "one"], [names["expected_return"]], keepdims=1),
    ]
    constants = [
        helper.make_tensor("zero", TensorProto.INT64, [1], [0]),
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        helper.make_tensor("classes", TensorProto.INT64, [1], [classes]),
        helper.make_tensor("column", TensorProto.INT64, [3], [1, MEMBERS, 1]),
    ]
    inputs = [
        helper.make_tensor_value_info(names["features"], TensorProto.FLOAT, [None, FEATURES]),
        helper.make_tensor_value_info(names["weights"], TensorProto.FLOAT, [MEMBERS]),
    ]
    outputs = [
        helper.make_tensor_value_info(names[name], TensorProto.FLOAT, None)
        for name in ("probabilities", "expected_return", "members")
    ]
    graph = helper.make_graph(nodes, "test", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    return model.SerializeToString()


def test_outputs_are_those_of_the_graph():
    runner = GraphSession(build_graph(), [0.25, 0.75], FEATURES)
    rows = np.array([[1.0, 2.0, 3.0], [0.0, 0.5, -1.0]])
    output = runner.run(rows)
    np.testing.assert_allclose(output.members, np.stack([rows, 2 * rows], axis=1))
    np.testing.assert_allclose(output.probabilities, 1.75 * rows)  # 0.25 + 0.75 * 2
    np.testing.assert_allclose(output.expected_return_bps, [6.0, -0.5])


@pytest.mark.parametrize("n", [0, 1, 64, 5_000])
def test_any_number_of_rows_runs(n):
    runner = GraphSession(build_graph(), [0.5, 0.5], FEATURES)
    output = runner.run(np.ones((n, FEATURES)))
    assert (output.probabilities.shape, output.expected_return_bps.shape) == ((n, 3), (n,))


def test_results_are_not_overwritten_by_the_next_run():
    runner = GraphSession(build_graph(), [1.0, 0.0], FEATURES)
    first = runner.run(np.ones((1, FEATURES)))
    runner.run(np.zeros((1, FEATURES)))
    assert first.probabilities.tolist() == [[1.0, 1.0, 1.0]]


@pytest.mark.parametrize(
    ("graph", "weights", "features", "message"),
    [
        (b"", [1.0], FEATURES, "does not load"),
        (b"junk", [1.0], FEATURES, "does not load"),
        (build_graph({"members": "m"}), [0.5, 0.5], FEATURES, "lacks members"),
        (build_graph({"weights": "w"}), [0.5, 0.5], FEATURES, "lacks weights"),
        (build_graph(), [0.5, 0.5], FEATURES + 1, "features is 3 wide"),
        (build_graph(), [1.0], FEATURES, "weights is 2 wide"),
        (build_graph(classes=2), [0.5, 0.5], FEATURES, "shapes"),
    ],
)
def test_graph_that_is_not_the_agreed_one_is_refused(graph, weights, features, message):
    with pytest.raises(ModelRefused, match=message):
        GraphSession(graph, weights, features)
