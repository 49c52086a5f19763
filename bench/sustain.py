"""sustain: ticks a second through ingest, features, predictor, gateway and database for 60 s, over 1,000.

The venue sends at a fixed rate over 8 symbols, as far as it comes: it shares the two cores. A rate holds when ticks
become rows as fast as the venue sent them (98 %, so that nothing piles up in a socket), the sequence of every
instrument is whole in the rows, features found no gap, and the recorder's backlog is flat. The figure is the highest
tried rate that held; predictions that the predictor skipped for newer ones are counted.
"""

import asyncio
import os
import time
from dataclasses import dataclass

import nats
import psycopg

from bench.harness import Figure
from bench.rig import loaded_system
from bench.signal_path import SYMBOLS
from foretick.launcher.audit import audit_run
from foretick.launcher.testing import System

RATES = (40_000, 34_000, 30_000, 27_000, 24_000, 21_000, 15_000, 10_000, 5_000)
_SECONDS = 60.0
_KEEPS_UP_FRAC = 0.98


@dataclass(frozen=True, slots=True)
class Trial:
    """What one rate gave: ticks sent and recorded a second, numbers missing in the rows, backlog, conflation."""

    sent_per_s: float
    ticks_per_s: float
    missing: int
    is_whole: bool
    feature_gaps: float
    backlog_start: int
    backlog_end: int
    conflated: float

    @property
    def holds(self) -> bool:
        """Whether everything arrived and the backlog stayed flat (a second's worth of messages may be in flight)."""
        flat = self.backlog_end <= max(self.backlog_start, 0) + 2_000
        keeps_up = self.ticks_per_s >= _KEEPS_UP_FRAC * self.sent_per_s
        return keeps_up and self.is_whole and self.missing == 0 and self.feature_gaps == 0 and flat


def measure() -> list[Figure]:
    """Try falling rates until one holds; ``BENCH_SUSTAIN_RATE`` tries only that one."""
    only = os.environ.get("BENCH_SUSTAIN_RATE")
    trials = []
    for rate in (int(only),) if only else RATES:
        trial = _try(rate)
        trials.append(trial)
        print(f"sustain: {rate} ticks/s sent: {trial}", flush=True)
        if trial.holds:
            break
    best = max((trial.ticks_per_s for trial in trials if trial.holds), default=0.0)
    last = trials[-1]
    note = f"{last.conflated:.0f} predictions conflated, backlog {last.backlog_start} -> {last.backlog_end} messages"
    return [Figure("sustain", best / 1000, "x 1,000 ticks/s", floor=20, aim=100, smaller_is_better=False, note=note)]


def _try(rate: float) -> Trial:
    with loaded_system(SYMBOLS, rate) as (system, venue):
        database, bus = system.setting("DATABASE_URL"), system.setting("NATS_URL")
        run_id = system.setting("RUN_ID")
        with psycopg.connect(database, autocommit=True) as connection:
            # a count sees what was there when it began, and holds the recorder up while it runs: the clock comes first
            backlog_start, start = _backlog(bus), time.monotonic()
            rows_before = _count(connection, run_id)
            time.sleep(_SECONDS)
            backlog_end, seconds = _backlog(bus), time.monotonic() - start
            rows = _count(connection, run_id)
        # The rows alone: what is in the stream and not yet in them is backlog.
        report = audit_run(database, None, run_id)
        conflated = _metric(system, "predictor", "serve", "foretick_predictor_conflated_total")
        feature_gaps = _metric(system, "features", "serve", "foretick_sequence_gaps_total")
        sent = venue.stop()
        return Trial(
            sent_per_s=sum(each["trades"] + each["quotes"] for each in sent["symbols"].values()) / sent["seconds"],
            ticks_per_s=(rows - rows_before) / seconds,
            missing=report.missing + report.declared,
            is_whole=report.is_whole,
            feature_gaps=feature_gaps,
            backlog_start=backlog_start,
            backlog_end=backlog_end,
            conflated=conflated,
        )


def _count(connection: psycopg.Connection, run_id: str) -> int:
    row = connection.execute("SELECT count(*) FROM ticks WHERE run_id = %s", (run_id,)).fetchone()
    return int(row[0]) if row else 0


def _backlog(url: str) -> int:
    async def pending() -> int:
        nc = await nats.connect(url)
        consumers = await nc.jetstream().consumers_info("MARKET")
        await nc.close()
        return sum(consumer.num_pending or 0 for consumer in consumers)

    return asyncio.run(pending())


def _metric(system: System, service: str, role: str, name: str) -> float:
    text = system.metrics(service, role)
    if f"# TYPE {name} counter" not in text:
        raise RuntimeError(f"{service} {role} has no counter {name}")
    lines = [line for line in text.splitlines() if line.startswith((name + " ", name + "{"))]
    return sum(float(line.rpartition(" ")[2]) for line in lines)
