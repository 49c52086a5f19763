"""REST requests -> answers from the board."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query, Response

from foretick.common.clock import Clock
from foretick.common.contracts import Contract
from foretick.common.errors import Refused, Transient
from foretick.gateway.domain.bars import CLOSED_BARS, BarsAnswer, answer_bars, join_bars
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.book_view import MAX_LEVELS
from foretick.gateway.domain.calibration import CalibrationAnswer
from foretick.gateway.domain.certificate import CertificateAnswer
from foretick.gateway.domain.channels import BAR_CHANNELS, BOOK_LEVELS
from foretick.gateway.domain.consolidated import ConsolidatedAnswer
from foretick.gateway.domain.correlations import CorrelationsAnswer
from foretick.gateway.domain.depth_answer import DepthAnswer, DepthQuestion, answer_depth
from foretick.gateway.domain.explanation import ExplanationAnswer, answer_explanation
from foretick.gateway.domain.health_board import HealthData
from foretick.gateway.domain.instrument_view import HISTORY_PREDICTIONS
from foretick.gateway.domain.integrity_answer import IntegrityAnswer, answer_integrity
from foretick.gateway.domain.model_past import (
    ContestsAnswer,
    TrackRecordAnswer,
    answer_contests,
    answer_track_record,
    instants_before,
)
from foretick.gateway.domain.models import ModelsAnswer
from foretick.gateway.domain.payloads import WaterfallData
from foretick.gateway.domain.problem import MEDIA_TYPE, Problem
from foretick.gateway.domain.protocol import encode_any
from foretick.gateway.domain.replies import (
    FeatureAnswer,
    PredictionAnswer,
    SystemStatus,
    answer_features,
    answer_prediction,
    answer_status,
)
from foretick.gateway.domain.venue_board import VenuesData
from foretick.gateway.ports import BarRecord, Explanations, Past

Symbol = Annotated[str, Path(description="`BTCUSDT`, resolved by the order of VENUES, or `sim:BTCUSDT`", max_length=64)]

T = TypeVar("T")

MAX_BARS = 5_000
"""What one answer tells at most."""

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": meaning, "content": {MEDIA_TYPE: {"schema": Problem.json_schema()}}}
    for status, meaning in ((404, "There is no such instrument"), (422, "A parameter is wrong"))
}


_NOT_EXPLAINED = _PROBLEMS | {
    status: {"description": meaning, "content": _PROBLEMS[404]["content"]}
    for status, meaning in (
        (409, "The prediction is withheld; the detail says why"),
        (502, "The predictor answers with something else"),
        (503, "No predictor has the instrument now"),
        (504, "The predictor does not answer in time"),
    )
}


def make_router(
    board: Board,
    clock: Clock,
    record: BarRecord | None = None,
    explanations: Explanations | None = None,
    past: Past | None = None,
) -> APIRouter:
    """Return the routes under ``/api``; ``record`` has the bars from before this gateway began, ``past`` outcomes."""
    router = APIRouter(prefix="/api")
    _add_analytics(router, board, clock)
    _add_explanations(router, board, clock, explanations)
    _add_bars(router, board, clock, record)
    _add_correlations(router, board, clock)
    _add_certificate(router, board, clock)
    _add_models(router, board, clock)
    _add_past(router, board, clock, past)
    _add_system(router, board, clock)
    return router


def _add_analytics(router: APIRouter, board: Board, clock: Clock) -> None:
    @router.get(
        "/analytics/predictions/{symbol:path}",
        tags=["analytics"], summary="The latest prediction", response_model=PredictionAnswer, responses=_PROBLEMS,
    )  # fmt: skip
    async def get_prediction(
        symbol: Symbol,
        history: Annotated[int, Query(ge=0, le=HISTORY_PREDICTIONS, description="how many earlier ones to add")] = 0,
    ) -> Response:
        """Tell what the ensemble expects of an instrument, how sound and how old that is, and how its model scores."""
        view = board.view(board.directory.resolve(symbol))
        return _json(answer_prediction(view, history, clock.now_ns()))

    @router.get(
        "/analytics/market-depth/{symbol:path}",
        tags=["analytics"], summary="The order book", response_model=DepthAnswer, responses=_PROBLEMS,
    )  # fmt: skip
    async def get_market_depth(
        symbol: Symbol,
        levels: Annotated[int, Query(ge=1, le=MAX_LEVELS, description="levels a side")] = BOOK_LEVELS,
        qty: Annotated[float | None, Query(gt=0, lt=1e15, description="tell what trading this quantity costs")] = None,
        quote: Annotated[float | None, Query(gt=0, lt=1e15, description="tell it for this amount")] = None,
    ) -> Response:
        """Tell an instrument's book, its depth and spread, what trading costs, and how sound and old all that is."""
        if qty is not None and quote is not None:
            raise Refused("invalid_request", "qty and quote are given", "ask for a quantity or for an amount")
        view = board.view(board.directory.resolve(symbol))
        question = DepthQuestion(levels=levels, qty=qty, quote=quote)
        return _json(answer_depth(view, board.directory, question, clock.now_ns()))

    @router.get(
        "/analytics/integrity/{symbol:path}",
        tags=["analytics"], summary="What the order book's trust went through", response_model=IntegrityAnswer,
        responses=_PROBLEMS,
    )  # fmt: skip
    async def get_integrity(symbol: Symbol) -> Response:
        """Tell whether a book may be believed, by what proof, and the changes of its trust since this gateway began."""
        view = board.view(board.directory.resolve(symbol))
        return _json(answer_integrity(view, board.directory, clock.now_ns()))

    @router.get(
        "/analytics/consolidated/{symbol:path}",
        tags=["analytics"], summary="The best price over all venues", response_model=ConsolidatedAnswer,
        responses=_PROBLEMS,
    )  # fmt: skip
    async def get_consolidated(
        symbol: Annotated[
            str, Path(description="the pair, `BTC-USDT`, or any name of an instrument of it", max_length=64)
        ],
    ) -> Response:
        """Tell the best bid and ask of a pair over all venues, with and without fees, and who is the odd one out."""
        pair = board.directory.pair_of(board.directory.resolve(symbol))
        return _json(board.pairs.view(pair).answer(clock.now_ns()))


