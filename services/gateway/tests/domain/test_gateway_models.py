"""The ``models`` channel and what REST tells of the models, their contests and how predictions went."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from foretick.common.contracts import ContestState, Coverage, DecisionKind, DecisionReason, ModelDecision
from foretick.common.model_life import Verdict, follow
from foretick.common.testing.builders import T0_NS, model_life, model_published, outcome
from foretick.common.units import NS_PER_MS, NS_PER_S
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.model_past import answer_contests, answer_track_record, instants_before
from foretick.gateway.domain.models import TRAIL_KEPT

Connect = Callable[..., Any]
SUBSCRIBE = {"action": "subscribe", "channels": ["models"]}
OLD = model_published(model_id="ensemble-1", ts_trained_ns=T0_NS - 100 * NS_PER_S)
NEW = model_published(
    model_id="ensemble-2", parent_id="ensemble-1", ts_trained_ns=T0_NS, importance={"x": 0.04}, metrics={"brier": 0.5}
)
RIVAL = ContestState(
    model_id="ensemble-3", is_predecessor=False, blocks=7, gain_nats=0.01, evidence=4.0, against_evidence=0.5,
    needed=20.0, disputed_frac=0.1, blocks_most=14_400,
)  # fmt: skip


def decide(last: ModelDecision | None, kind: str, reason: str, model: Any = None, after_s: int = 0) -> ModelDecision:
    verdict = Verdict(DecisionKind(kind), DecisionReason(reason), "told", "watch", model)
    return follow(last, verdict, T0_NS + after_s * NS_PER_S)


FIRST = decide(None, "promoted", "no_champion", OLD)
ASKED = decide(FIRST, "training_asked", "age", None, 10)
SECOND = decide(ASKED, "promoted", "better", NEW, 20)
REFUSED = decide(SECOND, "refused", "not_better", OLD, 30)


def fold(board: Board, *messages: Any, at_ns: int = T0_NS) -> None:
    for message in messages:
        board.fold(message, at_ns)
    board.publish()


def test_subscriber_gets_the_state_then_each_word_of_the_watch_and_each_decision(board: Board, connect: Connect):
    fold(board, FIRST, model_life(contests=[RIVAL], training_due_ns=T0_NS + NS_PER_S))
    client = connect()
    ack, first = client.ask(SUBSCRIBE)
    assert (ack["type"], first["type"], first["venue"], first["symbol"]) == ("ack", "snapshot", "*", "*")
    told = first["data"]
    assert (told["champion_id"], told["contests"][0]["evidence"], told["contests"][0]["blocks_most"]) == (
        "ensemble-1", 4.0, 14_400,
    )  # fmt: skip
    assert (told["age_ms"], told["training_due_us"], told["trained_on"]) == (0, T0_NS // 1_000 + 1_000_000, "sim")
    fold(board, ASKED, at_ns=T0_NS + 2 * NS_PER_S)
    fold(board, SECOND, at_ns=T0_NS + 3 * NS_PER_S)
    fold(board, model_life(champion_id="ensemble-2", ts_ns=T0_NS + 21 * NS_PER_S), at_ns=T0_NS + 4 * NS_PER_S)
    asked, swapped, watched = client.take()
    assert [one["type"] for one in (asked, swapped, watched)] == ["delta"] * 3
    assert [asked["prev"], swapped["prev"], watched["prev"]] == [first["seq"], asked["seq"], swapped["seq"]]
    assert (asked["data"]["champion_id"], asked["data"]["decision"]["reason"]) == ("ensemble-1", "age")
    assert asked["data"]["entry"]["reason"] == "no_champion"
    assert (swapped["data"]["champion_id"], swapped["data"]["predecessor_id"]) == ("ensemble-2", "ensemble-1")
    assert swapped["data"]["age_ms"] == 3_000, "what the watch said is as old as it was"
    assert watched["data"]["age_ms"] == 0


def test_channel_does_not_carry_what_changes_with_the_model_alone(board: Board, connect: Connect):
    fold(board, SECOND)
    _, first = connect().ask(SUBSCRIBE)
    assert not {"importance", "metrics", "trail"} & set(first["data"])


def test_order_of_arrival_does_not_matter_and_a_decision_counts_once(board: Board):
    fold(board, REFUSED, SECOND, FIRST, ASKED, SECOND)
    answer = board.models.answer(T0_NS)
    assert [one.kind for one in answer.trail] == ["refused", "promoted", "training_asked", "promoted"]
    assert [one.champion_id for one in answer.trail] == ["ensemble-2", "ensemble-2", "ensemble-1", "ensemble-1"]
    assert answer.entry is not None
    assert answer.entry.ts_us == T0_NS // 1_000 + 20_000_000
    assert answer.decision is not None
    assert (answer.decision.kind, answer.decision.model_id) == ("refused", "ensemble-1")
    assert (answer.importance, answer.metrics) == ({"x": 0.04}, {"brier": 0.5})


def test_trail_is_bounded_and_an_entry_that_is_further_back_is_not_made_up(board: Board):
    last = FIRST
    fold(board, last)
    for place in range(TRAIL_KEPT):
        last = decide(last, "training_asked", "age", None, place + 1)
        fold(board, last)
    answer = board.models.answer(T0_NS)
    assert len(answer.trail) == TRAIL_KEPT
    assert (answer.entry, answer.champion_id) == (None, "ensemble-1")


def test_sequence_goes_on_where_the_clock_of_the_watch_went_back(board: Board, connect: Connect):
    fold(board, model_life(ts_ns=T0_NS))
    client = connect()
    _, first = client.ask(SUBSCRIBE)
    fold(board, model_life(ts_ns=T0_NS - 60 * NS_PER_S, loss_nats=0.9))
    (delta,) = client.take()
    assert (delta["prev"], delta["data"]["loss_nats"]) == (first["seq"], 0.9)
    assert delta["seq"] > first["seq"]


def test_resumed_board_is_as_old_as_what_the_watch_told(board: Board):
    board.restore([FIRST, SECOND, model_life(ts_ns=T0_NS)])
    answer = board.models.answer(T0_NS + 31_000 * NS_PER_MS)
    assert (answer.age_ms, answer.stale, answer.champion_id) == (31_000, True, "ensemble-2")


def test_instants_are_half_a_minute_apart_over_an_hour():
    instants = instants_before(T0_NS)
    assert (len(instants), instants[0], instants[-1]) == (120, T0_NS - 3_600 * NS_PER_S, T0_NS - 30 * NS_PER_S)
    assert {late - early for early, late in pairwise(instants)} == {30 * NS_PER_S}


def test_track_record_is_of_this_run_and_ends_with_the_latest_outcome():
    covered = Coverage(count=40, coverage_frac=0.875, target_frac=0.9)
    samples = [outcome(step=1, run_id="before"), outcome(step=2, model_id="ensemble-0"), outcome(step=3)]
    answer = answer_track_record("sim", "BTCUSDT", "test", samples, outcome(step=9, coverage=covered), "")
    assert [(one.model_id, one.coverage_frac, one.intervals) for one in answer.points] == [
        ("ensemble-0", None, 0), ("ensemble-1", None, 0), ("ensemble-1", 0.875, 40),
    ]  # fmt: skip
    assert (answer.target_frac, answer.horizon_steps, answer.span_s, answer.step_s) == (0.9, 5, 3_600, 30)
    assert answer.points[0].prior_log_loss == 1.0986122886681098
    same = answer_track_record("sim", "BTCUSDT", "test", samples, outcome(step=3), "")
    assert len(same.points) == 2, "the latest is in the samples already"
    nothing = answer_track_record("sim", "BTCUSDT", "test", [], None, "the bus is away")
    assert (nothing.points, nothing.target_frac, nothing.horizon_steps, nothing.reason) == (
        [], None, None, "the bus is away",
    )  # fmt: skip


def test_contests_end_with_the_latest_word_of_the_watch():
    lives = [model_life(ts_ns=T0_NS, loss_nats=0.9), model_life(ts_ns=T0_NS + 30 * NS_PER_S, contests=[RIVAL])]
    now = model_life(ts_ns=T0_NS + 34 * NS_PER_S, contests=[RIVAL])
    points = answer_contests(lives, now, "").points
    assert [(one.ts_us - T0_NS // 1_000, len(one.contests), one.loss_nats) for one in points] == [
        (0, 0, 0.9), (30_000_000, 1, None), (34_000_000, 1, None),
    ]  # fmt: skip
    assert len(answer_contests(lives, lives[-1], "").points) == 2
    assert answer_contests([], None, "").points == []
