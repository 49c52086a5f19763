"""The graph of the sequence network, against its definition in NumPy: no torch is needed to read or to run it."""

import numpy as np
import onnx
import pytest

from foretick.common.errors import Refused
from foretick.common.testing.builders import model_published
from foretick.predictor.adapters.onnx.client import OnnxModelLoader
from foretick.predictor.adapters.onnx.graph import Head
from foretick.predictor.adapters.onnx.parity import compare_answers
from foretick.predictor.adapters.sequence import library
from foretick.predictor.adapters.sequence.client import SequenceLearner
from foretick.predictor.adapters.sequence.graph import build_sequence_graph, read_means, write_means
from foretick.predictor.adapters.sequence.network import CLIP, Scaler, fit_scaler, scale_rows
from foretick.predictor.domain.admission import ServingTerms
from foretick.predictor.domain.gate import GateFault, GraphFigures, Parity, judge_graph
from foretick.predictor.domain.publication import faults_of, metrics_of
from foretick.predictor.settings import PredictorSettings
from foretick.quant.calibration import apply_temperature
from foretick.quant.ensemble.output import ModelRefused
from foretick.quant.ensemble.session import GraphSession
from foretick.quant.runner import ModelRunner

from ..models import trained_model

LENGTH, FEATURES, CHANNELS = 8, 3, 5
HEAD = Head(np.array([-1.0, 0.1, 2.0]), (LENGTH - 1) * FEATURES + 1, None)


@pytest.fixture(scope="module")
def network():
    """Kernels and biases as torch keeps them, and a scaler."""
    rng = np.random.default_rng(7)
    weights, below = [], FEATURES
    for _ in range(3):
        weights += [rng.normal(size=(CHANNELS, below, 2)), rng.normal(size=CHANNELS)]
        below = CHANNELS
    weights += [rng.normal(size=(3, CHANNELS)), rng.normal(size=3)]
    return weights, Scaler(rng.normal(size=FEATURES), rng.uniform(0.5, 2.0, FEATURES))


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(8).normal(size=(500, LENGTH * FEATURES)).astype(np.float32)


def causal(values, kernel, bias, dilation):
    """A causal convolution over all places: out[t] = K0 x[t - dilation] + K1 x[t] + b, nothing before the first."""
    before = np.concatenate([np.zeros_like(values[:, :dilation]), values[:, :-dilation]], axis=1)
    return before @ kernel[:, :, 0].T + values @ kernel[:, :, 1].T + bias


def defined(rows, weights, scaler):
    """Dilated causal convolutions (1, 2, 4) over the whole sequence, read at its last place."""
    values = np.clip((rows.astype(float).reshape(len(rows), LENGTH, FEATURES) - scaler.centre) / scaler.scale, -8, 8)
    for level in range(3):
        values = np.maximum(causal(values, weights[2 * level], weights[2 * level + 1], 2**level), 0.0)
    scores = values[:, -1] @ weights[-2].T + weights[-1]
    raw = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raw / raw.sum(axis=1, keepdims=True)


def run(graph, rows):
    return GraphSession(graph, [1.0], rows.shape[1]).run(rows)


def test_graph_is_a_stack_of_dilated_causal_convolutions_at_its_last_place(network, rows):
    weights, scaler = network
    found = run(build_sequence_graph(weights, scaler, LENGTH, HEAD), rows)
    wanted = defined(rows, weights, scaler)
    np.testing.assert_allclose(found.probabilities, wanted, rtol=2e-7)
    np.testing.assert_allclose(found.members[:, 0], wanted, rtol=2e-7)
    returns = rows[:, HEAD.volatility_feature] * (wanted @ HEAD.slopes)
    np.testing.assert_allclose(found.expected_return_bps, returns, rtol=1e-5, atol=1e-6)


def test_temperature_calibrates_the_probabilities_and_not_the_member(network, rows):
    weights, scaler = network
    found = run(build_sequence_graph(weights, scaler, LENGTH, Head(HEAD.slopes, HEAD.volatility_feature, 1.7)), rows)
    wanted = defined(rows, weights, scaler)
    np.testing.assert_allclose(found.probabilities, apply_temperature(wanted, 1.7), rtol=3e-7)
    np.testing.assert_allclose(found.members[:, 0], wanted, rtol=2e-7)


