"""The arguments of ``foretick features``."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the action ``verify`` to ``parser``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    verify = actions.add_parser(
        "verify",
        help="hold every feature to its definition, its range, restarts and the future, on recordings or the simulated "
        "market; exit code 0 all kept, 1 a promise broken, 2 wrong arguments",
    )
    paths = "recordings of raw frames, or files of events (default: the simulated market)"
    symbols = "an instrument of the simulated market (default: BTCUSDT), or of the files (default: all)"
    seconds = "of the simulated market, data time (default: %(default)s)"
    verify.add_argument("path", nargs="*", type=Path, help=paths)
    verify.add_argument("--symbol", action="append", default=[], help=symbols)
    verify.add_argument("--seconds", type=float, default=300.0, help=seconds)
    verify.add_argument("--seed", type=int, default=1, help="of the market and of the cuts (default: %(default)s)")
    verify.add_argument("--cuts", type=int, default=20, help="random cuts of the stream (default: %(default)s)")
    verify.add_argument("--interval", type=float, default=0.1, help="length of a step, s (default: %(default)s)")
    verify.add_argument("--json", action="store_true", help="print it as JSON")
