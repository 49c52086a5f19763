"""Whoever reads ``ticks.*`` and ``books.*`` of one instrument, and holds what it reads against the truth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from foretick.common.contracts import BookEvent, BookEventKind, BookFrame, Level, TickFrame, Trust
from foretick.common.units import NS_PER_S

from .truth import Instrument, Levels

MOST_BEHIND_NS = NS_PER_S
"""A LIVE book of a connection that is heard may be so old."""

_MOST_TOLD = 8
_OFF_GRID = 1e-3


@dataclass
class Record:
    """A time in which a book was not believed, by data time; ``ended_ns`` is 0 while it lasts."""

    began_ns: int
    reasons: list[str]
    ended_ns: int = 0


@dataclass
class Findings:
    """What one venue's witnesses found. ``faults`` counts them all, ``first`` names some.

    excused_ns: for how long the machine lately let nobody work: what is late by that is its doing
    """

    compared: int = 0
    trades: int = 0
    trades_missed: int = 0
    holes: int = 0
    faults: int = 0
    excused_ns: int = 0
    first: list[str] = field(default_factory=list)

    def tell(self, what: str) -> None:
        self.faults += 1
        if len(self.first) < _MOST_TOLD:
            self.first.append(what)


class Witness:
    """Reads the published events of one instrument in the order of their numbers.

    silent_ns: for how long a connection may say nothing before it counts as dead: so long a loss may have lasted before
        its record begins, and so old a LIVE book may be
    """

    def __init__(self, name: str, truth: Instrument, findings: Findings, silent_ns: int) -> None:
        self.records: list[Record] = []
        self.is_live = False
        self.live_since_ns = 0
        self._name = name
        self._truth = truth
        self._findings = findings
        self._silent_ns = silent_ns
        self._book = Levels()
        self._waiting: dict[int, TickFrame | BookFrame] = {}
        self._next_seq = 1
        self._last_trade: int | None = None
        self._records_at_trade = 0

    @property
    def is_waiting(self) -> bool:
        """Whether an event is missing that later ones have followed."""
        return bool(self._waiting)

    def read(self, frame: TickFrame | BookFrame) -> None:
        """Take a frame; those of two subjects may come in any order."""
        self._waiting[frame.seq] = frame
        if isinstance(frame, BookFrame) and frame.events[0].gap_from_seq == self._next_seq:
            self._next_seq = frame.seq  # the bus lost what lies between, and this is its record
        while (ready := self._waiting.pop(self._next_seq, None)) is not None:
            if isinstance(ready, TickFrame):
                self._next_seq += len(ready.kinds)
                for trade_id, recv_ns in _trades(ready):
                    self._trade(trade_id, recv_ns)
            else:
                self._next_seq += len(ready.events)
                for event in ready.events:
                    self._fold(event)

    def _trade(self, trade_id: int, recv_ns: int) -> None:
        findings, truth = self._findings, self._truth
        findings.trades += 1
        at = truth.trade_at.get(trade_id)
        if at is None:
            self._tell(f"trade {trade_id} never was")
            return
        last, self._last_trade = self._last_trade, at
        known, self._records_at_trade = self._records_at_trade, max(0, len(self.records) - (not self.is_live))
        if last is None or at == last + 1:
            return
        if at <= last:
            self._tell(f"trade {trade_id} came after trade {truth.trade_ids[last]}")
            return
        findings.holes += 1
        findings.trades_missed += at - last - 1
        records = self.records[known:]
        for missing in range(last + 1, at):
            missing_ns = truth.trade_times_ns[missing]
            if not any(self._covers(record, missing_ns, recv_ns) for record in records):
                self._tell(f"trade {truth.trade_ids[missing]} was lost and no record tells of it")

    def _covers(self, record: Record, missing_ns: int, recv_ns: int) -> bool:
        end_ns = record.ended_ns or recv_ns
        slack_ns = MOST_BEHIND_NS + self._findings.excused_ns
        return record.began_ns - self._silent_ns - slack_ns <= missing_ns <= end_ns + slack_ns

    def _fold(self, event: BookEvent) -> None:
        is_snapshot = event.kind is BookEventKind.SNAPSHOT
        if is_snapshot:
            self._book = Levels()
        if is_snapshot or event.kind is BookEventKind.DELTA:
            self._book.apply(self._steps(event.bids), self._steps(event.asks))
        if event.trust is not Trust.LIVE:
            self._distrust(event)
            return
        if not self.is_live:
            self.is_live, self.live_since_ns = True, event.ts_recv_ns
            if self.records:
                self.records[-1].ended_ns = event.ts_recv_ns
        self._compare(event)

    def _distrust(self, event: BookEvent) -> None:
        if not event.reason:
            self._tell(f"{event.trust} for no reason")
        if self.is_live or not self.records:
            self.records.append(Record(event.ts_recv_ns, []))
        self.is_live = False
        if self.records[-1].reasons[-1:] != [event.reason]:
            self.records[-1].reasons.append(event.reason)

    def _compare(self, event: BookEvent) -> None:
        self._findings.compared += 1
        truth = self._truth
        digest = self._book.digest
        state = truth.state_by_id.get(event.last_id) if event.last_id else truth.state_by_digest.get(digest)
        if state is None:
            self._tell(f"LIVE by {event.kind}, but no book of the exchange is like it, or has the id {event.last_id}")
        elif truth.digests[state] != digest:
            self._tell(f"LIVE by {event.kind}, but not the exchange's book of the id {event.last_id}")
        elif state + 1 < len(truth.times_ns):
            outdated_ns = event.ts_recv_ns - truth.times_ns[state + 1]
            if outdated_ns > self._silent_ns + MOST_BEHIND_NS + self._findings.excused_ns:
                self._tell(f"LIVE, but outdated {outdated_ns / NS_PER_S:.1f} s ago")

    def _steps(self, levels: Sequence[Level]) -> list[tuple[int, int]]:
        """Return levels in ticks and lots; a number that is none of them is told."""
        tick, lot = self._truth.tick_size, self._truth.lot_size
        steps = [(round(price / tick), round(qty / lot)) for price, qty in levels]
        for (price, qty), (ticks, lots) in zip(levels, steps, strict=True):
            if abs(price / tick - ticks) > _OFF_GRID or abs(qty / lot - lots) > _OFF_GRID:
                self._tell(f"{price}, {qty} is no level of this instrument")
        return steps

    def _tell(self, what: str) -> None:
        self._findings.tell(f"{self._name}: {what}")


def _trades(frame: TickFrame) -> Iterator[tuple[int, int]]:
    times = [recv_ns for kind, recv_ns in zip(frame.kinds, frame.recv_ns, strict=True) if kind == "T"]
    for trade_id, recv_ns in zip(frame.trades.trade_id, times, strict=True):
        assert trade_id is not None
        yield trade_id, recv_ns
