"""What a prediction is made of, on request."""

from foretick.common.contracts._base import Contract, Trust
from foretick.common.contracts.predictions import Probabilities


class FeatureContribution(Contract, frozen=True, kw_only=True, gc=False):
    """What one feature adds to the answer.

    name, group, unit: as in the feature registry; unit is that of ``value``
    value: of the feature, as the model took it
    contribution: what it adds to P(up) - P(down), -2..2
    """

    name: str
    group: str
    unit: str
    value: float
    contribution: float


class Explanation(Contract, frozen=True, kw_only=True, gc=False):
    """Why the model answers what it answers for an instrument's latest vector.

    What is explained is P(up) - P(down), calibrated as it is published. ``baseline`` and all contributions add up to
    ``answer``.

    asof_seq, step, ts_recv_ns, trust: of the feature vector
    model_id: the model that answers
    baseline: its answer where every member says what it says on average over the rows trained on
    answer: P(up) - P(down)
    probabilities: of down, flat and up
    contributions: of every feature that the model takes, the largest in size first
    """

    venue: str
    symbol: str
    run_id: str
    asof_seq: int
    step: int
    ts_recv_ns: int
    trust: Trust
    model_id: str
    baseline: float
    answer: float
    probabilities: Probabilities
    contributions: list[FeatureContribution]


class CallRefusal(Contract, frozen=True, kw_only=True, gc=False):
    """Why a request is not answered. ``code`` is for programs; ``message`` and ``hint`` are for people."""

    code: str
    message: str
    hint: str = ""


class ExplanationReply(Contract, frozen=True, kw_only=True, gc=False):
    """The answer to a request for an explanation: it, or why there is none; exactly one of the two is set."""

    explanation: Explanation | None = None
    refusal: CallRefusal | None = None
