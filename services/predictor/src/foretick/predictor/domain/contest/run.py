"""A contest, start to end: every instrument and horizon, then all instruments together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from foretick.common.errors import Refused
from foretick.predictor.domain.contest.entrants import RivalLearner, answer_all
from foretick.predictor.domain.contest.plan import EvaluationPlan
from foretick.predictor.domain.contest.samples import Samples
from foretick.predictor.domain.contest.tables import divide
from foretick.predictor.domain.contest.verdict import Judged, Verdict, judge
from foretick.predictor.domain.ensemble import class_frequencies
from foretick.predictor.domain.stacking import MemberLearner, Members, Stack

Progress = Callable[[str, float], None]
"""Told what begins, and which share of the contest is done."""


@dataclass(frozen=True, slots=True)
class Heat:
    """One instrument over one horizon.

    train_rows, test_rows, missing_rows: learnt from, judged on, and left out because a feature was missing
    features: how many the ensemble was given; flat_bps: the threshold between flat and a direction
    """

    name: str
    horizon_events: int
    train_rows: int
    test_rows: int
    missing_rows: int
    features: int
    flat_bps: float
    class_shares: tuple[float, ...]
    stack: Stack
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Contest:
    """Every heat, by horizon all instruments together, and why an instrument was left out."""

    heats: tuple[Heat, ...]
    pooled: dict[int, Verdict]
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
    pooled: dict[int, Verdict] = {}
    count, done = len(pairs) * len(plan.horizons_events), 0
    for horizon in plan.horizons_events:
        judged: list[Judged] = []
        for train, test in pairs:
            progress(f"{test.name}, {horizon} events ahead", done / count)
            done += 1
            try:
                heat, part = _run_heat((train, test), horizon, members, rivals, plan)
            except Refused as refusal:
                left_out.append(refusal.message)
                continue
            heats.append(heat)
            judged.append(part)
        if not judged:
            raise Refused("too_little", "; ".join(left_out), "give longer recordings")
        pooled[horizon] = judge(judged, plan)
    progress("done", 1.0)
    return Contest(tuple(heats), pooled, tuple(left_out))


def _run_heat(
    pair: Pair, horizon: int, members: MemberLearner[Members], rivals: RivalLearner, plan: EvaluationPlan
) -> tuple[Heat, Judged]:
    division = divide(*pair, horizon, plan)
    try:
        fitted = answer_all(division, members, rivals, plan)
        part = Judged(division.test, fitted.answers, class_frequencies(division.train.classes), division.taker_fee_bps)
        verdict = judge([part], plan)
    except ValueError as error:  # a fold without one of the classes, or a test of a few seconds
        said = f"{division.name}, {horizon} events ahead: {error}"
        raise Refused("too_little", said, "give longer recordings") from error
    classes = division.test.classes
    return Heat(
        name=division.name,
        horizon_events=horizon,
        train_rows=len(division.train),
        test_rows=len(division.test),
        missing_rows=division.missing_rows,
        features=len(division.names),
        flat_bps=division.flat_bps,
        class_shares=tuple(float((classes == kind).mean()) for kind in range(3)),
        stack=fitted.stack,
        verdict=verdict,
    ), part
