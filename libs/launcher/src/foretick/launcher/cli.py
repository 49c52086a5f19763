"""The command line: ``foretick up | replay | status | doctor | audit | ...``; ``foretick --help`` lists them all."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from foretick.launcher import commands
from foretick.launcher.backfill import add_arguments as add_backfill
from foretick.launcher.dead_letters import arguments as dead_letters
from foretick.launcher.evaluate import add_arguments as add_evaluate
from foretick.launcher.features import arguments as features
from foretick.launcher.machine.child import set_variable
from foretick.launcher.models import arguments as models
from foretick.launcher.record import arguments as record
from foretick.launcher.recordings import arguments as recordings

Act = Callable[[argparse.Namespace], int]
"""Carries a command out and returns the exit code."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that ``arguments`` (default: the process's) name; return the exit code."""
    options = build_parser().parse_args(arguments)
    act: Act = options.act
    return act(options)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line. What it parses has an ``act``."""
    parser = argparse.ArgumentParser(prog="foretick", description="Self-hosted, real-time predictive trading analytics")
    names = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, act: Act, text: str) -> argparse.ArgumentParser:
        command = names.add_parser(name, help=text)
        command.set_defaults(act=act)
        return command

    _add_running(add)
    _add_audit(
        add("audit", _audit, "prove which events of a run are recorded, missing or doubled: exit code 0, 1, or 2")
    )
    record.add_export_arguments(add("export", commands.run_export, "write a part of the record to a Parquet file"))
    record.add_folder(add("backup", commands.run_backup, "back the whole record up into a new folder"))
    record.add_folder(add("restore", commands.run_restore, "restore a backup into an empty database, count its rows"))
    _add_streams(
        add("streams", _streams, "show how full the streams and buckets are, and who is behind: 1 when one is full")
    )
    dead_letters.add_arguments(
        add("dlq", commands.run_dlq, "look at what services could not use, publish it again, or forget it")
    )
    recordings.add_arguments(
        add("recordings", commands.run_recordings, "list, verify, convert and cut what is recorded of raw frames")
    )
    features.add_arguments(
        add("features", commands.run_features, "prove that every feature is what the registry says of it")
    )
    models.add_arguments(
        add("models", commands.run_models, "list the models and who serves; promote one, or roll back")
    )
    add_backfill(add("backfill", commands.run_backfill, "fetch trades or bars of the past from a venue into Parquet"))
    add_evaluate(add("evaluate", commands.run_evaluate, "hold the ensemble against plain models on recordings"))
    _add_operating(add)
    return parser


def _add_running(add: Callable[[str, Act, str], Any]) -> None:
    up = add("up", _up, "start everything and print the address")
    replay = add("replay", _replay, "the same, with recordings in place of the venues")
    replay.add_argument("file", nargs="+", help="a recording of raw frames; several are merged by receive time")
    replay.add_argument("--speed", type=float, help="times the recorded speed; 0 is as fast as it goes")
    replay.add_argument("--from", dest="begin", help="show from this on: an ISO time, seconds or HH:MM:SS into it")
    replay.add_argument("--to", dest="end", help="show up to this, told in the same ways")
    for command in (up, replay):
        command.add_argument("--json", action="store_true", help="pass the logs through as JSON lines")


def _add_operating(add: Callable[[str, Act, str], Any]) -> None:
    add("status", lambda _: commands.show_status(), "say what is running on this DATA_DIR: 1 when it is not well")
    add("doctor", lambda _: commands.run_doctor(), "say what is wrong on this machine and what to do")
    logs = add("logs", _logs, "show the logs of the last run")
    logs.add_argument("role", nargs="?", help="such as features.serve; default: all")
    logs.add_argument("-n", "--lines", type=int, default=50, help="how many lines of each (default: %(default)s)")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as lines are written")
    text = "print the NATS users and what each may do, for nats-server"
    add("nats-permissions", lambda _: commands.print_permissions(), text)
    add("migrate", lambda _: commands.run_migrate(), "bring the database at DATABASE_URL to the present schema")
    add("warm", lambda _: commands.run_warm(), "compile the kernels into the cache")


def _add_audit(audit: argparse.ArgumentParser) -> None:
    audit.add_argument("--run", help="which run (default: the newest)")
    audit.add_argument("--symbol", action="append", default=[], help="only this instrument; may be given again")
    audit.add_argument("--json", action="store_true", help="print the report as JSON")


def _add_streams(streams: argparse.ArgumentParser) -> None:
    streams.add_argument("--json", action="store_true", help="print them as JSON")
    streams.add_argument("--apply", action="store_true", help="first make and change them as the subject table says")


def _up(options: argparse.Namespace) -> int:
    return commands.run_up(as_json=options.json)


def _replay(options: argparse.Namespace) -> int:
    set_variable("REPLAY", ",".join(options.file))
    if options.speed is not None:
        set_variable("REPLAY_SPEED", f"{options.speed:g}")
    for name, text in (("REPLAY_FROM", options.begin), ("REPLAY_TO", options.end)):
        if text is not None:
            set_variable(name, text)
    return commands.run_up(as_json=options.json)


def _audit(options: argparse.Namespace) -> int:
    return commands.run_audit(options.run, options.symbol, as_json=options.json)


def _streams(options: argparse.Namespace) -> int:
    return commands.show_streams(as_json=options.json, apply=options.apply)


def _logs(options: argparse.Namespace) -> int:
    return commands.show_logs(options.role, options.lines, follow_on=options.follow)
