"""The sequence network trained with torch: through the ensemble's pipeline and its gate. Skips without torch."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from foretick.common.errors import Refused
from foretick.predictor.adapters.sequence.client import SequenceLearner
from foretick.predictor.adapters.sequence.network import SequenceSizes
from foretick.predictor.adapters.simulation.client import SimulatedMarketHistory
from foretick.predictor.domain.gate import GraphFigures, judge_graph
from foretick.predictor.domain.publication import ModelIdentity, announce, faults_of
from foretick.predictor.domain.record import TrainingRecord, plan_of, record_run
from foretick.predictor.domain.sequences import SEQUENCE_FEATURE_NAMES, SEQUENCE_LENGTH
from foretick.predictor.domain.targets import targets_of
from foretick.predictor.domain.training import TrainingPlan, train
from foretick.predictor.domain.vectors import Sampling
from foretick.quant.kernel import Grid
from foretick.quant.registry import SCHEMA_HASH, SCHEMA_ID

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch==2.13.0 (the extra export)")

LENGTH, FEATURES = 8, 2
SMALL = SequenceSizes(channels=8, epochs=6, batch_rows=128, learning_rate=1e-2)


def lesson(count, seed):
    """The class is told by the change of the first feature over the last step of the sequence, and noise."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, LENGTH, FEATURES))
    change = rows[:, -1, 0] - rows[:, -2, 0] + 0.5 * rng.normal(size=count)
    return rows.reshape(count, -1).astype(np.float32), np.digitize(change, [-0.6, 0.6])


@pytest.fixture(scope="module")
def fitted():
    return SequenceLearner(LENGTH, FEATURES, SMALL).fit(*lesson(4_000, 1), seed=3)


def test_network_learns_what_only_the_order_of_vectors_tells(fitted):
    rows, classes = lesson(4_000, 2)
    right = fitted.predict(rows)[0].argmax(axis=1) == classes
    assert right.mean() > 0.65
    mixed = rows.reshape(-1, LENGTH, FEATURES)[:, ::-1].reshape(rows.shape)
    assert (fitted.predict(mixed)[0].argmax(axis=1) == classes).mean() < 0.45


def test_graph_passes_the_gate_over_a_hundred_thousand_rows(fitted):
    learner = SequenceLearner(LENGTH, FEATURES, SMALL)
    graph = fitted.export(np.array([-1.0, 0.0, 1.0]), (LENGTH - 1) * FEATURES, 1.3)
    rows, weights = lesson(100_000, 5)[0], np.array([1.0])
    parity, kernel = learner.compare(graph, weights, rows, fitted, 1.3)
    assert (parity.rows, parity.decision_flips, kernel) == (100_000, 0, None)
    assert parity.max_error <= 1e-6
    assert judge_graph(GraphFigures(parity, kernel, learner.time_row(graph, weights, rows), len(graph))) == []
    other = SequenceLearner(LENGTH, FEATURES, SMALL).fit(*lesson(4_000, 1), seed=4)  # control: another network
    assert judge_graph(GraphFigures(learner.compare(graph, weights, rows, other, 1.3)[0], None, 1.0, 1))


def test_equal_seeds_give_equal_graphs_to_the_byte(fitted):
    def graph(seed, weight=None):
        some = SequenceLearner(LENGTH, FEATURES, SMALL).fit(*lesson(4_000, 1), seed=seed, weight=weight)
        return some.export(np.zeros(3), 0)

    assert graph(3) == fitted.export(np.zeros(3), 0)
    assert graph(4) != graph(3)
    assert graph(3, np.where(np.arange(4_000) % 2, 1.5, 0.5)) != graph(3)


def test_importance_is_what_is_lost_without_a_feature(fitted):
    learner = SequenceLearner(LENGTH, FEATURES, SMALL)
    rows = lesson(2_000, 6)[0]
    graph = learner.add_reference(fitted.export(np.zeros(3), 0), rows)
    lost = np.abs(learner.explain(graph, np.array([1.0]), rows)).mean(axis=0)
    assert lost.shape == (FEATURES,)
    assert lost[0] > 5 * lost[1]


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="halved"):
        SequenceLearner(6, FEATURES).fit(np.zeros((9, 12), np.float32), np.arange(9) % 3, 1)
    with pytest.raises(ValueError, match="all 3 classes"):
        SequenceLearner(LENGTH, FEATURES).fit(np.zeros((9, 16), np.float32), np.zeros(9, np.int64), 1)
    with pytest.raises(Refused, match="no depth"):
        SequenceLearner(LENGTH, FEATURES).resize({"depth": 3})


@pytest.mark.timeout(600)
def test_whole_training_gives_a_record_an_announcement_and_the_same_graph_again():
    names = SEQUENCE_FEATURE_NAMES
    plan = TrainingPlan(
        11, 100_000_000, targets_of(5, (), ()), names.index("realised_volatility_bps"), names,
        sequence_length=SEQUENCE_LENGTH,
    )  # fmt: skip
    sampling = Sampling(Grid(100_000_000, 1_000), plan.targets, names, sequence_length=SEQUENCE_LENGTH)
    history = SimulatedMarketHistory(("BTCUSDT", "ETHUSDT", "AAPL"), sampling, 300.0, 300.0)
    learner = SequenceLearner(SEQUENCE_LENGTH, len(names), replace(SMALL, epochs=2))
    model = train(plan, history, learner, None, lambda _stage, _percent: None)
    faults = faults_of(model)
    assert not [fault for fault in faults if fault.startswith("leak_") or "graph" in fault or "shuffled" in fault]
    identity = ModelIdentity(
        SCHEMA_ID, SCHEMA_HASH, names, plan.interval_ns, 5, plan.seed, sequence_length=SEQUENCE_LENGTH
    )
    made = msgspec.json.encode(record_run(model, plan, identity, ("c0de", {}), []))
    record = msgspec.json.decode(made, type=TrainingRecord)
    assert record.graph.kernel_parity == {}
    assert list(record.model.importance) == list(names)
    announced = announce(model, identity, 1, made)
    assert (announced.sequence_length, announced.feature_names) == (SEQUENCE_LENGTH, list(names))
    again = train(plan_of(record), history, learner.resize(record.sizes), None, lambda _stage, _percent: None)
    assert again.graph == model.graph
