"""Training on the simulated market, thinly: it finds what is there, and nothing where nothing is."""

from dataclasses import dataclass, field, replace
from hashlib import sha256
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from sklearn.metrics import log_loss

from foretick.common.contracts import Origin
from foretick.common.errors import Refused
from foretick.predictor.adapters.learners.client import LibraryLearner, Sizes
from foretick.predictor.adapters.provenance.client import hash_code, library_versions
from foretick.predictor.adapters.search.client import OptunaSearch
from foretick.predictor.adapters.simulation.client import SimulatedMarketHistory
from foretick.predictor.domain.dataset import Outcomes, classify_rows, flat_thresholds
from foretick.predictor.domain.ensemble import class_frequencies
from foretick.predictor.domain.evaluation import evaluate
from foretick.predictor.domain.publication import ModelIdentity, faults_of, metrics_of
from foretick.predictor.domain.record import TrainingRecord, plan_of, record_run
from foretick.predictor.domain.targets import LabelKind, targets_of
from foretick.predictor.domain.training import TrainingPlan, train
from foretick.predictor.domain.vectors import Sampling
from foretick.quant.ensemble.graph import read_graph
from foretick.quant.ensemble.session import GraphSession
from foretick.quant.explainer import ModelExplainer
from foretick.quant.kernel import Grid
from foretick.quant.registry import MODEL_FEATURE_NAMES, SCHEMA_HASH, SCHEMA_ID

INTERVAL_NS, HORIZON = 100_000_000, 5
THIN = Sizes(forest_trees=20, boosting_rounds=20, min_leaf_rows=100, network_epochs=3)
TINY = Sizes(4, 3, 0.25, 2, 0.1, 4, 2, 100, 4, 1)
TARGETS = targets_of(HORIZON, (20,), (LabelKind.TRIPLE_BARRIER,))
PLAN = TrainingPlan(
    seed=11, interval_ns=INTERVAL_NS, targets=TARGETS, feature_names=MODEL_FEATURE_NAMES,
    volatility_feature=MODEL_FEATURE_NAMES.index("realised_volatility_bps"), block_s=10.0,
)  # fmt: skip
SAMPLING = Sampling(Grid(INTERVAL_NS, 1_000), TARGETS, MODEL_FEATURE_NAMES)
IDENTITY = ModelIdentity(SCHEMA_ID, SCHEMA_HASH, MODEL_FEATURE_NAMES, INTERVAL_NS, HORIZON, 11)
SEARCH = OptunaSearch(LibraryLearner(1).sizes)


def silent(stage, percent):
    """Tell nobody."""


@pytest.fixture(scope="module")
def history():
    return SimulatedMarketHistory(("BTCUSDT", "ETHUSDT", "AAPL"), SAMPLING, 300.0, 300.0)


@pytest.fixture(scope="module")
def model(history):
    return train(PLAN, history, LibraryLearner(2, THIN), SEARCH, silent)


def test_model_beats_the_prior_on_an_unseen_market(model):
    assert model.evaluation.log_loss_gain.low > 0.0
    assert model.evaluation.accuracy_gain.low > 0.0
    assert [fault for fault in faults_of(model) if "parity" not in fault] == []


def test_blend_is_not_calibrated_by_folds_of_few_rows(model):
    assert read_graph(model.graph).temperature is None
    assert model.calibration.temperature == 1.0
    assert model.calibration.before == model.calibration.after


