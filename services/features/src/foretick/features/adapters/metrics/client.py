"""Counts what the fold does, for Prometheus."""

from foretick.common.contracts import TickFrame
from foretick.common.runtime.logs import Logger
from foretick.common.runtime.metrics import Metrics
from foretick.common.sequence import SequenceTally
from foretick.features.domain.instrument import Folded, Frame


class FoldMetrics:
    """Implements ``ports.FoldObserver``; losses and refusals are also logged."""

    def __init__(self, metrics: Metrics, log: Logger, sequence: SequenceTally) -> None:
        self._sequence = sequence
        self._log = log
        frames = metrics.counter("frames_total", "Frames folded", ("channel",))
        events = metrics.counter("events_total", "Events folded", ("channel",))
        self._ticks = frames.labels("ticks"), events.labels("ticks")
        self._books = frames.labels("books"), events.labels("books")
        self._vectors = metrics.counter("vectors_total", "Feature vectors that fell due")

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
        self._sequence.count("ticks" if is_tick else "books", admission)
        if admission.refused:
            self._log.warning("frame of a replaced writer refused", symbol=frame.symbol, epoch=frame.epoch)
        if admission.lost:
            self._log.warning(
                "gap: the book waits for a snapshot", venue=frame.venue, symbol=frame.symbol, lost=admission.lost,
                through_seq=frame.seq - 1,
            )  # fmt: skip
        if admission.renumbered:
            self._log.warning("sequence began anew", venue=frame.venue, symbol=frame.symbol, seq=frame.seq)
