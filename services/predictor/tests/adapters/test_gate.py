"""The gate on real graphs: a sound one passes, one with a moved threshold, a slow one and a large one are refused."""

from hashlib import sha256

import numpy as np
import onnx
import pytest

from foretick.common.contracts import ModelPublished, Origin, Probabilities
from foretick.common.errors import Refused
from foretick.predictor.adapters.learners.client import LibraryLearner, Sizes
from foretick.predictor.adapters.onnx.client import OnnxModelLoader
from foretick.predictor.adapters.onnx.graph import Head, TreeMember, build_graph
from foretick.predictor.adapters.onnx.latency import measure_latency_us
from foretick.predictor.adapters.onnx.trees import Trees
from foretick.predictor.domain.admission import ServingTerms
from foretick.predictor.domain.gate import TERMS, GateFault, GraphFigures, judge_cost, judge_graph
from foretick.quant.runner import ModelRunner

FEATURES = 6
NAMES = tuple("abcdef")
WEIGHTS = np.array([0.1, 0.2, 0.3, 0.25, 0.15])
SMALL = Sizes(forest_trees=10, boosting_rounds=8, min_leaf_rows=5, network_epochs=1)


def rows(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, FEATURES)).astype(np.float32)


@pytest.fixture(scope="module")
def fitted():
    features = rows(3_000, 0)
    noise = np.random.default_rng(1).normal(size=len(features))
    return LibraryLearner(2, SMALL).fit(features, np.digitize(features[:, 0] + features[:, 1] + noise, [-0.7, 0.7]), 1)


def faults(graph: bytes, fitted) -> set[GateFault]:
    learner, probe = LibraryLearner(2, SMALL), rows(TERMS.min_rows, 2)
    parity, kernel_parity = learner.compare(graph, WEIGHTS, probe, fitted)
    figures = GraphFigures(parity, kernel_parity, learner.time_row(graph, WEIGHTS, probe), len(graph))
    return {finding.fault for finding in judge_graph(figures)}


def test_exported_graph_passes_over_a_hundred_thousand_rows(fitted):
    assert faults(fitted.export(np.array([-1.0, 0.0, 1.0]), 0), fitted) == set()


@pytest.mark.parametrize("member", ["random_forest", "lightgbm", "xgboost"])
def test_one_moved_threshold_is_refused(fitted, member):
    """Control: of all trees of one member, one root moves by a thousandth."""
    model = onnx.load_model_from_string(fitted.export(np.array([-1.0, 0.0, 1.0]), 0))
    node = next(node for node in model.graph.node if node.name == member)
    given = {attribute.name: attribute for attribute in node.attribute}
    first = next(at for at, mode in enumerate(given["nodes_modes"].strings) if mode == b"BRANCH_LEQ")
    given["nodes_values"].floats[first] += 1e-3
    assert GateFault.DIFFERENT in faults(model.SerializeToString(), fitted)


def chains(trees: int, depth: int) -> bytes:
    """A graph of trees as deep as they have nodes: each level a branch to a leaf, or on. The first tree says it all."""
    size = 2 * depth + 1
    node = np.arange(size)
    inner = (node % 2 == 0) & (node < size - 1)
    left, right = np.where(inner, node + 1, -1), np.where(inner, node + 2, -1)
    value = np.zeros((trees * size, 3), np.float32)
    value[:size] = np.where(inner, 0.0, 1 / 3)[:, None]
    return build_graph(
        [
            TreeMember(
                "chains",
                Trees(
                    tree=np.repeat(np.arange(trees), size),
                    node=np.tile(node, trees),
                    feature=np.zeros(trees * size, np.int64),
                    threshold=np.zeros(trees * size, np.float32),
                    left=np.tile(left, trees),
                    right=np.tile(right, trees),
                    value=value,
                    base=np.zeros(3, np.float32),
                ),
                softmax=False,
            )
        ],
        Head(np.zeros(3), 0),
        FEATURES,
    )


@pytest.fixture(scope="module")
def slow_graph():
    return chains(trees=1_000, depth=400)


def test_slow_and_large_graph_is_refused_for_both(slow_graph):
    latency_us = measure_latency_us(ModelRunner(slow_graph, [1.0], FEATURES), rows(16, 3))
    found = judge_cost(latency_us, len(slow_graph))
    assert {finding.fault for finding in found} == {GateFault.SLOW, GateFault.LARGE}
    assert found[0].observed == latency_us
    assert "150 are allowed" in found[0].message


def announced(graph: bytes) -> ModelPublished:
    return ModelPublished(
        model_id="m", name="ensemble", object_name="m.onnx", sha256=sha256(graph).hexdigest(), size_bytes=len(graph),
        trained_on=Origin.SIM, schema_id="s", schema_hash="h", feature_names=[*NAMES], horizon_steps=5,
        interval_ns=1, flat_bps={"*": 1.0}, prior=Probabilities(down=0.3, flat=0.4, up=0.3), member_names=["chains"],
        member_weights=[1.0], metrics={}, rows=1, seed=1, ts_trained_ns=1,
    )  # fmt: skip


async def refusal_of(graph: bytes) -> str:
    async def fetch(_name: str) -> bytes:
        return graph

    loader = OnnxModelLoader(fetch, ServingTerms("h", NAMES, 1, 5))
    with pytest.raises(Refused) as refused:
        await loader.load(announced(graph))
    return refused.value.code


async def test_large_graph_is_not_even_fetched(slow_graph):
    assert await refusal_of(slow_graph) == "graph_too_large"


async def test_slow_graph_is_not_served():
    """Within the size that is allowed, it takes too long on the machine that would serve it."""
    graph = chains(trees=1_000, depth=310)
    assert len(graph) <= TERMS.max_size_bytes
    assert await refusal_of(graph) == "graph_too_slow"
