"""Disconnects, half-open sockets, restarts of the venue, slow and failing full books: PROVE_CHAOS_MINUTES of each.

One simulated exchange serves the protocols of Binance, Coinbase and Kraken at once; one feed follows it as all three,
over real sockets, on a real bus, in real time, with the limits and timeouts of its settings. Every kind of fault comes
again and again, in an order of the seed. Held by counts at the exchange and by whoever reads ``ticks.*`` and
``books.*``: each trade that was not told lies in a record of lost trust; each LIVE book is one that the exchange had;
every book is LIVE again within what the settings promise; no limit of the venues is passed, and nothing is asked before
the venue's time to wait is over. Connections are replaced after 45 s instead of a day, and no book may show it.

Short twin: services/ingest/tests/venues/test_connection_chaos, which has the controls.
"""

import gc
import itertools
import os
import time

import pytest
from services.ingest.tests.venues.chaos.run import Plan, chaos, schedule

from .conftest import tell

MINUTES = float(os.environ.get("PROVE_CHAOS_MINUTES", "20"))
SEED = int(os.environ.get("PROVE_SEED", "1"))
_TOLD_EVERY = 13


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.timeout(MINUTES * 60.0 + 1800.0)
async def test_hour_of_chaos_loses_nothing_untold(nats_url, monkeypatch) -> None:
    tell("")
    end_s = time.monotonic() + 60.0 * MINUTES
    async with chaos(nats_url, Plan(), SEED, monkeypatch) as run:
        await run.run(schedule(SEED), tell)
        files = open_files()
        for kind in itertools.chain.from_iterable(schedule(SEED + number) for number in itertools.count(1)):
            if time.monotonic() > end_s:
                break
            await run.run([kind], tell)
            if sum(map(len, run.report.recoveries.values())) % _TOLD_EVERY == 0:
                tell(run.report.describe())
        grown = open_files() - files
        report = run.sum_up()
    tell(report.describe())
    report.assert_sound()
    assert all(findings.holes > 0 for findings in report.findings.values()), "nothing was lost"
    assert grown < 20, f"{grown} more files are open than after the first round"
