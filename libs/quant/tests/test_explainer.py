"""Contributions against arithmetic, onnxruntime's answers, and exact Shapley values by brute force."""

from itertools import combinations
from math import factorial

import numpy as np
import onnx
import pytest

from foretick.quant import explainer
from foretick.quant.ensemble import expectations, reference
from foretick.quant.ensemble.session import GraphSession
from foretick.quant.explainer import ModelExplainer, add_reference
from foretick.quant.runner import ModelRefused, ModelRunner

from .graphs import FEATURES, STUMP, ensemble, network_member, random_tree, tree_member

THRESHOLDS = np.array([-1.0, -0.3, 0.0, 0.4, 1.1], np.float32)
LEVEL = [(0, 0.0, 1, 2), (0.4, 0.3, 0.3), (0.2, 0.3, 0.5)]


def training_rows(n=400, seed=3):
    return np.random.default_rng(seed).normal(size=(n, FEATURES)).astype(np.float32)


def boosted(name, rng, trees=12, size=4.0):
    """A member of small trees of one class each, through a softmax."""
    made = []
    for number in range(trees):
        tree = random_tree(rng, 4, THRESHOLDS)
        made.append(
            [tuple(size * one * (k == number % 3) for k, one in enumerate(n)) if len(n) == 3 else n for n in tree]
        )
    return tree_member(name, made, post_transform="SOFTMAX", base_values=[0.1, 0.3, -0.2])


def forest(name, rng, trees=8):
    """A member of trees whose leaves are shares of all classes, as a forest's are."""
    made = []
    for _ in range(trees):
        tree = random_tree(rng, 4, THRESHOLDS)
        made.append([tuple(rng.dirichlet([1, 1, 1]) / trees) if len(node) == 3 else node for node in tree])
    return tree_member(name, made)


def network(name, rng, units=6, size=1.0):
    layers = [rng.normal(size=shape) * size for shape in ((FEATURES, units), units, (units, 3), 3)]
    return network_member(name, *layers)


def mixed(seed, temperature=0.8, size=1.0):
    rng = np.random.default_rng(seed)
    members = (forest("a", rng), boosted("b", rng, size=4.0 * size), network("c", rng, size=size))
    return ensemble(*members, temperature=temperature)


def lean(output):
    """P(up) - P(down)."""
    return output.probabilities[:, 2].astype(np.float64) - output.probabilities[:, 0]


def shapley(value, row, background):
    """Exact Shapley values of a game whose absent features are drawn from the background (all of it)."""
    everyone = range(len(row))

    def worth(present):
        rows = background.copy()
        rows[:, list(present)] = row[list(present)]
        return value(rows).mean()

    worths = {some: worth(some) for size in range(len(row) + 1) for some in combinations(everyone, size)}
    shares = np.zeros(len(row))
    for one in everyone:
        for size in range(len(row)):
            share = factorial(size) * factorial(len(row) - size - 1) / factorial(len(row))
            for some in combinations([other for other in everyone if other != one], size):
                shares[one] += share * (worths[tuple(sorted((*some, one)))] - worths[some])
    return shares


