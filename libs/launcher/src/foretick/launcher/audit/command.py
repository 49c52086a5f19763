"""``foretick audit``: finds the addresses, shows how far it is, prints the report."""

import json
import sys
from collections.abc import Sequence

from foretick.launcher.audit.run import CannotAudit, audit_run
from foretick.launcher.machine import instance
from foretick.launcher.machine.terminal import Terminal
from foretick.launcher.settings import LauncherSettings

WHOLE, NOT_WHOLE, NOT_AUDITED = 0, 1, 2
"""Exit codes."""


def run_audit(settings: LauncherSettings, run_id: str | None, symbols: Sequence[str], *, as_json: bool) -> int:
    """Audit a run and print what was found; the exit code says whether it is whole."""
    terminal = Terminal()
    try:
        database_url, nats_url = _addresses(settings)
        # A report in JSON is all that goes to the output.
        progress = None if as_json else _Progress(terminal).show
        report = audit_run(database_url, nats_url, run_id, symbols=symbols, progress=progress)
    except CannotAudit as error:
        sys.stderr.write(f"foretick audit: {error.message}\n{error.hint}\n")
        return NOT_AUDITED
    terminal.board([])
    terminal.line(json.dumps(report.to_dict(), indent=2) if as_json else report.describe())
    return WHOLE if report.is_whole else NOT_WHOLE


def _addresses(settings: LauncherSettings) -> tuple[str, str | None]:
    """Return database and NATS of the environment, else those of the system that runs on DATA_DIR.

    Raises:
        CannotAudit: there is no database to look at
    """
    card = (
        instance.read_card(settings.run_data_dir) if instance.running_pid(settings.run_data_dir) is not None else None
    )
    database_url = settings.database_url or (card or {}).get("database_url")
    if database_url is None:
        hint = f"start the system on {settings.run_data_dir} (foretick up), or set DATABASE_URL"
        raise CannotAudit("no_database", "there is no database to audit", hint)
    return database_url, settings.external_nats_url or (card or {}).get("nats_url")


class _Progress:
    """One line with the share that is done; on a terminal only."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def show(self, done_frac: float, what: str) -> None:
        """Redraw the line."""
        self._terminal.board([f"{done_frac:4.0%}  {what}"])
