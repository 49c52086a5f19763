"""What ``foretick recordings`` does and prints.

Exit code 0: done, all is whole; 1: something is damaged or was refused; 2: wrong arguments, or nothing to read; 3: the
disk refuses.
"""

import argparse
import sys
from pathlib import Path

from foretick.common.errors import InvalidSettings, Refused, Transient
from foretick.common.runtime.settings import load_settings
from foretick.launcher.domain.instant import render_instant, render_size
from foretick.launcher.machine.terminal import Terminal
from foretick.launcher.recordings import report
from foretick.launcher.recordings.convert import convert_file
from foretick.launcher.recordings.cut import cut_files
from foretick.launcher.recordings.files import Progress, find_files
from foretick.launcher.recordings.survey import survey_file
from foretick.launcher.recordings.verify import Verdict, check_series, repair_index, verify_file
from foretick.launcher.settings import LauncherSettings
from foretick.market.recording.spans import Span

EXIT_DAMAGED = 1
EXIT_USAGE = 2
EXIT_DISK = 3


def run_recordings(options: argparse.Namespace, terminal: Terminal | None = None) -> int:
    """Run the action that ``options`` name."""
    terminal = terminal or Terminal()
    actions = {"list": _list, "verify": _verify, "convert": _convert, "cut": _cut}
    try:
        files = find_files(options.path, load_settings(LauncherSettings).record_raw_dir)
        progress = Progress(terminal, files)
        try:
            return actions[options.action](options, files, progress, terminal)
        finally:
            progress.end()
    except InvalidSettings as error:
        sys.stderr.write(f"foretick: {error}\n")
        return EXIT_USAGE
    except Refused as error:
        sys.stderr.write(f"foretick: {error.message}; {error.hint}\n")
        return EXIT_USAGE
    except (Transient, OSError) as error:
        sys.stderr.write(f"foretick: {error}\n")
        return EXIT_DISK
    except KeyboardInterrupt:
        terminal.line("interrupted: nothing half is left")
        return EXIT_DAMAGED


def _list(options: argparse.Namespace, files: list[Path], progress: Progress, terminal: Terminal) -> int:
    surveys = []
    for path in files:
        with progress.reading(path) as (stream, tick):
            surveys.append(survey_file(path, stream, options.venue, tick))
    progress.end()
    if options.json:
        terminal.line(report.as_json([report.fields_of(survey) for survey in surveys]))
    else:
        heading, *rows = report.table_lines(surveys)
        terminal.line(terminal.bold(heading))
        for line in (*rows, "", *report.gap_lines([gap for survey in surveys for gap in survey.gaps])):
            terminal.line(line)
        for survey in surveys:
            for line in report.fault_lines(survey.faults):
                terminal.line(f"  {line}")
    return EXIT_DAMAGED if any(survey.faults for survey in surveys) else 0


def _verify(options: argparse.Namespace, files: list[Path], progress: Progress, terminal: Terminal) -> int:
    verdicts: list[Verdict] = []
    for path in files:
        with progress.reading(path) as (stream, tick):
            verdict, rebuilt = verify_file(path, stream, options.venue, tick)
        if options.repair and rebuilt is not None:
            repair_index(verdict, rebuilt, files)
        verdicts.append(verdict)
    check_series(verdicts)
    progress.end()
    damaged = sum(not verdict.is_whole for verdict in verdicts)
    if options.json:
        terminal.line(report.as_json([report.fields_of(verdict.survey, verdict) for verdict in verdicts]))
    else:
        for verdict in verdicts:
            for line in report.verdict_lines(verdict):
                terminal.line(line)
        for line in ("", *report.gap_lines([gap for verdict in verdicts for gap in verdict.survey.gaps])):
            terminal.line(line)
        terminal.line(f"{len(verdicts) - damaged} of {len(verdicts)} files are whole")
    return EXIT_DAMAGED if damaged else 0


def _convert(options: argparse.Namespace, files: list[Path], progress: Progress, terminal: Terminal) -> int:
    out_dir = Path(options.out)
    out_dir.mkdir(parents=True, exist_ok=True)
    has_faults = False
    for path in files:
        with progress.reading(path) as (stream, tick):
            done = convert_file(path, stream, out_dir, options.form, options.venue, tick)
        if done.out is not None:
            size = render_size(done.out.stat().st_size)
            terminal.line(f"{path.name} -> {done.out}  {done.rows:,} rows  {size}")
        else:
            terminal.line(f"{path.name}: nothing could be read")
        for line in report.fault_lines(done.faults):
            terminal.line(f"    {line}")
        has_faults = has_faults or bool(done.faults) or done.out is None
    return EXIT_DAMAGED if has_faults else 0


def _cut(options: argparse.Namespace, files: list[Path], progress: Progress, terminal: Terminal) -> int:
    span = Span(options.from_ns, options.to_ns)
    cut = cut_files(files, span, Path(options.out), options.venue, progress)
    progress.end()
    when = f"{render_instant(cut.first_ns)} to {render_instant(cut.last_ns)}"
    terminal.line(f"{cut.out}  {cut.records:,} records  {render_size(cut.size_bytes)}  {when}")
    for line in report.fault_lines(cut.faults):
        terminal.line(f"    {line}")
    return EXIT_DAMAGED if cut.faults else 0
