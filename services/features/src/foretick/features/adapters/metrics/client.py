"""Counts what the fold does, for Prometheus."""

from foretick.common.contracts import TickFrame
from foretick.common.runtime.logs import Logger
from foretick.common.runtime.metrics import Metrics
from foretick.features.domain.instrument import Folded, Frame


class FoldMetrics:
    """Implements ``ports.FoldObserver``; losses and refusals are also logged."""

    def __init__(self, metrics: Metrics, log: Logger) -> None:
        self._log = log
        frames = metrics.counter("frames_total", "Frames folded", ("channel",))
        events = metrics.counter("events_total", "Events folded", ("channel",))
        self._ticks = frames.labels("ticks"), events.labels("ticks")
        self._books = frames.labels("books"), events.labels("books")
        self._vectors = metrics.counter("vectors_total", "Feature vectors that fell due")
        self._duplicates = metrics.counter("duplicate_events_total", "Events left out: folded before")
        self._gaps = metrics.counter("gaps_total", "Gaps in an instrument's sequence", ("venue", "symbol"))
        self._lost = metrics.counter("lost_events_total", "Events that never came", ("venue", "symbol"))
        self._refused = metrics.counter("refused_frames_total", "Frames of a writer that a newer one has replaced")
        self._renumbered = metrics.counter("renumbered_total", "Times a new writer began an instrument's sequence anew")

    def folded(self, frame: Frame, outcome: Folded) -> None:
        """Note the outcome of one frame."""
        admission = outcome.admission
        is_tick = isinstance(frame, TickFrame)
        count = len(frame.kinds) if is_tick else len(frame.events)
        frames, events = self._ticks if is_tick else self._books
        frames.inc()
        events.inc(count - admission.skip)
        if outcome.readings:
            self._vectors.inc(len(outcome.readings))
        if admission.refused:
            self._refused.inc()
            self._log.warning("frame of a replaced writer refused", symbol=frame.symbol, epoch=frame.epoch)
        elif admission.skip:
            self._duplicates.inc(admission.skip)
        if admission.lost:
            self._gaps.labels(frame.venue, frame.symbol).inc()
            self._lost.labels(frame.venue, frame.symbol).inc(admission.lost)
            self._log.warning(
                "gap: the book waits for a snapshot", venue=frame.venue, symbol=frame.symbol, lost=admission.lost,
                through_seq=frame.seq - 1,
            )  # fmt: skip
        if admission.renumbered:
            self._renumbered.inc()
            self._log.warning("sequence began anew", venue=frame.venue, symbol=frame.symbol, seq=frame.seq)