def _add_explanations(router: APIRouter, board: Board, clock: Clock, explanations: Explanations | None) -> None:
    @router.get(
        "/analytics/explanations/{symbol:path}",
        tags=["analytics"], summary="What each feature adds to the latest prediction",
        response_model=ExplanationAnswer, responses=_NOT_EXPLAINED,
    )  # fmt: skip
    async def get_explanation(symbol: Symbol) -> Response:
        """Tell why: contributions of all features to P(up) - P(down), which add up with the baseline to the answer."""
        identity = board.directory.resolve(symbol)
        if explanations is None:
            raise Refused("not_available", "this gateway asks no predictor")
        return _json(answer_explanation(await explanations.ask(identity), clock.now_ns()))


def _add_correlations(router: APIRouter, board: Board, clock: Clock) -> None:
    @router.get(
        "/analytics/correlations",
        tags=["analytics"], summary="Correlation and lead-lag of all instruments", response_model=CorrelationsAnswer,
    )  # fmt: skip
    async def get_correlations() -> Response:
        """Tell how every pair of instruments moves together, which of the two leads, and why there is no number."""
        return _json(board.correlations.answer(clock.now_ns()))


def _add_certificate(router: APIRouter, board: Board, clock: Clock) -> None:
    @router.get(
        "/analytics/feature-parity",
        tags=["analytics"], summary="Whether published features are those of the recording",
        response_model=CertificateAnswer,
    )  # fmt: skip
    async def get_feature_parity() -> Response:
        """Tell over how many vectors live features were found equal to the bit, or the first that was not."""
        return _json(board.certificate.answer(clock.now_ns()))


def _add_models(router: APIRouter, board: Board, clock: Clock) -> None:
    @router.get(
        "/models/calibration/{symbol:path}",
        tags=["models"], summary="Whether predictions meant what they said", response_model=CalibrationAnswer,
        responses=_PROBLEMS,
    )  # fmt: skip
    async def get_calibration(symbol: Symbol) -> Response:
        """Tell an instrument's reliability by bins, Brier score, calibration error and coverage, live and by regime."""
        view = board.view(board.directory.resolve(symbol))
        return _json(view.calibration.answer(clock.now_ns()))

    @router.get("/models", tags=["models"], summary="Which model serves, and why", response_model=ModelsAnswer)
    async def get_models() -> Response:
        """Tell the champion and what was decided, how the models on trial do, what has drifted, what it leans on."""
        return _json(board.models.answer(clock.now_ns()))


