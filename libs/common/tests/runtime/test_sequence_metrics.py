"""The counts of a process's audits under the names that every service shares."""

from foretick.common.runtime.metrics import Metrics
from foretick.common.runtime.sequence_metrics import SequenceMetrics
from foretick.common.sequence import Admission, SequenceTally


def test_counts_are_shown_by_channel_as_they_grow():
    tally, metrics = SequenceTally(), Metrics()
    SequenceMetrics(tally, metrics)
    value = metrics.registry.get_sample_value
    assert value("foretick_sequence_lost_total", {"channel": "ticks"}) is None
    tally.count("ticks", Admission(lost=3))
    tally.count("ticks", Admission(lost=4))
    tally.count("books", Admission(skip=9, refused=True))
    assert value("foretick_sequence_lost_total", {"channel": "ticks"}) == 7
    assert value("foretick_sequence_gaps_total", {"channel": "ticks"}) == 2
    assert value("foretick_sequence_refused_total", {"channel": "books"}) == 1
    assert value("foretick_sequence_repeated_total", {"channel": "books"}) == 0
