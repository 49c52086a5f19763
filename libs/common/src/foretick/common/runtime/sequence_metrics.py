"""What a process's sequence audits found, as metrics of the same names in every service."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from foretick.common.runtime.metrics import Metrics
from foretick.common.sequence import SequenceTally

_MEANINGS = {
    "gaps": "Times numbered messages were lost on their way here",
    "lost": "Numbered events that never came here; of vectors at least so many",
    "repeated": "Numbered events that came again and were left out",
    "refused": "Messages of a writer that a newer one has replaced",
    "renumbered": "Times a new writer began an instrument's numbers anew",
}


class SequenceMetrics(Collector):
    """``foretick_sequence_<count>_total{channel=}``, read from a tally when somebody asks."""

    def __init__(self, tally: SequenceTally, metrics: Metrics) -> None:
        self._tally = tally
        metrics.registry.register(self)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield each count of every channel."""
        for name, meaning in _MEANINGS.items():
            family = CounterMetricFamily(f"foretick_sequence_{name}", meaning, labels=["channel"])
            for channel, counts in sorted(self._tally.channels.items()):
                family.add_metric([channel], getattr(counts, name))
            yield family
