"""The arguments of ``foretick recordings``."""

import argparse

from foretick.launcher.domain.instant import parse_instant

_PATHS = "files, or folders of segments (default: RECORD_RAW_DIR)"
_VENUE = "the venue of files that do not say theirs, such as binance-usdm"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions ``list``, ``verify``, ``convert`` and ``cut`` to ``parser``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="show segments, what they span and hold, and when nothing was recorded")
    verify = actions.add_parser(
        "verify", help="read everything and hold it to its index; exit code 0 whole, 1 damaged, 2 nothing to read"
    )
    verify.add_argument("--repair", action="store_true", help="make missing and wrong indexes anew from the data")
    convert = actions.add_parser("convert", help="write recordings as tables, one file each")
    convert.add_argument("--to", choices=("parquet", "csv"), required=True, dest="form")
    convert.add_argument("--out", default=".", metavar="DIR", help="where to (default: here)")
    cut = actions.add_parser("cut", help="write what lies between two instants as a segment of its own")
    cut.add_argument("--from", type=_instant, required=True, dest="from_ns", metavar="INSTANT", help="inclusive, UTC")
    cut.add_argument("--to", type=_instant, required=True, dest="to_ns", metavar="INSTANT", help="exclusive, UTC")
    cut.add_argument("--out", required=True, metavar="FILE", help="to be written, such as noon.frames.zst")
    for action in (listing, verify):
        action.add_argument("path", nargs="*", help=_PATHS)
        action.add_argument("--json", action="store_true", help="print it as JSON")
    for action in (convert, cut):
        action.add_argument("path", nargs="+", help=_PATHS.partition(" (")[0])
    for action in (listing, verify, convert, cut):
        action.add_argument("--venue", default="", help=_VENUE)


def _instant(text: str) -> int:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
