"""The explanation as a message: a vector, the model behind it, and what each feature adds."""

from collections.abc import Sequence
from dataclasses import dataclass

from foretick.common.contracts import Explanation, FeatureContribution, FeatureVector, ModelPublished, Withheld
from foretick.predictor.domain.classes import probabilities_of
from foretick.quant.registry import FEATURES

_KINDS = {feature.name: (feature.group.value, feature.unit.value) for feature in FEATURES}


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a model says of one row, and what each of its features adds to P(up) - P(down), in its order.

    ``baseline`` and the contributions add up to ``answer``. Probabilities are of down, flat, up.
    """

    contributions: Sequence[float]
    baseline: float
    answer: float
    probabilities: Sequence[float]


WITHHELD_HINTS = {
    Withheld.NO_MODEL: "wait for the training, or see why it published nothing",
    Withheld.WARMING_UP: "wait until the features have seen enough",
    Withheld.UNTRUSTED: "wait until the book is LIVE again",
    Withheld.SCHEMA_MISMATCH: "train a model with this version",
    Withheld.NO_PRICE: "wait for a two-sided quote",
}


def compose_explanation(
    vector: FeatureVector, model: ModelPublished, columns: Sequence[int], told: Attribution
) -> Explanation:
    """Return the message for ``vector``; ``columns``: which of its values the model takes. None of them is missing."""
    listed = [
        _contribution_of(name, vector.values[column], contribution)
        for name, column, contribution in zip(model.feature_names, columns, told.contributions, strict=True)
    ]
    return Explanation(
        venue=vector.venue,
        symbol=vector.symbol,
        run_id=vector.run_id,
        asof_seq=vector.asof_seq,
        step=vector.step,
        ts_recv_ns=vector.ts_recv_ns,
        trust=vector.trust,
        model_id=model.model_id,
        baseline=told.baseline,
        answer=told.answer,
        probabilities=probabilities_of(told.probabilities),
        contributions=sorted(listed, key=lambda one: -abs(one.contribution)),
    )


def _contribution_of(name: str, value: float | None, contribution: float) -> FeatureContribution:
    group, unit = _KINDS.get(name, ("", ""))
    return FeatureContribution(
        name=name, group=group, unit=unit, value=value if value is not None else 0.0, contribution=contribution
    )
