"""sustain: ticks a second through ingest, features, predictor, gateway and database for 60 s, over 1,000.

The venue sends at a fixed rate over 8 symbols. The rate holds when every tick that was sent in the minute is a row, the
sequence of every instrument is whole in the rows, features found no gap, and the recorder's backlog is not growing. The
figure is the highest tried rate that held; predictions that the predictor skipped for newer ones are counted.
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
from foretick.launcher.testing import System

RATES = (60_000, 45_000, 35_000, 28_000, 24_000, 21_000, 20_000, 15_000, 10_000, 5_000)
_SECONDS = 60.0
_DRAIN_S = 20.0
_WHOLE = """
WITH events AS (
    SELECT symbol, seq FROM ticks WHERE run_id = %(run)s
    UNION ALL SELECT symbol, seq FROM book_events WHERE run_id = %(run)s
)
SELECT coalesce(sum(last - first + 1 - n), 0) FROM (
    SELECT symbol, count(*) AS n, min(seq) AS first, max(seq) AS last FROM events GROUP BY symbol
) AS spans
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """What one rate gave: ticks recorded a second, sequence numbers missing in the rows, backlog and conflation."""

    ticks_per_s: float
    missing: int
    feature_gaps: float
    backlog_start: int
    backlog_end: int
    conflated: float

    @property
    def holds(self) -> bool:
        """Whether everything arrived and the backlog stayed flat (a second's worth of messages may be in flight)."""
        flat = self.backlog_end <= max(self.backlog_start, 0) + 2_000
        return self.missing == 0 and self.feature_gaps == 0 and flat


def measure() -> list[Figure]:
    """Try falling rates until one holds; ``BENCH_SUSTAIN_RATE`` tries only that one."""
    only = os.environ.get("BENCH_SUSTAIN_RATE")
    trials = []
    for rate in (int(only),) if only else RATES:
        trial = _try(rate)
        trials.append(trial)
        print(f"sustain: {rate} ticks/s sent: {trial}", flush=True)
        if trial.holds and trial.ticks_per_s >= 0.98 * rate:
            break
    best = max((trial.ticks_per_s for trial in trials if trial.holds), default=0.0)
    last = trials[-1]
    note = f"{last.conflated:.0f} predictions conflated, backlog {last.backlog_start} -> {last.backlog_end} messages"
    return [Figure("sustain", best / 1000, "x 1,000 ticks/s", floor=20, aim=100, smaller_is_better=False, note=note)]


def _try(rate: float) -> Trial:
    with loaded_system(SYMBOLS, rate) as (system, _venue):
        database, bus = system.setting("DATABASE_URL"), system.setting("NATS_URL")
        run_id = system.setting("RUN_ID")
        with psycopg.connect(database, autocommit=True) as connection:
            rows_before, start, backlog_start = _count(connection, run_id), time.monotonic(), _backlog(bus)
            time.sleep(_SECONDS)
            rows, seconds, backlog_end = _count(connection, run_id), time.monotonic() - start, _backlog(bus)
            missing = int(connection.execute(_WHOLE, {"run": run_id}).fetchone()[0])  # type: ignore[index]
        return Trial(
            ticks_per_s=(rows - rows_before) / seconds,
            missing=missing,
            feature_gaps=_metric(system, "features", "serve", "foretick_features_seq_gaps_total"),
            backlog_start=backlog_start,
            backlog_end=backlog_end,
            conflated=_metric(system, "predictor", "serve", "foretick_predictor_conflated_total"),
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
    lines = [line for line in text.splitlines() if line.startswith(name)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)
