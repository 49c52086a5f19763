"""How late the event loop is: what a handler that takes its time does to everything else in the process."""

import asyncio
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from foretick.common.runtime.metrics import Metrics
from foretick.common.runtime.power_histogram import PowerHistogram

_PERIOD_S = 0.1


class LoopLag(Collector):
    """Asks the running loop ten times a second to be woken, and keeps by how much it was late.

    ``foretick_loop_lag_s``: a histogram; ``foretick_loop_lag_max_s``: the worst since the start. A block of the loop
    that is longer than 100 ms is always seen, a shorter one with its share of the time.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._lags_us = PowerHistogram(24)
        self._max_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._due_s = 0.0
        metrics.registry.register(self)

    def start(self) -> None:
        """Begin to sample, as long as the loop runs."""
        self._due_s = self._loop.time() + _PERIOD_S
        self._loop.call_at(self._due_s, self._sample)

    def collect(self) -> Iterator[Metric]:
        """Yield the histogram and the worst."""
        lags = HistogramMetricFamily("foretick_loop_lag_s", "How late the event loop woke, sampled")
        lags.add_metric([], self._lags_us.buckets(1e-6), self._lags_us.total * 1e-6)
        yield lags
        yield GaugeMetricFamily("foretick_loop_lag_max_s", "The latest that the event loop woke", self._max_s)

    def _sample(self) -> None:
        # max: a timer may fire up to its resolution, 1 ms, early.
        late_s = max(0.0, self._loop.time() - self._due_s)
        self._lags_us.observe(int(late_s * 1e6))
        self._max_s = max(self._max_s, late_s)
        self.start()