@pytest.mark.parametrize("temperature", [None, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_contributions_add_up_to_what_onnxruntime_answers(seed, temperature):
    graph = add_reference(mixed(seed, temperature), training_rows())
    rows, weights = training_rows(500, seed + 10), [0.2, 0.5, 0.3]
    told = ModelExplainer(graph, weights).run(rows)
    answer = lean(GraphSession(graph, weights, FEATURES).run(rows))
    np.testing.assert_allclose(told.answer, answer, atol=2e-6)
    np.testing.assert_allclose(told.features.sum(axis=1) + told.baseline, told.answer, atol=1e-13)
    assert np.unique(told.baseline).size == 1


def test_explainer_answers_what_the_runner_answers():
    graph, rows, weights = add_reference(mixed(5), training_rows()), training_rows(100, 8), [0.2, 0.5, 0.3]
    told, served = ModelExplainer(graph, weights).run(rows).output, ModelRunner(graph, weights, FEATURES).run(rows)
    for ours, theirs in zip(told, served, strict=True):
        assert np.array_equal(ours, theirs)


def test_baseline_of_an_uncalibrated_forest_is_its_mean_answer_in_training():
    rows = training_rows()
    graph = add_reference(ensemble(forest("a", np.random.default_rng(1))), rows)
    told = ModelExplainer(graph, [1.0]).run(rows[:1])
    assert told.baseline[0] == pytest.approx(lean(GraphSession(graph, [1.0], FEATURES).run(rows)).mean(), abs=1e-7)


def test_contributions_of_one_stump_are_arithmetic():
    """Three of four rows go left: the mean answer is 0.75 * (0.3 - 0.4) + 0.25 * (0.5 - 0.2) = 0."""
    rows = np.array([[-1, 5, 0], [-2, 5, 0], [-3, 5, 0], [1, 5, 0]], np.float32)
    told = ModelExplainer(add_reference(ensemble(tree_member("a", [LEVEL])), rows), [1.0]).run(rows)
    assert told.baseline == pytest.approx([0.0] * 4, abs=1e-7)
    np.testing.assert_allclose(told.features[:, 0], [-0.1, -0.1, -0.1, 0.3], atol=1e-7)
    assert not told.features[:, 1:].any()


def test_contributions_of_additive_trees_are_exact_shapley_values():
    """Trees of one split, no softmax: an additive model, where each feature's share is beyond dispute."""
    rng = np.random.default_rng(2)
    stumps = [
        [(int(rng.integers(FEATURES)), float(rng.choice(THRESHOLDS)), 1, 2), tuple(rng.dirichlet([1, 1, 1]) / 9),
         tuple(rng.dirichlet([1, 1, 1]) / 9)] for _ in range(9)
    ]  # fmt: skip
    background = training_rows(200)
    graph = add_reference(ensemble(tree_member("a", stumps)), background)
    session, rows = GraphSession(graph, [1.0], FEATURES), training_rows(20, 9)
    told = ModelExplainer(graph, [1.0]).run(rows)
    exact = np.array([shapley(lambda given: lean(session.run(given)), row, background) for row in rows])
    np.testing.assert_allclose(told.features, exact, atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_contributions_of_small_ensembles_are_close_to_exact_shapley_values(seed):
    """Scores as unsure as a market's. Of a model in use see docs/models, which publishes its error."""
    background = training_rows(200)
    graph, weights = add_reference(mixed(seed, size=0.3), background), [0.2, 0.5, 0.3]
    session, rows = GraphSession(graph, weights, FEATURES), training_rows(40, seed + 50)
    told = ModelExplainer(graph, weights).run(rows)
    exact = np.array([shapley(lambda given: lean(session.run(given)), row, background) for row in rows])
    assert np.abs(told.features - exact).mean() < 0.75 * np.abs(exact).mean()
    assert np.corrcoef(told.features.ravel(), exact.ravel())[0, 1] > 0.85
    swapped = np.roll(told.features, 1, axis=1)  # control: given to the next feature, they are far from it
    assert np.corrcoef(swapped.ravel(), exact.ravel())[0, 1] < 0.5


def test_row_at_the_reference_of_a_network_owes_nothing_to_anything():
    rows = training_rows()
    rng = np.random.default_rng(4)
    graph = add_reference(ensemble(network("a", rng), network("b", rng), temperature=0.7), rows)
    told = ModelExplainer(graph, [0.5, 0.5]).run(rows.mean(axis=0, dtype=np.float64)[None])
    np.testing.assert_allclose(told.features, 0.0, atol=1e-12)
    assert told.answer[0] == pytest.approx(told.baseline[0], abs=1e-12)


def test_linear_scores_are_shared_out_by_slope_times_distance():
    """s = max(s, 0) - max(-s, 0): two rectifiers of a linear score of up: all contributions have one factor."""
    slopes = np.array([[1.0, -1.0], [2.0, -2.0], [0.0, 0.0]])
    rows = training_rows()
    member = network_member("a", slopes, [0.1, -0.1], [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]], [0.0, 0.0, 0.0])
    told = ModelExplainer(add_reference(ensemble(member), rows), [1.0]).run(rows[:50])
    away = rows[:50] - rows.mean(axis=0)
    np.testing.assert_allclose(told.features[:, 0] * 2 * away[:, 1], told.features[:, 1] * away[:, 0], atol=1e-6)
    assert not told.features[:, 2].any()


def test_weights_of_the_caller_take_the_place_of_the_models():
    rows = training_rows()
    graph = add_reference(mixed(7), rows)
    alone = ModelExplainer(graph, [0.0, 1.0, 0.0]).run(rows[:20])
    chosen = ModelExplainer(graph, [0.2, 0.5, 0.3]).run(rows[:20], weights=[0.0, 1.0, 0.0])
    assert np.array_equal(alone.features, chosen.features)
    assert np.array_equal(alone.baseline, chosen.baseline)


def test_leaves_that_no_row_reached_are_explained_too():
    rows = np.full((10, FEATURES), -5, np.float32)
    graph = add_reference(mixed(1), rows)
    told = ModelExplainer(graph, [0.2, 0.5, 0.3]).run(training_rows(200, 1))
    assert np.isfinite(told.features).all()


def test_reference_changes_no_answer_and_is_read_back():
    rows, graph = training_rows(), mixed(3)
    referred = add_reference(graph, rows)
    weights = [0.2, 0.5, 0.3]
    assert np.array_equal(
        GraphSession(graph, weights, FEATURES).run(rows).probabilities,
        GraphSession(referred, weights, FEATURES).run(rows).probabilities,
    )
    parts = explainer.read_graph(referred)
    kept = reference.read_reference(referred, parts)
    np.testing.assert_allclose(kept.features, rows.mean(axis=0), atol=1e-6)
    trees = [len(np.unique(member.tree)) for member in reference.trees_of(parts)]
    assert [int(held.sum()) for held in kept.leaf_rows] == [len(rows) * count for count in trees]
    assert add_reference(graph, rows) == referred


def with_text(graph, text):
    model = onnx.load_model_from_string(graph)
    onnx.helper.set_model_props(model, {"foretick.reference": text})
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (ensemble(tree_member("a", [STUMP])), "keeps no reference"),
        (with_text(ensemble(tree_member("a", [STUMP])), "junk"), "not readable"),
        (with_text(ensemble(tree_member("a", [STUMP])), '{"features": 3, "leaf_rows": []}'), "not readable"),
        (with_text(ensemble(tree_member("a", [STUMP])), '{"features": "", "leaf_rows": []}'), r"of \(0,\) features"),
        (with_text(ensemble(tree_member("a", [STUMP])),
                   '{"features": "AAAAAAAAAAAAAAAA", "leaf_rows": ["//////////8="]}'), "of .* features"),
    ],
)  # fmt: skip
def test_reference_that_is_missing_or_of_another_graph_is_refused(graph, message):
    with pytest.raises(ModelRefused, match=message):
        ModelExplainer(graph, [1.0])


def test_no_rows_to_refer_to_are_an_error():
    with pytest.raises(ValueError, match="no rows"):
        add_reference(mixed(0), np.zeros((0, FEATURES), np.float32))


def test_contributions_that_do_not_add_up_are_refused(monkeypatch):
    """Control: each step says a thousandth too much."""
    sound = expectations.list_all_steps

    def wrong(*args):
        steps = sound(*args)
        return steps._replace(lone_step=1.001 * steps.lone_step)

    graph = add_reference(mixed(0), training_rows())
    monkeypatch.setattr(expectations, "list_all_steps", wrong)
    with pytest.raises(ModelRefused, match="of an answer unexplained"):
        ModelExplainer(graph, [0.2, 0.5, 0.3])
