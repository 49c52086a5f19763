"""``python -m foretick.predictor.adapters.evaluation EVENTS... --out DIR``: the ensemble against its rivals.

Each EVENTS file is divided by time; with ``--test`` the files before it are learnt from and those after it judged,
instrument by instrument. Told as JSON lines; ``foretick evaluate`` starts it. Each has ``event``: ``progress``,
``finished`` with files and leads, or ``failed`` with ``message`` and ``hint``. Exit code 0, or 2: it cannot be done as
asked.
"""

import argparse
import json
import sys
from pathlib import Path

from foretick.common.errors import Malformed, Refused
from foretick.common.runtime.step_lines import run_step, tell
from foretick.predictor.adapters.evaluation.document import Document, build_document
from foretick.predictor.adapters.evaluation.inputs import Given, read_instruments, read_plan
from foretick.predictor.adapters.evaluation.page import render_page
from foretick.predictor.adapters.learners.client import LibraryLearner, sizes_of
from foretick.predictor.adapters.learners.rivals import LibraryRivals
from foretick.predictor.adapters.provenance.client import hash_code
from foretick.predictor.domain.contest.plan import EvaluationPlan, faults_of_plan
from foretick.predictor.domain.contest.run import run_contest


def main() -> int:
    """Run once; return the exit code."""
    parser = argparse.ArgumentParser(prog="foretick.predictor.adapters.evaluation", description=__doc__)
    parser.add_argument("events", nargs="+", type=Path)
    parser.add_argument("--test", nargs="+", type=Path, default=[])
    parser.add_argument("--plan", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    hints: dict[type[Exception], str] = {
        Malformed: "make it anew from its recording",
        ValueError: "give longer recordings, or a plan with shorter horizons",
    }
    return run_step(lambda: _run(options), hints)


def _run(options: argparse.Namespace) -> None:
    hash_code()  # what runs is what is there now
    plan = read_plan(options.plan, __package__ or "", EvaluationPlan, faults_of_plan)
    members = LibraryLearner(options.threads, sizes_of(plan.members))
    pairs, unread = _read_pairs(options, plan)
    contest = run_contest(
        [(train.samples, test.samples) for train, test in pairs], members, LibraryRivals(), plan,
        lambda stage, done: tell("progress", stage=stage, done=done),
    )  # fmt: skip
    document = build_document(plan, pairs, contest)
    options.out.mkdir(parents=True, exist_ok=True)
    table, page = options.out / "evaluation.json", options.out / "evaluation.html"
    table.write_text(json.dumps(document, indent=1) + "\n")
    page.write_text(render_page(document))
    left_out = [*unread, *contest.left_out]
    tell("finished", json=str(table), html=str(page), leads=_leads(document), left_out=left_out)


def _read_pairs(options: argparse.Namespace, plan: EvaluationPlan) -> tuple[list[tuple[Given, Given]], list[str]]:
    learnt, unread = read_instruments(options.events, plan)
    if not options.test:
        return [(each, each) for each in learnt], unread
    judged, also_unread = read_instruments(options.test, plan)
    known = {(each.head.venue, each.head.symbol): each for each in learnt}
    pairs = [(known[key], each) for each in judged if (key := (each.head.venue, each.head.symbol)) in known]
    if not pairs:
        names = ", ".join(f"{venue} {symbol}" for venue, symbol in known)
        raise Refused("no_pairs", f"none of {names} is in what is to be judged on", "give recordings of one instrument")
    return pairs, [*unread, *also_unread]


def _leads(document: Document) -> list[dict[str, object]]:
    """Return the pooled leads, as the terminal shows them."""
    return [
        {"horizon_events": int(horizon), "rival": rival, "log_loss": lead["log_loss"], "macro_f1": lead["macro_f1"]}
        for horizon, verdict in document["pooled"].items()
        for rival, lead in verdict["leads"].items()
    ]


if __name__ == "__main__":
    sys.exit(main())
