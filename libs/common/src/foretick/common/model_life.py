"""Which model is what, folded from announcements and decisions; and decisions that follow from the last one. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from foretick.common.contracts import DecisionKind, DecisionReason, ModelDecision, ModelPublished
from foretick.common.errors import Refused

FAMILY = "ensemble"


class ModelState(StrEnum):
    """Where a model is in its life. RETIRED: it served, or its trial is over; REFUSED: it could not be loaded."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    RETIRED = "retired"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model, its state, and the last decision about it (None: there was none yet)."""

    model: ModelPublished
    state: ModelState
    decision: ModelDecision | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be decided: about which model, what, why, by whom and on which figures."""

    kind: DecisionKind
    reason: DecisionReason
    detail: str
    by: str
    model: ModelPublished | None = None
    statistics: Mapping[str, float] | None = None


def survey(models: Sequence[ModelPublished], decisions: Sequence[ModelDecision]) -> list[ModelEntry]:
    """Return every model that is announced or serves, the newest first.

    A model about which nothing was decided is a challenger if it is younger than the champion, or there is none.
    """
    known = {model.model_id: model for model in models}
    about: dict[str, ModelDecision] = {}
    for decision in decisions:
        known |= {model.model_id: model for model in (decision.champion, decision.predecessor) if model}
        if decision.model_id is not None:
            about[decision.model_id] = decision
    champion = decisions[-1].champion if decisions else None
    newest_first = sorted(known.values(), key=lambda model: (model.ts_trained_ns, model.model_id), reverse=True)
    return [
        ModelEntry(model, _state_of(model, champion, about.get(model.model_id)), about.get(model.model_id))
        for model in newest_first
    ]


def follow(last: ModelDecision | None, verdict: Verdict, now_ns: int) -> ModelDecision:
    """Return the decision that comes after ``last``: who serves then, and whom a rollback would bring back.

    Raises:
        Refused: it promotes what serves already, or rolls back where nobody served before.
    """
    champion = last.champion if last else None
    predecessor = last.predecessor if last else None
    model = verdict.model
    if verdict.kind is DecisionKind.PROMOTED:
        if model is None or (champion and champion.model_id == model.model_id):
            raise Refused("already_champion", "that model is in service already")
        champion, predecessor = model, champion
    elif verdict.kind is DecisionKind.ROLLED_BACK:
        if predecessor is None or champion is None:
            raise Refused("no_predecessor", "no model served before this one", "promote another one by its id")
        model, champion, predecessor = champion, predecessor, None
    asked_ns = last.training_asked_ns if last else None
    ts_ns = max(now_ns, last.ts_ns + 1) if last else now_ns
    return ModelDecision(
        name=FAMILY,
        kind=verdict.kind,
        reason=verdict.reason,
        detail=verdict.detail,
        model_id=model.model_id if model else None,
        champion=champion,
        predecessor=predecessor,
        training_asked_ns=ts_ns if verdict.kind is DecisionKind.TRAINING_ASKED else asked_ns,
        by=verdict.by,
        statistics=dict(verdict.statistics or {}),
        ts_ns=ts_ns,
    )


def _state_of(model: ModelPublished, champion: ModelPublished | None, decision: ModelDecision | None) -> ModelState:
    if champion and model.model_id == champion.model_id:
        return ModelState.CHAMPION
    if decision is not None:
        is_unfit = decision.kind is DecisionKind.REFUSED and decision.reason is DecisionReason.UNFIT
        return ModelState.REFUSED if is_unfit else ModelState.RETIRED
    is_younger = champion is None or model.ts_trained_ns > champion.ts_trained_ns
    return ModelState.CHALLENGER if is_younger else ModelState.RETIRED
