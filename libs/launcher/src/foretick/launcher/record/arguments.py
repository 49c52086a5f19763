"""The arguments of ``foretick export``, ``backup`` and ``restore``."""

import argparse
from datetime import UTC, datetime, timedelta

BOOK = "book"
KINDS = ("trades", "quotes", "book_events", "derivatives", "integrity_events", "bars", "gaps", "instruments", BOOK)
TIMEFRAMES = ("1s", "1m", "5m", "15m", "1h", "4h", "1d")
"""As ``foretick.history`` names them: the parser must not wait for polars."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Add where the backup is, or is to be."""
    parser.add_argument("folder")


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to export, and which part of it."""
    parser.add_argument("kind", choices=KINDS, help="what to export")
    parser.add_argument("--out", metavar="FILE", help="the Parquet file to write (default: <kind>.parquet)")
    parser.add_argument("--run", help="which run (default: the newest)")
    parser.add_argument("--venue", help="only this venue")
    parser.add_argument("--symbol", help="only this symbol")
    instant = "data time, as 2026-11-25T10:00Z or nanoseconds since 1970"
    parser.add_argument("--since", type=_instant_ns, metavar="INSTANT", help=f"from here on, inclusive: {instant}")
    parser.add_argument("--until", type=_instant_ns, metavar="INSTANT", help="up to here, exclusive")
    parser.add_argument("--timeframe", choices=TIMEFRAMES, default="1m", help="of bars (default: %(default)s)")
    parser.add_argument("--at", type=_instant_ns, metavar="INSTANT", help="of a book: as it was after this instant")


def _instant_ns(text: str) -> int:
    if text.isdecimal():
        instant_ns = int(text)
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no instant such as 2026-11-25T10:00Z") from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        instant_ns = (moment - _EPOCH) // timedelta(microseconds=1) * 1_000
    if not 0 <= instant_ns < 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 1970 and 2262")
    return instant_ns
