"""Records of trainings for tests of what is written of them, made by the code that makes real ones."""

from dataclasses import replace

import msgspec
import numpy as np

from foretick.common.contracts import DecisionKind, DecisionReason, ModelDecision
from foretick.predictor.domain.coverage import Held
from foretick.predictor.domain.documentation.dossier import Dossier
from foretick.predictor.domain.importance import Importance
from foretick.predictor.domain.publication import ModelIdentity, announce
from foretick.predictor.domain.record import Attempt, record_run
from foretick.predictor.domain.reliability import Calibration, Reliability
from foretick.predictor.domain.targets import targets_of
from foretick.predictor.domain.training import TrainingPlan
from foretick.predictor.domain.walk_forward import Fold
from foretick.quant.registry import SCHEMA_HASH, SCHEMA_ID

from ..models import trained_model

STEP_NS = 100_000_000
NAMES = ("spread_bps", "queue_imbalance_l1")
PLAN = TrainingPlan(7, STEP_NS, targets_of(5, (), ()), 0, NAMES)
IDENTITY = ModelIdentity(SCHEMA_ID, SCHEMA_HASH, NAMES, STEP_NS, 5, 7)
FIRST = 17_041_536_000  # 2024-01-02 00:00:00 in steps
POINTS = ((0.45, 0.5, 1_200), (0.65, 0.6, 300))
CALIBRATION = Calibration(1.5, Reliability(0.1, 0.6, 1.0, POINTS), Reliability(0.02, 0.5, 0.9, POINTS))


def fold(place, pool=0.9, rows=6_000):
    begin = FIRST + 4_000 + 2_000 * place
    return Fold(rows, 2_000, FIRST, begin - 400, begin, begin + 1_999, (1.0, 0.95), pool, 1.05, Held(1_000, 905))


def model(**changes):
    """Return a training whose walk-forward has three folds."""
    found = trained_model()
    walk = replace(found.walks[0], folds=changes.pop("folds", tuple(map(fold, range(3)))))
    fields = {
        "walks": (walk,),
        "calibration": CALIBRATION,
        "importance": Importance(np.array([0.1, 0.3]), np.array([0.2, 0.4])),
    }
    return trained_model(**(fields | changes))


def record(trained=None, attempts=(), schema_hash=SCHEMA_HASH):
    identity = replace(IDENTITY, schema_hash=schema_hash)
    return record_run(trained or model(), PLAN, identity, ("c0de" * 16, {"numpy": "2"}), list(attempts))


def dossier(trained=None, decided=True):
    """Return the dossier of a model that was promoted, rolled back and left alone."""
    trained = trained or model()
    told = record(trained, [Attempt(seed=5, faults=["log loss does not beat the prior"])])
    payload = msgspec.json.encode(told)
    announced = announce(trained, IDENTITY, 1_700_000_000_000_000_000, payload)
    return Dossier(record=told, model=announced, decisions=decisions_of(announced) if decided else [])


def decisions_of(announced):
    other = msgspec.structs.replace(announced, model_id="ensemble-1-other")

    def decision(kind, reason, about, champion, predecessor, second):
        return ModelDecision(
            name="ensemble", kind=kind, reason=reason, detail="a <b>detail</b> | of it", model_id=about,
            champion=champion, predecessor=predecessor, training_asked_ns=None, by="predictor.watch",
            statistics={"gain_nats": 0.01}, ts_ns=1_700_000_000_000_000_000 + second,
        )  # fmt: skip

    kinds, why = DecisionKind, DecisionReason
    return [
        decision(kinds.PROMOTED, why.NO_CHAMPION, other.model_id, other, None, 1),
        decision(kinds.PROMOTED, why.BETTER, announced.model_id, announced, other, 2),
        decision(kinds.TRAINING_ASKED, why.AGE, None, announced, other, 3),
        decision(kinds.ROLLED_BACK, why.WORSE, announced.model_id, other, None, 4),
    ]
