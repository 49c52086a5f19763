"""What the channels carry: the ``data`` of their snapshots and deltas. Times are UTC microseconds."""

from enum import StrEnum

from foretick.common.contracts import (
    Abstention,
    Contract,
    Coverage,
    FeatureVector,
    Level,
    LiveScore,
    NoInterval,
    Origin,
    Outcome,
    Prediction,
    Probabilities,
    Regime,
    ReturnInterval,
    Trust,
    Withheld,
)
from foretick.common.units import NS_PER_S, NS_PER_US, micros_from_nanos


class TickData(Contract, frozen=True, kw_only=True, gc=False):
    """Price of an instrument. ``price``: last trade; quote currency, quantities in base currency.

    change_frac: mid against the first mid of the window, minus 1
    change_window_s: how far back that first mid lies
    volume_qty: traded in the window
    """

    price: float | None
    bid: float | None
    bid_qty: float | None
    ask: float | None
    ask_qty: float | None
    mid: float | None
    change_frac: float | None
    change_window_s: int
    volume_qty: float
    trust: Trust
    origin: Origin
    ts_recv_us: int


class TickSnapshot(TickData, frozen=True, kw_only=True, gc=False):
    """The same with the mid of each second of the window: (start of the second in us, last mid in it)."""

    history: list[tuple[int, float]]


class BookData(Contract, frozen=True, kw_only=True, gc=False):
    """Best levels of a book (snapshot), or those that changed, quantity 0 meaning removed (delta).

    last_id: the venue's update that the book is as of; null where it numbers none
    """

    bids: list[Level]
    asks: list[Level]
    trust: Trust
    reason: str
    origin: Origin
    ts_recv_us: int
    tick_size: float
    last_id: int | None = None


class FeatureData(Contract, frozen=True, kw_only=True, gc=False):
    """A feature vector; ``values`` are in the order of the feature labels."""

    step: int
    values: list[float | None]
    warm: bool
    schema_id: str
    mid: float | None
    trust: Trust
    origin: Origin
    ts_recv_us: int


class PredictionData(Contract, frozen=True, kw_only=True, gc=False):
    """A prediction, or the reason why it is withheld, with the live score of its model on the instrument.

    regime, volatility_bps, interval, no_interval, abstention, weights: as on the bus
    coverage: of the model's latest intervals on the instrument; null before the first was joined
    regret_nats: mean log loss minus that of the member that was best in the score's window
    ts_event_us: the venue's own clock of the last event behind it that had one
    ts_gateway_us: wall clock of the gateway when the prediction arrived there
    latency_us: from ingest reading the bytes behind it to there
    """

    model_id: str | None
    asof_seq: int
    step: int
    horizon_steps: int
    horizon_s: float
    mid: float | None
    expected_return_bps: float | None
    probabilities: Probabilities | None
    members: dict[str, Probabilities]
    flat_bps: float | None
    withheld: Withheld | None
    out_of_origin: bool
    model_origin: Origin | None
    trust: Trust
    origin: Origin
    ts_recv_us: int
    ts_event_us: int | None
    ts_gateway_us: int
    latency_us: int
    regime: Regime | None
    volatility_bps: float | None
    interval: ReturnInterval | None
    no_interval: NoInterval | None
    abstention: Abstention | None
    weights: list[float]
    score: LiveScore | None
    coverage: Coverage | None
    regret_nats: float | None


class Stage(StrEnum):
    """A part of a prediction's way, in order. All but the last add up to the latency: ingest's socket to the gateway.

    INGEST: ingest read the bytes -> published their frame
    TO_FEATURES: -> features took the frame up: the bus, and waiting for features
    FEATURES: -> published the vector
    TO_PREDICTOR: -> the predictor took it up: the bus, and waiting for the predictor
    PREDICTOR: -> published the prediction
    TO_GATEWAY: -> the gateway took it up: the bus, and waiting for the gateway
    GATEWAY: -> every client that is not behind has been written to
    """

    INGEST = "ingest"
    TO_FEATURES = "to_features"
    FEATURES = "features"
    TO_PREDICTOR = "to_predictor"
    PREDICTOR = "predictor"
    TO_GATEWAY = "to_gateway"
    GATEWAY = "gateway"


class StageData(Contract, frozen=True, kw_only=True, gc=False):
    """How long a stage took in the last ``window_s``; null without an observation.

    skewed: durations below zero since the start, left out: the clocks of two hosts disagree
    unstamped: predictions since the start whose message lacks an instant of the stage
    """

    stage: Stage
    p50_us: int | None
    p99_us: int | None
    skewed: int
    unstamped: int


class WaterfallData(Contract, frozen=True, kw_only=True, gc=False):
    """Where the time goes, stage by stage, between ingest's socket and the clients.

    window_s: what the quantiles look back on
    count: predictions in it
    age_us: since the last prediction arrived; null before the first
    p50_us, p99_us: ingest's socket to the gateway, measured as a whole
    skewed: predictions since the start that arrived before their bytes, by the clocks; left out
    stages: every stage, in order
    """

    window_s: int
    count: int
    age_us: int | None
    p50_us: int | None
    p99_us: int | None
    skewed: int
    stages: list[StageData]


class MetricsData(Contract, frozen=True, kw_only=True, gc=False):
    """The system at a glance. Latencies: ingest's socket to the gateway, of the predictions of the last minute.

    waterfall: the same, stage by stage
    """

    latency_p50_us: int | None
    latency_p99_us: int | None
    messages_per_s: float
    connections: int
    model_id: str | None
    score: LiveScore | None
    conflated: int
    waterfall: WaterfallData


def feature_data(vector: FeatureVector) -> FeatureData:
    """Return what the ``features`` channel tells of ``vector``."""
    return FeatureData(
        step=vector.step,
        values=vector.values,
        warm=vector.warm,
        schema_id=vector.schema_id,
        mid=vector.mid,
        trust=vector.trust,
        origin=vector.origin,
        ts_recv_us=micros_from_nanos(vector.ts_recv_ns),
    )


def prediction_data(prediction: Prediction, outcome: Outcome | None, arrived_ns: int) -> PredictionData:
    """Return what the ``predictions`` channel tells of ``prediction``, which arrived at ``arrived_ns``.

    outcome: the latest one of its model on the instrument, whose score and coverage it tells
    """
    return PredictionData(
        model_id=prediction.model_id,
        asof_seq=prediction.asof_seq,
        step=prediction.step,
        horizon_steps=prediction.horizon_steps,
        horizon_s=prediction.horizon_steps * prediction.interval_ns / NS_PER_S,
        mid=prediction.mid,
        expected_return_bps=prediction.expected_return_bps,
        probabilities=prediction.probabilities,
        members=prediction.members,
        flat_bps=prediction.flat_bps,
        withheld=prediction.withheld,
        out_of_origin=prediction.out_of_origin,
        model_origin=prediction.model_origin,
        trust=prediction.trust,
        origin=prediction.origin,
        ts_recv_us=micros_from_nanos(prediction.ts_recv_ns),
        ts_event_us=None if prediction.ts_event_ns is None else micros_from_nanos(prediction.ts_event_ns),
        ts_gateway_us=micros_from_nanos(arrived_ns),
        latency_us=max(0, arrived_ns - prediction.ts_ingest_ns) // NS_PER_US,
        regime=prediction.regime,
        volatility_bps=prediction.volatility_bps,
        interval=prediction.interval,
        no_interval=prediction.no_interval,
        abstention=prediction.abstention,
        weights=prediction.weights,
        score=outcome and outcome.score,
        coverage=outcome and outcome.coverage,
        regret_nats=outcome and outcome.regret_nats,
    )