def test_calibration_travels_with_the_model_and_is_judged_on_rows_that_nobody_has_seen(history):
    plan = replace(PLAN, targets=TARGETS[:1], calibrated_rows=0)
    model = train(plan, history, LibraryLearner(2, TINY), SEARCH, silent)
    calibration = model.calibration
    assert calibration.temperature == model.walks[0].stack.temperature != 1.0
    assert read_graph(model.graph).temperature == calibration.temperature
    assert calibration.after.log_loss_nats == pytest.approx(model.evaluation.log_loss)
    unseen = history.unseen(PLAN.seed).panel.rows(PLAN.served)
    members = GraphSession(model.graph, model.weights, unseen.features.shape[1]).run(unseen.features).members
    blend = np.tensordot(model.weights, members.astype(np.float64), axes=(0, 1))
    came = classify_rows(unseen, model.flat_bps)
    assert calibration.before.log_loss_nats == pytest.approx(log_loss(came, blend, labels=[0, 1, 2]), abs=1e-6)


def test_importance_is_of_the_served_graph_on_rows_that_nobody_has_seen(model, history):
    unseen = history.unseen(PLAN.seed).panel.rows(PLAN.served)
    told = ModelExplainer(model.graph, model.weights).run(unseen.features)
    np.testing.assert_allclose(model.importance.unseen, np.abs(told.features).mean(axis=0), rtol=1e-12)
    assert model.importance.learnt.shape == (len(MODEL_FEATURE_NAMES),)
    assert model.importance.stability > 0.5


def test_shuffled_control_finds_nothing(model):
    assert not model.control.log_loss_gain.is_positive
    assert not model.control.accuracy_gain.is_positive


def test_control_would_find_a_leak(history):
    """Control of the control: with its few rows and trees it finds what true classes teach."""
    rows = history.known(PLAN.seed).panel.rows(PLAN.served)
    thresholds = flat_thresholds(rows)
    some = rows.take(np.sort(np.random.default_rng(0).permutation(len(rows))[: round(PLAN.control_frac * len(rows))]))
    learner = LibraryLearner(2)
    fitted = learner.fit(some.features, classify_rows(some, thresholds), PLAN.seed, PLAN.control_effort_frac)
    unseen = history.unseen(PLAN.seed).panel.rows(PLAN.served)
    answers = learner.run_graph(fitted.export(np.zeros(3), 0), np.full(5, 0.2), unseen.features)
    prior = class_frequencies(classify_rows(some, thresholds))
    block = unseen.step // PLAN.steps_of(PLAN.block_s)
    found = evaluate(answers, prior, classify_rows(unseen, thresholds), block, np.random.default_rng(0))
    assert found.log_loss_gain.is_positive


@dataclass
class Altered:
    """A history whose parts a test has changed."""

    history: SimulatedMarketHistory
    change: object
    origin: Origin = Origin.SIM
    description: dict = field(default_factory=lambda: {"kind": "altered"})

    def known(self, seed):
        return self.change(self.history.known(seed), "known", seed)

    def unseen(self, seed):
        return self.change(self.history.unseen(seed), "unseen", seed)


def shuffle(sample, _part, seed):
    """Give each outcome to another row: there is nothing to learn."""
    order = np.random.default_rng(seed).permutation(len(sample.panel))
    shuffled = {
        target: Outcomes(np.where(found.end_step >= 0, found.return_bps[order], np.nan), found.touched, found.end_step)
        for target, found in sample.panel.outcomes.items()
    }
    whole = {target: found.forget(~np.isfinite(found.return_bps)) for target, found in shuffled.items()}
    return replace(sample, panel=replace(sample.panel, outcomes=whole))


def test_model_of_shuffled_data_is_refused(history):
    plan = replace(PLAN, targets=TARGETS[:1])
    model = train(plan, Altered(history, shuffle), LibraryLearner(2, THIN), SEARCH, silent)
    assert not model.evaluation.beats_prior
    assert any("does not beat the prior" in fault for fault in faults_of(model))


def test_weights_thresholds_and_prior_are_complete(model):
    assert model.weights.sum() == pytest.approx(1.0)
    assert set(model.flat_bps) == {"BTCUSDT", "ETHUSDT", "AAPL", "*"}
    assert model.prior.sum() == pytest.approx(1.0)


def test_no_check_finds_a_leak_in_the_pipeline(model):
    assert model.leaks == ()


