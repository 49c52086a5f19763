"""The fold of the audit trail, and the decisions that follow."""

import pytest

from foretick.common.contracts import DecisionKind, DecisionReason
from foretick.common.errors import Refused
from foretick.common.model_life import ModelState, Verdict, follow, survey
from foretick.common.testing.builders import model_published

A, B, C = (model_published(model_id=name, ts_trained_ns=at) for at, name in enumerate("abc", start=1))


def promote(model, reason=DecisionReason.BETTER):
    return Verdict(DecisionKind.PROMOTED, reason, "", "test", model)


def about(kind, model=None, reason=DecisionReason.WORSE):
    return Verdict(kind, reason, "", "test", model)


def trail(*verdicts):
    decisions = []
    for now_ns, verdict in enumerate(verdicts, start=10):
        decisions.append(follow(decisions[-1] if decisions else None, verdict, now_ns))
    return decisions


def states(models, decisions):
    return {entry.model.model_id: entry.state.value for entry in survey(models, decisions)}


def test_without_decisions_everything_is_a_challenger():
    assert states([A, B], []) == {"b": "challenger", "a": "challenger"}


def test_promotion_names_champion_and_predecessor():
    last = trail(promote(A), promote(B))[-1]
    assert (last.champion, last.predecessor, last.model_id) == (B, A, "b")


def test_rollback_brings_the_predecessor_back_once():
    decisions = trail(promote(A), promote(B), about(DecisionKind.ROLLED_BACK))
    assert (decisions[-1].champion, decisions[-1].predecessor, decisions[-1].model_id) == (A, None, "b")
    assert states([A, B], decisions) == {"b": "retired", "a": "champion"}
    with pytest.raises(Refused, match="no model served before"):
        follow(decisions[-1], about(DecisionKind.ROLLED_BACK), 99)


def test_younger_than_the_champion_is_a_challenger_until_decided():
    decisions = trail(promote(B))
    assert states([A, B, C], decisions) == {"c": "challenger", "b": "champion", "a": "retired"}
    decisions += [follow(decisions[-1], about(DecisionKind.REFUSED, C, DecisionReason.UNFIT), 20)]
    assert states([A, B, C], decisions)["c"] == ModelState.REFUSED
    assert decisions[-1].champion == B


def test_champion_stays_known_when_its_announcement_is_gone():
    assert states([C], trail(promote(A), promote(B))) == {"c": "challenger", "b": "champion", "a": "retired"}


def test_training_is_carried_by_every_later_decision():
    decisions = trail(promote(A), about(DecisionKind.TRAINING_ASKED, reason=DecisionReason.AGE), promote(B))
    assert [one.training_asked_ns for one in decisions] == [None, 11, 11]
    assert decisions[1].model_id is None


def test_time_of_the_trail_never_goes_back():
    first = follow(None, promote(A), 100)
    assert follow(first, promote(B), 50).ts_ns == 101


def test_champion_is_not_promoted_again():
    with pytest.raises(Refused, match="in service already"):
        follow(follow(None, promote(A), 1), promote(A), 2)
