"""The prediction as a message: a vector, the model behind it, and the numbers or the reason for their absence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from foretick.common.contracts import (
    FeatureVector,
    ModelPublished,
    Origin,
    Prediction,
    Probabilities,
    Trust,
    Withheld,
)
from foretick.predictor.domain.assessment import UNASSESSED, Assessment
from foretick.predictor.domain.classes import probabilities_of

UNSEEN_SYMBOL = "*"
"""Key in a model's thresholds for a symbol that it was not trained on."""


class Header(TypedDict):
    """The fields of ``Message``: what everything that is made from a vector says of itself."""

    venue: str
    symbol: str
    origin: Origin
    run_id: str
    producer: str
    epoch: int
    ts_recv_ns: int
    ts_event_ns: int | None
    ts_ingest_ns: int
    ts_sent_ns: int
    trust: Trust


@dataclass(slots=True)
class Sender:
    """Who predicts: the process, and the fencing epoch of its latest leases, higher than all before of any of them."""

    producer: str
    epoch: int

    def header_of(self, vector: FeatureVector) -> Header:
        """Return the header of a message made from ``vector``. ``ts_sent_ns`` is left to the one who sends it."""
        return Header(
            venue=vector.venue,
            symbol=vector.symbol,
            origin=vector.origin,
            run_id=vector.run_id,
            producer=self.producer,
            epoch=self.epoch,
            ts_recv_ns=vector.ts_recv_ns,
            ts_event_ns=vector.ts_event_ns,
            ts_ingest_ns=vector.ts_ingest_ns,
            ts_sent_ns=0,
            trust=vector.trust,
        )


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the model says of one row. Probabilities are of down, flat, up; members in the model's order."""

    expected_return_bps: float
    probabilities: Sequence[float]
    members: Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Forecast:
    """The model's numbers, and how sure they are."""

    numbers: Numbers
    assessment: Assessment


def flat_threshold_of(model: ModelPublished, symbol: str) -> float:
    """Return the model's threshold between flat and a direction for ``symbol``, bps."""
    return model.flat_bps.get(symbol, model.flat_bps[UNSEEN_SYMBOL])


def compose_prediction(
    vector: FeatureVector,
    model: ModelPublished | None,
    sender: Sender,
    verdict: Forecast | Withheld,
    horizon_steps: int,
    taken_ns: int,
) -> Prediction:
    """Return the message for ``vector``, which was taken up at ``taken_ns`` (wall clock)."""
    numbers = verdict.numbers if isinstance(verdict, Forecast) else None
    sureness = verdict.assessment if isinstance(verdict, Forecast) else UNASSESSED
    return Prediction(
        **sender.header_of(vector),
        asof_seq=vector.asof_seq,
        prev_asof_seq=vector.prev_asof_seq,
        step=vector.step,
        interval_ns=vector.interval_ns,
        mid=vector.mid,
        schema_id=vector.schema_id,
        schema_hash=vector.schema_hash,
        horizon_steps=model.horizon_steps if model else horizon_steps,
        model_id=model.model_id if model else None,
        model_origin=model.trained_on if model else None,
        out_of_origin=model is not None and model.trained_on is not vector.origin,
        expected_return_bps=numbers.expected_return_bps if numbers else None,
        probabilities=probabilities_of(numbers.probabilities) if numbers else None,
        members=_members(model, numbers) if model and numbers else {},
        flat_bps=flat_threshold_of(model, vector.symbol) if model and numbers else None,
        withheld=None if isinstance(verdict, Forecast) else verdict,
        regime=sureness.regime,
        volatility_bps=sureness.volatility_bps,
        interval=sureness.interval,
        no_interval=sureness.no_interval,
        abstention=sureness.abstention,
        weights=list(sureness.weights),
        ts_frame_sent_ns=vector.ts_frame_sent_ns,
        ts_frame_taken_ns=vector.ts_frame_taken_ns,
        ts_vector_sent_ns=vector.ts_sent_ns,
        ts_vector_taken_ns=taken_ns,
    )


def _members(model: ModelPublished, numbers: Numbers) -> dict[str, Probabilities]:
    return {name: probabilities_of(values) for name, values in zip(model.member_names, numbers.members, strict=True)}
