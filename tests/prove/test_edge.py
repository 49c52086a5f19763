"""The share of the attainable edge at full size: the shipped plan, and its control that knows nothing.

The oracle's edge must be real at every horizon, and no ensemble captures more than there is; that of the served horizon
captures a part of it, both ways of counting, each by an interval. The control is the same pipeline on returns that
belong to other rows: in result it has a share of 0 within the interval, in log loss none (a model of noise is a little
worse than the prior).
"""

from dataclasses import replace

from msgspec import structs
from services.predictor.tests.adapters.test_training_run import Altered, shuffle

from foretick.predictor.adapters.edge.parts import build_parts
from foretick.predictor.adapters.evaluation.inputs import read_plan
from foretick.predictor.domain.edge.plan import EdgePlan, faults_of_edge_plan
from foretick.predictor.domain.edge.run import run_edge
from foretick.predictor.domain.edge.verdict import ENSEMBLE, ORACLE, PRIOR
from foretick.quant.scoring.bootstrap import Interval

from .conftest import tell

SERVED_STEPS = 5
PLAN = read_plan(None, "foretick.predictor.adapters.edge", EdgePlan, faults_of_edge_plan)


def said(interval: Interval) -> str:
    return f"{interval.value:.4f} [{interval.low:.4f}, {interval.high:.4f}]"


class Told:
    """Prints each stage when it begins."""

    def __init__(self) -> None:
        self.stage = ""

    def __call__(self, stage: str, done: float) -> None:
        if stage != self.stage:
            tell(f"{done:4.0%}  {stage}")
        self.stage = stage


def test_ensemble_captures_a_part_of_what_the_oracle_knows() -> None:
    tell("")
    for edge in run_edge(PLAN, build_parts(PLAN, 2), Told()):
        scores = edge.together.scores
        ours, oracle = scores[ENSEMBLE], scores[ORACLE]
        tell(f"{edge.horizon_steps} steps: prior {said(scores[PRIOR].log_loss)}, ensemble {said(ours.log_loss)}, "
             f"oracle {said(oracle.log_loss)}, share {said(ours.log_loss_share)}; result {said(ours.gross_bps)} of "
             f"{said(oracle.gross_bps)} bps, share {said(ours.gross_share)}")  # fmt: skip
        assert edge.together.attainable_nats.is_positive
        assert oracle.gross_bps.is_positive
        assert oracle.calibration_error.value < 0.02
        assert max(ours.log_loss_share.high, ours.gross_share.high) < 1.0
        if edge.horizon_steps == SERVED_STEPS:
            assert edge.faults == ()
            assert min(ours.log_loss_share.low, ours.gross_share.low) > 0.0


def test_control_shuffled_returns_teach_nothing() -> None:
    tell("")
    plan = structs.replace(PLAN, judged_seeds=PLAN.judged_seeds[:1])
    parts = build_parts(plan, 2)
    parts = replace(parts, history=Altered(parts.history, shuffle))
    for edge in run_edge(plan, parts, Told()):
        ours = edge.together.scores[ENSEMBLE]
        tell(f"{edge.horizon_steps} steps: share {said(ours.log_loss_share)}, of the result {said(ours.gross_share)}")
        assert not ours.log_loss_share.is_positive
        assert ours.gross_share.low < 0.0 < ours.gross_share.high
