"""Sequences of vectors: side by side, oldest first, never across a vector that is not whole, never from the future."""

from dataclasses import replace

import numpy as np
import pytest

from foretick.common.contracts import DecisionKind, DecisionReason
from foretick.common.model_life import Verdict, follow
from foretick.common.testing.builders import model_published
from foretick.predictor.domain.admission import ServingTerms, faults_of_terms
from foretick.predictor.domain.life.retraining import failures_of
from foretick.predictor.domain.sequences import (
    SEQUENCE_FEATURE_NAMES,
    SEQUENCE_LENGTH,
    feature_of,
    join_sequences,
    name_columns,
)
from foretick.predictor.domain.targets import targets_of
from foretick.predictor.domain.training import TrainingPlan
from foretick.predictor.domain.vectors import Sampling, build_panel
from foretick.quant.kernel import Grid
from foretick.quant.registry import INDEX
from foretick.quant.testing import StreamShape, random_events

NAMES = ("spread_bps", "realised_volatility_bps")
SAMPLING = Sampling(Grid(100_000_000, 200), targets_of(5, (), ()), NAMES, draws_calendar=False)


def test_row_is_the_latest_vectors_oldest_first():
    features = np.arange(10, dtype=np.float32).reshape(5, 2)
    rows, at = join_sequences(features, np.ones(5, bool), 3)
    assert at.tolist() == [False, False, True, True, True]
    assert rows.tolist() == [[0, 1, 2, 3, 4, 5], [2, 3, 4, 5, 6, 7], [4, 5, 6, 7, 8, 9]]


def test_no_sequence_goes_across_a_vector_that_is_not_whole():
    whole = np.array([1, 1, 1, 0, 1, 1, 1, 1], bool)
    _, at = join_sequences(np.zeros((8, 1), np.float32), whole, 3)
    assert np.flatnonzero(at).tolist() == [2, 6, 7]


def test_sequence_of_one_is_the_vector_itself():
    features, whole = np.arange(6, dtype=np.float32).reshape(3, 2), np.array([1, 0, 1], bool)
    rows, at = join_sequences(features, whole, 1)
    assert (rows.tolist(), at.tolist()) == (features[whole].tolist(), whole.tolist())


@pytest.mark.parametrize("count", [0, 2])
def test_too_few_vectors_give_none(count):
    rows, at = join_sequences(np.zeros((count, 2), np.float32), np.ones(count, bool), 4)
    assert (rows.shape, at.any()) == ((0, 8), False)


def test_panel_of_sequences_holds_the_vectors_of_the_panel_without_and_nothing_later():
    events = random_events(3, 12_000, StreamShape(shares=(20, 50, 28, 2, 0)))
    single, _, _ = build_panel("X", events, SAMPLING, np.random.default_rng(0))
    panel, found, _ = build_panel("X", events, replace(SAMPLING, sequence_length=4), np.random.default_rng(0))
    assert found.kept == len(panel)
    assert found.unpreceded == len(single) - len(panel) > 0
    place = np.searchsorted(single.step, panel.step)
    for ago in range(4):
        block = panel.features[:, 2 * (3 - ago) : 2 * (4 - ago)]
        at = place - ago
        together = np.flatnonzero(at >= 0)
        assert np.array_equal(block[together], single.features[at[together]])
    rows, alone = panel.rows(SAMPLING.targets[0]), single.rows(SAMPLING.targets[0])
    where = np.searchsorted(alone.step, rows.step)
    assert np.array_equal(rows.return_bps, alone.return_bps[where])


def test_latest_vector_has_the_features_own_names():
    assert name_columns(("a", "b"), 1) == ("a", "b")
    columns = name_columns(SEQUENCE_FEATURE_NAMES, SEQUENCE_LENGTH)
    assert len(set(columns)) == len(columns) == SEQUENCE_LENGTH * len(SEQUENCE_FEATURE_NAMES)
    assert columns[-len(SEQUENCE_FEATURE_NAMES) :] == SEQUENCE_FEATURE_NAMES
    assert {feature_of(name) for name in columns} == set(SEQUENCE_FEATURE_NAMES) <= set(INDEX)


def test_expected_return_is_scaled_by_the_latest_volatility():
    plan = TrainingPlan(1, 1, SAMPLING.targets, 1, NAMES, sequence_length=4)
    assert plan.volatility_column == 7
    assert plan.walk_terms.volatility_feature == 7


def test_service_that_gives_one_vector_refuses_a_model_of_sequences():
    model = model_published()
    terms = ServingTerms(model.schema_hash, tuple(model.feature_names), model.interval_ns, model.horizon_steps)
    assert faults_of_terms(model, terms) == []
    told = faults_of_terms(model_published(sequence_length=16), terms)
    assert told == ["it takes a sequence of 16 vectors, a service gives one"]


def test_request_for_training_is_not_answered_by_a_model_of_sequences():
    asked = follow(None, Verdict(DecisionKind.TRAINING_ASKED, DecisionReason.AGE, "", "test"), 10)
    assert failures_of([asked], [model_published(ts_trained_ns=20)]) == 0
    assert failures_of([asked], [model_published(ts_trained_ns=20, sequence_length=16)]) == 1