def test_every_target_is_walked_and_only_the_served_one_weighs(model):
    assert [walk.target for walk in model.walks] == list(TARGETS)
    assert np.array_equal(model.weights, model.walks[0].stack.shares)
    metrics = metrics_of(model)
    for target in TARGETS:
        assert metrics[f"walk_forward_{target}_log_loss_nats"] > 0.0
    assert metrics["walk_forward_forward_return_5_gain_nats"] > 0.0


def plant(sample, part, _seed):
    """Write the outcome into a feature."""
    features = sample.panel.features.copy()
    features[:, 3] = np.nan_to_num(sample.panel.outcomes[TARGETS[0]].return_bps)
    return replace(sample, panel=replace(sample.panel, features=features))


def test_feature_that_tells_the_outcome_refuses_the_model_by_name(history):
    plan = replace(PLAN, targets=TARGETS[:1])
    model = train(plan, Altered(history, plant), LibraryLearner(2, TINY), SEARCH, silent)
    assert any(fault.startswith(f"leak_target: {MODEL_FEATURE_NAMES[3]} ") for fault in faults_of(model))


def test_test_part_that_was_learnt_from_refuses_the_model_by_name(history):
    def repeat(sample, part, seed):
        return sample if part == "known" else history.known(seed)

    plan = replace(PLAN, targets=TARGETS[:1])
    model = train(plan, Altered(history, repeat), LibraryLearner(2, TINY), SEARCH, silent)
    found = {fault.partition(":")[0] for fault in faults_of(model)}
    assert {"leak_overlap", "leak_duplicates"} <= found


def test_history_too_short_for_the_folds_is_refused_with_what_to_do(history):
    brief = replace(history, known_s=150.0)
    with pytest.raises(Refused) as refusal:
        train(replace(PLAN, embargo_s=60.0), brief, LibraryLearner(2, TINY), SEARCH, silent)
    assert refusal.value.code == "too_little_history"
    assert "TRAIN_DURATION" in refusal.value.hint


def test_single_instrument_is_enough():
    alone = SimulatedMarketHistory(("BTCUSDT",), SAMPLING, 400.0, 300.0)
    model = train(replace(PLAN, targets=TARGETS[:1]), alone, LibraryLearner(2, TINY), SEARCH, silent)
    assert set(model.flat_bps) == {"BTCUSDT", "*"}
    assert not [fault for fault in faults_of(model) if fault.startswith("leak_")]


def record_of(model, plan):
    made = record_run(model, plan, IDENTITY, (hash_code(), library_versions()), [])
    return msgspec.json.decode(msgspec.json.encode(made), type=TrainingRecord)


def test_run_from_its_record_gives_the_same_graph_whatever_the_threads(history):
    plan = replace(PLAN, targets=TARGETS[:1])
    model = train(plan, history, LibraryLearner(2, TINY), SEARCH, silent)
    record = record_of(model, plan)
    again = train(plan_of(record), history, LibraryLearner(1).resize(record.sizes), SEARCH, silent)
    assert again.graph == model.graph
    assert sha256(again.graph).hexdigest() == record.graph.sha256
    assert np.array_equal(again.weights, model.weights)
    assert (again.data.known_sha256, again.data.unseen_sha256) == (record.data.known_sha256, record.data.unseen_sha256)
    other = train(replace(plan_of(record), seed=13), history, LibraryLearner(1).resize(record.sizes), SEARCH, silent)
    assert other.graph != model.graph
    assert other.data.known_sha256 != record.data.known_sha256


