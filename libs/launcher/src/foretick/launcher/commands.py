"""What each command but ``up`` does."""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from foretick.common.errors import InvalidSettings
from foretick.common.permissions import render_authorization, users
from foretick.common.runtime.settings import load_settings
from foretick.launcher import backfill, evaluate
from foretick.launcher.domain.diagnosis import Grade, diagnose
from foretick.launcher.domain.log_line import parse_log_line, render_log_line
from foretick.launcher.machine import facts, instance
from foretick.launcher.machine.tail import follow, last_lines
from foretick.launcher.machine.terminal import Terminal
from foretick.launcher.settings import LauncherSettings
from foretick.launcher.watch import health_of

_NATS_PORT = 4222
_POSTGRES_PORT = 5432


def run_up(*, as_json: bool) -> int:
    """Run the system."""
    from foretick.launcher.up import up  # the bus and the servers: what the other commands don't wait for

    return up(as_json=as_json)


def show_status() -> int:
    """Print what is running; exit code 1 when nothing is, or something is not ready."""
    settings = _settings()
    if settings is None:
        return InvalidSettings.exit_code
    terminal = Terminal()
    data_dir = settings.run_data_dir
    pid, card = instance.running_pid(data_dir), instance.read_card(data_dir)
    if pid is None or card is None:
        terminal.line(f"not running on {data_dir}")
        return 1
    terminal.line(f"{card['url']}  run {card['run_id']}  process {pid}")
    all_ready = True
    for name, role in card["roles"].items():
        state, detail, port = role["state"], "", ""
        if role["pid"] is not None:
            port = f"port {role['http_port']}"
            ready, detail = asyncio.run(health_of(role["http_port"]))
            state = "ready" if ready else "not ready"
        all_ready = all_ready and state in ("ready", "ended", "failed")
        restarts = f"{role['restarts']} restarts" if role["restarts"] else ""
        terminal.line(f"  {name:<20}{state:<12}{role['pid'] or '':<9}{port:<12}{restarts}{detail}".rstrip())
    for name, server in card["servers"].items():
        terminal.line(f"  {name:<20}{'running':<12}{server['pid']:<9}port {server['port']}")
    return 0 if all_ready else 1


def run_audit(run_id: str | None, symbols: list[str], *, as_json: bool) -> int:
    """Print what is recorded of a run; exit code 0 for whole, 1 for not whole, 2 where it could not be told."""
    settings = _settings()
    if settings is None:
        return InvalidSettings.exit_code
    from foretick.launcher.audit import command  # the bus and the database

    return command.run_audit(settings, run_id, symbols, as_json=as_json)


def show_streams(*, as_json: bool, apply: bool) -> int:
    """Print the streams and buckets; exit code 1 when one is missing or full, 3 when the bus is away."""
    from foretick.launcher import streams  # the bus

    return streams.show_streams(as_json=as_json, apply=apply)


def run_dlq(options: argparse.Namespace) -> int:
    """List, show, replay or drop dead letters."""
    from foretick.launcher.dead_letters import commands  # the bus

    return commands.run_dlq(options)


def run_recordings(options: argparse.Namespace) -> int:
    """List, verify, convert or cut recordings."""
    from foretick.launcher.recordings import commands  # polars

    return commands.run_recordings(options)


def run_features(options: argparse.Namespace) -> int:
    """Prove that features are what the registry says."""
    from foretick.launcher.features import commands  # Numba

    return commands.run_features(options)


def run_models(options: argparse.Namespace) -> int:
    """List the models, or decide which one serves."""
    from foretick.launcher.models import commands  # the bus

    return commands.run_models(options)


def run_backfill(options: argparse.Namespace) -> int:
    """Fetch trades or bars of the past."""
    settings = _settings()
    if settings is None:
        return InvalidSettings.exit_code
    return backfill.run_backfill(options, settings.run_data_dir)


def run_evaluate(options: argparse.Namespace) -> int:
    """Hold the ensemble against its rivals."""
    settings = _settings()
    if settings is None:
        return InvalidSettings.exit_code
    return evaluate.run_evaluate(options, settings.run_data_dir)


def run_export(options: argparse.Namespace) -> int:
    """Write a part of the record to a Parquet file."""
    from foretick.launcher.record import commands  # polars

    return commands.run_export(options)


def run_backup(options: argparse.Namespace) -> int:
    """Back the record up into a folder."""
    from foretick.launcher.record import commands  # the database

    return commands.run_backup(options.folder)


def run_restore(options: argparse.Namespace) -> int:
    """Restore the record from a folder."""
    from foretick.launcher.record import commands  # the database

    return commands.run_restore(options.folder)


def print_permissions() -> int:
    """Print the ``authorization`` block of a nats-server, its passwords as references to the server's environment."""
    sys.stdout.write(render_authorization(users()))
    return 0


def run_doctor() -> int:
    """Print the findings about this machine; exit code 1 when one keeps Foretick from running."""
    faults: list[str] = []
    try:
        settings = load_settings(LauncherSettings)
    except InvalidSettings as error:
        faults = error.faults
        settings = LauncherSettings.model_construct()
    wanted_ports = {"API_PORT": settings.api_port, "WEBSOCKET_PORT": settings.websocket_port}
    addresses: dict[str, tuple[str, int]] = {}
    for name, url, port, default_port in (
        ("NATS", settings.external_nats_url, settings.nats_port, _NATS_PORT),
        ("POSTGRES", settings.database_url, settings.postgres_port, _POSTGRES_PORT),
    ):
        if url is None:
            wanted_ports[f"{name}_PORT"] = port
        else:
            addresses["NATS_URL" if name == "NATS" else "DATABASE_URL"] = facts.split_address(url, default_port)
    seen = facts.gather(settings.run_data_dir, Path(settings.web_dir), wanted_ports, addresses, faults)
    nats_url = settings.external_nats_url
    findings = diagnose(replace(seen, nats_user=None if nats_url is None else urlsplit(nats_url).username or ""))
    terminal = Terminal()
    for finding in findings:
        terminal.line(finding.line())
    return 1 if any(finding.grade is Grade.FAIL for finding in findings) else 0


def show_logs(role: str | None, lines: int, *, follow_on: bool) -> int:
    """Print the end of the roles' logs, and go on with ``follow_on``."""
    settings = _settings()
    if settings is None:
        return InvalidSettings.exit_code
    log_dir = settings.run_data_dir / "logs"
    paths = sorted(log_dir.glob(f"{role or '*'}.log"))
    terminal = Terminal()
    if not paths:
        known = ", ".join(path.stem for path in sorted(log_dir.glob("*.log")))
        terminal.line(f"no log of {role or 'any role'} in {log_dir}" + (f"; there are {known}" if known else ""))
        return 1
    names = [path.stem for path in paths]
    taken: Iterator[tuple[str, str]] = follow(paths, lines) if follow_on else last_lines(paths, lines)
    try:
        for name, text in taken:
            line = parse_log_line(text)
            terminal.line(render_log_line(name, line, colour=terminal.colour, role_index=names.index(name)))
    except KeyboardInterrupt:
        terminal.line()
    return 0


def run_migrate() -> int:
    """Migrate the database that DATABASE_URL names."""
    from foretick.common.runtime import migrate  # Alembic

    return migrate.main()


def run_warm() -> int:
    """Compile every kernel into the cache."""
    from foretick.launcher.warm import warm  # Numba

    warm()
    return 0


def _settings() -> LauncherSettings | None:
    try:
        return load_settings(LauncherSettings)
    except InvalidSettings as error:
        sys.stderr.write(f"foretick: {error}\n")
        return None
