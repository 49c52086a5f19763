"""``foretick evaluate``: recordings to files of events, then the ensemble against its rivals, with progress."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foretick.common.runtime.step_lines import EXIT_REFUSED
from foretick.launcher.machine.stages import Stages
from foretick.launcher.machine.terminal import Terminal

EXIT_INTERRUPTED = 1
_TO_EVENTS = "foretick.ingest.app.event_files"
_CONTEST = "foretick.predictor.adapters.evaluation"
_EVENTS_SUFFIX = ".events.npz"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is evaluated, on what, by which plan, and where the report goes."""
    text = "a recording of raw frames, or a file of events; each is divided by time"
    parser.add_argument("path", nargs="+", type=Path, help=text)
    parser.add_argument("--test", nargs="+", type=Path, default=[], help="learn from the first, judge on these instead")
    parser.add_argument("--plan", type=Path, help="split, horizons, sizes and seeds (default: the one that is shipped)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to (default: evaluation in DATA_DIR)")
    parser.add_argument("--threads", type=int, default=2, help="that fitting may use (default: %(default)s)")


def run_evaluate(options: argparse.Namespace, data_dir: Path, terminal: Terminal | None = None) -> int:
    """Run both steps; return the exit code: 0, 2 where it cannot be done as asked."""
    terminal = terminal or Terminal()
    out = options.out or data_dir / "evaluation"
    stages = Stages(terminal)
    try:
        given = [events_of(options.path, out / "events" / "given", stages)]
        given.append(events_of(options.test, out / "events" / "test", stages))
        if None in given:
            return EXIT_REFUSED
        learnt, judged = ([str(path) for path in paths or ()] for paths in given)
        command = [*learnt, *(["--test", *judged] if judged else []), "--out", str(out)]
        plan = ["--plan", str(options.plan)] if options.plan else []
        finished = stages.run(_CONTEST, [*command, *plan, "--threads", str(options.threads)])
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
