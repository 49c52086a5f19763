"""Load the WebSocket feed of any Foretick with many clients, and check all that they are sent.

Every client checks the chain of ``seq`` and ``prev`` of each topic; some may freeze, some come and go; at the end one
of each process leaves and resumes. Latencies come from the messages' own timestamps, so both machines' clocks count.
Exit code 1 when the chain breaks, a connection fails or the server drops one.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import uvloop
from load_test.clients import Share, run_share
from load_test.report import make_report, render_html
from load_test.tally import Tally

_CONNECT_PER_S = 500.0
_SPARE_FILES = 100


def main() -> int:
    """Run the test and report."""
    options = _options()
    shares = list(split(options))
    start_s = time.monotonic()
    tally = run(shares, options.connections, quiet=options.quiet)
    report = make_report(_told(options), tally, options.seconds)
    _print(report, time.monotonic() - start_s)
    if options.report:
        path = Path(options.report)
        text = render_html(report, tally) if path.suffix in (".html", ".htm") else json.dumps(report, indent=1) + "\n"
        path.write_text(text)
        print(f"report: {path}")
    return 0 if report["passed"] else 1


def split(options: argparse.Namespace) -> Iterator[Share]:
    """Deal the clients out to the processes."""
    count = min(options.processes, options.connections)
    frozen = round(options.connections * options.frozen_frac)
    for number in range(count):
        yield Share(
            url=options.url,
            connections=_part(options.connections, count, number),
            symbols=tuple(options.symbols.split(",")),
            channels=tuple(options.channels.split(",")),
            seconds=options.seconds,
            frozen=_part(frozen, count, number),
            churn_per_s=options.churn_per_s / count,
            ramp_per_s=_CONNECT_PER_S / count,
        )


def run(shares: list[Share], connections: int, *, quiet: bool) -> Tally:
    """Run each share in a process and add up what they counted."""
    context = multiprocessing.get_context("spawn")
    pipes: dict[Connection, Any] = {}
    for share in shares:
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(share, theirs), daemon=True)
        process.start()
        theirs.close()
        pipes[mine] = process
    latest: dict[Connection, Tally] = {}
    shown_s = time.monotonic()
    while pipes:
        for pipe in wait(list(pipes), timeout=1):
            assert isinstance(pipe, Connection)
            try:
                latest[pipe] = pipe.recv()
            except EOFError:
                pipes.pop(pipe).join()
        if not quiet and latest and time.monotonic() - shown_s >= 1:
            shown_s = time.monotonic()
            _show(_sum(latest.values()), connections)
    total = _sum(latest.values())
    total.failed += max(0, len(shares) - len(latest))
    return total


def _work(share: Share, pipe: Connection) -> None:
    pipe.send(uvloop.run(run_share(share, pipe.send)))
    pipe.close()


def _sum(tallies: Any) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def _part(total: int, count: int, number: int) -> int:
    return total // count + (number < total % count)


def _show(tally: Tally, connections: int) -> None:
    p99 = tally.of_source.quantile_ms(0.99)
    print(
        f"{tally.connected - tally.churned}/{connections} connected, {tally.messages} messages, "
        f"p99 {'-' if p99 is None else f'{p99:.1f} ms'}, {tally.broken_links} broken links, {tally.dropped} dropped, "
        f"{tally.failed} failed",
        flush=True,
    )


def _print(report: dict[str, Any], wall_s: float) -> None:
    counts = report["counts"]
    print(
        f"{counts['connected']} connections ({counts['frozen']} frozen, {counts['churned']} replaced), {wall_s:.1f} s; "
        f"{counts['messages']} messages, {report['messages_per_s']:g}/s, {report['mbit_per_s']:g} Mbit/s"
    )
    for name, quantiles in report["latency_ms"].items():
        print(f"latency {name} ms: " + ", ".join(f"{share} {value}" for share, value in quantiles.items()))
    print(
        f"chain: {counts['deltas']} deltas, {counts['broken_links']} broken, {counts['snapshots']} snapshots "
        f"({counts['conflated']} in place of updates); "
        f"resumed {counts['resumed']} topics, {counts['resumed_whole']} came whole"
    )
    for what in ("close_codes", "failures"):
        if report[what]:
            print(f"{what}: {report[what]}")
    print("passed" if report["passed"] else "FAILED: " + "; ".join(report["faults"]))


def _told(options: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name, value in vars(options).items() if name not in ("quiet", "report")}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--url", default="ws://127.0.0.1:8765/ws/realtime")
    parser.add_argument("--symbols", default="BTCUSDT,ETHUSDT", help="comma-separated")
    parser.add_argument("--channels", default="ticks,predictions", help="comma-separated")
    parser.add_argument("--seconds", type=float, default=30, help="after all are connected")
    parser.add_argument("--frozen-frac", type=float, default=0.0, help="share of clients that stop reading")
    parser.add_argument("--churn-per-s", type=float, default=0.0, help="clients replaced a second, over all processes")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--report", help="a file ending in .html or .json")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    options = parser.parse_args()
    if options.connections < 1 or options.processes < 1 or not 0 <= options.frozen_frac <= 1:
        parser.error("connections and processes are at least 1, frozen-frac lies in 0..1")
    _allow_files(options.connections)
    return options


def _allow_files(connections: int) -> None:
    """Raise the limit of open files as far as this user may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        if limit < wanted:
            print(f"only {limit} files may be open: connections beyond will fail (ulimit -n)", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
