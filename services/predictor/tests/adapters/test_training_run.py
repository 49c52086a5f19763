"""Training on the simulated market, thinly: it finds what is there, and nothing where nothing is."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from foretick.predictor.adapters.learners.client import LibraryLearner, Sizes
from foretick.predictor.adapters.simulation.client import SimulatedMarketHistory
from foretick.predictor.domain.dataset import Rows, classify_rows, flat_thresholds
from foretick.predictor.domain.ensemble import class_frequencies
from foretick.predictor.domain.evaluation import evaluate
from foretick.predictor.domain.publication import faults_of
from foretick.predictor.domain.training import TrainingPlan, train
from foretick.quant.ensemble.graph import read_graph
from foretick.quant.ensemble.session import GraphSession
from foretick.quant.explainer import ModelExplainer
from foretick.quant.kernel import Grid
from foretick.quant.registry import MODEL_FEATURE_NAMES

INTERVAL_NS, HORIZON = 100_000_000, 5
THIN = Sizes(forest_trees=20, boosting_rounds=20, min_leaf_rows=100, network_epochs=3)
PLAN = TrainingPlan(
    seed=11, train_s=300.0, test_s=300.0, interval_ns=INTERVAL_NS, horizon_steps=HORIZON,
    volatility_feature=MODEL_FEATURE_NAMES.index("realised_volatility_bps"), block_s=10.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def history():
    return SimulatedMarketHistory(("BTCUSDT", "ETHUSDT", "AAPL"), Grid(INTERVAL_NS, 1_000), HORIZON)


@pytest.fixture(scope="module")
def model(history):
    return train(PLAN, history, LibraryLearner(2, THIN), lambda stage, percent: None)


def test_model_beats_the_prior_on_an_unseen_market(model):
    assert model.evaluation.log_loss_gain.low > 0.0
    assert model.evaluation.accuracy_gain.low > 0.0
    assert [fault for fault in faults_of(model) if "parity" not in fault] == []


def test_calibration_travels_with_the_model_and_is_judged_on_rows_that_nobody_has_seen(model, history):
    calibration = model.calibration
    assert read_graph(model.graph).temperature == calibration.temperature
    assert calibration.after.log_loss_nats == pytest.approx(model.evaluation.log_loss)
    unseen = history.rows(PLAN.seed + 1, PLAN.test_s)
    members = GraphSession(model.graph, model.weights, unseen.features.shape[1]).run(unseen.features).members
    blend = np.tensordot(model.weights, members.astype(np.float64), axes=(0, 1))
    came = classify_rows(unseen, model.flat_bps)
    assert calibration.before.log_loss_nats == pytest.approx(log_loss(came, blend, labels=[0, 1, 2]), abs=1e-6)


def test_importance_is_of_the_served_graph_on_rows_that_nobody_has_seen(model, history):
    unseen = history.rows(PLAN.seed + 1, PLAN.test_s)
    told = ModelExplainer(model.graph, model.weights).run(unseen.features)
    np.testing.assert_allclose(model.importance.unseen, np.abs(told.features).mean(axis=0), rtol=1e-12)
    assert model.importance.learnt.shape == (len(MODEL_FEATURE_NAMES),)
    assert model.importance.stability > 0.5


def test_shuffled_control_finds_nothing(model):
    assert not model.control.log_loss_gain.is_positive
    assert not model.control.accuracy_gain.is_positive


def test_control_would_find_a_leak(history):
    """Control of the control: with its few rows and trees it finds what true classes teach."""
    rows = history.rows(PLAN.seed, PLAN.train_s)
    thresholds = flat_thresholds(rows)
    some = rows.take(np.sort(np.random.default_rng(0).permutation(len(rows))[: round(PLAN.control_frac * len(rows))]))
    learner = LibraryLearner(2)
    fitted = learner.fit(some.features, classify_rows(some, thresholds), PLAN.seed, PLAN.control_effort_frac)
    unseen = history.rows(PLAN.seed + 1, PLAN.test_s)
    answers = learner.run_graph(fitted.export(np.zeros(3), 0), np.full(5, 0.2), unseen.features)
    prior = class_frequencies(classify_rows(some, thresholds))
    block = unseen.step // PLAN.steps_of(PLAN.block_s)
    found = evaluate(answers, prior, classify_rows(unseen, thresholds), block, np.random.default_rng(0))
    assert found.log_loss_gain.is_positive


class ShuffledHistory:
    """The same market with each outcome given to another row: there is nothing to learn."""

    def __init__(self, history):
        self._history = history

    def rows(self, seed, duration_s):
        rows = self._history.rows(seed, duration_s)
        order = np.random.default_rng(seed).permutation(len(rows))
        return Rows(rows.features, rows.return_bps[order], rows.symbol[order], rows.step, rows.end_step)


def test_model_of_shuffled_data_is_refused(history):
    model = train(PLAN, ShuffledHistory(history), LibraryLearner(2, THIN), lambda stage, percent: None)
    assert not model.evaluation.beats_prior
    assert any("does not beat the prior" in fault for fault in faults_of(model))


def test_weights_thresholds_and_prior_are_complete(model):
    assert model.weights.sum() == pytest.approx(1.0)
    assert set(model.flat_bps) == {"BTCUSDT", "ETHUSDT", "AAPL", "*"}
    assert model.prior.sum() == pytest.approx(1.0)
    assert set(model.member_log_loss) == set(model.member_names)


def test_rows_are_whole_and_repeatable(history):
    rows, again = history.rows(3, 60.0), history.rows(3, 60.0)
    assert rows.features.shape == (len(rows), len(MODEL_FEATURE_NAMES))
    assert np.isfinite(rows.features).all()
    assert np.isfinite(rows.return_bps).all()
    assert np.all((rows.end_step - rows.step >= HORIZON) & (rows.end_step - rows.step < 2 * HORIZON))
    assert np.array_equal(rows.features, again.features)
    assert not np.array_equal(rows.return_bps[:50], history.rows(4, 60.0).return_bps[:50])


def test_progress_only_grows(history):
    seen = []
    train(
        PLAN,
        history,
        LibraryLearner(2, Sizes(4, 3, 0.25, 2, 0.1, 4, 2, 100, 4, 1)),
        lambda _, percent: seen.append(percent),
    )
    assert seen == sorted(seen)
    assert seen[0] == 0
