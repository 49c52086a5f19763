"""The bus fails in every way it can: restarts, kills, partitions of all and of one service, latency, resets.

Short twin: e2e/test_bus_faults.
"""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from foretick.launcher.audit import AuditReport
from foretick.launcher.testing.bus_rig import WATCHED, BusRig, bus_rig
from foretick.launcher.testing.follower import Outage
from foretick.launcher.testing.verdict import assert_sound, summarise

from .conftest import audit_progress, tell

ROUNDS = int(os.environ.get("PROVE_BUS_ROUNDS", "3"))
SEED = int(os.environ.get("PROVE_SEED", "1"))
PARTITIONED = ("ingest.feed", "ingest.record", "features.serve", "predictor.serve", "gateway.")


class Judge:
    """Gives a verdict after every fault, and a last line over all of them."""

    def __init__(self, rig: BusRig) -> None:
        self.rig = rig
        self.outages: list[Outage] = []
        self.report: AuditReport | None = None

    def __call__(self, what: str, began_s: float) -> None:
        injected_s = time.monotonic() - began_s
        self.report = assert_sound(self.rig.system, self.rig.follower, victims=WATCHED, progress=audit_progress())
        self.outages.append(Outage(what, injected_s, self.rig.follower.longest_silence_s(began_s, time.monotonic())))
        tell(self.outages[-1].describe())

    def summary(self) -> str:
        """Return what came of the faults up to the last that was judged."""
        what = f"{len(self.outages)} faults of the bus"
        return summarise(what, self.report, self.outages) if self.report else f"{what} judged"


@pytest.fixture(scope="module")
def judge(cold_system_folder: Path) -> Iterator[Judge]:
    with bus_rig(cold_system_folder) as rig:
        judge = Judge(rig)
        yield judge
        tell(f"\n{judge.summary()}")


@pytest.fixture
def rig(judge: Judge) -> BusRig:
    return judge.rig


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_server_restarts_nothing_acknowledged_is_lost(rig: BusRig, judge: Judge, how: str) -> None:
    rng = random.Random(f"{SEED}{how}")
    for number in range(ROUNDS):
        began_s = time.monotonic()
        getattr(rig.server, how)()
        time.sleep(rng.uniform(0.0, 10.0))  # the length of the outage
        rig.server.start()
        judge(f"nats-server {how} {number + 1}", began_s)


@pytest.mark.parametrize("reset", [False, True], ids=["resumed", "reset"])
@pytest.mark.parametrize("who", ["", *PARTITIONED])
def test_partition_heals_without_a_hole_that_nobody_tells(rig: BusRig, judge: Judge, who: str, reset: bool) -> None:
    rng = random.Random(f"{SEED}{who}{reset}")
    for length_s in (rng.uniform(1.0, 8.0), rng.uniform(25.0, 40.0)):  # before and after the pings give up
        began_s = time.monotonic()
        rig.proxy.cut(*([who] if who else []))
        time.sleep(length_s)
        rig.proxy.heal(reset=reset)
        judge(f"partition of {who or 'all'}, {length_s:.0f} s, {'reset' if reset else 'resumed'}", began_s)


def test_resets_in_a_row_are_survived(rig: BusRig, judge: Judge) -> None:
    rng = random.Random(SEED)
    began_s = time.monotonic()
    for _ in range(10 * ROUNDS):
        rig.proxy.reset()
        time.sleep(rng.uniform(0.0, 1.0))
    judge(f"{10 * ROUNDS} resets", began_s)


def test_slow_network_delays_and_loses_nothing(rig: BusRig, judge: Judge) -> None:
    rig.proxy.latency_s = 0.05
    began_s = time.monotonic()
    time.sleep(20)
    rig.proxy.latency_s = 0.0
    judge("50 ms each way", began_s)
