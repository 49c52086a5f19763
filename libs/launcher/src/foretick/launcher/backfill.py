"""``foretick backfill``: starts ingest's run that asks the venue, and shows how far it is."""

import argparse
from pathlib import Path
from typing import Any

from foretick.launcher.domain.instant import parse_instant, render_length
from foretick.launcher.machine.step import start_step, told_by
from foretick.launcher.machine.terminal import Terminal

EXIT_ENDED = 1
_MODULE = "foretick.ingest.adapters.backfill"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is to be fetched, and where to, to ``parser``."""
    parser.add_argument("venue", help="such as binance, binance-usdm, coinbase, kraken, bybit-linear, okx or bitstamp")
    parser.add_argument("symbol", help="the venue's own, such as BTCUSDT, BTC-USD or XBTUSD")
    parser.add_argument(
        "--from", type=_instant, required=True, dest="from_ns", metavar="INSTANT", help="inclusive, UTC"
    )
    parser.add_argument("--to", type=_instant, required=True, dest="to_ns", metavar="INSTANT", help="exclusive, UTC")
    parser.add_argument("--kind", choices=("trades", "bars"), default="trades", help="default: %(default)s")
    parser.add_argument("--interval", default="1m", help="of bars, such as 1m, 15m, 1h or 1d (default: %(default)s)")
    parser.add_argument("--out", default="", metavar="DIR", help="where to (default: backfill in DATA_DIR)")
    parser.add_argument("--budget-frac", type=_share, default=0.5, help="share of the venue's request budget (0.5)")
    parser.add_argument("--rest-url", default="", metavar="URL", help="another address of the venue")


def run_backfill(options: argparse.Namespace, data_dir: Path, terminal: Terminal | None = None) -> int:
    """Run it and show its progress; return its exit code."""
    terminal = terminal or Terminal()
    process = start_step(_MODULE, _arguments(options, data_dir))
    try:
        with process:
            for event in told_by(process, terminal):
                _show(event, terminal)
    except KeyboardInterrupt:  # the terminal has told the child as well: it stores what it has
        process.wait()
        terminal.line("interrupted: what was fetched is stored; run it again to go on")
        return EXIT_ENDED
    return process.returncode


def _arguments(options: argparse.Namespace, data_dir: Path) -> list[str]:
    arguments = [
        options.venue, options.symbol,
        "--from", str(options.from_ns), "--to", str(options.to_ns),
        "--kind", options.kind, "--interval", options.interval,
        "--out", options.out or str(data_dir / "backfill"), "--budget-frac", str(options.budget_frac),
    ]  # fmt: skip
    return [*arguments, "--rest-url", options.rest_url] if options.rest_url else arguments


def _show(event: dict[str, Any], terminal: Terminal) -> None:
    kind = event.get("event")
    if kind == "progress":
        terminal.board([f"{event['done_frac']:4.0%}  {event['rows']:,} rows"])
    elif kind == "finished":
        terminal.board([])
        for shortfall in event["shortfalls"]:
            terminal.line(f"incomplete: {shortfall}")
        missing = f"; {render_length(round(event['missing_s'] * 1e9))} of it missing" if event["missing_s"] else ""
        terminal.line(f"{event['rows']:,} rows fetched, in {event['folder']}{missing}")


def _instant(text: str) -> int:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share above 0 and up to 1")
    return share
