"""The kernel behind the runner: against arithmetic, against onnxruntime, and against graphs that it must refuse."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from foretick.quant.ensemble import judge
from foretick.quant.ensemble.compiled import predict_rows, work_words
from foretick.quant.ensemble.graph import read_graph
from foretick.quant.ensemble.judge import compare, probe_rows
from foretick.quant.ensemble.layout import lay_out, sort_keys
from foretick.quant.ensemble.session import GraphSession
from foretick.quant.runner import ModelRefused, ModelRunner

from .graphs import FEATURES, SLOPES, STUMP, ensemble, network_member, random_tree, softmax, tree_member


def test_trees_blend_and_return_are_arithmetic():
    other = [(1, -1.0, 1, 2), (0.0, 1.0, 0.0), (1, 3.0, 3, 4), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)]
    runner = ModelRunner(ensemble(tree_member("a", [STUMP]), tree_member("b", [other])), [0.25, 0.75], FEATURES)
    output = runner.run(np.array([[0.5, -1.0, 2.0], [0.6, 3.0, 1.0], [-9.0, 3.5, 0.0]]))
    assert output.members.tolist() == [
        [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]],
        [[0.25, 0.25, 0.5], [1.0, 0.0, 0.0]],
        [[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]],
    ]
    assert output.probabilities.tolist() == [[0.125, 0.8125, 0.0625], [0.8125, 0.0625, 0.125], [0.125, 0.0625, 0.8125]]
    assert output.expected_return_bps.tolist() == [0.0, -0.5625, 0.0]  # (2 x 0.0625 - 0.125) x 2, (0.25 - 0.8125) x 1


def test_temperature_raises_the_blend_to_a_power_and_the_return_follows():
    sure = [(0, 0.5, 1, 2), (0.8, 0.2, 0.0), (0.0, 0.0, 1.0)]
    graph = ensemble(tree_member("a", [STUMP]), tree_member("b", [sure]), temperature=0.5)
    output = ModelRunner(graph, [0.5, 0.5], FEATURES).run(np.array([[0.0, 0.0, 2.0], [1.0, 0.0, 1.0]]))
    squares = np.array([[0.65**2, 0.225**2, 0.125**2], [0.125**2, 0.125**2, 0.75**2]])
    wanted = squares / squares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(output.probabilities, wanted, rtol=1e-6)
    np.testing.assert_allclose(output.expected_return_bps, (wanted @ SLOPES) * [2.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(output.members[0, 1], [0.8, 0.2, 0.0], atol=1e-7)  # members stay as they are


def test_impossible_class_is_raised_to_the_floor_before_the_temperature():
    impossible = [(0, 0.5, 1, 2), (0.5, 0.5, 0.0), (0.5, 0.5, 0.0)]
    runner = ModelRunner(ensemble(tree_member("a", [impossible]), temperature=2.0), [1.0], FEATURES)
    output = runner.run(np.zeros((1, FEATURES)))
    roots = np.sqrt([0.5, 0.5, 1e-6])
    np.testing.assert_allclose(output.probabilities[0], roots / roots.sum(), rtol=1e-6)


@pytest.mark.parametrize("temperature", [0.25, 0.6, 1.0, 20.0])
def test_calibrated_forests_agree_with_onnxruntime(temperature):
    rng = np.random.default_rng(8)
    thresholds = np.array([-2.0, 0.0, 1.0], np.float32)
    members = [
        tree_member(name, [random_tree(rng, 6, thresholds) for _ in range(5)], post_transform="SOFTMAX")
        for name in "ab"
    ]
    graph, rows = ensemble(*members, temperature=temperature), rng.choice(thresholds, (400, FEATURES))
    difference = compare(
        ModelRunner(graph, [0.4, 0.6], FEATURES).run(rows), GraphSession(graph, [0.4, 0.6], FEATURES).run(rows)
    )
    assert difference.is_none, difference


def test_several_trees_add_up_from_the_base_through_the_softmax():
    member = tree_member("a", [STUMP, STUMP], post_transform="SOFTMAX", base_values=[1.0, 0.0, -1.0])
    output = ModelRunner(ensemble(member), [1.0], FEATURES).run(np.zeros((1, FEATURES)))
    np.testing.assert_allclose(output.members[0, 0], softmax([2.0, 0.5, -0.5]), atol=1e-7)


def test_networks_of_any_width_are_arithmetic():
    one = network_member("a", [[1.0], [0.0], [-1.0]], [0.5], [[1.0, 0.0, -1.0]], [0.0, 0.0, 0.25])
    two = network_member("b", np.eye(3, 2), [0.0, 0.0], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [0.0, 0.0, 0.0])
    output = ModelRunner(ensemble(one, two), [0.5, 0.5], FEATURES).run(np.array([[2.0, -3.0, 1.0]]))
    np.testing.assert_allclose(output.members[0, 0], softmax([1.5, 0.0, -1.25]), atol=1e-7)
    np.testing.assert_allclose(output.members[0, 1], softmax([0.0, 2.0, 0.0]), atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_random_forests_agree_with_onnxruntime_on_and_beside_their_thresholds(seed):
    rng = np.random.default_rng(seed)
    thresholds = np.array([-2.0, -1e-30, 0.0, 1e-3, 1.0, 3.5], np.float32)
    members = [
        tree_member(f"m{i}", [random_tree(rng, int(rng.integers(0, 9)), thresholds) for _ in range(rng.integers(1, 8))],
                    post_transform=post)
        for i, post in enumerate(("NONE", "SOFTMAX"))
    ]  # fmt: skip
    graph, weights = ensemble(*members), [0.4, 0.6]
    beside = np.concatenate([thresholds, *(np.nextafter(thresholds, np.float32(to)) for to in (-np.inf, np.inf))])
    rows = rng.choice(np.append(beside, np.array([-0.0, -1e30, 1e30], np.float32)), (400, FEATURES))
    apart = np.abs(ModelRunner(graph, weights, FEATURES).run(rows).members
                   - GraphSession(graph, weights, FEATURES).run(rows).members)  # fmt: skip
    assert apart.max() <= 1e-6


@pytest.mark.parametrize("n", [0, 1, 64, 65, 300])
def test_any_number_of_rows_runs(n):
    runner = ModelRunner(ensemble(tree_member("a", [STUMP])), [1.0], FEATURES, max_rows=64)
    output = runner.run(np.ones((n, FEATURES)))
    shapes = (output.probabilities.shape, output.expected_return_bps.shape, output.members.shape)
    assert shapes == ((n, 3), (n,), (n, 1, 3))


def test_results_are_not_overwritten_by_the_next_run():
    runner = ModelRunner(ensemble(tree_member("a", [STUMP])), [1.0], FEATURES)
    first = runner.run(np.ones((1, FEATURES)))
    runner.run(np.zeros((1, FEATURES)))
    assert first.probabilities.tolist() == [[0.25, 0.25, 0.5]]


def test_rows_of_another_width_are_an_error():
    with pytest.raises(ValueError, match="broadcast"):
        ModelRunner(ensemble(tree_member("a", [STUMP])), [1.0], FEATURES).run(np.zeros((1, FEATURES + 1)))


LOOP = [(0, 0.5, 1, 0), (1.0, 0.0, 0.0)]
ROOTLESS = [(0, 0.5, 0, 0), (1.0, 0.0, 0.0)]
SHARED = [(0, 0.5, 1, 1), (1.0, 0.0, 0.0)]


@pytest.mark.parametrize(
    ("graph", "weights", "message"),
    [
        (b"", [1.0], "does not load"),
        (b"junk", [1.0], "does not load"),
        (ensemble(tree_member("a", [STUMP]), opset=14), [1.0], "is written for"),
        (ensemble(tree_member("a", [STUMP], aggregate_function="AVERAGE")), [1.0], "otherwise than by <= and sums"),
        (ensemble(tree_member("a", [STUMP], nodes_modes=["BRANCH_LT", "LEAF", "LEAF"])), [1.0], "otherwise than by <="),
        (ensemble(tree_member("a", [STUMP], post_transform="LOGISTIC")), [1.0], "ends in b'LOGISTIC'"),
        (ensemble(tree_member("a", [STUMP]), extra=[helper.make_node("Relu", ["probabilities"], ["more"])]), [1.0],
         "8 nodes, 7 of them"),
        (ensemble(tree_member("a", [STUMP])), [0.5, 0.5], "weights is 1 wide"),
        (ensemble(tree_member("a", [STUMP]), temperature=-1.0), [1.0], "temperature is -1"),
        (ensemble(tree_member("a", [STUMP]), temperature=np.nan), [1.0], "temperature is nan"),
        (ensemble(tree_member("a", [STUMP]), temperature=1.0, least=1e-3), [1.0], "where .* was expected"),
        (ensemble(([helper.make_node("Slice", ["features", "volatility", "volatility"], ["a"])], [])), [1.0],
         "does not load"),
        (ensemble(([helper.make_node("Sigmoid", ["features"], ["a"])], [])), [1.0], "a Sigmoid where a Softmax"),
    ],
)  # fmt: skip
def test_graph_of_another_shape_is_refused_with_the_reason(graph, weights, message):
    with pytest.raises(ModelRefused, match=message):
        ModelRunner(graph, weights, FEATURES)


@pytest.mark.parametrize("tree", [LOOP, ROOTLESS, SHARED])
def test_nodes_that_are_no_tree_are_refused(tree):
    with pytest.raises(ModelRefused, match="do not hang together"):
        lay_out(read_graph(ensemble(tree_member("a", [tree]))))


def test_kernel_that_differs_from_onnxruntime_is_refused(monkeypatch):
    """Control: a walk that sends an exact hit the wrong way is what the judge is there for."""
    monkeypatch.setattr("foretick.quant.ensemble.layout.sort_keys", lambda values: sort_keys(values) - 1)
    with pytest.raises(ModelRefused, match=r"the kernel differs from onnxruntime by 0\.25"):
        ModelRunner(ensemble(tree_member("a", [STUMP])), [1.0], FEATURES)


def test_difference_without_numbers_is_one():
    graph = ensemble(tree_member("a", [STUMP]))
    sound = ModelRunner(graph, [1.0], FEATURES).run(np.zeros((2, FEATURES)))
    broken = judge.ModelOutput(sound.probabilities * np.nan, sound.expected_return_bps, sound.members)
    assert compare(sound, sound).is_none
    assert not compare(broken, sound).is_none


def test_probes_sit_on_and_beside_the_thresholds_on_both_sides():
    parts = read_graph(ensemble(tree_member("a", [STUMP])))
    rows = probe_rows(parts, 200)
    half = np.float32(0.5)
    assert set(rows[:, 0].tolist()) == {0.5, float(np.nextafter(half, np.float32(0))), float(np.nextafter(half, 1))}
    assert not rows[:, 1:].any()
    assert np.array_equal(rows, probe_rows(parts, 200))


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=2, max_size=40))
def test_sort_keys_are_in_the_order_of_the_numbers(values):
    floats = np.array(values, np.float32)
    keys = sort_keys(floats)
    assert np.array_equal(keys[:, None] > keys[None, :], floats[:, None] > floats[None, :])


def test_missing_and_infinite_values_stay_inside_their_tree():
    model = lay_out(read_graph(ensemble(tree_member("a", [STUMP, STUMP])))).pack()
    rows = np.array([[np.nan, 0, 0], [np.inf, 0, 0], [-np.inf, 0, 0]], np.float32)
    out = np.zeros((3, 7), np.float32)
    assert predict_rows(model, np.ones(1), np.zeros(work_words(model), np.int64), rows, out) == 3
    assert out[:, :3].tolist() == [[0.5, 0.5, 1.0], [0.5, 0.5, 1.0], [1.0, 0.5, 0.5]]  # a missing value is not <=


def test_missing_value_stays_one_through_the_calibration():
    network = network_member("a", np.ones((3, 1)), [0.0], np.ones((1, 3)), [0.0, 0.0, 0.0])
    model = lay_out(read_graph(ensemble(network, temperature=2.0))).pack()
    out = np.zeros((1, 7), np.float32)
    predict_rows(model, np.ones(1), np.zeros(work_words(model), np.int64), np.full((1, 3), np.nan, np.float32), out)
    assert np.isnan(out[:, :4]).all()


def test_graph_survives_the_onnx_checker():
    onnx.checker.check_model(onnx.load_model_from_string(ensemble(tree_member("a", [STUMP]))), full_check=True)


def test_each_row_is_blended_with_its_own_weights():
    """Against a runner of each row's weights, runs of equal ones among them."""
    other = [(1, 0.0, 1, 2), (0.0, 1.0, 0.0), (0.5, 0.0, 0.5)]
    graph = ensemble(tree_member("a", [STUMP]), tree_member("b", [other]))
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(7, FEATURES))
    weights = rng.dirichlet([1, 1], 7)
    weights[3] = weights[2]
    found = ModelRunner(graph, [0.5, 0.5], FEATURES).run(rows, weights)
    for at in range(7):
        alone = ModelRunner(graph, weights[at], FEATURES).run(rows[at : at + 1])
        for ours, theirs in zip(found, alone, strict=True):
            np.testing.assert_array_equal(ours[at : at + 1], theirs)


def test_weights_for_other_rows_are_an_error_and_for_none_nothing():
    runner = ModelRunner(ensemble(tree_member("a", [STUMP])), [1.0], FEATURES)
    with pytest.raises(ValueError, match="weights of shape"):
        runner.run(np.zeros((2, FEATURES)), [[1.0]])
    assert len(runner.run(np.zeros((0, FEATURES)), np.zeros((0, 1))).probabilities) == 0
