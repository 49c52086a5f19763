"""The report on the attainable edge as plain data: what is written as JSON, and what the page is drawn from."""

from collections.abc import Sequence
from typing import Any

import msgspec

from foretick.predictor.adapters.provenance.client import describe_build
from foretick.predictor.domain.edge.plan import EdgePlan
from foretick.predictor.domain.edge.run import HorizonEdge
from foretick.quant.scoring.bootstrap import LEVEL_FRAC

Document = dict[str, Any]


def build_edge_document(plan: EdgePlan, edges: Sequence[HorizonEdge]) -> Document:
    """Return the whole report."""
    return {
        "format": "foretick-edge",
        "version": 1,
        "plan": msgspec.to_builtins(plan),
        "made_with": describe_build(),
        "interval_frac": LEVEL_FRAC,
        "horizons": [msgspec.to_builtins(edge) for edge in edges],
    }
