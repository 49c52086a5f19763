"""Why the model answers what it answers, as REST tells it."""

from foretick.common.contracts import Contract, Explanation, FeatureContribution, Probabilities, Trust
from foretick.common.units import micros_from_nanos


class ExplanationAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """What each feature adds to P(up) - P(down) of the latest prediction; baseline and contributions add up to answer.

    age_us: since the data that it was made from was received
    asof_seq, step, trust: of the feature vector
    baseline: the model's answer where every member says what it says on average over the rows trained on
    contributions: of every feature that the model takes, the largest in size first
    """

    venue: str
    symbol: str
    model_id: str
    asof_seq: int
    step: int
    ts_recv_us: int
    age_us: int
    trust: Trust
    baseline: float
    answer: float
    probabilities: Probabilities
    contributions: list[FeatureContribution]


def answer_explanation(told: Explanation, now_ns: int) -> ExplanationAnswer:
    """Return the answer at ``now_ns``."""
    return ExplanationAnswer(
        venue=told.venue,
        symbol=told.symbol,
        model_id=told.model_id,
        asof_seq=told.asof_seq,
        step=told.step,
        ts_recv_us=micros_from_nanos(told.ts_recv_ns),
        age_us=max(0, micros_from_nanos(now_ns - told.ts_recv_ns)),
        trust=told.trust,
        baseline=told.baseline,
        answer=told.answer,
        probabilities=told.probabilities,
        contributions=told.contributions,
    )
