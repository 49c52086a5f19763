"""The models as clients are told: who serves and why, who is on trial, what has drifted."""

from foretick.common.contracts import (
    ContestState,
    Contract,
    DecisionKind,
    DecisionReason,
    FeatureDrift,
    ModelDecision,
    ModelLife,
    ModelPublished,
)
from foretick.common.subjects import MODEL_LIVES
from foretick.common.units import micros_from_nanos
from foretick.gateway.domain.freshness import age_ms_of, is_stale


class DecisionTold(Contract, frozen=True, kw_only=True, gc=False):
    """The last decision over models; fields as on the bus."""

    kind: DecisionKind
    reason: DecisionReason
    detail: str
    model_id: str | None
    by: str
    statistics: dict[str, float]
    ts_us: int


class ModelsAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """Which model serves, why, and how its rivals do.

    age_ms, stale: of what the watch last told of contests and drift; who serves is true until it is decided otherwise
    reason: why nothing was told; empty otherwise
    champion_id, trained_us, parent_id, trigger: the model in service; null while there is none
    predecessor_id: what a rollback would bring back
    contests, drift_rows, drift, loss_nats, is_error_drift, failed_trainings, faults: as on the bus
    """

    age_ms: int | None
    stale: bool
    reason: str
    champion_id: str | None
    trained_us: int | None
    parent_id: str | None
    trigger: str | None
    predecessor_id: str | None
    decision: DecisionTold | None
    contests: list[ContestState]
    drift_rows: int
    drift: list[FeatureDrift]
    loss_nats: float | None
    is_error_drift: bool
    failed_trainings: int
    faults: list[str]


class ModelView:
    """The last decision, and the last that the watch told."""

    def __init__(self) -> None:
        self._decision: ModelDecision | None = None
        self._life: ModelLife | None = None
        self._arrived_ns = 0

    @property
    def champion(self) -> ModelPublished | None:
        """The model that serves by the last decision."""
        return self._decision.champion if self._decision else None

    def fold_decision(self, decision: ModelDecision, _arrived_ns: int) -> None:
        """Take a decision, unless it is older than the last."""
        if self._decision is None or decision.ts_ns >= self._decision.ts_ns:
            self._decision = decision

    def fold_life(self, life: ModelLife, arrived_ns: int) -> None:
        """Take what the watch tells."""
        self._life, self._arrived_ns = life, arrived_ns

    def answer(self, now_ns: int) -> ModelsAnswer:
        """Return the models with the age of what is told of their contests."""
        decision, life, champion = self._decision, self._life, self.champion
        age_ms = age_ms_of(self._arrived_ns, now_ns) if life else None
        return ModelsAnswer(
            age_ms=age_ms,
            stale=is_stale(age_ms, MODEL_LIVES.ttl_ms),
            reason="" if life else "predictor.watch has told nothing yet",
            champion_id=champion.model_id if champion else None,
            trained_us=micros_from_nanos(champion.ts_trained_ns) if champion else None,
            parent_id=champion.parent_id if champion else None,
            trigger=champion.trigger if champion else None,
            predecessor_id=decision.predecessor.model_id if decision and decision.predecessor else None,
            decision=_told(decision) if decision else None,
            contests=life.contests if life else [],
            drift_rows=life.drift_rows if life else 0,
            drift=life.drift if life else [],
            loss_nats=life.loss_nats if life else None,
            is_error_drift=life is not None and life.is_error_drift,
            failed_trainings=life.failed_trainings if life else 0,
            faults=life.faults if life else [],
        )


def _told(decision: ModelDecision) -> DecisionTold:
    return DecisionTold(
        kind=decision.kind,
        reason=decision.reason,
        detail=decision.detail,
        model_id=decision.model_id,
        by=decision.by,
        statistics=decision.statistics,
        ts_us=micros_from_nanos(decision.ts_ns),
    )
