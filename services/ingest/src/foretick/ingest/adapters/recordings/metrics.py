"""The recorder's figures for Prometheus."""

from foretick.common.runtime.metrics import Metrics
from foretick.ingest.adapters.recordings.writer import RecordingState


class RecordingMetrics:
    """Metrics of the raw recording of this process."""

    def __init__(self, metrics: Metrics) -> None:
        self._is_recording = metrics.gauge("raw_recording", "1 while raw frames are recorded")
        self._frames = metrics.counter("raw_frames_total", "Raw frames recorded")
        self._bytes = metrics.counter("raw_written_bytes_total", "Bytes of raw recordings written, compressed")
        self._lost = metrics.counter("raw_lost_frames_total", "Raw frames that are in no recording, though received")
        self._waiting = metrics.gauge("raw_waiting_bytes", "Memory of raw frames that wait to be written")
        self._seen = (0, 0, 0)

    def observe(self, state: RecordingState) -> None:
        """Bring the metrics up to ``state``."""
        self._is_recording.set(not state.trouble)
        self._waiting.set(state.waiting_bytes)
        now = (state.frames, state.written_bytes, state.lost_frames)
        for counter, total, before in zip((self._frames, self._bytes, self._lost), now, self._seen, strict=True):
            counter.inc(max(0, total - before))
        self._seen = now
