"""The streams against the rows: what JetStream holds and the recorder acknowledged must be there, bit for bit."""

from collections.abc import Callable
from dataclasses import dataclass, field

from foretick.common.contracts import BookFrame, FeatureVector, Message, Outcome, Prediction, TickFrame
from foretick.common.subjects import FEATURES, MARKET, OUTCOMES, PREDICTIONS, Stream
from foretick.launcher.audit.domain.chain import VectorChain
from foretick.launcher.audit.domain.expected import Expected, MarketFold, compare, key_of, row_of_derived
from foretick.launcher.audit.domain.faults import FaultKind
from foretick.launcher.audit.domain.ledger import FIRST_SEQ, InstrumentLedger, Key
from foretick.launcher.audit.domain.spans import Span, subtract, touches
from foretick.launcher.audit.record import EVENT_TABLES, RecordReader
from foretick.launcher.audit.streams import Stored, StreamReader

_CHUNK_ROWS = 20_000
"""Rows of all instruments and tables together that are held in memory before they are compared."""
_TELL_EVERY = 2_000
_SAMPLED = "features"
"""Of the vectors only a sample is recorded: one without a row is not missing."""

_TABLE_OF: dict[type[Message], str] = {FeatureVector: "features", Prediction: "predictions", Outcome: "outcomes"}


@dataclass(slots=True)
class _Folded:
    """What the streams said of one instrument so far and has not been compared yet."""

    market: MarketFold = field(default_factory=MarketFold)
    chain: VectorChain = field(default_factory=VectorChain)
    derived: dict[str, Expected] = field(
        default_factory=lambda: {table: Expected(table) for table in _TABLE_OF.values()}
    )


