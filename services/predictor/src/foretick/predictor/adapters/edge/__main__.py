"""``python -m foretick.predictor.adapters.edge --out DIR``: what the ensemble captures of the simulator's edge.

Told as JSON lines; ``foretick evaluate --simulated`` starts it. Each has ``event``: ``progress``, ``finished`` with
files and shares, or ``failed`` with ``message`` and ``hint``. Exit code 0, or 2: it cannot be done as asked.
"""

import argparse
import json
import sys
from pathlib import Path

from foretick.common.errors import Malformed
from foretick.common.runtime.step_lines import run_step, tell
from foretick.predictor.adapters.edge.document import Document, build_edge_document
from foretick.predictor.adapters.edge.page import render_edge_page
from foretick.predictor.adapters.edge.parts import build_parts
from foretick.predictor.adapters.evaluation.inputs import read_plan
from foretick.predictor.adapters.provenance.client import hash_code
from foretick.predictor.domain.edge.plan import EdgePlan, faults_of_edge_plan
from foretick.predictor.domain.edge.run import run_edge
from foretick.predictor.domain.edge.verdict import ENSEMBLE, ORACLE, PRIOR


def main() -> int:
    """Run once; return the exit code."""
    parser = argparse.ArgumentParser(prog="foretick.predictor.adapters.edge", description=__doc__)
    parser.add_argument("--plan", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    hints: dict[type[Exception], str] = {
        Malformed: "correct the plan",
        ValueError: "give a plan with longer markets",
    }
    return run_step(lambda: _run(options), hints)


def _run(options: argparse.Namespace) -> None:
    hash_code()  # what runs is what is there now
    plan = read_plan(options.plan, __package__ or "", EdgePlan, faults_of_edge_plan)
    parts = build_parts(plan, options.threads)
    edges = run_edge(plan, parts, lambda stage, done: tell("progress", stage=stage, done=done))
    document = build_edge_document(plan, edges)
    options.out.mkdir(parents=True, exist_ok=True)
    table, page = options.out / "edge.json", options.out / "edge.html"
    table.write_text(json.dumps(document, indent=1) + "\n")
    page.write_text(render_edge_page(document))
    tell("finished", json=str(table), html=str(page), shares=_shares(document))


def _shares(document: Document) -> list[dict[str, object]]:
    """Return what the terminal shows: by horizon, log losses and results, and the ensemble's shares."""
    told: list[dict[str, object]] = []
    for horizon in document["horizons"]:
        scores = horizon["together"]["scores"]
        told.append(
            {
                "horizon_steps": horizon["horizon_steps"],
                "log_loss": {name: scores[name]["log_loss"]["value"] for name in (PRIOR, ENSEMBLE, ORACLE)},
                "gross_bps": {name: scores[name]["gross_bps"]["value"] for name in (ENSEMBLE, ORACLE)},
                "log_loss_share": scores[ENSEMBLE]["log_loss_share"],
                "gross_share": scores[ENSEMBLE]["gross_share"],
                "faults": horizon["faults"],
            }
        )
    return told


if __name__ == "__main__":
    sys.exit(main())
