"""When a recording was not listening to a connection, told from its own records."""

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from foretick.market.recording.blocks import read_blocks
from foretick.market.recording.index import SegmentIndex
from foretick.market.recording.records import Gap, GapReason, Record, RecordKind, gap_of
from foretick.market.recording.segments import decode_block, read_segment

_OF_CONNECTIONS = (RecordKind.OPENED, RecordKind.CLOSED, RecordKind.RETIRED)

Connection = tuple[str, int]
"""A venue and the number of a connection to it."""


class GapLedger:
    """Follows the connections of a recording, and tells each time in which one was missed.

    A connection is missed from its last frame before it closed to its first frame after: a socket that hung silent
    before it was given up counts as missed from when it fell silent.
    """

    def __init__(self) -> None:
        self._heard_ns: dict[Connection, int] = {}
        self._missed: dict[Connection, tuple[int, str]] = {}

    def see(self, record: Record) -> Gap | None:
        """Take the next record; return the gap that it ends, to stand before it."""
        connection = (record.venue, record.connection)
        if record.kind is RecordKind.RECEIVED:
            self._heard_ns[connection] = record.recv_ns
            return self._end(connection, record.recv_ns) if self._missed else None
        if record.kind is RecordKind.CLOSED:
            since_ns = self._heard_ns.get(connection, record.recv_ns)
            self._missed.setdefault(connection, (since_ns, record.payload.decode(errors="replace")))
        elif record.kind is RecordKind.RETIRED:
            self._missed.pop(connection, None)
            self._heard_ns.pop(connection, None)
        elif record.kind is RecordKind.OPENED:
            self._heard_ns.setdefault(connection, record.recv_ns)
        return None

    @property
    def missed(self) -> list[tuple[Connection, int, str]]:
        """The connections that are missed now, since when, and why."""
        return [(connection, since_ns, reason) for connection, (since_ns, reason) in self._missed.items()]

    def end_all(self, now_ns: int) -> list[Gap]:
        """Return what is missed up to ``now_ns``, at which the recording ends."""
        ended = (self._end(connection, now_ns) for connection in list(self._missed))
        return [gap for gap in ended if gap is not None]

    def _end(self, connection: Connection, through_ns: int) -> Gap | None:
        missed = self._missed.pop(connection, None)
        return None if missed is None else _gap(connection, *missed, through_ns)


def _gap(connection: Connection, from_ns: int, detail: str, through_ns: int) -> Gap:
    venue, number = connection
    return Gap(
        venue=venue,
        connection=number,
        from_ns=from_ns,
        through_ns=through_ns,
        reason=GapReason.DISCONNECTED,
        detail=detail,
    )


class GapAudit:
    """Holds the gaps that a segment tells to what its own connections tell of it."""

    def __init__(self) -> None:
        self._ledger = GapLedger()
        self._told: list[Gap] = []
        self._expected: list[Gap] = []

    def see(self, record: Record) -> None:
        """Take the next record.

        Raises:
            Malformed: it is a gap that cannot be read
        """
        if record.kind is RecordKind.GAP:
            self._told.append(gap_of(record))
        elif record.kind is RecordKind.END and b'"stopped"' in record.payload:
            self._expected += self._ledger.end_all(record.recv_ns)
        gap = self._ledger.see(record)
        if gap is not None:
            self._expected.append(gap)

    def untold(self) -> list[Gap]:
        """Return the gaps that no record tells."""
        return [gap for gap in self._expected if not any(map(gap.is_within, self._told))]


def missed_at_end(stream: BinaryIO, source: str, index: SegmentIndex) -> tuple[list[Gap], int]:
    """Return what a segment whose process was killed did not tell: the gaps of its closed connections, and its end.

    Of what the index knows, only the blocks are read in which connections opened or closed; so a gap begins when its
    connection closed, not when it fell silent. The end is the last record's time, 0 where there is none.
    """
    closed: dict[Connection, tuple[int, str]] = {}
    last_ns = index.last_ns
    for record in _records_of_connections(stream, source, index):
        last_ns = max(last_ns, record.recv_ns)
        connection = (record.venue, record.connection)
        if record.kind is RecordKind.CLOSED:
            closed.setdefault(connection, (record.recv_ns, record.payload.decode(errors="replace")))
        elif record.kind in _OF_CONNECTIONS:
            closed.pop(connection, None)
    return [_gap(connection, *missed, last_ns) for connection, missed in closed.items()], last_ns


def _records_of_connections(stream: BinaryIO, source: str, index: SegmentIndex) -> Iterator[Record]:
    for entry in index.blocks:
        if any(name.rpartition(" ")[2] in _OF_CONNECTIONS for name in entry.counts):
            for block in islice(read_blocks(stream, entry.offset_bytes), 1):
                yield from (item for item in decode_block(block, source, 0) if isinstance(item, Record))
    yield from (item for item in read_segment(stream, source, index.size_bytes) if isinstance(item, Record))