def test_inputs_are_held_within_eight_deviations():
    scaler = fit_scaler(np.array([[0.0, 5.0], [2.0, 5.0]]), 2)
    assert scaler.scale.tolist() == [1.0, 1.0]  # one feature moves by 1 around 1, the other not at all
    scaled = scale_rows(np.array([[100.0, -100.0]], np.float32), scaler)
    assert scaled.tolist() == [[[CLIP, -CLIP]]]


def parity_of(graph, network, rows):
    weights, scaler = network
    return compare_answers(run(graph, rows), np.array([1.0]), [defined(rows, weights, scaler)], None)


def test_gate_lets_the_graph_pass_over_a_hundred_thousand_rows(network):
    weights, scaler = network
    graph = build_sequence_graph(weights, scaler, LENGTH, HEAD)
    many = np.random.default_rng(9).normal(size=(100_000, LENGTH * FEATURES)).astype(np.float32)
    parity = parity_of(graph, network, many)
    assert parity.decision_flips == 0
    assert judge_graph(GraphFigures(parity, None, 20.0, len(graph))) == []


def test_gate_refuses_a_graph_with_one_changed_weight(network, rows):
    """Control: one weight of one kernel is off by a thousandth."""
    weights, scaler = network
    model = onnx.load_model_from_string(build_sequence_graph(weights, scaler, LENGTH, HEAD))
    kernel = next(each for each in model.graph.initializer if each.name == "kernel_1")
    changed = onnx.numpy_helper.to_array(kernel).copy()
    changed[0, 0] += 1e-3
    kernel.CopyFrom(onnx.numpy_helper.from_array(changed, "kernel_1"))
    figures = GraphFigures(parity_of(model.SerializeToString(), network, rows), None, 20.0, 1)
    assert GateFault.DIFFERENT in {finding.fault for finding in judge_graph(figures)}


def test_slow_large_or_unproven_sequence_is_refused_with_its_reason():
    model = trained_model(
        kernel_parity=None, parity=Parity(99_999, 1e-7, 1), latency_us=151.0, graph=b"x" * (16 * 2**20 + 1)
    )
    said = "; ".join(faults_of(model))
    for reason in ("checked on 99999 rows", "decides 1 rows otherwise", "a row takes 151 us", "16777217 bytes"):
        assert reason in said
    assert "kernel" not in said
    assert "kernel_parity_max_error_frac" not in metrics_of(model)


def test_means_travel_with_the_graph_and_a_graph_without_is_refused(network):
    weights, scaler = network
    graph = build_sequence_graph(weights, scaler, LENGTH, HEAD)
    assert read_means(write_means(graph, np.array([1.0, -2.5, 0.1]))).tolist() == [1.0, -2.5, 0.1]
    with pytest.raises(Refused) as refusal:
        read_means(graph)
    assert refusal.value.code == "no_explanation"


def test_compiled_kernel_does_not_read_it(network):
    weights, scaler = network
    with pytest.raises(ModelRefused):
        ModelRunner(build_sequence_graph(weights, scaler, LENGTH, HEAD), [1.0], LENGTH * FEATURES)


async def test_serving_refuses_it_by_name_before_it_fetches_anything():
    model = model_published()
    terms = ServingTerms(model.schema_hash, tuple(model.feature_names), model.interval_ns, model.horizon_steps)

    async def fetch(_name):
        raise AssertionError("it was fetched")

    with pytest.raises(Refused) as refusal:
        await OnnxModelLoader(fetch, terms).load(model_published(sequence_length=16))
    assert refusal.value.code == "sequence_unsupported"
    assert "16 vectors" in refusal.value.message


def test_without_torch_training_is_refused_with_what_to_install(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(library.importlib, "import_module", absent)
    with pytest.raises(Refused, match="pip install torch") as refusal:
        SequenceLearner(16, 23)
    assert refusal.value.code == "no_torch"


def test_search_of_sizes_is_not_for_sequences():
    with pytest.raises(ValueError, match="TRAIN_TRIALS must be 0"):
        PredictorSettings(TRAIN_MODEL="sequence", TRAIN_TRIALS=3)
