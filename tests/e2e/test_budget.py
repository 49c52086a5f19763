"""What the default system may cost while nobody does anything: one core and 1.5 GB. The long form is in tests/prove."""

import time

from foretick.launcher.testing import System

MAX_CORES = 1.0
MAX_PSS_BYTES = 1_500_000_000
WATCHED_S = 15.0


def test_default_system_stays_within_a_core_and_its_memory(simulated: System) -> None:
    start = simulated.usage()
    while (now := simulated.usage()).at_s < start.at_s + WATCHED_S:
        assert now.pss_bytes <= MAX_PSS_BYTES
        time.sleep(1)  # the measurement is over a time; there is no condition to wait for
    assert now.cores_since(start) <= MAX_CORES
