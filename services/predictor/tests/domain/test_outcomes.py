from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.common.contracts import Direction, Trust
from foretick.common.testing.builders import feature_vector, prediction
from foretick.predictor.domain.ledger import Intake, Ledger
from foretick.predictor.domain.outcomes import Pending, PendingOutcomes
from foretick.predictor.domain.predicting import Sender
from foretick.predictor.domain.track_record import Terms
from foretick.quant.labels import label_vectors

PRIOR = (0.25, 0.5, 0.25)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from([99.0, 100.0, 101.0, None])), min_size=1, max_size=40),
    st.integers(1, 4),
)
def test_live_outcomes_equal_the_labels_of_training(moves, horizon):
    steps = np.cumsum([gap for gap, _ in moves])
    mids = [mid for _, mid in moves]
    labels = label_vectors(steps, np.array([np.nan if m is None else m for m in mids]), horizon, 0.5)
    pending, got = PendingOutcomes(), {}
    for step, mid in zip(steps.tolist(), mids, strict=True):
        realised, _ = pending.observe(feature_vector(step=step, mid=mid))
        got |= {one.pending.prediction.step: one.return_bps for one in realised}
        if mid is not None:
            pending.add(Pending(prediction(step=step, mid=mid, horizon_steps=horizon), PRIOR))
    wanted = {int(steps[i]): labels.return_bps[i] for i in np.flatnonzero(labels.known)}
    assert got == pytest.approx(wanted)
    assert len(pending) <= horizon


def test_horizon_that_ends_on_an_unsound_book_has_no_outcome():
    pending = PendingOutcomes()
    pending.add(Pending(prediction(step=10), PRIOR))
    assert pending.observe(feature_vector(step=15, trust=Trust.GAP)) == ([], 1)


def test_outcome_names_prediction_and_vector_and_is_scored():
    ledger = Ledger(Sender("predictor.serve-0", 7), Terms(10))
    ledger.expect(Pending(prediction(step=10, asof_seq=3, mid=100.0), PRIOR))
    (outcome,) = ledger.settle(feature_vector(step=16, asof_seq=9, mid=100.01)).outcomes
    assert (outcome.step, outcome.asof_seq, outcome.realised_step, outcome.realised_seq) == (10, 3, 16, 9)
    assert outcome.realised_return_bps == pytest.approx(1e4 * log(100.01 / 100.0))
    assert (outcome.predicted, outcome.realised) == (Direction.FLAT, Direction.UP)
    assert outcome.log_loss == pytest.approx(-log(0.3))
    assert outcome.prior_log_loss == pytest.approx(-log(0.25))
    assert (outcome.score.count, outcome.score.accuracy_frac, outcome.epoch) == (1, 0.0, 7)


def test_new_model_starts_a_new_score():
    ledger = Ledger(Sender("predictor.serve-0", 1), Terms(10))
    for step, model_id in ((10, "a"), (11, "a"), (12, "b")):
        ledger.expect(Pending(prediction(step=step, model_id=model_id), PRIOR))
    counts = [one.score.count for one in ledger.settle(feature_vector(step=17)).outcomes]
    assert counts == [1, 2, 1]


def test_repeats_and_lower_epochs_are_not_taken_in():
    ledger = Ledger(Sender("predictor.serve-0", 1), Terms(10))
    assert ledger.take_in(feature_vector(step=10, epoch=2)) is Intake.FRESH
    assert ledger.take_in(feature_vector(step=10, epoch=2)) is Intake.REPEATED
    assert ledger.take_in(feature_vector(step=11, epoch=1)) is Intake.FENCED
    assert ledger.take_in(feature_vector(step=11, epoch=3)) is Intake.FRESH
    assert ledger.take_in(feature_vector(step=10, epoch=1, symbol="ETHUSDT")) is Intake.FRESH


def test_step_of_a_predecessor_is_not_taken_again():
    ledger = Ledger(Sender("predictor.serve-0", 1), Terms(10))
    ledger.resume_after(prediction(step=10))
    assert ledger.take_in(feature_vector(step=10)) is Intake.REPEATED
    assert ledger.take_in(feature_vector(step=11)) is Intake.FRESH
