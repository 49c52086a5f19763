"""Folds frames into the instruments of this process and publishes the vectors that are due."""

from collections.abc import Sequence

from foretick.common.clock import Clock
from foretick.common.contracts import FeatureVector
from foretick.common.errors import Malformed
from foretick.features.domain.columns import EventColumns
from foretick.features.domain.instrument import Folded, Frame, Instrument, Reading
from foretick.features.handlers.bars import BarHandler
from foretick.features.handlers.cross_board import CrossBoard
from foretick.features.ports import FoldObserver, Key, Producer, VectorPublisher
from foretick.quant.kernel import FeatureKernel
from foretick.quant.registry import SCHEMA_HASH, SCHEMA_ID


class FrameHandler:
    """Folds every frame of the instruments that it has been given, in order; others it passes over.

    ``last_published`` holds, by instrument, the last event whose vector was published, by whichever process: vectors at
    or before it are not sent again, and the next one names it. ``cross`` takes the cross-sections.
    """

    def __init__(
        self,
        kernel: FeatureKernel,
        publisher: VectorPublisher,
        observer: FoldObserver,
        clock: Clock,
        producer: Producer,
        bars: BarHandler,
    ) -> None:
        self.kernel = kernel
        self.bars = bars
        self.cross = CrossBoard(kernel, producer.run_id, publisher.reject, observer.crossed)
        self.instruments: dict[Key, Instrument] = {}
        self.last_published: dict[Key, int] = {}
        self._epochs: dict[Key, int] = {}
        self._publisher = publisher
        self._observer = observer
        self._clock = clock
        self._producer = producer
        self._columns = EventColumns()
        self._taken_ns = 0
        self._free_rows: list[int] = []
        self._blank_row = b""

    def handle(self, frames: Sequence[Frame]) -> None:
        """Fold ``frames`` of this run and publish what is due."""
        self._taken_ns = self._clock.now_ns()
        for frame in frames:
            if frame.run_id != self._producer.run_id:
                continue
            instrument = self.instruments.get((frame.venue, frame.symbol))
            if instrument is not None:
                self._fold(instrument, frame)

    def adopt(self, key: Key, epoch: int) -> Instrument:
        """Begin instrument ``key`` anew, to be published under the fencing epoch ``epoch``."""
        self.forget(key)
        self._epochs[key] = epoch
        instrument = self.instruments[key] = Instrument(
            self.kernel, self._blank(), self._columns, self.bars.new_engine(key)
        )
        self.cross.seat(key, instrument.row)
        return instrument

    def restart(self, key: Key) -> Instrument:
        """Begin instrument ``key`` anew under the same epoch, knowing only what was published of it."""
        last, epoch, told = self.last_published.get(key), self._epochs[key], self.bars.last_published.get(key, {})
        instrument = self.adopt(key, epoch)
        self.bars.learn_published(key, told)
        if last is not None:
            self.last_published[key] = last
        return instrument

    def forget(self, key: Key) -> None:
        """Fold instrument ``key`` no longer."""
        instrument = self.instruments.pop(key, None)
        if instrument is not None:
            self._free_rows.append(instrument.row)
        self.last_published.pop(key, None)
        self.bars.forget(key)
        self.cross.leave(key)
        self._epochs.pop(key, None)

    def _blank(self) -> int:
        if not self._blank_row:
            row = self.kernel.add()
            self._blank_row = self.kernel.snapshot(row)
            return row
        if not self._free_rows:
            return self.kernel.add()
        row = self._free_rows.pop()
        self.kernel.restore(row, self._blank_row)
        return row

    def _fold(self, instrument: Instrument, frame: Frame) -> None:
        try:
            outcome = instrument.fold(frame)
        except Malformed as error:
            self._publisher.reject(error.source, error.reason, error.payload)
            return
        if outcome.fault is not None:
            self._publisher.reject(outcome.fault.source, outcome.fault.reason, outcome.fault.payload)
        self._publish(frame, instrument, outcome)
        self._publish_bars(frame, instrument, outcome)
        self._observer.folded(frame, outcome)

    def _publish(self, frame: Frame, instrument: Instrument, outcome: Folded) -> None:
        if not outcome.readings:
            return
        key = (frame.venue, frame.symbol)
        if outcome.admission.renumbered:
            self.last_published.pop(key, None)
        last = self.last_published.get(key)
        for reading in outcome.readings:
            if last is None or reading.asof_seq > last:
                self._publisher.publish(self._vector(frame, instrument, reading, last))
                last = self.last_published[key] = reading.asof_seq

    def _publish_bars(self, frame: Frame, instrument: Instrument, outcome: Folded) -> None:
        key = (frame.venue, frame.symbol)
        if outcome.admission.renumbered:
            self.bars.forget(key)
        if outcome.bars:
            self.bars.publish(frame, self._epochs[key], outcome.bars, instrument.bars.terms)

    def _vector(
        self, frame: Frame, instrument: Instrument, reading: Reading, prev_asof_seq: int | None
    ) -> FeatureVector:
        return FeatureVector(
            venue=frame.venue,
            symbol=frame.symbol,
            origin=frame.origin,
            run_id=frame.run_id,
            producer=self._producer.name,
            epoch=self._epochs[frame.venue, frame.symbol],
            ts_recv_ns=reading.ts_recv_ns,
            ts_ingest_ns=reading.ts_ingest_ns,
            ts_sent_ns=self._clock.now_ns(),
            trust=reading.trust,
            asof_seq=reading.asof_seq,
            prev_asof_seq=prev_asof_seq,
            step=reading.step,
            interval_ns=self.kernel.grid.interval_ns,
            ts_event_ns=reading.ts_event_ns,
            mid=reading.mid,
            schema_id=SCHEMA_ID,
            schema_hash=SCHEMA_HASH,
            values=reading.values,
            warm=reading.warm,
            ts_frame_sent_ns=frame.ts_sent_ns,
            ts_frame_taken_ns=self._taken_ns,
            since_seq=instrument.since_seq,
            lost_events=instrument.lost_events,
            cross_seq=reading.cross_seq,
        )
