"""What the data plane counts: plain numbers on the hot path, Prometheus families when somebody asks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from foretick.common.runtime.metrics import Metrics
from foretick.common.runtime.power_histogram import PowerHistogram


@dataclass(slots=True)
class ChannelCounts:
    """What became of the messages of one channel.

    received: decoded and handed on
    conflated: replaced by a newer message of their subject before they were handed on
    overflowed: dropped by a full queue
    max_queued: most messages that ever waited at once
    batches: messages a batch
    waits_us: how long the first message of each batch had waited, us
    """

    received: int = 0
    conflated: int = 0
    overflowed: int = 0
    max_queued: int = 0
    batches: PowerHistogram = field(default_factory=lambda: PowerHistogram(10))
    waits_us: PowerHistogram = field(default_factory=lambda: PowerHistogram(24))


@dataclass(slots=True)
class PublisherCounts:
    """What became of what was published: written to the socket (with the bytes of protocol), or dropped."""

    sent: int = 0
    sent_bytes: int = 0
    unsent: int = 0


Depth = Callable[[], tuple[int, int]]
"""Messages and bytes that wait in a queue now."""

_COUNTERS = {
    "received": "Data-plane messages decoded",
    "conflated": "Messages replaced by a newer one of their subject before they were handed on",
    "overflowed": "Messages dropped by a full inbound queue",
}


class DataPlaneMeters(Collector):
    """``foretick_bus_*``, by channel where it is about inbound messages."""

    def __init__(self, publisher: PublisherCounts, unsent_bytes: Callable[[], int], metrics: Metrics) -> None:
        self._publisher = publisher
        self._unsent_bytes = unsent_bytes
        self._channels: list[tuple[str, ChannelCounts, Depth]] = []
        metrics.registry.register(self)

    def add(self, channel: str, counts: ChannelCounts, depth: Depth) -> None:
        """Show ``counts`` under the label ``channel``; channels of one name are told apart by a number."""
        taken = sum(name.partition("#")[0] == channel for name, _, _ in self._channels)
        self._channels.append((f"{channel}#{taken + 1}" if taken else channel, counts, depth))

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        sent = self._publisher
        yield CounterMetricFamily("foretick_bus_sent", "Data-plane messages handed to NATS", sent.sent)
        yield CounterMetricFamily("foretick_bus_sent_bytes", "Bytes of them, protocol included", sent.sent_bytes)
        yield CounterMetricFamily(
            "foretick_bus_unsent", "Data-plane messages dropped: NATS away or not reading, or too large", sent.unsent
        )
        yield GaugeMetricFamily("foretick_bus_outbox_bytes", "Bytes that wait for the socket", self._unsent_bytes())
        yield from self._by_channel()

    def _by_channel(self) -> Iterator[Metric]:
        for name, meaning in _COUNTERS.items():
            counter = CounterMetricFamily(f"foretick_bus_{name}", meaning, labels=["channel"])
            for channel, counts, _ in self._channels:
                counter.add_metric([channel], getattr(counts, name))
            yield counter
        messages = GaugeMetricFamily("foretick_bus_queue_messages", "Messages that wait now", labels=["channel"])
        waiting = GaugeMetricFamily("foretick_bus_queue_bytes", "Bytes that wait now", labels=["channel"])
        most = GaugeMetricFamily("foretick_bus_queue_max_messages", "Most that ever waited", labels=["channel"])
        batches = HistogramMetricFamily("foretick_bus_batch_messages", "Messages in a batch", labels=["channel"])
        waits = HistogramMetricFamily(
            "foretick_bus_queue_wait_s", "Wait of a batch's first message", labels=["channel"]
        )
        for channel, counts, depth in self._channels:
            queued, queued_bytes = depth()
            messages.add_metric([channel], queued)
            waiting.add_metric([channel], queued_bytes)
            most.add_metric([channel], counts.max_queued)
            batches.add_metric([channel], counts.batches.buckets(), counts.batches.total)
            waits.add_metric([channel], counts.waits_us.buckets(1e-6), counts.waits_us.total * 1e-6)
        yield from (messages, waiting, most, batches, waits)
