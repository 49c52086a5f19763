"""``foretick up``: run the system until a signal, a refusal or a failure ends it."""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foretick.common.errors import ForetickError, InvalidSettings
from foretick.common.runtime.embedded import is_port_free
from foretick.common.runtime.settings import load_settings
from foretick.launcher.board import Board
from foretick.launcher.domain import plan
from foretick.launcher.domain.lifecycle import EXIT_INVALID_SETTINGS, EXIT_OK
from foretick.launcher.domain.log_line import LogLine
from foretick.launcher.domain.plan import Run
from foretick.launcher.domain.startup import Startup
from foretick.launcher.domain.training import Wanted
from foretick.launcher.journal import Journal
from foretick.launcher.machine import clock, ports
from foretick.launcher.machine.guard import Guard
from foretick.launcher.machine.instance import Instance
from foretick.launcher.machine.terminal import Terminal
from foretick.launcher.servers import Servers
from foretick.launcher.settings import LauncherSettings
from foretick.launcher.supervisor import Supervisor
from foretick.launcher.system import Parts, System
from foretick.quant.registry import SCHEMA_HASH

EXIT_FAILED = 1
_CARD_S = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up(*, as_json: bool = False) -> int:
    """Run the system and return the exit code: 0 after Ctrl-C, 1 after a failure, 2 for settings that cannot be."""
    try:
        settings = load_settings(LauncherSettings)
    except InvalidSettings as error:
        sys.stderr.write(f"foretick: {error}\n")
        return error.exit_code
    faults = port_faults(settings)
    if faults:
        sys.stderr.write(f"foretick: {InvalidSettings(faults)}\n")
        return EXIT_INVALID_SETTINGS
    try:
        with Instance(settings.run_data_dir) as instance, Guard() as guard:
            return asyncio.run(_run(settings, instance, guard, as_json=as_json))
    except ForetickError as error:
        sys.stderr.write(f"foretick: {error}\n")
        return EXIT_FAILED


def port_faults(settings: LauncherSettings) -> list[str]:
    """Return a fault, with the owner and what to do, for each fixed port that is taken."""
    wanted = {"API_PORT": settings.api_port, "WEBSOCKET_PORT": settings.websocket_port}
    if settings.external_nats_url is None:
        wanted["NATS_PORT"] = settings.nats_port
    if settings.database_url is None:
        wanted["POSTGRES_PORT"] = settings.postgres_port
    return [describe_taken(name, port) for name, port in wanted.items() if port and not is_port_free(port)]


def describe_taken(name: str, port: int) -> str:
    """Return who has ``port`` and what to do."""
    owner = ports.owner_of(port)
    who = f"by process {owner.pid} ({owner.command})" if owner else "by another process"
    return f"{name}: port {port} is taken {who}: stop it, or choose another: {name}={port + 10} make run"


@dataclass(frozen=True, slots=True)
class Screen:
    """What the user sees."""

    terminal: Terminal
    journal: Journal
    board: Board
    as_json: bool

    async def show_startup(self) -> None:
        """Draw the start-up until cancelled; meanwhile, on a terminal, the roles only tell what is wrong."""
        if self.terminal.is_live and not self.as_json:
            self.journal.quiet_level = "WARNING"
        await self.board.redraw_forever()

    def end_startup(self) -> None:
        """Leave what the start-up has come to on the screen, and let the roles speak."""
        self.board.settle()
        self.journal.quiet_level = None

    def announce(self, url: str, what: str) -> None:
        """Say that predictions flow, and where."""
        if self.as_json:
            self.journal.say("live", url=url, market=what)
        else:
            self.terminal.line(self.terminal.bold(f"Foretick is live: {url}  ({what}; Ctrl-C stops)"))


async def _run(settings: LauncherSettings, instance: Instance, guard: Guard, *, as_json: bool) -> int:
    terminal = Terminal()
    journal = Journal(terminal, settings.run_data_dir / "logs", level=settings.log_level, as_json=as_json)
    board = Board(terminal, Startup(stages_of(settings)), silent=as_json)
    journal.listen(lambda role, line: note_training(board, role, line))
    supervisor = Supervisor(guard, journal)
    wanted = Wanted(SCHEMA_HASH, settings.prediction_horizon_steps, settings.interval_ns)
    system = System(settings, run_of(settings), wanted, Parts(journal, board, supervisor, Servers(journal)))
    stop = _watch_signals(supervisor)
    card = asyncio.create_task(_keep_card(instance, system))
    try:
        return await _serve(system, supervisor, Screen(terminal, journal, board, as_json), stop)
    finally:
        journal.say("stopping")
        card.cancel()
        await system.stop()
        journal.say("stopped")
        journal.close()


async def _serve(system: System, supervisor: Supervisor, screen: "Screen", stop: asyncio.Event) -> int:
    """Start, then run until the end; return the exit code."""
    starting = asyncio.create_task(system.start())
    stopping = asyncio.create_task(stop.wait())
    drawing = asyncio.create_task(screen.show_startup())
    ends: set[asyncio.Future[Any]] = {stopping, supervisor.refused}
    try:
        await asyncio.wait({starting, *ends}, return_when=asyncio.FIRST_COMPLETED)
        drawing.cancel()
        screen.end_startup()
        if starting.done() and not stop.is_set():
            starting.result()
            screen.announce(system.url, await system.describe())
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        starting.cancel()
        stopping.cancel()
        drawing.cancel()
        await asyncio.gather(starting, drawing, return_exceptions=True)
    if supervisor.refused.done() and not stop.is_set():
        screen.journal.say("cannot run", "ERROR", reason=supervisor.refused.result())
        return EXIT_INVALID_SETTINGS
    return EXIT_OK


def stages_of(settings: LauncherSettings) -> list[tuple[str, str]]:
    """Return the stages of the start-up as key and label, in the order of the data's way."""
    stages = [
        ("nats", "NATS"),
        *([("postgres", "PostgreSQL")] if settings.database_url is None else []),
        ("migrations", "migrations"),
        *([("exchange", "exchange")] if settings.runs_simulator else []),
        ("feed", "market data"),
        ("features", "features"),
        ("model", "model"),
        ("predictions", "predictions"),
        ("dashboard", "dashboard"),
    ]
    return stages


def run_of(settings: LauncherSettings) -> Run:
    """Return the identity of this run."""
    return Run(
        run_id=settings.run_id or clock.new_run_id(),
        data_dir=str(settings.run_data_dir),
        web_dir=str(Path(settings.web_dir).resolve()),
        venues=settings.venues,
        replay=",".join(str(Path(name).resolve()) for name in settings.replay) or None,
    )


def note_training(board: Board, role: str, line: LogLine) -> None:
    """Show how far the training is, from the fields ``percent`` and ``stage`` of its log."""
    percent = line.fields.get("percent")
    if role == plan.TRAIN.name and isinstance(percent, int | float) and board.is_active("model"):
        board.advance("model", percent / 100, str(line.fields.get("stage", "")))


def _watch_signals(supervisor: Supervisor) -> asyncio.Event:
    """Return the event that the first signal sets; a second one ends every role at once."""
    stop = asyncio.Event()

    def receive() -> None:
        if stop.is_set():
            supervisor.kill()
        stop.set()

    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays in force
            asyncio.get_running_loop().add_signal_handler(number, receive)
    return stop


async def _keep_card(instance: Instance, system: System) -> None:
    """Keep what ``foretick status`` reads up to date."""
    written: object = None
    while True:
        card = {"pid": os.getpid(), **system.card()}
        if card != written:
            instance.write_card(card)
            written = card
        await asyncio.sleep(_CARD_S)
