"""Ten minutes of the default system: under one core and 1.5 GB (sum of PSS), and not climbing."""

import os
import statistics
import time
from pathlib import Path

from foretick.launcher.testing import System, Usage

from .conftest import tell

MINUTES = float(os.environ.get("PROVE_MINUTES", "10"))
SAMPLE_S = 10.0
MAX_CORES = 1.0
MAX_PSS_BYTES = 1_500_000_000
MAX_CLIMB_FRAC = 0.03
"""The last third against the middle third: caches and the servers' buffers fill in the first."""


def test_default_system_costs_under_a_core_and_its_memory_does_not_climb(cold_system_folder: Path) -> None:
    with System(cold_system_folder) as system:
        system.wait_for_prediction()
        samples: list[Usage] = [system.usage()]
        while samples[-1].at_s < samples[0].at_s + 60 * MINUTES:
            time.sleep(SAMPLE_S)
            samples.append(system.usage())
            parts = "  ".join(f"{name} {pss / 1e6:.0f} MB" for name, pss in samples[-1].pss_bytes_by.items())
            cores = samples[-1].cores_since(samples[0])
            tell(f"{samples[-1].at_s - samples[0].at_s:5.0f} s  {cores:.3f} cores  {parts}")
    third = len(samples) // 3
    middle, last = (
        statistics.median(sample.pss_bytes for sample in part) for part in (samples[third:-third], samples[-third:])
    )
    cores, most_bytes = samples[-1].cores_since(samples[0]), max(sample.pss_bytes for sample in samples)
    tell(f"{MINUTES:g} min: {cores:.3f} cores, at most {most_bytes / 1e9:.2f} GB, climb {last / middle - 1:+.1%}")
    assert cores <= MAX_CORES
    assert most_bytes <= MAX_PSS_BYTES
    assert last / middle - 1 <= MAX_CLIMB_FRAC
