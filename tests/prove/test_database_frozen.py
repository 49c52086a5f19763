"""PostgreSQL stops for a minute and goes on: the feed does not feel it, and nothing is lost. Twin: e2e/test_faults."""

import os
import statistics
import time
from pathlib import Path

from foretick.common.testing.freezing import frozen
from foretick.launcher.testing import System
from foretick.launcher.testing.follower import Follower, Outage
from foretick.launcher.testing.processes import database_pids
from foretick.launcher.testing.verdict import assert_sound, summarise, wait_until_well

from .conftest import audit_progress, tell

FROZEN_S = float(os.environ.get("PROVE_FROZEN_S", "60"))
MAX_RATIO = 1.1
SLACK_MS = 5.0
"""A p99 of a few hundred predictions moves by milliseconds from minute to minute, whatever is frozen."""


def p99(latencies_ms: list[float]) -> float:
    return statistics.quantiles(latencies_ms, n=100)[98]


def test_frozen_database_leaves_the_feed_alone(cold_system_folder: Path) -> None:
    with System(cold_system_folder) as system, Follower(system) as follower:
        wait_until_well(system, follower)
        time.sleep(15)  # what a start leaves behind
        tell(f"{FROZEN_S:.0f} s as it is, then {FROZEN_S:.0f} s with the database frozen")
        began_s = time.monotonic()
        time.sleep(FROZEN_S)
        tell("frozen")
        frozen_s = time.monotonic()
        with frozen(database_pids(system)):
            time.sleep(FROZEN_S)
            thawed_s = time.monotonic()
        before, during = (p99(follower.latencies_ms(*span)) for span in ((began_s, frozen_s), (frozen_s, thawed_s)))
        tell(f"client's p99 before {before:.2f} ms, during {during:.2f} ms, ratio {during / before:.2f}")
        outage = Outage("database frozen", FROZEN_S, follower.longest_silence_s(frozen_s, thawed_s))
        assert during <= max(MAX_RATIO * before, before + SLACK_MS)
        report = assert_sound(system, follower, progress=audit_progress())
        tell(f"caught up {time.monotonic() - thawed_s:.1f} s after the thaw, record whole and right")
        tell(summarise(outage.what, report, [outage]))
