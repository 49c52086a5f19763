"""Prometheus metrics of one process, all under the prefix ``foretick_``."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

LATENCY_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """A registry of its own, so that tests and several services in one process don't collide.

    Names carry their unit (``_total`` for counters, ``_s``, ``_bytes``, ``_frac`` ...).
    """

    def __init__(self, service: str = "") -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._prefix = f"foretick_{service}_" if service else "foretick_"

    def counter(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Counter:
        """Return a new counter; with ``labels``, call ``.labels(...)`` on it."""
        return Counter(self._prefix + name, meaning, labels, registry=self.registry)

    def gauge(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Gauge:
        """Return a new gauge."""
        return Gauge(self._prefix + name, meaning, labels, registry=self.registry)

    def histogram(
        self, name: str, meaning: str, labels: Sequence[str] = (), buckets: Sequence[float] = LATENCY_BUCKETS_S
    ) -> Histogram:
        """Return a new histogram; the default buckets suit latencies in seconds."""
        return Histogram(self._prefix + name, meaning, labels, registry=self.registry, buckets=buckets)

    def render(self) -> tuple[bytes, str]:
        """Return the exposition text and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
