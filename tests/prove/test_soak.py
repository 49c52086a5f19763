"""Half of the sustained rate for half an hour: memory, latency, descriptors, threads and backlog stay as they are."""

import itertools
import os
import statistics
import time
from pathlib import Path

import psutil
from bench.rig import loaded_system
from bench.signal_path import SYMBOLS

from foretick.launcher.testing import System
from foretick.launcher.testing.backlog import pending_messages
from foretick.launcher.testing.follower import Follower
from foretick.launcher.testing.processes import VICTIMS
from foretick.launcher.testing.steadiness import Sample, faults_of, growth_bytes, peaks_bytes
from foretick.launcher.testing.verdict import assert_sound, summarise

from .conftest import audit_progress, tell

MINUTES = float(os.environ.get("PROVE_SOAK_MINUTES", "30"))
TICKS_PER_S = float(os.environ.get("PROVE_SOAK_RATE", "20000"))
SAMPLE_S = 10.0
MAX_DRIFT = 1.5
SLACK_MS = 5.0
MAX_BACKLOG_S = 2.0
COLLECTED = "nats-server"
SERVING = tuple(victim for victim in VICTIMS if victim.role != "simulate")
"""The venue is the benchmark's."""


def test_system_under_steady_load_does_not_drift(cold_system_folder: Path) -> None:
    samples: dict[tuple[int, str], list[Sample]] = {}
    backlogs: list[int] = []
    store = cold_system_folder / "nats"
    with loaded_system(SYMBOLS, TICKS_PER_S, store) as (system, _), Follower(system, SYMBOLS[0]) as follower:
        bus, began_s, minute = system.setting("NATS_URL"), time.monotonic(), 0
        while (elapsed_s := time.monotonic() - began_s) < 60 * MINUTES:
            take_samples(system, samples)
            backlogs.append(pending_messages(bus, "MARKET"))
            if elapsed_s >= 60 * minute:
                minute += 1
                tell(row_of(minute, samples, backlogs[-1], follower))
            time.sleep(SAMPLE_S)
        thirds = [began_s + 60 * MINUTES * third / 3 for third in range(4)]
        latencies = [follower.latencies_ms(*span) for span in itertools.pairwise(thirds)]
        for (pid, name), series in sorted(samples.items(), key=lambda entry: entry[0][1]):
            tell(f"{name:18} pid {pid}: {describe(series)}")
        report = assert_sound(system, follower, victims=SERVING, progress=audit_progress())
        tell(summarise(f"{MINUTES:g} min at {TICKS_PER_S:,.0f} ticks/s", report))
        assert follower.connects == 1
        assert_flat(samples, backlogs, latencies)


def take_samples(system: System, samples: dict[tuple[int, str], list[Sample]]) -> None:
    """Add one of each process that serves; PostgreSQL's short-lived workers and the trainer are not among them."""
    for process in system.processes():
        try:
            command, memory = process.cmdline(), process.memory_full_info()
            name = name_of(process.name(), command)
            if name:
                sample = Sample(time.monotonic(), memory.uss, process.num_fds(), process.num_threads())
                samples.setdefault((process.pid, name), []).append(sample)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue


def name_of(program: str, command: list[str]) -> str:
    """Return what to call a process in the table; empty for one that is not watched."""
    if command[1:2] == ["-m"] and "train" not in command:
        return ".".join(word.removeprefix("foretick.") for word in command[2:])
    return program if program == "nats-server" else ""


def assert_flat(
    samples: dict[tuple[int, str], list[Sample]], backlogs: list[int], latencies: list[list[float]]
) -> None:
    """Fail for a process that grows or has died, a backlog that piles up, or a client that waits longer and longer."""
    names = [name for _, name in samples]
    assert len(names) == len(set(names)), f"a process was restarted: {sorted(names)}"
    for (_, name), series in samples.items():
        assert not faults_of(steady_part(series), is_collected=name == COLLECTED), name
    assert statistics.median(backlogs[-6:]) <= max(backlogs[len(backlogs) // 3], MAX_BACKLOG_S * TICKS_PER_S)
    first, last = latencies[0], latencies[-1]
    for cut in (49, 98):
        was, now = (statistics.quantiles(part, n=100)[cut] for part in (first, last))
        assert now <= max(MAX_DRIFT * was, was + SLACK_MS), f"p{cut + 1} drifts from {was:.1f} to {now:.1f} ms"


def steady_part(series: list[Sample]) -> list[Sample]:
    """Return the last two thirds: what a start leaves behind is over."""
    return series[len(series) // 3 :]


def describe(series: list[Sample]) -> str:
    """Return what a process did, as one line."""
    steady = steady_part(series)
    slope = growth_bytes(steady)
    peaks = " -> ".join(f"{peak / 1e6:.0f}" for peak in peaks_bytes(steady))
    return (
        f"{steady[0].own_bytes / 1e6:.1f} -> {steady[-1].own_bytes / 1e6:.1f} MB, {slope / 1e6:+.2f} MB "
        f"({slope / steady[0].own_bytes:+.2%}) in 10 min, peaks {peaks}, "
        f"files {steady[0].files} -> {steady[-1].files}, threads {steady[0].threads} -> {steady[-1].threads}"
    )


def row_of(minute: int, samples: dict[tuple[int, str], list[Sample]], backlog: int, follower: Follower) -> str:
    """Return the table's row of a minute."""
    now_s = time.monotonic()
    recent = follower.latencies_ms(now_s - 60, now_s)
    p50, p99 = (statistics.quantiles(recent, n=100)[cut] for cut in (49, 98)) if len(recent) > 1 else (0.0, 0.0)
    memory = "  ".join(f"{name} {series[-1].own_bytes / 1e6:.0f}" for (_, name), series in sorted(samples.items()))
    waits = f"p50 {p50:6.1f} ms  p99 {p99:6.1f} ms  worst {max(recent, default=0.0):6.0f} ms"
    return f"{minute - 1:3} min  {waits}  backlog {backlog:6}  MB: {memory}"
