"""Counts what the fold does, for Prometheus."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from foretick.common.contracts import TickFrame
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.logs import Logger
from foretick.common.runtime.metrics import Metrics
from foretick.common.sequence import SOUND, Admission, SequenceTally
from foretick.common.units import NS_PER_S
from foretick.features.domain.instrument import Folded, Frame
from foretick.quant.kernel import Fault
from foretick.quant.registry import FEATURES


class FoldMetrics(Collector):
    """Implements ``ports.FoldObserver``; losses and refusals are also logged.

    faults: the kernel's counts of what was wrong with values, read when asked

    Counts are plain numbers that are read when Prometheus asks: a counter of its client takes longer than the fold.
    """

    def __init__(self, metrics: Metrics, log: Logger, sequence: SequenceTally, faults: NDArray[np.int64]) -> None:
        self._sequence = sequence
        self._log = log
        self._frames = {"ticks": 0, "books": 0}
        self._events = {"ticks": 0, "books": 0}
        self._vectors = 0
        self._faults = faults
        metrics.registry.register(self)

    @property
    def vectors(self) -> int:
        """Feature vectors that fell due so far."""
        return self._vectors

    def collect(self) -> Iterable[Metric]:
        """Return the counts as Prometheus wants them."""
        for name, meaning, counts in (
            ("frames", "Frames folded", self._frames),
            ("events", "Events folded", self._events),
        ):
            family = CounterMetricFamily(f"foretick_features_{name}", meaning, labels=["channel"])
            for channel, count in counts.items():
                family.add_metric([channel], count)
            yield family
        yield CounterMetricFamily("foretick_features_vectors", "Feature vectors that fell due", self._vectors)
        yield self._values()

    def _values(self) -> Metric:
        """Return, by feature, the values that were not as the registry says; all instruments together."""
        family = CounterMetricFamily(
            "foretick_features_values", "Values by what was wrong with them", labels=["feature", "group", "fault"]
        )
        for fault in Fault:
            counts = self._faults[fault].tolist()
            for feature, count in zip(FEATURES, counts, strict=True):
                if count:
                    family.add_metric([feature.name, feature.group.value, fault.name.lower()], count)
        return family

    def folded(self, frame: Frame, outcome: Folded) -> None:
        """Note the outcome of one frame."""
        admission = outcome.admission
        is_tick = isinstance(frame, TickFrame)
        channel = "ticks" if is_tick else "books"
        self._frames[channel] += 1
        self._events[channel] += (len(frame.kinds) if is_tick else len(frame.events)) - admission.skip
        self._vectors += len(outcome.readings)
        if admission is SOUND:
            return
        self._sequence.count(channel, admission)
        if admission.refused:
            self._log.warning("frame of a replaced writer refused", symbol=frame.symbol, epoch=frame.epoch)
        if admission.lost:
            self._log.warning(
                "gap: the book waits for a snapshot", venue=frame.venue, symbol=frame.symbol, lost=admission.lost,
                through_seq=frame.seq - 1,
            )  # fmt: skip
        if admission.renumbered:
            self._log.warning("sequence began anew", venue=frame.venue, symbol=frame.symbol, seq=frame.seq)

    def crossed(self, admission: Admission) -> None:
        """Note what the audit says of a cross-section."""
        self._sequence.count("cross_sections", admission)


class CustodyMetrics:
    """Implements ``ports.CustodyObserver``: readiness, log, metrics."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._seconds = rt.metrics.histogram(
            "take_over_s", "Time from the leases to live vectors", buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
        )
        self._read = rt.metrics.counter("frames_read_back_total", "Frames read from the stream to take over")
        self._left_out = rt.metrics.counter(
            "frames_left_out_total", "Live frames that came while the leases had lapsed; they are read back later"
        )
        self._began_ns = 0

    def taking_over(self, count: int) -> None:
        """Note that so many instruments are being brought up to date."""
        self._began_ns = self._rt.clock.now_ns()
        self._rt.health.set("recovered", ok=False, detail=f"reading market data of {count} instruments back")

    def taken_over(self, restored: int, frames: int, *, connects: bool) -> None:
        """Note that they are live."""
        seconds = (self._rt.clock.now_ns() - self._began_ns) / NS_PER_S
        self._seconds.observe(seconds)
        self._read.inc(frames)
        self._rt.health.set("recovered", ok=True)
        self._rt.log.info("recovered", restored=restored, frames=frames, connects=connects, took_s=round(seconds, 3))

    def left_out(self, frames: int) -> None:
        """Count live frames that came while this process had no right to act on them."""
        self._left_out.inc(frames)
