"""Folds frames into instruments and publishes the vectors that are due."""

from collections.abc import Sequence

from foretick.common.clock import Clock
from foretick.common.contracts import FeatureVector
from foretick.common.errors import Malformed
from foretick.common.ownership import owner_of
from foretick.features.domain.columns import EventColumns
from foretick.features.domain.instrument import Folded, Frame, Instrument, Reading
from foretick.features.ports import FoldObserver, Key, Producer, VectorPublisher
from foretick.quant.kernel import FeatureKernel
from foretick.quant.registry import SCHEMA_HASH, SCHEMA_ID


class FrameHandler:
    """Folds every frame of the instruments of this shard, in order. ``shard`` is (index, count).

    ``published_through`` holds, by instrument, the last event whose vector a predecessor has published: those at or
    before it are folded but not sent again.
    """

    def __init__(
        self,
        kernel: FeatureKernel,
        publisher: VectorPublisher,
        observer: FoldObserver,
        clock: Clock,
        producer: Producer,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        self.kernel = kernel
        self.instruments: dict[Key, Instrument] = {}
        self.published_through: dict[Key, int] = {}
        self._publisher = publisher
        self._observer = observer
        self._clock = clock
        self._producer = producer
        self._shard = shard
        self._columns = EventColumns()
        self._previous: dict[Key, int] = {}
        self._foreign: set[Key] = set()

    def handle(self, frames: Sequence[Frame]) -> None:
        """Fold ``frames`` of this run and publish what is due."""
        for frame in frames:
            if frame.run_id != self._producer.run_id:
                continue
            instrument = self.instrument((frame.venue, frame.symbol))
            if instrument is not None:
                self._fold(instrument, frame)

    def instrument(self, key: Key) -> Instrument | None:
        """Return the instrument ``key``, new if it must be; None if another shard owns it."""
        found = self.instruments.get(key)
        if found is not None or key in self._foreign:
            return found
        index, count = self._shard
        if owner_of(*key, count) != index:
            self._foreign.add(key)
            return None
        found = self.instruments[key] = Instrument(self.kernel, self.kernel.add(), self._columns)
        return found

    def forget(self, key: Key) -> None:
        """Start instrument ``key`` anew."""
        self.instruments.pop(key, None)

    def _fold(self, instrument: Instrument, frame: Frame) -> None:
        try:
            outcome = instrument.fold(frame)
        except Malformed as error:
            self._publisher.reject(error.source, error.reason, error.payload)
            return
        if outcome.fault is not None:
            self._publisher.reject(outcome.fault.source, outcome.fault.reason, outcome.fault.payload)
        self._publish(frame, outcome)
        self._observer.folded(frame, outcome)

    def _publish(self, frame: Frame, outcome: Folded) -> None:
        if not outcome.readings:
            return
        key = (frame.venue, frame.symbol)
        through = self.published_through.get(key, -1)
        if outcome.admission.renumbered:
            through = self.published_through[key] = -1
        for reading in outcome.readings:
            if reading.asof_seq > through:
                self._publisher.publish(self._vector(frame, reading, self._previous.get(key)))
                self._previous[key] = reading.asof_seq

    def _vector(self, frame: Frame, reading: Reading, prev_asof_seq: int | None) -> FeatureVector:
        return FeatureVector(
            venue=frame.venue,
            symbol=frame.symbol,
            origin=frame.origin,
            run_id=frame.run_id,
            producer=self._producer.name,
            epoch=self._producer.epoch,
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
        )
