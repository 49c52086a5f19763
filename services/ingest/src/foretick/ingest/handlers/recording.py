"""What the parts of the recorder share: its limits, its surroundings, its metrics."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from foretick.common.clock import Clock
from foretick.common.runtime.health import Health
from foretick.common.runtime.logs import Logger
from foretick.common.runtime.metrics import Metrics
from foretick.common.sequence import SequenceTally
from foretick.ingest.domain.retention import Retention
from foretick.ingest.ports import StreamReader


@dataclass(frozen=True, slots=True)
class RecorderLimits:
    """How the recorder paces itself.

    flush_interval_s: longest time between the arrival of a message and the commit that begins for it
    sample_interval_ns: of each instrument's feature vectors, one in every such interval of data time is kept
    retention: how much is kept
    commit_bytes: encoded rows that are worth a commit before the interval is over
    """

    flush_interval_s: float
    sample_interval_ns: int
    retention: Retention
    commit_bytes: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RecorderOutside:
    """What the recorder needs of its process.

    open_reader: makes a reader of a stream; it calls back at each arrival, with True when a chunk's worth has arrived
        or the reader is broken
    ensure_streams: creates the streams where they are missing
    reject: dead-letters a message: source, reason, payload
    """

    open_reader: Callable[[str, Callable[[bool], None]], StreamReader]
    ensure_streams: Callable[[], Awaitable[None]]
    reject: Callable[[str, str, bytes], None]
    clock: Clock
    log: Logger
    health: Health


class RecorderMetrics:
    """What the recorder tells of itself."""

    def __init__(self, metrics: Metrics, sequence: SequenceTally) -> None:
        self.sequence = sequence
        self.rows = metrics.counter("recorded_rows_total", "Rows committed", ("table",))
        self.messages = metrics.counter("recorded_messages_total", "Messages committed", ("stream",))
        self.redelivered = metrics.counter(
            "redelivered_total", "Messages skipped because they were committed before", ("stream",)
        )
        self.gaps = metrics.counter("seq_gaps_total", "Gaps in instruments' sequences", ("found_by",))
        self.expired = metrics.counter(
            "expired_messages_total", "Messages the stream dropped before they were recorded", ("stream",)
        )
        self.commit_s = metrics.histogram("commit_s", "Seconds from encoding rows to their commit")
        self.pending = metrics.gauge("record_pending_messages", "Messages not yet fetched from the stream", ("stream",))
        self.lag_s = metrics.gauge("record_lag_s", "Age of the last committed message at its commit", ("stream",))
        self.is_active = metrics.gauge("record_active", "1 while this process is the one that records")
        self.size_bytes = metrics.gauge("record_size_bytes", "What the recorded days take, as of the last housekeeping")
        self.dropped_days = metrics.counter(
            "record_days_dropped_total", "Days dropped because the record was larger than RECORD_MAX_GB"
        )
        self.sessions = metrics.counter("record_sessions_total", "Sessions begun")
