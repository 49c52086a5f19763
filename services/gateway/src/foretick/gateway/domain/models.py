"""The models as clients are told: who serves and why, who is on trial, what has drifted; and their topic."""

from bisect import bisect_left

from foretick.common.contracts import (
    ContestState,
    Contract,
    DecisionKind,
    DecisionReason,
    FeatureDrift,
    ModelDecision,
    ModelLife,
    ModelPublished,
    Origin,
)
from foretick.common.subjects import MODEL_LIVES
from foretick.common.units import NS_PER_US, micros_from_nanos
from foretick.gateway.domain.channels import CHANNELS, SYSTEM
from foretick.gateway.domain.freshness import age_ms_of, is_stale
from foretick.gateway.domain.topic import Tally, Topic

TRAIL_KEPT = 64
"""Decisions that are kept, and read back at the start."""

_CHANGES = (DecisionKind.PROMOTED, DecisionKind.ROLLED_BACK)


class DecisionTold(Contract, frozen=True, kw_only=True, gc=False):
    """A decision over models; fields as on the bus. champion_id: who serves from it on."""

    kind: DecisionKind
    reason: DecisionReason
    detail: str
    model_id: str | None
    champion_id: str | None
    by: str
    statistics: dict[str, float]
    ts_us: int


class ModelsData(Contract, frozen=True, kw_only=True, gc=False):
    """Which model serves, why, and how its rivals do.

    age_ms: of what the watch last told of contests and drift; null where it told nothing yet. Who serves is true until
        it is decided otherwise
    champion_id, trained_us, trained_on, horizon_steps, parent_id, trigger: the model in service; null while there is
        none
    predecessor_id: what a rollback would bring back
    entry: the decision that put it in service; null where it lies further back than the trail that is kept
    decision: the last one, whatever it is about
    contests, drift_rows, drift, drift_compared, drift_alarms, loss_nats, loss_stretches, is_error_drift,
        failed_trainings, faults: as on the bus
    drift_looked_us, training_asked_us, training_due_us: wall clock, as on the bus; null: never
    """

    age_ms: int | None
    champion_id: str | None
    trained_us: int | None
    trained_on: Origin | None
    horizon_steps: int | None
    parent_id: str | None
    trigger: str | None
    predecessor_id: str | None
    entry: DecisionTold | None
    decision: DecisionTold | None
    contests: list[ContestState]
    drift_rows: int
    drift: list[FeatureDrift]
    drift_compared: int
    drift_alarms: int
    drift_looked_us: int | None
    loss_nats: float | None
    loss_stretches: int
    is_error_drift: bool
    training_asked_us: int | None
    training_due_us: int | None
    failed_trainings: int
    faults: list[str]


class ModelsAnswer(ModelsData, frozen=True, kw_only=True, gc=False):
    """The same, with what changes with the model alone.

    stale: of what the watch told
    reason: why it told nothing; empty otherwise
    trail: the latest decisions, the newest first
    importance: of the model in service, mean size of each input's contribution to P(up) - P(down) on unseen rows
    metrics: its exam's figures, each with its unit in its name
    """

    stale: bool
    reason: str
    trail: list[DecisionTold]
    importance: dict[str, float]
    metrics: dict[str, float]


class ModelView:
    """The latest decisions, and the last that the watch told."""

    def __init__(self, fanout: Tally) -> None:
        self.life: ModelLife | None = None
        self.topic = Topic(CHANNELS["models"], SYSTEM, SYSTEM, lambda: self._data, fanout)
        self._trail: list[ModelDecision] = []
        self._data: ModelsData | None = None
        self._arrived_ns = 0

    @property
    def champion(self) -> ModelPublished | None:
        """The model that serves by the last decision."""
        return self._trail[-1].champion if self._trail else None

    def fold_decision(self, decision: ModelDecision, arrived_ns: int) -> None:
        """Take a decision into its place on the trail, once; the topic tells it."""
        place = bisect_left(self._trail, decision.ts_ns, key=lambda one: one.ts_ns)
        if place < len(self._trail) and self._trail[place].ts_ns == decision.ts_ns:
            return
        self._trail.insert(place, decision)
        del self._trail[:-TRAIL_KEPT]
        self._tell(decision.ts_ns, arrived_ns)

    def fold_life(self, life: ModelLife, arrived_ns: int) -> None:
        """Take what the watch tells; the topic tells it."""
        self.life, self._arrived_ns = life, arrived_ns
        self._tell(life.ts_ns, arrived_ns)

    def answer(self, now_ns: int) -> ModelsAnswer:
        """Return the models with the age of what is told of their contests."""
        data, champion = self._make_data(now_ns), self.champion
        return ModelsAnswer(
            **{name: getattr(data, name) for name in ModelsData.__struct_fields__},
            stale=is_stale(data.age_ms, MODEL_LIVES.ttl_ms),
            reason="" if self.life else "predictor.watch has told nothing yet",
            trail=[_told(decision) for decision in reversed(self._trail)],
            importance=champion.importance if champion else {},
            metrics=champion.metrics if champion else {},
        )

    def _tell(self, ts_ns: int, arrived_ns: int) -> None:
        """Publish under the instant of what was told, which any gateway counts alike; never one twice."""
        seq = ts_ns // NS_PER_US
        if self.topic.seq is not None:
            seq = max(seq, self.topic.seq + 1)
        self._data = self._make_data(arrived_ns)
        self.topic.publish(0, seq, self._data, arrived_ns)

    def _make_data(self, now_ns: int) -> ModelsData:
        last = self._trail[-1] if self._trail else None
        life, champion = self.life, self.champion
        return ModelsData(
            age_ms=age_ms_of(self._arrived_ns, now_ns) if life else None,
            champion_id=champion.model_id if champion else None,
            trained_us=micros_from_nanos(champion.ts_trained_ns) if champion else None,
            trained_on=champion.trained_on if champion else None,
            horizon_steps=champion.horizon_steps if champion else None,
            parent_id=champion.parent_id if champion else None,
            trigger=champion.trigger if champion else None,
            predecessor_id=last.predecessor.model_id if last and last.predecessor else None,
            entry=self._entry(),
            decision=_told(last) if last else None,
            contests=life.contests if life else [],
            drift_rows=life.drift_rows if life else 0,
            drift=life.drift if life else [],
            drift_compared=life.drift_compared if life else 0,
            drift_alarms=life.drift_alarms if life else 0,
            drift_looked_us=_micros(life.drift_looked_ns) if life else None,
            loss_nats=life.loss_nats if life else None,
            loss_stretches=life.loss_stretches if life else 0,
            is_error_drift=life is not None and life.is_error_drift,
            training_asked_us=_micros(last.training_asked_ns) if last else None,
            training_due_us=_micros(life.training_due_ns) if life else None,
            failed_trainings=life.failed_trainings if life else 0,
            faults=life.faults if life else [],
        )

    def _entry(self) -> DecisionTold | None:
        changes = (decision for decision in reversed(self._trail) if decision.kind in _CHANGES)
        entry = next(changes, None)
        return _told(entry) if entry else None


def _told(decision: ModelDecision) -> DecisionTold:
    return DecisionTold(
        kind=decision.kind,
        reason=decision.reason,
        detail=decision.detail,
        model_id=decision.model_id,
        champion_id=decision.champion.model_id if decision.champion else None,
        by=decision.by,
        statistics=decision.statistics,
        ts_us=micros_from_nanos(decision.ts_ns),
    )


def _micros(ts_ns: int | None) -> int | None:
    return None if ts_ns is None else micros_from_nanos(ts_ns)
