"""Decides over the models' life: who serves, who is on trial, who is trained. One decision at a time, each recorded."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from foretick.common.clock import Clock
from foretick.common.contracts import (
    DecisionKind,
    DecisionReason,
    FeatureDrift,
    ModelDecision,
    ModelLife,
    ModelPublished,
)
from foretick.common.errors import Refused, Transient
from foretick.common.model_life import FAMILY, ModelEntry, ModelState, Verdict, follow, survey
from foretick.common.units import NS_PER_S
from foretick.predictor.domain.admission import ServingTerms, faults_of_terms
from foretick.predictor.domain.ledger import Ledger
from foretick.predictor.domain.life.duel import Duel, DuelTerms, Finding
from foretick.predictor.domain.life.error_drift import ErrorDrift
from foretick.predictor.domain.life.retraining import (
    Schedule,
    Situation,
    due_by_age_ns,
    failures_of,
    reason_to_train,
)
from foretick.predictor.domain.life.service_check import ServiceCheck
from foretick.predictor.domain.life.window import DriftWindow
from foretick.predictor.domain.predicting import Sender
from foretick.predictor.domain.track_record import Terms
from foretick.predictor.handlers.shadowing import Contestant, ShadowHandler
from foretick.predictor.ports import LifeMeters, Log, ModelLoader, References, ServedModel, Trail

MOST_CHALLENGERS = 3
_SHOWN_FEATURES = 8
_DRIFT_S = 60.0


@dataclass(frozen=True, slots=True)
class WatchTerms:
    """The settings of the watch.

    serving: what a model has to fit; trial, probation: of a challenger, and of the model that served before
    records: what the track records of models in shadow are kept by
    window_s: length of the sliding window of drift; calendar: features that are the time of day or week, which a window
        that is shorter never has all of; make_errors: a fresh detector for a new champion; by: who decides
    """

    serving: ServingTerms
    trial: DuelTerms
    probation: DuelTerms
    records: Terms
    schedule: Schedule
    window_s: float
    calendar: frozenset[str]
    make_errors: Callable[[], ErrorDrift]
    by: str


@dataclass(slots=True)
class _Seen:
    """What one look at the trail found."""

    models: list[ModelPublished]
    decisions: list[ModelDecision]
    place: int
    entries: list[ModelEntry]
    faults: list[str] = field(default_factory=list[str])

    @property
    def last(self) -> ModelDecision | None:
        return self.decisions[-1] if self.decisions else None

    @property
    def champion(self) -> ModelPublished | None:
        return self.last.champion if self.last else None

    @property
    def predecessor(self) -> ModelPublished | None:
        return self.last.predecessor if self.last else None

    @property
    def training_asked_ns(self) -> int | None:
        return self.last.training_asked_ns if self.last else None

    @property
    def failed_trainings(self) -> int:
        return failures_of(self.decisions, self.models)


@dataclass(slots=True)
class Watch:
    """Looks at the trail every few seconds, and at once when something was announced or decided.

    Everything that it decides follows from the trail and from what the shadow has heard; a restart begins the contests
    anew, which costs time and no soundness. Two of them would decide once: a decision is recorded only after the one it
    was made on.
    """

    terms: WatchTerms
    trail: Trail
    loader: ModelLoader
    references: References
    shadow: ShadowHandler
    tell: Callable[[ModelLife], Awaitable[None]]
    meters: LifeMeters
    clock: Clock
    log: Log
    _loaded: dict[str, ServedModel] = field(default_factory=dict[str, ServedModel], init=False)
    _drift: list[FeatureDrift] = field(default_factory=list[FeatureDrift], init=False)
    _drift_ns: int = field(default=0, init=False)

    async def look(self) -> ModelLife:
        """Decide whatever is due, tell the state, and return it.

        Raises:
            Transient: the bus is away.
        """
        seen = await self._see()
        while (verdict := await self._next_verdict(seen)) is not None:
            await self._record(verdict, seen)
            seen = await self._see()
        life = self._life(seen)
        self.meters.lives(life)
        await self.tell(life)
        return life

    async def _see(self) -> _Seen:
        models, decisions, place = await self.trail.read()
        seen = _Seen(models, decisions, place, survey(models, decisions))
        self._take_champion(seen)
        return seen

    async def _record(self, verdict: Verdict, seen: _Seen) -> None:
        decision = follow(seen.last, verdict, self.clock.now_ns())
        if not await self.trail.record(decision, seen.place):
            self.log.info("decided elsewhere", reason=verdict.reason.value)
            return
        self.meters.decided(decision)
        told = self.log.info if decision.kind is DecisionKind.PROMOTED else self.log.warning
        told(
            decision.kind.value, reason=decision.reason.value, model_id=decision.model_id, detail=decision.detail,
            champion=decision.champion.model_id if decision.champion else None, **decision.statistics,
        )  # fmt: skip

    def _take_champion(self, seen: _Seen) -> None:
        """Begin anew with whoever serves now: its contests, its errors, its drift, and the check that it does serve."""
        champion, shadow = seen.champion, self.shadow
        if champion == shadow.champion:
            return
        shadow.champion = champion
        shadow.contestants = {}
        shadow.window = None
        self._drift, self._drift_ns = [], 0
        shadow.errors = self.terms.make_errors() if champion else None
        shadow.service = ServiceCheck(champion.model_id, self.clock.now_ns()) if champion else None
        kept = {model.model_id for model in (champion, seen.predecessor) if model}
        self._loaded = {name: model for name, model in self._loaded.items() if name in kept}

    async def _next_verdict(self, seen: _Seen) -> Verdict | None:
        champion = seen.champion
        if champion is None or faults_of_terms(champion, self.terms.serving):
            return await self._fill_the_place(seen) or self._ask_for_training(seen)
        await self._begin_drift(seen, champion)
        return (
            self._check_service(seen)
            or await self._admit(seen)
            or self._judge(seen)
            or self._ask_for_training(seen)
        )  # fmt: skip

    async def _fill_the_place(self, seen: _Seen) -> Verdict | None:
        """Nobody serves, or nobody who can: the newest model that fits comes in without a trial."""
        for entry in seen.entries:
            if entry.state is ModelState.REFUSED or entry.model == seen.champion:
                continue
            if faults_of_terms(entry.model, self.terms.serving):
                continue
            verdict = await self._load(entry.model, seen)
            if verdict is not None:
                return verdict
            if entry.model.model_id in self._loaded:
                return self._verdict(
                    DecisionKind.PROMOTED, DecisionReason.NO_CHAMPION, "no model that fits was in service", entry.model
                )
        seen.faults.append("no model that can serve here is in the store")
        return None

    def _check_service(self, seen: _Seen) -> Verdict | None:
        service = self.shadow.service
        if service is None or not service.is_broken(self.clock.now_ns()):
            return None
        said = f"{service.others} predictions since its promotion, none by it"
        predecessor = seen.predecessor
        if predecessor is None or faults_of_terms(predecessor, self.terms.serving):
            seen.faults.append(f"the champion is not served and nothing is there to roll back to: {said}")
            return None
        figures = {"predictions_by_others": float(service.others), "patience_s": service.patience_s}
        return self._verdict(DecisionKind.ROLLED_BACK, DecisionReason.NOT_SERVED, said, statistics=figures)

    async def _admit(self, seen: _Seen) -> Verdict | None:
        """Bring challengers and the predecessor into the shadow; refuse what cannot be there."""
        challengers = [entry.model for entry in seen.entries if entry.state is ModelState.CHALLENGER]
        for model in challengers:
            if faults := faults_of_terms(model, self.terms.serving):
                return self._refuse(model, DecisionReason.UNFIT, "; ".join(faults))
        for model in challengers[MOST_CHALLENGERS:]:
            return self._refuse(model, DecisionReason.OUTNUMBERED, f"{MOST_CHALLENGERS} newer ones are on trial")
        for model in challengers:
            verdict = await self._load(model, seen)
            if verdict is not None:
                return verdict
            self._enter(model, self.terms.trial, is_predecessor=False)
        if seen.predecessor and not faults_of_terms(seen.predecessor, self.terms.serving):
            await self._load(seen.predecessor, seen)
            self._enter(seen.predecessor, self.terms.probation, is_predecessor=True)
        return None

    def _enter(self, model: ModelPublished, terms: DuelTerms, *, is_predecessor: bool) -> None:
        loaded = self._loaded.get(model.model_id)
        if loaded is None or model.model_id in self.shadow.contestants:
            return
        duel = Duel(model.model_id, model.horizon_steps, terms)
        ledger = Ledger(Sender(self.terms.by, 0), self.terms.records)
        self.shadow.contestants[model.model_id] = Contestant(loaded, duel, is_predecessor, ledger)
        self.log.info("in shadow", model_id=model.model_id, is_predecessor=is_predecessor)

    def _judge(self, seen: _Seen) -> Verdict | None:
        models = {entry.model.model_id: entry.model for entry in seen.entries}
        for name, contestant in list(self.shadow.contestants.items()):
            finding, figures = contestant.duel.finding, contestant.duel.statistics()
            said = f"{figures['gain_nats']:.5f} nats a prediction better over {figures['blocks']:.0f} blocks"
            if finding is Finding.OPEN or (contestant.is_predecessor and finding is not Finding.BETTER):
                continue
            del self.shadow.contestants[name]
            if contestant.is_predecessor:
                told = f"{name}, which it replaced, is {said}"
                return self._verdict(DecisionKind.ROLLED_BACK, DecisionReason.WORSE, told, statistics=figures)
            if finding is Finding.BETTER:
                return self._verdict(DecisionKind.PROMOTED, DecisionReason.BETTER, said, models[name], figures)
            why = "proven worse" if finding is Finding.WORSE else "not proven better in its time"
            return self._refuse(models[name], DecisionReason.NOT_BETTER, f"{why}: {said}", figures)
        return None

    def _ask_for_training(self, seen: _Seen) -> Verdict | None:
        drifted = [one.name for one in self._look_at_drift() if one.is_alarm]
        errors = self.shadow.errors
        situation = Situation(
            newest=self._newest_fitting(seen),
            feature_drift=tuple(drifted),
            is_error_drift=errors is not None and errors.is_alarm,
        )
        failures = seen.failed_trainings
        due = reason_to_train(
            situation, self.terms.schedule, seen.training_asked_ns, failures, self.clock.now_ns()
        )  # fmt: skip
        if due is None:
            return None
        figures = {"failed_trainings": float(failures), "drifted_features": float(len(drifted))}
        return self._verdict(DecisionKind.TRAINING_ASKED, due[0], due[1], statistics=figures)

    def _newest_fitting(self, seen: _Seen) -> ModelPublished | None:
        fitting = [entry.model for entry in seen.entries if not faults_of_terms(entry.model, self.terms.serving)]
        return max(fitting, key=lambda model: model.ts_trained_ns, default=None)

    def _look_at_drift(self) -> list[FeatureDrift]:
        """Compare the window with training, once a minute: it costs some tenths of a second and changes slowly."""
        window, now_ns = self.shadow.window, self.clock.now_ns()
        if window is not None and now_ns - self._drift_ns >= _DRIFT_S * NS_PER_S:
            self._drift, self._drift_ns = window.look(), now_ns
        return self._drift

    async def _load(self, model: ModelPublished, seen: _Seen) -> Verdict | None:
        """Have ``model`` in memory; return the refusal where it cannot be. A store that is away is asked again."""
        if model.model_id in self._loaded:
            return None
        try:
            self._loaded[model.model_id] = await self.loader.load(model)
        except Refused as refusal:
            return self._refuse(model, DecisionReason.UNFIT, f"{refusal.code}: {refusal.message}")
        except Transient as trouble:
            seen.faults.append(f"{model.model_id} cannot be loaded now: {trouble}")
        return None

    async def _begin_drift(self, seen: _Seen, champion: ModelPublished) -> None:
        """Have a window of vectors to compare with the champion's training; where it cannot be had, say so."""
        if self.shadow.window is not None:
            return
        try:
            reference = await self.references.fetch(champion)
        except (Refused, Transient) as trouble:
            seen.faults.append(f"drift of features is not watched: {trouble}")
            return
        columns = self.terms.serving.columns_of(champion)
        self.shadow.window = DriftWindow(reference, columns, self.terms.window_s, left_out=self.terms.calendar)

    def _refuse(
        self, model: ModelPublished, reason: DecisionReason, detail: str, statistics: dict[str, float] | None = None
    ) -> Verdict:
        return self._verdict(DecisionKind.REFUSED, reason, detail, model, statistics)

    def _verdict(
        self, kind: DecisionKind, reason: DecisionReason, detail: str,
        model: ModelPublished | None = None, statistics: dict[str, float] | None = None,
    ) -> Verdict:  # fmt: skip
        return Verdict(kind, reason, detail, self.terms.by, model, statistics)

    def _life(self, seen: _Seen) -> ModelLife:
        now_ns, champion, shadow = self.clock.now_ns(), seen.champion, self.shadow
        contests: Sequence[Contestant] = list(shadow.contestants.values())
        asked_ns, failures = seen.training_asked_ns, seen.failed_trainings
        return ModelLife(
            name=FAMILY,
            champion_id=champion.model_id if champion else None,
            champion_age_s=(now_ns - champion.ts_trained_ns) / NS_PER_S if champion else None,
            contests=[one.duel.state(is_predecessor=one.is_predecessor) for one in contests],
            drift_rows=len(shadow.window) if shadow.window else 0,
            drift=self._drift[:_SHOWN_FEATURES],
            loss_nats=shadow.errors.loss_nats if shadow.errors else None,
            is_error_drift=shadow.errors is not None and shadow.errors.is_alarm,
            training_asked_ns=asked_ns,
            failed_trainings=failures,
            faults=seen.faults,
            ts_ns=now_ns,
            drift_compared=len(self._drift),
            drift_alarms=sum(one.is_alarm for one in self._drift),
            drift_looked_ns=self._drift_ns or None,
            loss_stretches=shadow.errors.stretches if shadow.errors else 0,
            training_due_ns=due_by_age_ns(self._newest_fitting(seen), self.terms.schedule, asked_ns, failures),
        )
