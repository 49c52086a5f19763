"""The exported graph against the libraries' own answers, also on inputs chosen to sit on the trees' thresholds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.predictor.adapters.learners.client import NAMES, LibraryLearner, Sizes
from foretick.predictor.adapters.onnx import trees
from foretick.predictor.adapters.onnx.graph import Head, TreeMember, build_graph
from foretick.predictor.adapters.onnx.trees import floor_to_float32, trees_of_lightgbm
from foretick.quant.ensemble.judge import compare
from foretick.quant.ensemble.session import GraphSession
from foretick.quant.runner import ModelRunner

SMALL = Sizes(forest_trees=10, boosting_rounds=8, min_leaf_rows=5, network_epochs=1)
WEIGHTS = np.array([0.1, 0.2, 0.3, 0.25, 0.15])


def grid(rows, seed):
    """Neighbouring float32 numbers: a threshold between two of them has no float32 of its own."""
    rng = np.random.default_rng(seed)
    ulp = np.spacing(np.float32(1.0))
    features = np.float32(1.0) + rng.integers(0, 40, (rows, 6)).astype(np.float32) * ulp
    score = (features[:, 0] + features[:, 1] - 2.0) / ulp / 20.0 - 2.0 + rng.normal(size=rows)
    return features, np.digitize(score, [-0.5, 0.5])


def market(rows, seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 6)).astype(np.float32)
    return features, np.digitize(features[:, 0] + features[:, 1] + rng.normal(size=rows), [-0.7, 0.7])


def tree_graph(fitted):
    """The tree members without the network, whose sums of floats are inexact on inputs that differ in the last bit."""
    members = [
        TreeMember("random_forest", trees.trees_of_forest(fitted.forest), softmax=False),
        TreeMember("lightgbm", trees.trees_of_lightgbm(fitted.lightgbm), softmax=True),
        TreeMember("xgboost", trees.trees_of_xgboost(fitted.xgboost), softmax=True),
    ]
    return build_graph(members, Head(np.zeros(3), 0), 6)


def tree_errors(fitted, features):
    """Largest difference of a probability by tree member, between its own graph and its library."""
    output = ModelRunner(tree_graph(fitted), np.full(3, 1 / 3), 6).run(features)
    native = fitted.predict(features)
    return {name: np.abs(output.members[:, i] - native[i]).max() for i, name in enumerate(NAMES[:3])}


@pytest.fixture(scope="module")
def fitted():
    return LibraryLearner(2, SMALL).fit(*market(2_000, 0), seed=1)


@pytest.fixture(scope="module")
def fitted_on_grid():
    return LibraryLearner(2, SMALL).fit(*grid(2_000, 0), seed=1)


def test_graph_agrees_with_every_member(fitted):
    features, _ = market(12_000, 1)
    graph = fitted.export(np.array([-1.0, 0.0, 1.0]), 0)
    parity, kernel_parity = LibraryLearner(2).compare(graph, WEIGHTS, features, fitted)
    assert (parity.rows, parity.decision_flips) == (12_000, 0)
    assert parity.max_error <= 1e-6
    assert (kernel_parity.rows, kernel_parity.decision_flips) == (12_000, 0)
    assert kernel_parity.max_error <= 1e-6


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_calibrated_graph_agrees_with_its_members_and_their_temperature(fitted, temperature):
    features, _ = market(12_000, 1)
    graph = fitted.export(np.array([-1.0, 0.0, 1.0]), 0, temperature)
    parity, kernel_parity = LibraryLearner(2).compare(graph, WEIGHTS, features, fitted, temperature)
    assert (parity.decision_flips, kernel_parity.decision_flips) == (0, 0)
    assert parity.max_error <= 1e-6
    assert kernel_parity.max_error <= 1e-6


def test_graph_of_another_temperature_is_found_out(fitted):
    """Control: the comparison knows the temperature from the fit, not from the graph."""
    features, _ = market(1_000, 1)
    graph = fitted.export(np.zeros(3), 0, 1.001)
    assert LibraryLearner(2).compare(graph, WEIGHTS, features, fitted, 1.0)[0].max_error > 1e-4
    assert LibraryLearner(2).compare(graph, WEIGHTS, features, fitted)[0].max_error > 1e-4


def test_kernel_agrees_with_onnxruntime_on_inputs_that_sit_on_thresholds(fitted_on_grid):
    features, graph, weights = grid(4_000, 1)[0], tree_graph(fitted_on_grid), [0.2, 0.3, 0.5]
    difference = compare(ModelRunner(graph, weights, 6).run(features), GraphSession(graph, weights, 6).run(features))
    assert difference.is_none, difference


def test_trees_agree_on_inputs_that_sit_on_their_thresholds(fitted_on_grid):
    errors = tree_errors(fitted_on_grid, grid(4_000, 1)[0])
    assert max(errors.values()) <= 1e-5, errors


def test_rounding_thresholds_to_the_nearest_float_would_be_seen(fitted_on_grid, monkeypatch):
    """Control: what the usual converters do breaks parity on these inputs, so the test above can fail."""
    monkeypatch.setattr(trees, "floor_to_float32", lambda values: values.astype(np.float32))
    assert tree_errors(fitted_on_grid, grid(4_000, 1)[0])["lightgbm"] > 1e-5


def test_graph_of_other_members_is_found_out(fitted):
    features, _ = market(1_000, 1)
    other = LibraryLearner(2, SMALL).fit(*market(2_000, 9), seed=2)
    parity, _ = LibraryLearner(2).compare(other.export(np.zeros(3), 0), WEIGHTS, features, fitted)
    assert parity.max_error > 1e-5


def test_weights_are_an_input_and_blend_the_members(fitted):
    features, _ = market(50, 2)
    output = ModelRunner(fitted.export(np.zeros(3), 0), WEIGHTS, 6).run(features)
    assert output.members.shape == (50, len(NAMES), 3)
    assert np.allclose(output.probabilities, np.einsum("m,nmc->nc", WEIGHTS, output.members), atol=1e-6)
    for index, name in enumerate(NAMES):
        alone = ModelRunner(fitted.export(np.zeros(3), 0), np.eye(len(NAMES))[index], 6).run(features)
        assert np.allclose(alone.probabilities, output.members[:, index], atol=1e-6), name
    assert np.allclose(output.members.sum(axis=2), 1.0, atol=1e-5)


def test_expected_return_is_slopes_by_probabilities_by_volatility(fitted):
    features, _ = market(50, 3)
    slopes = np.array([-2.0, 0.5, 3.0])
    output = ModelRunner(fitted.export(slopes, 4), WEIGHTS, 6).run(features)
    assert np.allclose(
        output.expected_return_bps, features[:, 4] * (output.probabilities @ slopes), rtol=1e-5, atol=1e-5
    )


def test_rows_are_independent_of_their_batch(fitted):
    features, _ = market(64, 4)
    runner = ModelRunner(fitted.export(np.zeros(3), 0), WEIGHTS, 6)
    together = runner.run(features).members
    alone = np.concatenate([runner.run(row[None]).members for row in features])
    assert np.allclose(together, alone, atol=1e-6)


def test_equal_seeds_give_equal_graphs(fitted):
    again = LibraryLearner(1, SMALL).fit(*market(2_000, 0), seed=1)
    assert again.export(np.zeros(3), 0) == fitted.export(np.zeros(3), 0)


def test_missing_class_is_an_error():
    features, _ = market(100, 0)
    with pytest.raises(ValueError, match="all 3 classes"):
        LibraryLearner(1, SMALL).fit(features, np.zeros(100, np.int64), 0)


def test_volatility_that_is_no_feature_is_an_error(fitted):
    member = TreeMember("lightgbm", trees_of_lightgbm(fitted.lightgbm), softmax=True)
    with pytest.raises(ValueError, match="feature 6 is not one of 6"):
        build_graph([member], Head(np.zeros(3), 6), 6)


def test_sizes_are_reached():
    sizes = replace(Sizes(), network_epochs=1)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20_000, 8)).astype(np.float32)
    fitted = LibraryLearner(2, sizes).fit(features, np.digitize(features[:, :3].sum(axis=1), [-0.7, 0.7]), seed=0)
    assert len(fitted.forest.estimators_) >= 100
    assert max(tree.get_depth() for tree in fitted.forest.estimators_) == 8
    assert fitted.lightgbm.num_trees() >= 200
    assert max(info["num_leaves"] for info in fitted.lightgbm.dump_model()["tree_info"]) == 31
    assert len(fitted.xgboost.get_dump()) >= 200


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floor_to_float32_keeps_the_comparison(threshold):
    floor = floor_to_float32(np.array([threshold]))[0]
    with np.errstate(over="ignore"):
        near = np.float32(threshold)
    for x in (near, np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf))):
        assert (x <= floor) == (float(x) <= threshold)