def test_record_says_what_went_in_and_what_came_of_it(model):
    record = record_of(model, PLAN)
    assert record.made_with.libraries == library_versions()
    assert record.made_with.feature_names == list(MODEL_FEATURE_NAMES)
    assert record.data.source["window_steps"] == 1_000
    assert record.data.source["symbols"] == ["BTCUSDT", "ETHUSDT", "AAPL"]
    assert [each["symbol"] for each in record.data.known] == ["BTCUSDT", "ETHUSDT", "AAPL"]
    assert [(each.label, each.horizon_steps) for each in record.walk_forward] == [
        (target.label, target.horizon_steps) for target in TARGETS
    ]
    assert all(len(each.folds) == PLAN.folds for each in record.walk_forward)
    assert record.examination.looks == 1
    assert plan_of(record) == PLAN


def test_record_says_what_the_page_of_the_model_is_drawn_from(model):
    told = record_of(model, PLAN).model
    assert list(told.importance) == list(MODEL_FEATURE_NAMES)
    assert [pair[1] for pair in told.importance.values()] == model.importance.unseen.tolist()
    assert sum(one.rows for one in told.by_symbol.values()) == model.evaluation.rows
    assert sum(one.rows for one in told.by_regime.values()) == model.evaluation.rows
    for found in (told.calibration.before, told.calibration.after):
        assert sum(rows for _, _, rows in found.points) == model.evaluation.rows
    losses = [one.rows * one.log_loss_nats for one in told.by_symbol.values()]
    assert sum(losses) / model.evaluation.rows == pytest.approx(model.evaluation.log_loss)
    for fold in record_of(model, PLAN).walk_forward[0].folds:
        assert 0.7 < fold.held / fold.intervals < 1.0
    assert (told.calibration.fewest_rows < told.calibration.needed_rows, told.calibration.temperature) == (True, 1.0)


def test_search_fills_the_ledger_and_never_sees_the_unseen_part(history):
    asked = []

    def watch(sample, part, seed):
        asked.append(part)
        return sample

    told = []
    plan = replace(PLAN, targets=TARGETS[:1], trials=3)
    search = OptunaSearch(LibraryLearner(1, TINY).sizes)
    seen = SimpleNamespace(done_at=None)

    def progress(stage, percent):
        told.append(stage)
        if stage.startswith("trial 3"):
            seen.done_at = list(asked)

    model = train(plan, Altered(history, watch), LibraryLearner(2, TINY), search, progress)
    assert seen.done_at == ["known"]
    assert [stage.split(":")[0] for stage in told if stage.startswith("trial")] == [
        "trial 1 of 3", "trial 2 of 3", "trial 3 of 3",
    ]  # fmt: skip
    record = record_of(model, plan)
    assert record.trials_tried == len(record.ledger) == 3
    best = min(record.ledger, key=lambda trial: trial.value_nats)
    assert {name: record.sizes[name] for name in best.sizes} == best.sizes
    assert record.walk_forward[0].pool_log_loss_nats == pytest.approx(best.value_nats, abs=1e-12)
    again = train(plan, Altered(history, watch), LibraryLearner(2, TINY), search, silent)
    assert [trial.sizes for trial in again.ledger] == [trial.sizes for trial in model.ledger]


def test_rows_are_whole_and_repeatable(history):
    brief = replace(history, known_s=150.0)
    rows, again = (brief.known(3).panel.rows(PLAN.served) for _ in range(2))
    assert rows.features.shape == (len(rows), len(MODEL_FEATURE_NAMES))
    assert np.isfinite(rows.features).all()
    assert np.isfinite(rows.return_bps).all()
    assert np.all((rows.end_step - rows.step >= HORIZON) & (rows.end_step - rows.step < 2 * HORIZON))
    assert np.array_equal(rows.features, again.features)
    assert not np.array_equal(rows.return_bps[:50], brief.known(4).panel.rows(PLAN.served).return_bps[:50])


def test_progress_only_grows(history):
    seen = []
    plan = replace(PLAN, trials=2)
    train(plan, history, LibraryLearner(2, TINY), SEARCH, lambda _, percent: seen.append(percent))
    assert seen == sorted(seen)
    assert seen[0] == 0
