"""The report of a contest as plain data: what is written as JSON, and what the page is drawn from."""

from typing import Any

import msgspec

from foretick.predictor.adapters.evaluation.inputs import Given
from foretick.predictor.adapters.learners.client import NAMES
from foretick.predictor.adapters.provenance.client import describe_build
from foretick.predictor.domain.contest.plan import EvaluationPlan
from foretick.predictor.domain.contest.run import Contest, Heat
from foretick.quant.scoring.bootstrap import LEVEL_FRAC

Document = dict[str, Any]


def build_document(plan: EvaluationPlan, pairs: list[tuple[Given, Given]], contest: Contest) -> Document:
    """Return the whole report."""
    return {
        "format": "foretick-evaluation",
        "version": 1,
        "plan": msgspec.to_builtins(plan),
        "made_with": describe_build(),
        "instruments": [
            {"trained_on": msgspec.to_builtins(train.head), "tested_on": msgspec.to_builtins(test.head)}
            for train, test in pairs
        ],
        "interval_frac": LEVEL_FRAC,
        "heats": [_heat(heat) for heat in contest.heats],
        "pooled": {str(horizon): msgspec.to_builtins(verdict) for horizon, verdict in contest.pooled.items()},
    }


def _heat(heat: Heat) -> Document:
    stack = heat.stack
    return {
        "instrument": heat.name,
        "horizon_events": heat.horizon_events,
        "train_rows": heat.train_rows,
        "test_rows": heat.test_rows,
        "missing_rows": heat.missing_rows,
        "features": heat.features,
        "flat_bps": heat.flat_bps,
        "class_shares": list(heat.class_shares),
        "member_shares": dict(zip(NAMES, stack.shares.tolist(), strict=True)),
        "member_log_loss_out_of_fold_nats": dict(zip(NAMES, stack.member_log_loss.tolist(), strict=True)),
        "log_loss_out_of_fold_nats": stack.log_loss,
        "temperature": stack.temperature,
        "verdict": msgspec.to_builtins(heat.verdict),
    }
