"""Vectors, predictions and outcomes as rows, in the order of ``tables.TABLES``."""

from typing import Any

import msgspec

from foretick.common.contracts import FeatureVector, Message, Outcome, Prediction, Probabilities, ReturnInterval


def _times(message: Message, event_ns: int | None) -> tuple[int, int, int, int | None, int]:
    return (message.ts_ingest_ns, message.ts_recv_ns, message.ts_recv_ns, event_ns, message.epoch)


def _identity(message: Message) -> tuple[str, str, str, str, str]:
    return (message.trust.value, message.origin.value, message.run_id, message.venue, message.symbol)


def feature_row(vector: FeatureVector) -> tuple[Any, ...]:
    """Return the row of ``vector``."""
    return (
        *_times(vector, vector.ts_event_ns), vector.ts_sent_ns, vector.asof_seq, vector.prev_asof_seq, vector.step,
        vector.interval_ns, vector.mid, vector.warm, vector.schema_id, vector.schema_hash, vector.values,
        *_identity(vector),
    )  # fmt: skip


def prediction_row(message: Prediction) -> tuple[Any, ...]:
    """Return the row of a prediction."""
    odds: Probabilities | None = message.probabilities
    interval: ReturnInterval | None = message.interval
    return (
        *_times(message, None), message.ts_sent_ns, message.asof_seq, message.prev_asof_seq, message.step,
        message.interval_ns, message.horizon_steps, message.mid, message.expected_return_bps,
        odds and odds.down, odds and odds.flat, odds and odds.up, message.flat_bps, message.out_of_origin,
        message.volatility_bps, interval and interval.low_bps, interval and interval.high_bps,
        interval and interval.coverage_frac, message.abstention is not None,
        message.schema_id, message.schema_hash, message.model_id, message.model_origin and message.model_origin.value,
        message.withheld and message.withheld.value, message.regime and message.regime.value,
        message.no_interval and message.no_interval.value, msgspec.json.encode(message.members), *_identity(message),
    )  # fmt: skip


def outcome_row(message: Outcome) -> tuple[Any, ...]:
    """Return the row of an outcome."""
    score = message.score
    return (
        *_times(message, None), message.ts_sent_ns, message.asof_seq, message.step, message.horizon_steps,
        message.realised_step, message.realised_seq, message.realised_return_bps, message.log_loss,
        message.prior_log_loss, score.count, score.accuracy_frac, score.prior_accuracy_frac, message.brier,
        message.error_scales, message.interval_held, message.abstained, message.model_id,
        message.predicted.value, message.realised.value, message.regime and message.regime.value, *_identity(message),
    )  # fmt: skip
