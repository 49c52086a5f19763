"""How predictions and contests went over the last hour: the points of a picture, folded from samples of the streams."""

from collections.abc import Iterable, Sequence

from foretick.common.contracts import ContestState, Contract, ModelLife, Outcome
from foretick.common.units import NS_PER_S, micros_from_nanos

SPAN_S = 3_600
STEP_S = 30


class TrackPoint(Contract, frozen=True, kw_only=True, gc=False):
    """How a model did on an instrument, over its latest outcomes; all but the first two as on the bus.

    ts_us: data time of the latest of them
    intervals: of them that had one; coverage_frac: share of these that held; null while there is none
    count, log_loss, prior_log_loss, accuracy_frac, prior_accuracy_frac: of the running score
    """

    ts_us: int
    model_id: str
    intervals: int
    coverage_frac: float | None
    count: int
    log_loss: float
    prior_log_loss: float
    accuracy_frac: float
    prior_accuracy_frac: float


class TrackRecordAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """How the predictions of an instrument did over the last ``span_s``, about every ``step_s``.

    reason: why earlier ones are missing; empty where all that the streams hold is told
    horizon_steps: outcomes that follow from the same prices; null without a point
    target_frac: share of intervals that should hold; null while none has met its outcome
    points: the oldest first
    """

    venue: str
    symbol: str
    reason: str
    span_s: int
    step_s: int
    horizon_steps: int | None
    target_frac: float | None
    points: list[TrackPoint]


class ContestPoint(Contract, frozen=True, kw_only=True, gc=False):
    """How the models in shadow did, and the champion's recent log loss; fields as on the bus."""

    ts_us: int
    champion_id: str | None
    loss_nats: float | None
    contests: list[ContestState]


class ContestsAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """How the contests went over the last ``span_s``, about every ``step_s``; fields as in ``TrackRecordAnswer``."""

    reason: str
    span_s: int
    step_s: int
    points: list[ContestPoint]


def instants_before(now_ns: int) -> list[int]:
    """Return the wall-clock instants of the last ``SPAN_S``, ``STEP_S`` apart, the oldest first."""
    step_ns = STEP_S * NS_PER_S
    return [now_ns - place * step_ns for place in range(SPAN_S // STEP_S, 0, -1)]


def answer_track_record(
    venue: str, symbol: str, run_id: str, outcomes: Iterable[Outcome], latest: Outcome | None, reason: str
) -> TrackRecordAnswer:
    """Return the points of ``outcomes``, the oldest first, of this run, and of the ``latest`` that is known."""
    kept = [one for one in outcomes if one.run_id == run_id]
    if latest is not None and (not kept or latest.step > kept[-1].step):
        kept.append(latest)
    last = kept[-1] if kept else None
    return TrackRecordAnswer(
        venue=venue,
        symbol=symbol,
        reason=reason,
        span_s=SPAN_S,
        step_s=STEP_S,
        horizon_steps=last.horizon_steps if last else None,
        target_frac=last.coverage.target_frac if last and last.coverage else None,
        points=[_track_point(one) for one in kept],
    )


def answer_contests(lives: Sequence[ModelLife], latest: ModelLife | None, reason: str) -> ContestsAnswer:
    """Return the points of ``lives``, the oldest first, and of the ``latest`` that is known."""
    kept = list(lives)
    if latest is not None and (not kept or latest.ts_ns > kept[-1].ts_ns):
        kept.append(latest)
    points = [
        ContestPoint(
            ts_us=micros_from_nanos(life.ts_ns),
            champion_id=life.champion_id,
            loss_nats=life.loss_nats,
            contests=life.contests,
        )
        for life in kept
    ]
    return ContestsAnswer(reason=reason, span_s=SPAN_S, step_s=STEP_S, points=points)


def _track_point(outcome: Outcome) -> TrackPoint:
    score, coverage = outcome.score, outcome.coverage
    return TrackPoint(
        ts_us=micros_from_nanos(outcome.ts_recv_ns),
        model_id=outcome.model_id,
        intervals=coverage.count if coverage else 0,
        coverage_frac=coverage.coverage_frac if coverage else None,
        count=score.count,
        log_loss=score.log_loss,
        prior_log_loss=score.prior_log_loss,
        accuracy_frac=score.accuracy_frac,
        prior_accuracy_frac=score.prior_accuracy_frac,
    )
