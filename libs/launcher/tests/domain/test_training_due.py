import pytest

from foretick.common.contracts import DecisionKind, DecisionReason, ModelDecision
from foretick.common.model_life import Verdict, follow
from foretick.common.testing.builders import model_published
from foretick.launcher.domain.training import Known, Wanted

MODEL = model_published(ts_trained_ns=100)
WANTED = Wanted(MODEL.schema_hash, MODEL.horizon_steps, MODEL.interval_ns)


def asked(at_ns: int) -> ModelDecision:
    return follow(None, Verdict(DecisionKind.TRAINING_ASKED, DecisionReason.AGE, "", "test"), at_ns)


def test_empty_store_is_not_enough():
    assert not Known([], None).is_enough_for(WANTED)


@pytest.mark.parametrize(
    "change",
    [{"schema_hash": "h2"}, {"horizon_steps": 6}, {"interval_ns": 200_000_000}, {"sequence_length": 16}],
)
def test_model_that_cannot_be_served_is_not_enough(change: dict[str, object]):
    assert not Known([model_published(**change)], None).is_enough_for(WANTED)


def test_champion_is_enough_whatever_was_announced_last():
    promoted = follow(None, Verdict(DecisionKind.PROMOTED, DecisionReason.BETTER, "", "test", MODEL), 1)
    assert Known([model_published(schema_hash="h2")], promoted).is_enough_for(WANTED)


def test_training_is_asked_for_until_one_has_ended_or_a_model_has_come():
    assert Known([MODEL], asked(101)).asks_for_training(done_ns=0)
    assert not Known([MODEL], asked(101)).asks_for_training(done_ns=102)
    assert not Known([MODEL], asked(99)).asks_for_training(done_ns=0)
    assert not Known([MODEL], None).asks_for_training(done_ns=0)


def test_model_of_sequences_answers_no_request():
    sequence = model_published(ts_trained_ns=200, sequence_length=16)
    assert Known([MODEL, sequence], asked(101)).asks_for_training(done_ns=0)
    assert not Known([model_published(ts_trained_ns=200)], asked(101)).asks_for_training(done_ns=0)
