"""The life of the models: which one serves, why, and how its rivals do."""

from enum import StrEnum

from foretick.common.contracts._base import Contract
from foretick.common.contracts.predictions import ModelPublished


class DecisionKind(StrEnum):
    """What was decided. PROMOTED and ROLLED_BACK change who serves; the others do not."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"
    TRAINING_ASKED = "training_asked"


class DecisionReason(StrEnum):
    """Why it was decided.

    NO_CHAMPION: nobody served, or nobody who fits the features, step and horizon; BETTER, WORSE: by the sequential
    test, than the model in service or the one before it; NOT_BETTER: its trial ended without a proof; OUTNUMBERED:
    newer challengers took its place; UNFIT: it cannot be loaded here; NOT_SERVED: no process predicts with it;
    OPERATOR: a person said so; AGE, FEATURE_DRIFT, ERROR_DRIFT: of the model in service
    """

    NO_CHAMPION = "no_champion"
    BETTER = "better"
    WORSE = "worse"
    NOT_BETTER = "not_better"
    OUTNUMBERED = "outnumbered"
    UNFIT = "unfit"
    NOT_SERVED = "not_served"
    OPERATOR = "operator"
    AGE = "age"
    FEATURE_DRIFT = "feature_drift"
    ERROR_DRIFT = "error_drift"


class ModelDecision(Contract, frozen=True, kw_only=True, gc=False):
    """One entry of the audit trail of a model family. The last one says all that those who serve and train must know.

    name: the model family; the subject is ``model_decisions.<name>``
    kind, reason, detail: what was decided and why; the detail is for people
    model_id: the model that it is about; null for a training
    champion: the model that serves from this decision on, as it was announced; null while there is none
    predecessor: the one that served before it, which a rollback brings back; null when there is none
    training_asked_ns: when a training was last asked for, wall clock; null if never
    by: the process, or ``operator`` with the name of who it was
    statistics: what the reason rests on, each with its unit in its name
    ts_ns: wall clock of the decision, later than that of the one before
    """

    name: str
    kind: DecisionKind
    reason: DecisionReason
    detail: str
    model_id: str | None
    champion: ModelPublished | None
    predecessor: ModelPublished | None
    training_asked_ns: int | None
    by: str
    statistics: dict[str, float]
    ts_ns: int


class ContestState(Contract, frozen=True, kw_only=True, gc=False):
    """How a model in shadow does against the champion.

    is_predecessor: it served before the champion, and would come back; else it is a challenger
    blocks: stretches of time that were compared, each with its own outcomes
    gain_nats: mean of champion's minus its log loss; positive: it is better
    evidence: for "it is better", an e-value; against_evidence: for "it is worse"; each counts from ``needed`` on
    disputed_frac: share of outcomes left out because the two models' flat thresholds class them differently
    blocks_most: after so many without a proof it is over; 0 from a producer that did not tell
    """

    model_id: str
    is_predecessor: bool
    blocks: int
    gain_nats: float
    evidence: float
    against_evidence: float
    needed: float
    disputed_frac: float
    blocks_most: int = 0


class FeatureDrift(Contract, frozen=True, kw_only=True, gc=False):
    """How far a feature's recent values are from those that the champion was trained on.

    psi, ks: population stability index, and the largest distance of the two distribution functions
    psi_limit, ks_limit: above both of them it is an alarm
    """

    name: str
    psi: float
    psi_limit: float
    ks: float
    ks_limit: float
    is_alarm: bool


class ModelLife(Contract, frozen=True, kw_only=True, gc=False):
    """What ``predictor.watch`` sees of a model family.

    name: the family; the subject is ``model_life.<name>``
    champion_id, champion_age_s: of the model in service; null while there is none
    contests: the models in shadow
    drift_rows: vectors in the sliding window; 0 while there is nothing to compare with, which ``faults`` then says
    drift: the features that are furthest off, the worst first; drift_compared, drift_alarms: how many were looked at,
        and are an alarm, also of those that are not in the list
    drift_looked_ns: wall clock of that look; null before the first
    loss_nats, is_error_drift: recent log loss by ADWIN's window, and whether it has risen by more than chance
    loss_stretches: numbers that ADWIN has taken for the champion, each the mean of a stretch of time
    training_asked_ns, failed_trainings: as known here; each failure doubles the wait
    training_due_ns: when the next training is asked for, for nothing but age; null: never
    faults: what keeps a model from being judged or served, for people
    """

    name: str
    champion_id: str | None
    champion_age_s: float | None
    contests: list[ContestState]
    drift_rows: int
    drift: list[FeatureDrift]
    loss_nats: float | None
    is_error_drift: bool
    training_asked_ns: int | None
    failed_trainings: int
    faults: list[str]
    ts_ns: int
    drift_compared: int = 0
    drift_alarms: int = 0
    drift_looked_ns: int | None = None
    loss_stretches: int = 0
    training_due_ns: int | None = None
