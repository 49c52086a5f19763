"""The latency waterfall: how long each stage of a prediction's way took, from ingest's socket to the clients."""

from bisect import bisect_left
from itertools import pairwise

from foretick.common.contracts import Prediction
from foretick.common.units import NS_PER_US
from foretick.gateway.domain.payloads import Stage, StageData, WaterfallData
from foretick.gateway.domain.system_view import WINDOW_S, LatencyWindow

BOUNDS_US = (
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
)  # fmt: skip
"""Upper bounds of the buckets that are counted since the start, inclusive; what lies beyond has a bucket of its own."""

UPSTREAM = tuple(stage for stage in Stage if stage is not Stage.GATEWAY)
"""The stages before the gateway, in order: they add up to the latency of a prediction."""


class Track:
    """What is known of one stage: counts since the start for Prometheus, quantiles of the last minute for people.

    skewed: durations below zero, which only clocks that disagree can bring about; they count nowhere else
    unstamped: predictions that lack an instant at which the stage starts or ends
    """

    __slots__ = ("buckets", "skewed", "sum_ns", "unstamped", "window")

    def __init__(self) -> None:
        self.window = LatencyWindow()
        self.buckets = [0] * (len(BOUNDS_US) + 1)
        self.sum_ns = 0
        self.skewed = 0
        self.unstamped = 0

    def add(self, duration_ns: int, now_ns: int) -> None:
        """Count one duration that ended at about ``now_ns``."""
        if duration_ns < 0:
            self.skewed += 1
            return
        duration_us = duration_ns / NS_PER_US
        self.buckets[bisect_left(BOUNDS_US, duration_us)] += 1
        self.sum_ns += duration_ns
        self.window.add(duration_us, now_ns)


class Waterfall:
    """Every stage of the predictions that this gateway forwarded, and the whole: from ingest's socket to its arrival.

    A stage is the time between two instants of the message. Its instants are wall clocks of the processes that it
    passed: on one host they are one clock, between hosts the stage carries the difference of theirs.
    """

    def __init__(self) -> None:
        self.stages = {stage: Track() for stage in Stage}
        self.whole = Track()
        self._last_ns: int | None = None
        self._fresh = 0

    def take(self, prediction: Prediction, arrived_ns: int) -> None:
        """Count a prediction that arrived at ``arrived_ns``."""
        self._last_ns = arrived_ns
        self._fresh += 1
        self.whole.add(arrived_ns - prediction.ts_ingest_ns, arrived_ns)
        instants = (
            prediction.ts_ingest_ns,
            prediction.ts_frame_sent_ns,
            prediction.ts_frame_taken_ns,
            prediction.ts_vector_sent_ns,
            prediction.ts_vector_taken_ns,
            prediction.ts_sent_ns,
            arrived_ns,
        )
        for stage, (began_ns, ended_ns) in zip(UPSTREAM, pairwise(instants), strict=True):
            track = self.stages[stage]
            if began_ns is None or ended_ns is None:
                track.unstamped += 1
            else:
                track.add(ended_ns - began_ns, arrived_ns)

    def take_fresh(self) -> int:
        """Return how many predictions were counted since the last call: those that are on their way to the clients."""
        fresh, self._fresh = self._fresh, 0
        return fresh

    def serve(self, count: int, arrived_ns: int, now_ns: int) -> None:
        """Count the gateway's own stage for ``count`` predictions of a batch that is with the clients at ``now_ns``."""
        track = self.stages[Stage.GATEWAY]
        for _ in range(count):
            track.add(now_ns - arrived_ns, now_ns)

    def data(self, now_ns: int) -> WaterfallData:
        """Return the last minute before ``now_ns``."""
        p50_us, p99_us = self.whole.window.quantiles_us((0.5, 0.99), now_ns)
        return WaterfallData(
            window_s=WINDOW_S,
            count=self.whole.window.count(now_ns),
            age_us=None if self._last_ns is None else max(0, now_ns - self._last_ns) // NS_PER_US,
            p50_us=p50_us,
            p99_us=p99_us,
            skewed=self.whole.skewed,
            stages=[_stage_data(stage, track, now_ns) for stage, track in self.stages.items()],
        )


def _stage_data(stage: Stage, track: Track, now_ns: int) -> StageData:
    p50_us, p99_us = track.window.quantiles_us((0.5, 0.99), now_ns)
    return StageData(stage=stage, p50_us=p50_us, p99_us=p99_us, skewed=track.skewed, unstamped=track.unstamped)
