"""Whether a process under steady load stays as it is: its own memory, its open files, its threads."""

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

MAX_SLOPE_FRAC = 0.01
"""Growth of a process's own memory in ten minutes."""
SLACK_BYTES = 2_000_000
"""In ten minutes: what an allocator's arenas do without anything having grown."""
MAX_PEAK_FRAC = 1.05
"""Of a collected heap: the highest peak of the later half over that of the earlier one."""
MORE_FILES, MORE_THREADS = 2, 1
TEN_MINUTES_S = 600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """A process at an instant: memory that it shares with no other (USS), open files, threads."""

    at_s: float
    own_bytes: int
    files: int
    threads: int


def faults_of(steady: Sequence[Sample], *, is_collected: bool = False) -> list[str]:
    """Return in what a process did not stay as it was, from samples in order; none when it did.

    is_collected: its heap swings between what lives and twice that, as a collector like Go's has it: only its peaks
        tell whether it grows
    """
    faults = []
    if is_collected:
        was, now = peaks_bytes(steady)
        if now > MAX_PEAK_FRAC * was:
            faults.append(f"its peaks grow from {was / 1e6:.1f} to {now / 1e6:.1f} MB")
    elif (slope := growth_bytes(steady)) > max(MAX_SLOPE_FRAC * steady[0].own_bytes, SLACK_BYTES):
        faults.append(f"it grows by {slope / 1e6:.1f} MB in ten minutes")
    if steady[-1].files > steady[0].files + MORE_FILES:
        faults.append(f"it opens files: {steady[0].files} -> {steady[-1].files}")
    if steady[-1].threads > steady[0].threads + MORE_THREADS:
        faults.append(f"it starts threads: {steady[0].threads} -> {steady[-1].threads}")
    return faults


def growth_bytes(series: Sequence[Sample]) -> float:
    """Return the growth in ten minutes of the half that grows less.

    What leaks goes on leaking. One step, as when a burst had more objects alive at once than ever before, lies in one
    half.
    """
    middle = len(series) // 2
    return min(slope_bytes(series[:middle]), slope_bytes(series[middle:]))


def slope_bytes(series: Sequence[Sample]) -> float:
    """Return the growth in ten minutes by the median of the slopes between any two samples (Theil 1950, Sen 1968)."""
    slopes = [
        (later.own_bytes - earlier.own_bytes) / (later.at_s - earlier.at_s)
        for earlier, later in itertools.combinations(series, 2)
    ]
    return statistics.median(slopes) * TEN_MINUTES_S


def peaks_bytes(series: Sequence[Sample]) -> tuple[int, int]:
    """Return the most of the earlier half and the most of the later one."""
    middle = len(series) // 2
    return max(each.own_bytes for each in series[:middle]), max(each.own_bytes for each in series[middle:])
