"""The answers of the REST interface, and how they are made from the board."""

from foretick.common.contracts import Contract, LiveScore, Origin, Trust
from foretick.common.subjects import FEATURE_VECTORS, PREDICTION_MESSAGES, TICKS
from foretick.common.units import micros_from_nanos
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.freshness import age_ms_of, is_stale
from foretick.gateway.domain.instrument_view import InstrumentView
from foretick.gateway.domain.payloads import PredictionData
from foretick.gateway.domain.protocol import FeatureLabel

MAX_SILENCE_MS = {
    "ingest": TICKS.ttl_ms,
    "features": FEATURE_VECTORS.ttl_ms,
    "predictor": PREDICTION_MESSAGES.ttl_ms,
}
"""A service is called fresh while something of it arrived this recently."""


class PredictionAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """The latest prediction of an instrument.

    age_ms: since it arrived here; null when there is none
    stale: none arrived within the time to live, or there is none: do not act on it
    reason: why ``prediction`` is null; empty otherwise
    history: the latest ones before it, oldest first, when asked for
    """

    venue: str
    symbol: str
    age_ms: int | None
    stale: bool
    reason: str
    prediction: PredictionData | None
    history: list[PredictionData]


class InstrumentStatus(Contract, frozen=True, kw_only=True, gc=False):
    """How an instrument is doing."""

    venue: str
    symbol: str
    origin: Origin
    trust: Trust
    reason: str
    stale: bool
    age_ms: int | None
    epoch: int | None
    seq: int | None


class ServiceStatus(Contract, frozen=True, kw_only=True, gc=False):
    """Whether something of a service arrives. ``age_ms``: since the last time; null for never."""

    name: str
    fresh: bool
    age_ms: int | None


class ModelStatus(Contract, frozen=True, kw_only=True, gc=False):
    """The model behind the predictions. ``metrics``: out-of-sample figures by name, from its announcement."""

    model_id: str
    name: str | None
    trained_on: Origin | None
    ts_trained_us: int | None
    rows: int | None
    metrics: dict[str, float]


class AuditStatus(Contract, frozen=True, kw_only=True, gc=False):
    """What the gateway found wrong in what it received since it started."""

    gaps: int
    lost_events: int
    duplicates: int
    refused: int


class SystemStatus(Contract, frozen=True, kw_only=True, gc=False):
    """The system as the gateway sees it."""

    run_id: str
    epoch: int
    origin: Origin | None
    schema_id: str
    schema_hash: str
    instruments: list[InstrumentStatus]
    services: list[ServiceStatus]
    model: ModelStatus | None
    score: LiveScore | None
    audit: AuditStatus
    connections: int
    max_connections: int


class FeatureAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """What each number of a feature vector is, in order."""

    schema_id: str
    schema_hash: str
    features: list[FeatureLabel]


def answer_prediction(view: InstrumentView, history: int, now_ns: int) -> PredictionAnswer:
    """Return the latest prediction of ``view`` and ``history`` ones before it."""
    topic = view.prediction_topic
    age_ms = age_ms_of(topic.arrived_ns, now_ns)
    before = list(view.predictions)[:-1]
    return PredictionAnswer(
        venue=view.venue,
        symbol=view.symbol,
        age_ms=age_ms,
        stale=is_stale(age_ms, PREDICTION_MESSAGES.ttl_ms),
        reason="" if view.prediction else "the predictor has sent none in this run yet",
        prediction=view.prediction,
        history=before[-history:] if history else [],
    )


def answer_status(board: Board, now_ns: int) -> SystemStatus:
    """Return the state of the whole system."""
    what = board.identification
    audits = board.audits.total()
    return SystemStatus(
        run_id=what.run_id,
        epoch=what.epoch,
        origin=board.origin,
        schema_id=what.schema_id,
        schema_hash=what.schema_hash,
        instruments=[
            _instrument_status(board.view((label.venue, label.symbol)), label.origin, now_ns)
            for label in board.directory.labels
        ],
        services=[_service_status(name, board.arrivals.get(name), now_ns) for name in MAX_SILENCE_MS],
        model=_model_status(board),
        score=board.metrics_data().score,
        audit=AuditStatus(
            gaps=audits.gaps, lost_events=audits.lost, duplicates=audits.repeated, refused=audits.refused
        ),
        connections=len(board.audience),
        max_connections=board.audience.limit,
    )


def answer_features(board: Board) -> FeatureAnswer:
    """Return the labels of the feature vector."""
    what = board.identification
    return FeatureAnswer(schema_id=what.schema_id, schema_hash=what.schema_hash, features=list(what.features))


def _instrument_status(view: InstrumentView, origin: Origin, now_ns: int) -> InstrumentStatus:
    age_ms = age_ms_of(view.market_arrived_ns, now_ns)
    seen = view.events.epoch >= 0
    return InstrumentStatus(
        venue=view.venue,
        symbol=view.symbol,
        origin=origin,
        trust=view.book.trust,
        reason=view.book.reason,
        stale=is_stale(age_ms, TICKS.ttl_ms),
        age_ms=age_ms,
        epoch=view.events.epoch if seen else None,
        seq=view.events.last_seq if seen else None,
    )


def _service_status(name: str, arrived_ns: int | None, now_ns: int) -> ServiceStatus:
    age_ms = age_ms_of(arrived_ns, now_ns)
    return ServiceStatus(name=name, fresh=not is_stale(age_ms, MAX_SILENCE_MS[name]), age_ms=age_ms)


def _model_status(board: Board) -> ModelStatus | None:
    announced = board.models.champion
    model_id = board.model_id or (announced.model_id if announced else None)
    if model_id is None:
        return None
    served = announced if announced and announced.model_id == model_id else None
    return ModelStatus(
        model_id=model_id,
        name=served.name if served else None,
        trained_on=served.trained_on if served else None,
        ts_trained_us=micros_from_nanos(served.ts_trained_ns) if served else None,
        rows=served.rows if served else None,
        metrics=served.metrics if served else {},
    )
