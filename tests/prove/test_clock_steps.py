"""The machine's clock is set an hour ahead, an hour back and back again while the system runs, and stays an hour back.

Short twins: common's test_system_clock, e2e/test_faults.
"""

import os
import time
from pathlib import Path

from foretick.launcher.testing import System
from foretick.launcher.testing.fake_time import FakeTime
from foretick.launcher.testing.follower import Follower, Outage
from foretick.launcher.testing.processes import SERVICES, kill
from foretick.launcher.testing.verdict import assert_data_time_never_fell, assert_sound, summarise, wait_until_well

from .conftest import audit_progress, tell

STEPS_S = (3600.0, 0.0, -3600.0, 0.0, -1.5, 0.0)
SETTLED_S = float(os.environ.get("PROVE_CLOCK_SETTLED_S", "10"))


def test_clock_steps_hold_nothing_still_and_turn_no_time_back(cold_system_folder: Path, tmp_path: Path) -> None:
    fake = FakeTime(tmp_path)
    outages: list[Outage] = []
    with System(cold_system_folder, **fake.settings) as system, Follower(system) as follower:
        wait_until_well(system, follower)
        for offset_s in STEPS_S:
            began_s = time.monotonic()
            fake.offset_s = offset_s
            time.sleep(SETTLED_S)
            wait_until_well(system, follower)
            ended_s = time.monotonic()
            seen_s = follower.longest_silence_s(began_s, ended_s)
            outages.append(Outage(f"clock set to {offset_s:+.1f} s", ended_s - began_s, seen_s))
            tell(outages[-1].describe())
        fake.offset_s = -3600.0
        for victim in SERVICES:  # each successor finds a clock that is behind what its predecessor wrote
            kill(system, victim)
            wait_until_well(system, follower)
            tell(f"clock an hour back, {victim.label} killed: well again")
        report = assert_sound(system, follower, progress=audit_progress())
        assert_data_time_never_fell(system)
        tell(summarise(f"{len(STEPS_S)} steps of the clock, {len(SERVICES)} kills an hour back", report, outages))
