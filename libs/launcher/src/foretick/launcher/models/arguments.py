"""The arguments of ``foretick models``."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions ``list`` (which may be left out), ``trail``, ``card``, ``docs``, ``promote`` and ``rollback``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    listing = actions.add_parser("list", help="list the models, the newest first (the default)")
    trail = actions.add_parser("trail", help="list what was decided, the oldest first")
    for command in (listing, trail):
        command.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="a JSON object a line")
    card = actions.add_parser("card", help="print a model's card, in Markdown")
    card.add_argument("id", help="as foretick models lists it")
    docs = actions.add_parser("docs", help="write a model's documentation: a page, and Markdown")
    docs.add_argument("id", nargs="?", help="as foretick models lists it (default: the one in service)")
    docs.add_argument("--out", type=Path, metavar="DIR", help="where to (default: models in DATA_DIR)")
    docs.add_argument("--record", type=Path, metavar="FILE", help="of this record of a training, without a bus")
    promote = actions.add_parser("promote", help="let a model serve, whatever its trial says")
    promote.add_argument("id", help="as foretick models lists it")
    rollback = actions.add_parser("rollback", help="bring back the model that served before")
    for command in (promote, rollback):
        command.add_argument("--reason", default="", help="why: it is kept in the trail")
