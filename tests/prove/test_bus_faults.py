"""The bus fails in every way it can: restarts, kills, partitions of all and of one service, latency, resets.

Short twin: e2e/test_bus_faults.
"""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from foretick.launcher.testing.bus_rig import WATCHED, BusRig, bus_rig
from foretick.launcher.testing.follower import Outage
from foretick.launcher.testing.verdict import assert_sound

ROUNDS = int(os.environ.get("PROVE_BUS_ROUNDS", "3"))
SEED = int(os.environ.get("PROVE_SEED", "1"))
PARTITIONED = ("ingest.feed", "ingest.record", "features.serve", "predictor.serve", "gateway.")


@pytest.fixture(scope="module")
def rig(cold_system_folder: Path) -> Iterator[BusRig]:
    with bus_rig(cold_system_folder) as rig:
        yield rig


def judge(rig: BusRig, what: str, began_s: float) -> None:
    """The verdict, and the outage printed."""
    injected_s = time.monotonic() - began_s
    assert_sound(rig.system, rig.follower, victims=WATCHED)
    print(Outage(what, injected_s, rig.follower.longest_silence_s(began_s, time.monotonic())).describe(), flush=True)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_server_restarts_nothing_acknowledged_is_lost(rig: BusRig, how: str) -> None:
    rng = random.Random(f"{SEED}{how}")
    for number in range(ROUNDS):
        began_s = time.monotonic()
        getattr(rig.server, how)()
        time.sleep(rng.uniform(0.0, 10.0))  # the length of the outage
        rig.server.start()
        judge(rig, f"nats-server {how} {number + 1}", began_s)


@pytest.mark.parametrize("reset", [False, True], ids=["resumed", "reset"])
@pytest.mark.parametrize("who", ["", *PARTITIONED])
def test_partition_heals_without_a_hole_that_nobody_tells(rig: BusRig, who: str, reset: bool) -> None:
    rng = random.Random(f"{SEED}{who}{reset}")
    for length_s in (rng.uniform(1.0, 8.0), rng.uniform(25.0, 40.0)):  # before and after the pings give up
        began_s = time.monotonic()
        rig.proxy.cut(*([who] if who else []))
        time.sleep(length_s)
        rig.proxy.heal(reset=reset)
        judge(rig, f"partition of {who or 'all'}, {length_s:.0f} s, {'reset' if reset else 'resumed'}", began_s)


def test_resets_in_a_row_are_survived(rig: BusRig) -> None:
    rng = random.Random(SEED)
    began_s = time.monotonic()
    for _ in range(10 * ROUNDS):
        rig.proxy.reset()
        time.sleep(rng.uniform(0.0, 1.0))
    judge(rig, f"{10 * ROUNDS} resets", began_s)


def test_slow_network_delays_and_loses_nothing(rig: BusRig) -> None:
    rig.proxy.latency_s = 0.05
    began_s = time.monotonic()
    time.sleep(20)
    rig.proxy.latency_s = 0.0
    judge(rig, "50 ms each way", began_s)
