from hashlib import sha256

import msgspec
import numpy as np
import pytest
from scipy.stats import spearmanr

from foretick.common.contracts import ModelPublished
from foretick.predictor.domain.admission import ServingTerms, faults_of_object, faults_of_terms
from foretick.predictor.domain.evaluation import Gain
from foretick.predictor.domain.gate import Parity
from foretick.predictor.domain.importance import Importance, mean_size
from foretick.predictor.domain.publication import ModelIdentity, announce, faults_of
from foretick.predictor.domain.reliability import judge_reliability
from foretick.quant.validation.leaks import Leak

from ..models import evaluation_of, trained_model

GOOD, NONE = Gain(0.1, 0.05, 0.15), Gain(0.0, -0.01, 0.01)
IDENTITY = ModelIdentity("core-2", "abc", ("x", "y"), 100_000_000, 5, 1)
TERMS = ServingTerms("abc", ("x", "y", "z"), 100_000_000, 5)


def test_sound_model_may_be_published_and_served():
    model = announce(trained_model(), IDENTITY, 1_750_000_000_000_000_000, b"{}")
    assert faults_of(trained_model()) == []
    assert faults_of_terms(model, TERMS) == []
    assert faults_of_object(model, b"graph") == []
    assert model.sha256 == sha256(b"graph").hexdigest()
    assert model.record_sha256 == sha256(b"{}").hexdigest()
    assert model.record_name == f"{model.model_id}.record.json"
    assert model.model_id == f"ensemble-1750000000-{model.sha256[:8]}"
    assert msgspec.json.decode(msgspec.json.encode(model), type=ModelPublished) == model


def test_calibration_before_and_after_travels_with_the_model():
    metrics = announce(trained_model(), IDENTITY, 1, b"{}").metrics
    names = ("temperature", "ece_frac", "uncalibrated_ece_frac", "brier", "uncalibrated_brier")
    assert [metrics[name] for name in names] == [1.5, 0.02, 0.1, 0.5, 0.6]
    assert metrics["uncalibrated_log_loss_nats"] == 1.0


def test_importance_travels_with_the_model():
    model = announce(trained_model(), IDENTITY, 1, b"{}")
    assert model.importance == {"x": 0.2, "y": 0.4}
    assert model.metrics["importance_rank_correlation"] == pytest.approx(1.0)


def test_importance_is_the_mean_size_of_contributions_and_stability_spearmans_correlation():
    assert mean_size(np.array([[1.0, -3.0], [-2.0, 0.0]])).tolist() == [1.5, 1.5]
    rng = np.random.default_rng(0)
    learnt, unseen = rng.integers(0, 6, (2, 40)).astype(float)  # with ties
    assert Importance(learnt, unseen).stability == pytest.approx(spearmanr(learnt, unseen).statistic)
    assert Importance(learnt, np.zeros(40)).stability == 0.0
    assert Importance(learnt, -learnt).stability == pytest.approx(-1.0)


def test_reliability_is_arithmetic():
    given = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    found = judge_reliability(given, np.array([0, 1]))
    assert found.ece_frac == pytest.approx(((1 - 0.5) + (0.8 - 0)) / 2)  # a hit at 0.5, a miss at 0.8
    assert found.brier == pytest.approx((0.25 + 0.09 + 0.04 + 0.01 + 0.81 + 0.64) / 2)
    assert found.log_loss_nats == pytest.approx((np.log(2) + np.log(10)) / 2)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"parity": Parity(100_000, 1.1e-6, 0)}, "differs from its members by 1.1e-06"),
        ({"parity": Parity(100_000, float("nan"), 0)}, "differs from its members"),
        ({"parity": Parity(100_000, 1e-7, 2)}, "decides 2 rows otherwise"),
        ({"parity": Parity(99_999, 1e-7, 0)}, "graph was checked on 99999 rows"),
        ({"latency_us": 151.0}, "a row takes 151 us, 150 are allowed"),
        ({"graph": bytes(16 * 2**20 + 1)}, "16777217 bytes, 16777216 are allowed"),
        ({"kernel_parity": Parity(20_000, 2e-6, 0)}, "the kernel differs from the graph by 2e-06"),
        ({"kernel_parity": Parity(20_000, 1e-7, 1)}, "the kernel decides 1 rows otherwise"),
        ({"evaluation": evaluation_of(NONE)}, "log loss does not beat the prior"),
        ({"evaluation": evaluation_of(NONE)}, "accuracy does not beat the prior"),
        ({"control": evaluation_of(GOOD)}, "the evaluation leaks"),
        ({"leaks": (Leak("overlap", "9 labels"),)}, "leak_overlap: 9 labels"),
    ],
)
def test_unsound_model_is_refused_with_the_reason(changes, says):
    assert any(says in fault for fault in faults_of(trained_model(**changes)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"schema_hash": "other"}, "it takes features other"),
        ({"feature_names": ["x", "w"]}, "it takes w, which this service does not make"),
        ({"feature_names": ["x", "x"]}, "one twice"),
        ({"interval_ns": 1}, "SIGNAL_GENERATION_INTERVAL"),
        ({"horizon_steps": 6}, "PREDICTION_HORIZON is 5"),
        ({"member_weights": [1.0]}, "1 weights for 2 members"),
        ({"member_weights": [0.9, 0.9]}, "not shares of 1"),
        ({"member_weights": [-0.5, 1.5]}, "not shares of 1"),
        ({"flat_bps": {"A": 0.5}}, "no threshold for symbols"),
    ],
)
def test_model_that_does_not_fit_is_refused_with_the_reason(changes, says):
    model = msgspec.structs.replace(announce(trained_model(), IDENTITY, 1, b"{}"), **changes)
    assert any(says in fault for fault in faults_of_terms(model, TERMS))


def test_object_that_is_not_the_announced_one_is_refused():
    model = announce(trained_model(), IDENTITY, 1, b"{}")
    assert "4 bytes" in faults_of_object(model, b"grap")[0]
    assert "sha256" in faults_of_object(model, b"grapH")[0]
