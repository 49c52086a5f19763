"""The command line.

``foretick up | replay | status | doctor | audit | export | backup | restore | streams | dlq | logs | migrate | warm``
"""

import argparse
from collections.abc import Sequence

from foretick.launcher import commands
from foretick.launcher.dead_letters.arguments import add_arguments
from foretick.launcher.machine.child import set_variable
from foretick.launcher.record.arguments import add_record_arguments


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that ``arguments`` (default: the process's) name; return the exit code."""
    options = build_parser().parse_args(arguments)
    if options.command == "up":
        return commands.run_up(as_json=options.json)
    if options.command == "replay":
        set_variable("REPLAY", ",".join(options.file))
        if options.speed is not None:
            set_variable("REPLAY_SPEED", f"{options.speed:g}")
        return commands.run_up(as_json=options.json)
    if options.command == "audit":
        return commands.run_audit(options.run, options.symbol, as_json=options.json)
    if options.command == "export":
        return commands.run_export(options)
    if options.command in ("backup", "restore"):
        return commands.move_record(options.command, options.folder)
    if options.command == "streams":
        return commands.show_streams(as_json=options.json, apply=options.apply)
    if options.command == "dlq":
        return commands.run_dlq(options)
    if options.command == "logs":
        return commands.show_logs(options.role, options.lines, follow_on=options.follow)
    return {
        "status": commands.show_status,
        "doctor": commands.run_doctor,
        "nats-permissions": commands.print_permissions,
        "migrate": commands.run_migrate,
        "warm": commands.run_warm,
    }[options.command]()


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(prog="foretick", description="Self-hosted, real-time predictive trading analytics")
    commands_of = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands_of.add_parser("up", help="start everything and print the address")
    replay = commands_of.add_parser("replay", help="the same, with recordings in place of the venues")
    replay.add_argument("file", nargs="+", help="a recording of raw frames; several are merged by receive time")
    replay.add_argument("--speed", type=float, help="times the recorded speed; 0 is as fast as it goes")
    for command in (up, replay):
        command.add_argument("--json", action="store_true", help="pass the logs through as JSON lines")
    commands_of.add_parser(
        "status", help="say what is running on this DATA_DIR; exit code 1 when something is not well"
    )
    commands_of.add_parser("doctor", help="say what is wrong on this machine and what to do")
    audit = commands_of.add_parser(
        "audit",
        help="prove which events of a run are recorded, missing or doubled; exit code 0 whole, 1 not, 2 unknown",
    )
    audit.add_argument("--run", help="which run (default: the newest)")
    audit.add_argument("--symbol", action="append", default=[], help="only this instrument; may be given again")
    audit.add_argument("--json", action="store_true", help="print the report as JSON")
    add_record_arguments(commands_of)
    streams = commands_of.add_parser(
        "streams", help="show how full the streams and buckets are, and who is behind; exit code 1 when one is full"
    )
    streams.add_argument("--json", action="store_true", help="print them as JSON")
    streams.add_argument("--apply", action="store_true", help="first make and change them as the subject table says")
    add_arguments(
        commands_of.add_parser("dlq", help="look at what services could not use, publish it again, or forget it")
    )
    commands_of.add_parser("nats-permissions", help="print the NATS users and what each may do, for nats-server")
    logs = commands_of.add_parser("logs", help="show the logs of the last run")
    logs.add_argument("role", nargs="?", help="such as features.serve; default: all")
    logs.add_argument("-n", "--lines", type=int, default=50, help="how many lines of each (default: %(default)s)")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as lines are written")
    commands_of.add_parser("migrate", help="bring the database at DATABASE_URL to the present schema")
    commands_of.add_parser("warm", help="compile the kernels into the cache")
    return parser