class Reconciliation:
    """Reads each stream once and holds it against the rows, some thousands at a time."""

    def __init__(
        self,
        record: RecordReader,
        streams: StreamReader,
        ledgers: dict[Key, InstrumentLedger],
        tell: Callable[[float, str], None],
    ) -> None:
        self._record = record
        self._streams = streams
        self._ledgers = ledgers
        self._tell = tell
        self._folded = {key: _Folded() for key in ledgers}
        self._held_rows = 0
        self._recorded_through_ns = record.recorded_through_ns()

    async def run(self) -> list[str]:
        """Read everything, add what is wrong to the ledgers, and return what an operator should know besides."""
        notes: list[str] = []
        streams = (MARKET, FEATURES, PREDICTIONS, OUTCOMES)
        for number, stream in enumerate(streams):
            notes += await self._read(stream, number / len(streams), 1 / len(streams))
        market = await self._streams.extent(MARKET)
        for key, folded in self._folded.items():
            if market is not None and market.first_seq <= 1:
                self._judge_beginning(self._ledgers[key])
            self._judge_chain(self._ledgers[key], folded.chain)
            self._judge_ahead(self._ledgers[key])
        copies = sum(folded.chain.copies for folded in self._folded.values())
        if copies:
            notes.append(f"{copies:,} vectors are in stream FEATURES again as they were; consumers leave such out")
        return notes

    async def _read(self, stream: Stream, done_frac: float, share_frac: float) -> list[str]:
        extent = await self._streams.extent(stream)
        if extent is None:
            return [f"there is no stream {stream.name}"]
        recorded_ns = self._recorded_through_ns.get(stream.name, 0)
        waiting = undecodable = read = 0
        async for stored in self._streams.read(stream, extent.last_seq):
            is_recorded = stored.stored_ns <= recorded_ns
            waiting += not is_recorded
            undecodable += stored.message is None
            self._take(stored, is_recorded)
            read += 1
            if read % _TELL_EVERY == 0:
                self._tell(done_frac + share_frac * read / max(extent.size, read), f"stream {stream.name}")
        self._settle_all()
        notes = [f"stream {stream.name} was trimmed: it begins with its message {extent.first_seq:,}"]
        notes = notes if extent.first_seq > 1 else []
        if waiting:
            notes.append(f"{waiting:,} messages of stream {stream.name} wait to be recorded; they were not judged")
        if undecodable:
            notes.append(f"{undecodable:,} messages of stream {stream.name} do not decode; see stream DLQ")
        return notes

    def _take(self, stored: Stored, is_recorded: bool) -> None:
        message = stored.message
        folded = self._folded.get(key_of(message)) if message is not None else None
        if message is None or folded is None or message.run_id != self._record.run_id:
            return
        ledger = self._ledgers[key_of(message)]
        match message:
            case TickFrame() | BookFrame():
                self._take_frame(ledger, folded, message, is_recorded)
            case FeatureVector():
                folded.chain.take(message.epoch, message.asof_seq, message.prev_asof_seq, stored.digest)
                self._take_derived(folded, message, is_recorded)
            case Prediction() | Outcome():
                self._take_derived(folded, message, is_recorded)
            case _:
                pass
        if self._held_rows >= _CHUNK_ROWS:
            self._settle_all()

    def _take_frame(
        self, ledger: InstrumentLedger, folded: _Folded, frame: TickFrame | BookFrame, is_recorded: bool
    ) -> None:
        count = len(frame.kinds) if isinstance(frame, TickFrame) else len(frame.events)
        last_seq = frame.seq + count - 1
        seen = ledger.stream or Span(frame.seq, last_seq)
        ledger.stream = Span(min(seen.first, frame.seq), max(seen.last, last_seq))
        if not is_recorded:
            ledger.waiting += count
            return
        self._held_rows += folded.market.take(frame)

    def _take_derived(self, folded: _Folded, message: FeatureVector | Prediction | Outcome, is_recorded: bool) -> None:
        if is_recorded:
            folded.derived[_TABLE_OF[type(message)]].rows.append(row_of_derived(message))
            self._held_rows += 1

    def _settle_all(self) -> None:
        """Compare whatever has been gathered, and forget it."""
        for key, folded in self._folded.items():
            for expected in (*folded.market.tables, *folded.derived.values()):
                self._settle(self._ledgers[key], expected)
        self._held_rows = 0

    def _settle(self, ledger: InstrumentLedger, expected: Expected) -> None:
        """Compare what has been gathered for a table, and forget it."""
        if not expected.rows:
            return
        expected.rows.sort(key=lambda row: row[:2])
        difference = compare(expected.rows, self._record.rows(expected.table, ledger.key, expected.extent))
        note = f"in {expected.table}"
        ledger.blame(FaultKind.CONFLICT, difference.differing, note)
        if expected.table != _SAMPLED:
            ledger.blame(FaultKind.UNRECORDED, difference.absent, note)
        if expected.table in EVENT_TABLES:
            ledger.compared += len(expected.rows)
        expected.rows = []

    def _judge_beginning(self, ledger: InstrumentLedger) -> None:
        """Judge what should come before the first event there is: a run numbers from 1, and nothing was trimmed."""
        firsts = [extent.first for extent in (ledger.rows.extent, ledger.stream) if extent is not None]
        if firsts and min(firsts) > FIRST_SEQ:
            before = subtract([Span(FIRST_SEQ, min(firsts) - 1)], ledger.declared_gaps)
            ledger.blame(FaultKind.MISSING, before, "neither a row nor the stream, which was never trimmed, has them")

    def _judge_chain(self, ledger: InstrumentLedger, chain: VectorChain) -> None:
        """Judge the vectors. What went missing around a loss that ingest declared went with the same outage."""
        outages = ledger.declared_gaps
        ledger.blame(FaultKind.VECTOR_REPEATED, chain.repeated)
        ledger.blame(FaultKind.CHAIN_BROKEN, [span for span in chain.breaks if not touches(span, outages)])
        if chain.extent is not None:
            absent = chain.absent(self._record.prediction_asofs(ledger.key, chain.extent))
            unexplained = [Span(span.first, span.first) for span in absent if not touches(span, outages)]
            ledger.blame(FaultKind.NO_VECTOR, unexplained, "the stream holds vectors before and after, not this one")

    def _judge_ahead(self, ledger: InstrumentLedger) -> None:
        """Judge what is as of events beyond the last row, once there is nothing that waits to be recorded."""
        extent = ledger.rows.extent
        if ledger.waiting or extent is None:
            return
        beyond = [Span(asof_seq, asof_seq) for asof_seq in self._record.asof_beyond(ledger.key, extent.last)]
        ledger.blame(FaultKind.NO_EVENT, subtract(beyond, ledger.declared_gaps))
