"""A contest, start to end: every instrument and horizon, then all instruments together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from foretick.common.errors import Refused
from foretick.predictor.domain.contest.entrants import (
    ENSEMBLE,
    Fitted,
    Floats,
    RivalLearner,
    answer_rivals,
    fit_ensemble,
)
from foretick.predictor.domain.contest.plan import EvaluationPlan
from foretick.predictor.domain.contest.samples import Samples
from foretick.predictor.domain.contest.tables import Division, divide
from foretick.predictor.domain.contest.verdict import Judged, Verdict, judge, refuse_brief
from foretick.predictor.domain.ensemble import class_frequencies
from foretick.predictor.domain.stacking import MemberLearner, Members, Stack

Progress = Callable[[str, float], None]
"""Told what begins, and which share of the contest is done."""


@dataclass(frozen=True, slots=True)
class Heat:
    """One instrument over one horizon.

    train_rows, test_rows, missing_rows: learnt from, judged on, and left out because a feature was missing
    flat_bps: the threshold between flat and a direction
    """

    name: str
    horizon_events: int
    train_rows: int
    test_rows: int
    missing_rows: int
    flat_bps: float
    class_shares: tuple[float, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Together:
    """One horizon: the ensemble of all instruments, how many features it was given, and how it did."""

    stack: Stack
    features: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Contest:
    """Every heat, by horizon all instruments together, and why an instrument was left out."""

    heats: tuple[Heat, ...]
    pooled: dict[int, Together]
    left_out: tuple[str, ...] = ()


Pair = tuple[Samples, Samples]
"""What is learnt from and what is judged; the same twice is divided by time."""


def run_contest(
    pairs: Sequence[Pair],
    members: MemberLearner[Members],
    rivals: RivalLearner,
    plan: EvaluationPlan,
    progress: Progress,
) -> Contest:
    """Run every heat of ``pairs``; an instrument that has too little for it is left out, and that is told.

    Raises:
        Refused: all have too little over some horizon.
    """
    heats: list[Heat] = []
    left_out: list[str] = []
    pooled: dict[int, Together] = {}
    for number, horizon in enumerate(plan.horizons_events):
        told = _within(progress, horizon, number / len(plan.horizons_events), 1.0 / len(plan.horizons_events))
        entered, refused = _enter(pairs, horizon, rivals, plan, told)
        left_out += refused
        if not entered:
            raise Refused("too_little", "; ".join(left_out), "give longer recordings")
        told("the ensemble", _RIVALS_FRAC)
        fitted, judged = _judge(entered, members, rivals, plan)
        pooled[horizon] = Together(fitted.stack, fitted.features, judge(judged, plan))
        heats += [_heat(division, judge([part], plan)) for (division, _), part in zip(entered, judged, strict=True)]
    progress("done", 1.0)
    return Contest(tuple(heats), pooled, tuple(left_out))


_RIVALS_FRAC = 0.3
"""Share of the time that the rivals take."""

Entered = tuple[Division, dict[str, Floats]]
"""An instrument over a horizon, with the rivals' answers."""


def _within(progress: Progress, horizon: int, begun: float, share: float) -> Progress:
    return lambda stage, done: progress(f"{stage}, {horizon} events ahead", begun + share * done)


def _enter(
    pairs: Sequence[Pair], horizon: int, rivals: RivalLearner, plan: EvaluationPlan, told: Progress
) -> tuple[list[Entered], list[str]]:
    """Return the instruments that have enough for a horizon, and why the others have not."""
    entered: list[Entered] = []
    refused: list[str] = []
    for number, (train, test) in enumerate(pairs):
        told(test.name, _RIVALS_FRAC * number / len(pairs))
        try:
            division = divide(train, test, horizon, plan)
            answers = answer_rivals(division, rivals, plan)
            refuse_brief(division.test, plan)
            entered.append((division, answers))
        except Refused as refusal:
            refused.append(refusal.message)
        except ValueError as error:  # without one of the classes, or a test of a few seconds
            refused.append(f"{test.name}, {horizon} events ahead: {error}")
    return entered, refused


def _judge(
    entered: Sequence[Entered], members: MemberLearner[Members], rivals: RivalLearner, plan: EvaluationPlan
) -> tuple[Fitted, list[Judged]]:
    try:
        fitted = fit_ensemble([division for division, _ in entered], members, rivals, plan)
    except ValueError as error:  # a fold without one of the classes
        raise Refused("too_little", str(error), "give longer recordings") from error
    return fitted, [
        _judged(division, {**answers, ENSEMBLE: ours})
        for (division, answers), ours in zip(entered, fitted.answers, strict=True)
    ]


def _judged(division: Division, answers: dict[str, Floats]) -> Judged:
    return Judged(division.test, answers, class_frequencies(division.train.classes), division.taker_fee_bps)


def _heat(division: Division, verdict: Verdict) -> Heat:
    classes = division.test.classes
    return Heat(
        name=division.name,
        horizon_events=division.horizon_events,
        train_rows=len(division.train),
        test_rows=len(division.test),
        missing_rows=division.missing_rows,
        flat_bps=division.flat_bps,
        class_shares=tuple(float((classes == kind).mean()) for kind in range(3)),
        verdict=verdict,
    )
