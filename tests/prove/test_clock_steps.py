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
from foretick.launcher.testing.verdict import assert_data_time_never_fell, assert_sound, wait_until_well

STEPS_S = (3600.0, 0.0, -3600.0, 0.0, -1.5, 0.0)
SETTLED_S = float(os.environ.get("PROVE_CLOCK_SETTLED_S", "10"))


def test_clock_steps_hold_nothing_still_and_turn_no_time_back(cold_system_folder: Path, tmp_path: Path) -> None:
    fake = FakeTime(tmp_path)
    with System(cold_system_folder, **fake.settings) as system, Follower(system) as follower:
        wait_until_well(system, follower)
        for offset_s in STEPS_S:
            began_s = time.monotonic()
            fake.offset_s = offset_s
            time.sleep(SETTLED_S)
            wait_until_well(system, follower)
            seen_s = follower.longest_silence_s(began_s, time.monotonic())
            print(Outage(f"clock set to {offset_s:+.1f} s", time.monotonic() - began_s, seen_s).describe(), flush=True)
        fake.offset_s = -3600.0
        for victim in SERVICES:  # each successor finds a clock that is behind what its predecessor wrote
            kill(system, victim)
            wait_until_well(system, follower)
            print(f"clock an hour back, {victim.label} killed: well again", flush=True)
        assert_sound(system, follower)
        assert_data_time_never_fell(system)
