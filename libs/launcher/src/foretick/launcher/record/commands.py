"""``foretick export``, ``backup``, ``restore``. Exit code 0: done; 1: refused; 2: wrong settings; 3: no database."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from foretick.common.errors import Fatal, InvalidSettings, Malformed, Refused, Transient
from foretick.common.runtime.settings import load_settings
from foretick.history import Kind, Selection
from foretick.launcher.machine.terminal import Terminal
from foretick.launcher.record.arguments import BOOK
from foretick.launcher.record.backup import back_up, restore
from foretick.launcher.record.database import opened_server
from foretick.launcher.record.export import export, export_book
from foretick.launcher.settings import LauncherSettings

EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_AWAY = 3


def run_export(options: argparse.Namespace) -> int:
    """Write a part of the record to a Parquet file."""
    selection = Selection(options.symbol, options.venue, options.run, options.since, options.until, options.timeframe)
    path = Path(options.out or f"{options.kind}.parquet")

    def work(database_url: str, terminal: Terminal) -> str:
        if options.kind == BOOK:
            if options.at is None:
                raise Refused("no_instant", "a book is as of an instant", "name it: --at 2026-11-25T10:00Z")
            rows = export_book(database_url, selection, options.at, path)
        else:
            rows = export(database_url, Kind(options.kind), selection, path, _progress(terminal))
        return f"{rows:,} rows of {options.kind} in {path}"

    return _run(work)


def run_backup(folder: str) -> int:
    """Back the record up into a folder."""

    def work(database_url: str, terminal: Terminal) -> str:
        manifest = back_up(database_url, Path(folder), _progress(terminal))
        rows = sum(manifest.counts.values())
        return f"{rows:,} rows of {len(manifest.counts)} tables as of {manifest.taken_at} in {folder}"

    return _run(work)


def run_restore(folder: str) -> int:
    """Restore a backup into an empty database."""

    def work(database_url: str, terminal: Terminal) -> str:
        manifest = restore(database_url, Path(folder), _progress(terminal))
        return f"{sum(manifest.counts.values()):,} rows restored, as many as the backup has; next: foretick audit"

    return _run(work)


def _run(work: Callable[[str, Terminal], str]) -> int:
    terminal = Terminal()
    try:
        with opened_server(load_settings(LauncherSettings)) as database_url:
            done = work(database_url, terminal)
    except InvalidSettings as error:
        return _fail(terminal, str(error), EXIT_USAGE)
    except Refused as error:
        return _fail(terminal, "\n".join(filter(None, (error.message, error.hint))), EXIT_REFUSED)
    except (Malformed, Fatal) as error:
        return _fail(terminal, str(error), EXIT_REFUSED)
    except Transient as error:
        return _fail(terminal, str(error), EXIT_AWAY)
    terminal.board([])
    terminal.line(done)
    return 0


def _fail(terminal: Terminal, message: str, code: int) -> int:
    terminal.board([])
    sys.stderr.write(f"foretick: {message}\n")
    return code


def _progress(terminal: Terminal) -> Callable[[float, str], None]:
    return lambda done_frac, what: terminal.board([f"{done_frac:4.0%}  {what}"])