def _add_past(router: APIRouter, board: Board, clock: Clock, past: Past | None) -> None:
    @router.get(
        "/models/track-record/{symbol:path}",
        tags=["models"], summary="Coverage and log loss over the last hour", response_model=TrackRecordAnswer,
        responses=_PROBLEMS,
    )  # fmt: skip
    async def get_track_record(symbol: Symbol) -> Response:
        """Tell how many intervals held, and the log loss beside the class prior's, every half minute of an hour."""
        identity = board.directory.resolve(symbol)
        found, reason = await _ask_past(past, lambda past: past.outcomes(identity, instants_before(clock.now_ns())))
        latest, run_id = board.view(identity).outcome, board.identification.run_id
        return _json(answer_track_record(*identity, run_id, found, latest, reason))

    @router.get(
        "/models/contests", tags=["models"], summary="The trials over the last hour", response_model=ContestsAnswer
    )
    async def get_contests() -> Response:
        """Tell the evidence for and against each model in shadow, every half minute of the last hour."""
        found, reason = await _ask_past(past, lambda past: past.lives(instants_before(clock.now_ns())))
        return _json(answer_contests(found, board.models.life, reason))


async def _ask_past(past: Past | None, ask: Callable[[Past], Awaitable[list[T]]]) -> tuple[list[T], str]:
    if past is None:
        return [], "there are no streams to ask"
    try:
        return await ask(past), ""
    except Transient as error:
        return [], str(error)


def _add_bars(router: APIRouter, board: Board, clock: Clock, record: BarRecord | None) -> None:
    @router.get(
        "/analytics/bars/{symbol:path}",
        tags=["analytics"], summary="Bars, and the one under way", response_model=BarsAnswer, responses=_PROBLEMS,
    )  # fmt: skip
    async def get_bars(
        symbol: Symbol,
        timeframe: Annotated[str, Query(description=", ".join(BAR_CHANNELS))] = "1m",
        limit: Annotated[int, Query(ge=1, le=MAX_BARS, description="the latest so many")] = CLOSED_BARS,
    ) -> Response:
        """Tell the bars of the record and, without a seam, those that are told live; by data time."""
        if timeframe not in BAR_CHANNELS:
            raise Refused("invalid_request", f"no bars of {timeframe[:16]!r}", f"there are {', '.join(BAR_CHANNELS)}")
        identity = board.directory.resolve(symbol)
        recorded, reason = [], "there is no record to ask"
        if record is not None:
            try:
                recorded, reason = await record.read(identity, timeframe, limit), ""
            except Transient as error:
                reason = str(error)
        series = board.view(identity).bars[timeframe]
        return _json(answer_bars(series, join_bars(recorded, series.bars, limit), reason, clock.now_ns()))


def _add_system(router: APIRouter, board: Board, clock: Clock) -> None:
    @router.get("/system/status", tags=["system"], summary="The system at a glance", response_model=SystemStatus)
    async def get_status() -> Response:
        """Tell instruments, freshness of the services, model, live score and what the audits found."""
        return _json(answer_status(board, clock.now_ns()))

    @router.get("/system/latency", tags=["system"], summary="The latency waterfall", response_model=WaterfallData)
    async def get_latency() -> Response:
        """Tell how long each stage of the predictions' way took in the last minute."""
        return _json(board.waterfall.data(clock.now_ns()))

    @router.get(
        "/system/feature-health", tags=["system"], summary="How well feature values are", response_model=HealthData
    )
    async def get_feature_health() -> Response:
        """Tell how many values were missing, out of range, stale or masked in the last minute, by feature."""
        return _json(board.health.data(clock.now_ns()))

    @router.get("/system/venues", tags=["system"], summary="How the venues are reached", response_model=VenuesData)
    async def get_venues() -> Response:
        """Tell of each venue its state, connections, clock, latency and budget, and how old that is."""
        return _json(board.venues.data(clock.now_ns()))

    @router.get("/system/features", tags=["system"], summary="The features", response_model=FeatureAnswer)
    async def get_features() -> Response:
        """Tell name, label, unit, group and formula of each number of a feature vector."""
        return _json(answer_features(board))


def _json(answer: Contract) -> Response:
    return Response(encode_any(answer), media_type="application/json", headers={"cache-control": "no-store"})
