"""The arguments of ``foretick dlq``."""

import argparse

from foretick.launcher.domain.dead_letter import seconds_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions ``list`` (which may be left out), ``show``, ``replay`` and ``drop`` to ``parser``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="list the letters (the default)")
    _add_choice(parser)
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    _add_choice(listing, is_repeated=True)
    listing.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="a JSON object a line")
    show = actions.add_parser("show", help="show a letter: its payload, why it was refused, what to do")
    show.add_argument("id", type=_letter_number)
    replay = actions.add_parser("replay", help="publish letters again on the subjects that they came from")
    replay.add_argument("id", type=_letter_number, nargs="*")
    replay.add_argument("--all", action="store_true", help="every letter that --service, --source and --since mean")
    _add_choice(replay, is_repeated=True)
    replay.add_argument("--dry-run", action="store_true", help="only say what would be published")
    replay.add_argument("--force", action="store_true", help="also what was replayed already")
    replay.add_argument("--yes", action="store_true", help="do not ask before --all")
    drop = actions.add_parser("drop", help="forget letters for ever")
    drop.add_argument("id", type=_letter_number, nargs="+")


def _add_choice(parser: argparse.ArgumentParser, *, is_repeated: bool = False) -> None:
    """``is_repeated``: of an action; what it is not given stays as it was given before the action."""

    def default(value: object) -> object:
        return argparse.SUPPRESS if is_repeated else value

    parser.add_argument("--service", default=default(""), help="of a service or role, such as features.serve")
    parser.add_argument("--source", default=default(""), metavar="PATTERN", help="whose source fits, * for anything")
    parser.add_argument(
        "--since", type=_length_s, default=default(None), metavar="TIME", help="not older than 90s, 15m, 1h or 2d"
    )


def _letter_number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no letter: they are numbered from 1, see foretick dlq list")
    return int(text)


def _length_s(text: str) -> int:
    try:
        return seconds_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
