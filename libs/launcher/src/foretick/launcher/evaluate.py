"""``foretick evaluate``: the ensemble against its rivals on recordings, or against the oracle of simulated markets."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foretick.common.runtime.step_lines import EXIT_REFUSED
from foretick.launcher.machine.stages import Stages
from foretick.launcher.machine.terminal import Terminal

EXIT_INTERRUPTED = 1
_TO_EVENTS = "foretick.ingest.app.event_files"
_CONTEST = "foretick.predictor.adapters.evaluation"
_EDGE = "foretick.predictor.adapters.edge"
_EVENTS_SUFFIX = ".events.npz"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is evaluated, on what, by which plan, and where the report goes."""
    text = "a recording of raw frames, or a file of events; each is divided by time"
    parser.add_argument("path", nargs="*", type=Path, help=text)
    text = "instead: on simulated markets, the share of the edge that is attainable there (takes minutes)"
    parser.add_argument("--simulated", action="store_true", help=text)
    parser.add_argument("--test", nargs="+", type=Path, default=[], help="learn from the first, judge on these instead")
    parser.add_argument("--plan", type=Path, help="split, horizons, sizes and seeds (default: the one that is shipped)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to (default: evaluation in DATA_DIR)")
    parser.add_argument("--threads", type=int, default=2, help="that fitting may use (default: %(default)s)")


def run_evaluate(options: argparse.Namespace, data_dir: Path, terminal: Terminal | None = None) -> int:
    """Run both steps; return the exit code: 0, 2 where it cannot be done as asked."""
    terminal = terminal or Terminal()
    out = options.out or data_dir / "evaluation"
    stages = Stages(terminal)
    fault = _fault_of(options)
    if fault:
        sys.stderr.write(f"foretick: {fault}\n")
        return EXIT_REFUSED
    try:
        if options.simulated:
            return _run_simulated(options, out, stages, terminal)
        given = [events_of(options.path, out / "events" / "given", stages)]
        given.append(events_of(options.test, out / "events" / "test", stages))
        if None in given:
            return EXIT_REFUSED
        learnt, judged = ([str(path) for path in paths or ()] for paths in given)
        finished = stages.run(_CONTEST, [*learnt, *(["--test", *judged] if judged else []), *_terms(options, out)])
    except KeyboardInterrupt:
        terminal.board([])
        terminal.line("interrupted: no report was written")
        return EXIT_INTERRUPTED
    if finished is None:
        return EXIT_REFUSED
    for line in render_leads(finished["leads"]):
        terminal.line(line)
    for each in finished["left_out"]:
        terminal.line(f"left out: {each}")
    terminal.line(f"report: {finished['html']}, {finished['json']}")
    return 0


def _run_simulated(options: argparse.Namespace, out: Path, stages: "Stages", terminal: Terminal) -> int:
    finished = stages.run(_EDGE, _terms(options, out))
    if finished is None:
        return EXIT_REFUSED
    for line in render_shares(finished["shares"]):
        terminal.line(line)
    terminal.line(f"report: {finished['html']}, {finished['json']}")
    return 0


def _fault_of(options: argparse.Namespace) -> str:
    if options.simulated and (options.path or options.test):
        return "--simulated makes its own markets: give no recordings beside it"
    return "" if options.simulated or options.path else "give recordings or files of events, or --simulated"


def _terms(options: argparse.Namespace, out: Path) -> list[str]:
    plan = ["--plan", str(options.plan)] if options.plan else []
    return ["--out", str(out), *plan, "--threads", str(options.threads)]


def render_shares(shares: Sequence[dict[str, Any]]) -> list[str]:
    """Return the shares of the attainable edge as a table, by horizon, with intervals."""
    lines = [
        f"{'horizon':<10}{'prior':<9}{'ensemble':<10}{'oracle':<9}{'log-loss share':<28}"
        f"{'captured, bps':<15}{'attainable':<12}result share"
    ]
    for each in shares:
        loss, gross = each["log_loss"], each["gross_bps"]
        lines.append(
            f"{each['horizon_steps']:<10}{loss['class prior']:<9.4f}{loss['ensemble']:<10.4f}{loss['oracle']:<9.4f}"
            f"{_share(each['log_loss_share']):<28}{gross['ensemble']:<15.4f}{gross['oracle']:<12.4f}"
            f"{_share(each['gross_share'])}"
        )
        lines += [f"{'':<10}this model might not be published: {fault}" for fault in each["faults"]]
    return lines


def _share(share: dict[str, float] | None) -> str:
    if share is None:
        return "the oracle's is not proven"
    return f"{share['value']:+.3f} [{share['low']:+.3f}, {share['high']:+.3f}]"


def render_leads(leads: Sequence[dict[str, Any]]) -> list[str]:
    """Return the ensemble's pooled leads as a table: rival, gains in log loss and in macro F1, with intervals."""
    lines = [f"{'horizon':<10}{'rival':<22}{'log-loss gain, nats':<30}macro F1 gain"]
    for lead in leads:
        gains = (
            f"{lead[key]['value']:+.4f} [{lead[key]['low']:+.4f}, {lead[key]['high']:+.4f}]"
            for key in ("log_loss", "macro_f1")
        )
        first, second = gains
        lines.append(f"{lead['horizon_events']:<10}{lead['rival']:<22}{first:<30}{second}")
    return lines


def events_of(paths: Sequence[Path], folder: Path, stages: Stages) -> list[Path] | None:
    """Return files of events for ``paths``, made in ``folder`` of what is a recording; None where one cannot be."""
    found: list[Path] = []
    for number, path in enumerate(paths):
        if path.name.endswith(_EVENTS_SUFFIX):
            found.append(path)
            continue
        stages.about = path.name
        finished = stages.run(_TO_EVENTS, [str(path), "--out", str(folder / f"{number}-{path.name}")])
        if finished is None:
            return None
        found += [Path(name) for name in finished["files"]]
    stages.about = ""
    return found
