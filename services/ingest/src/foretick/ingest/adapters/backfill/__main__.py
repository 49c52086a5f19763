"""``python -m foretick.ingest.adapters.backfill``: one run, told as JSON lines; ``foretick backfill`` starts it.

Each line has ``event``: ``progress``, ``finished``, or ``failed`` with ``message`` and ``hint``. Exit code 0: all that
the venue gives is there; 1: it ended before; 2: it cannot be done as asked.
"""

import argparse
import asyncio
import random
import sys
from functools import partial
from pathlib import Path

from foretick.common.errors import Malformed, Refused, Transient
from foretick.common.runtime.step_lines import fail, tell
from foretick.common.runtime.system_clock import SystemClock
from foretick.common.units import NS_PER_S
from foretick.ingest.adapters.backfill.client import Backfill, Progress
from foretick.ingest.adapters.backfill.store import HistoryStore
from foretick.ingest.adapters.backfill.venues import HISTORIES
from foretick.ingest.adapters.connections.budget import Budget
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.domain.history import INTERVALS_NS, HistoryLimits, Plan, VenueHistory, align
from foretick.market.recording.spans import Span

EXIT_ENDED = 1


def main() -> int:
    """Run once; return the exit code."""
    options = _parser().parse_args()
    try:
        return asyncio.run(_run(options))
    except Refused as error:
        return fail(error.message, error.hint)
    except Transient as error:
        return fail(str(error), "what was fetched is stored: run it again to go on", EXIT_ENDED)
    except Malformed as error:
        hint = f"the venue may have changed its format: {error.payload[:200].decode(errors='replace')}"
        return fail(str(error), hint, EXIT_ENDED)
    except KeyboardInterrupt:
        return fail("interrupted", "what was fetched is stored: run it again to go on", EXIT_ENDED)


async def _run(options: argparse.Namespace) -> int:
    history = HISTORIES[options.venue]
    now_ns = SystemClock().now_ns()
    span = _wanted(options, history, now_ns)
    what = "trades" if options.kind == "trades" else f"bars-{options.interval}"
    store = HistoryStore(Path(options.out), options.venue, options.symbol, what)
    budget = _budget(history.limits, options.budget_frac)
    told = _Told()
    async with VenueHttp(options.rest_url or history.base_url, history.venue, budget, history.read_refusal) as http:
        run = Backfill(http, store, partial(_plan, options, history, now_ns), told, random.Random(now_ns).random)
        shortfalls = await run.run(span)
    missing_ns = sum(each.to_ns - each.from_ns for each in store.missing(span))
    tell("finished", rows=told.rows, folder=str(store.path), shortfalls=shortfalls, missing_s=missing_ns / NS_PER_S)
    return 0


def _budget(limits: HistoryLimits, budget_frac: float) -> Budget:
    """Return our share of the venue's budget: of its size, if that is a whole unit, and always of its pace."""
    capacity = max(1.0, limits.budget * budget_frac)
    period_s = capacity * limits.period_s / (limits.budget * budget_frac)
    return Budget(capacity, period_s, asyncio.get_running_loop().time)


def _wanted(options: argparse.Namespace, history: VenueHistory, now_ns: int) -> Span:
    """Return the span that can be asked for: what has passed, in whole bars where these are wanted."""
    span = Span(options.from_ns, min(options.to_ns, now_ns))
    if options.kind == "bars":
        if options.interval not in history.intervals:
            known = ", ".join(history.intervals)
            raise Refused("no_interval", f"{history.venue} has no bars of {options.interval}", f"it has {known}")
        span = align(span, INTERVALS_NS[options.interval], now_ns)
    if span.from_ns >= span.to_ns:
        raise Refused("no_time", "nothing of that time has passed and is whole", "let --from be before --to and now")
    return span


def _plan(options: argparse.Namespace, history: VenueHistory, now_ns: int, span: Span) -> Plan:
    if options.kind == "trades":
        return history.trades(options.symbol, span, now_ns)
    return history.bars(options.symbol, options.interval, span)


class _Told:
    """Tells each step, and remembers the rows."""

    rows = 0

    def __call__(self, progress: Progress) -> None:
        self.rows = progress.rows
        tell("progress", done_frac=round(progress.done_frac, 4), rows=progress.rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="foretick.ingest.adapters.backfill", description=__doc__)
    parser.add_argument("venue", choices=sorted(HISTORIES))
    parser.add_argument("symbol")
    parser.add_argument("--from", type=int, required=True, dest="from_ns")
    parser.add_argument("--to", type=int, required=True, dest="to_ns")
    parser.add_argument("--kind", choices=("trades", "bars"), required=True)
    parser.add_argument("--interval", choices=sorted(INTERVALS_NS), default="1m")
    parser.add_argument("--out", required=True)
    parser.add_argument("--rest-url", default="")
    parser.add_argument("--budget-frac", type=float, required=True)
    return parser


if __name__ == "__main__":
    sys.exit(main())
