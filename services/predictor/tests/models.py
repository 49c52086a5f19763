"""Finished trainings for tests of what is done with them."""

import numpy as np

from foretick.common.contracts import Origin
from foretick.predictor.domain.coverage import Held
from foretick.predictor.domain.evaluation import Evaluation, Gain
from foretick.predictor.domain.gate import Parity
from foretick.predictor.domain.importance import Importance
from foretick.predictor.domain.life.window import Reference
from foretick.predictor.domain.publication import DataUsed, TrainedModel
from foretick.predictor.domain.reliability import Calibration, Reliability
from foretick.predictor.domain.stacking import Stack
from foretick.predictor.domain.strata import Strata, Stratum
from foretick.predictor.domain.targets import targets_of
from foretick.predictor.domain.walk_forward import Walk

GOOD, NONE = Gain(0.1, 0.05, 0.15), Gain(0.0, -0.01, 0.01)
CALIBRATION = Calibration(1.5, Reliability(0.1, 0.6, 1.0), Reliability(0.02, 0.5, 0.9))
STRATUM = Stratum(100, 0.9, 1.0, 0.6, 0.02, Held(80, 72))
STRATA = Strata({"calm_choppy": STRATUM}, {"A": STRATUM})


def evaluation_of(gain):
    return Evaluation(10_000, 40, 0.9, 1.0, 0.6, 0.5, gain, gain)


def trained_model(**changes):
    """Return a sound model of members a and b, with ``changes`` to its fields."""
    shares = np.array([0.25, 0.75])
    stack = Stack(shares, 1.0, np.array([1.0, 0.9]), 0.88, 0.88)
    blank = np.zeros((2, 0, 3))
    walk = Walk(targets_of(5, (), ())[0], (), blank, np.zeros(0, np.int64), np.zeros(0), stack, 1.0, ())
    fields = {
        "graph": b"graph", "member_names": ("a", "b"), "weights": shares, "prior": np.array([0.25, 0.5, 0.25]),
        "flat_bps": {"A": 0.5, "*": 0.5}, "rows": 9, "parity": Parity(100_000, 1e-7, 0),
        "kernel_parity": Parity(20_000, 1e-7, 0), "latency_us": 20.0, "evaluation": evaluation_of(GOOD),
        "control": evaluation_of(NONE), "calibration": CALIBRATION, "walks": (walk,), "leaks": (), "ledger": (),
        "sizes": {}, "importance": Importance(np.array([0.1, 0.3]), np.array([0.2, 0.4])),
        "reference": Reference(feature_names=[], edges=[], shares=[], rows=[], effective_rows=[], seed=1),
        "strata": STRATA, "data": DataUsed(Origin.SIM, {"kind": "simulation"}, "a" * 64, "b" * 64, (), (), ()),
    }  # fmt: skip
    return TrainedModel(**(fields | changes))
