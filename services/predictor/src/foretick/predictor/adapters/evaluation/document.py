"""The report of a contest as plain data: what is written as JSON, and what the page is drawn from."""

from typing import Any

import msgspec

from foretick.predictor.adapters.evaluation.inputs import Given
from foretick.predictor.adapters.learners.client import NAMES
from foretick.predictor.adapters.provenance.client import describe_build
from foretick.predictor.domain.contest.plan import EvaluationPlan
from foretick.predictor.domain.contest.run import Contest, Heat, Together
from foretick.quant.scoring.bootstrap import LEVEL_FRAC

Document = dict[str, Any]

MEMBERS = (*NAMES, "queue_imbalance")
"""Of the ensemble of a contest, in the order of their shares."""


def build_document(plan: EvaluationPlan, pairs: list[tuple[Given, Given]], contest: Contest) -> Document:
    """Return the whole report."""
    return {
        "format": "foretick-evaluation",
        "version": 2,
        "plan": msgspec.to_builtins(plan),
        "made_with": describe_build(),
        "instruments": [
            {"trained_on": msgspec.to_builtins(train.head), "tested_on": msgspec.to_builtins(test.head)}
            for train, test in pairs
        ],
        "interval_frac": LEVEL_FRAC,
        "heats": [_heat(heat) for heat in contest.heats],
        "ensembles": {str(horizon): _ensemble(together) for horizon, together in contest.pooled.items()},
        "pooled": {str(horizon): msgspec.to_builtins(each.verdict) for horizon, each in contest.pooled.items()},
    }


def _ensemble(together: Together) -> Document:
    stack = together.stack
    return {
        "features": together.features,
        "member_shares": dict(zip(MEMBERS, stack.shares.tolist(), strict=True)),
        "member_log_loss_out_of_fold_nats": dict(zip(MEMBERS, stack.member_log_loss.tolist(), strict=True)),
        "log_loss_out_of_fold_nats": stack.log_loss,
        "temperature": stack.temperature,
    }


def _heat(heat: Heat) -> Document:
    return {
        "instrument": heat.name,
        "horizon_events": heat.horizon_events,
        "train_rows": heat.train_rows,
        "test_rows": heat.test_rows,
        "missing_rows": heat.missing_rows,
        "flat_bps": heat.flat_bps,
        "class_shares": list(heat.class_shares),
        "verdict": msgspec.to_builtins(heat.verdict),
    }
