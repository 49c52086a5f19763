"""The segments of one process: each is appended to until its hour or its room is over, then the next one begins.

Blocking, for one thread. After an ``OSError`` of any call ``abandon`` the present segment, and ``begin`` a new one
when there is room again.
"""

from collections.abc import Iterable

import msgspec

from foretick.ingest.adapters.recordings.folder import RecordingFolder
from foretick.ingest.adapters.recordings.segment_file import SegmentFile
from foretick.market.recording.gaps import GapLedger
from foretick.market.recording.records import (
    EVERY_CONNECTION,
    EVERY_VENUE,
    Gap,
    GapReason,
    Ownership,
    Record,
    RecordKind,
    SegmentEnd,
    SegmentHead,
    gap_record,
    ownership_of,
)
from foretick.market.recording.retention import is_rotation_due
from foretick.market.recording.segments import SegmentEncoder, SegmentName

_APPEND_LINES = 4096
"""Records after which what has been encoded is written, in the middle of a long backlog."""


class SegmentSeries:
    """Writes records to one segment after the other.

    Each begins with a head, the latest listing of every instrument, what the process publishes, and the connections
    that are closed, so that it can be read without the one before. The first one of a process tells since when
    nobody was recording.
    """

    def __init__(self, folder: RecordingFolder, producer: str, run_id: str) -> None:
        self._folder = folder
        self._producer = producer
        self._run_id = run_id
        self._file: SegmentFile | None = None
        self._encoder = SegmentEncoder()
        self._ledger = GapLedger()
        self._listings: dict[tuple[str, str], Record] = {}
        self._owned: dict[tuple[str, str], int] = {}
        self._untold: list[Gap] = []
        self._begun = 0
        self._first_ns = self._begun_ns = self._added_ns = 0
        self._pending_frames = 0
        self._previous = ""
        self.last_ns = 0
        self.frames = 0
        self.written_bytes = 0
        self.refused_records = 0

    @property
    def segment(self) -> str:
        """The name of the present segment; empty for none."""
        return self._file.name if self._file is not None else ""

    def begin(self, now_ns: int, gap: Gap | None = None) -> None:
        """Begin a segment, with ``gap`` to tell. Before the first one of this process, look at what is there."""
        self._folder.prepare()
        self._folder.check_room()
        self._first_ns = self._first_ns or now_ns
        self._file = self._create(now_ns)
        if not self._begun:
            self._untold += self._told_of_predecessor()
        self._begun += 1
        self._begun_ns = now_ns
        self._encoder = SegmentEncoder()
        head = SegmentHead(producer=self._producer, run_id=self._run_id, segment=self._begun, previous=self._previous)
        self._add_own(now_ns, RecordKind.BEGIN, msgspec.json.encode(head))
        for untold in (*self._untold, *([gap] if gap is not None else [])):
            self._encoder.add(gap_record(untold, now_ns))
        for listing in self._listings.values():
            self._encoder.add(listing._replace(recv_ns=now_ns))
        for (venue, epoch), symbols in self._owned_by_epoch().items():
            payload = msgspec.json.encode(Ownership(symbols=symbols, epoch=epoch))
            self._encoder.add(Record(now_ns, venue, EVERY_CONNECTION, RecordKind.OWNED, payload))
        for (venue, connection), _, reason in self._ledger.missed:
            self._encoder.add(Record(now_ns, venue, connection, RecordKind.CLOSED, reason.encode()))
        self._append()

    def write(self, records: Iterable[Record]) -> None:
        """Write ``records``: a reader gets them once this returns, also when this process is killed then."""
        self._folder.check_room()
        for number, record in enumerate(records, 1):
            try:
                self._make_way(record.recv_ns)
            except OSError:
                self._pending_frames += self.skip(record)
                raise
            self._add(record)
            if number % _APPEND_LINES == 0:
                self._append()
        self._append()

    def sync(self) -> None:
        """Return once everything written would survive a power cut."""
        if self._file is not None:
            self._file.sync()

    def end(self, reason: str, now_ns: int) -> None:
        """End the present segment in order: ``rotated``, or ``stopped`` for good."""
        if self._file is None:
            return
        end_ns = max(now_ns, self._added_ns)
        if reason == "stopped":
            for gap in self._ledger.end_all(end_ns):
                self._tell(gap)
        self._add_own(end_ns, RecordKind.END, msgspec.json.encode(SegmentEnd(reason=reason)))
        self._encoder.end_block()
        self._append()
        file, self._file = self._file, None
        self._previous = file.name
        file.end(self._encoder.lines)

    def skip(self, record: Record) -> bool:
        """Take ``record`` without writing it, while there is no segment; return whether a frame is lost by that."""
        gap = self._see(record)
        if gap is not None:
            self._untold.append(gap)
        return record.kind is RecordKind.RECEIVED

    def abandon(self) -> int:
        """Give the present segment up after a failure; return how many frames of it were not written."""
        if self._file is not None:
            self._previous = self._file.name if self._file.size_bytes else self._previous
            self._file.abandon()
            self._file = None
        lost, self._pending_frames = self._pending_frames, 0
        return lost

    def _make_way(self, now_ns: int) -> None:
        """End a segment whose time is over, and begin one where there is none."""
        most_bytes = self._folder.limits.segment_bytes
        if self._file is not None and is_rotation_due(self._begun_ns, now_ns, self._encoder.size_bytes, most_bytes):
            self.end("rotated", now_ns)
        if self._file is None:
            self.begin(now_ns)

    def _told_of_predecessor(self) -> list[Gap]:
        predecessor = self._folder.predecessor(self._producer)
        if predecessor is None:
            return []
        self._previous = predecessor.name
        down = Gap(
            venue=EVERY_VENUE,
            connection=EVERY_CONNECTION,
            from_ns=predecessor.last_ns,
            through_ns=max(self._first_ns, predecessor.last_ns),
            reason=GapReason.NOT_RUNNING,
        )
        return [*predecessor.gaps, down]

    def _create(self, now_ns: int) -> SegmentFile:
        """Create a file for a segment that begins now, a nanosecond later where there is one of that instant."""
        while True:
            try:
                return SegmentFile(self._folder.path, SegmentName(now_ns, self._producer).file_name)
            except FileExistsError:
                now_ns += 1

    def _see(self, record: Record) -> Gap | None:
        if record.kind is RecordKind.LISTING:
            self._listings[record.venue, record.symbol] = record
        elif record.kind is RecordKind.OWNED:
            owned = ownership_of(record)
            self._owned |= {(record.venue, symbol): owned.epoch for symbol in owned.symbols}
        return self._ledger.see(record)

    def _owned_by_epoch(self) -> dict[tuple[str, int], list[str]]:
        groups: dict[tuple[str, int], list[str]] = {}
        for (venue, symbol), epoch in self._owned.items():
            if epoch:
                groups.setdefault((venue, epoch), []).append(symbol)
        return groups

    def _add(self, record: Record) -> None:
        gap = self._see(record)
        if gap is not None:
            self._tell(gap)
        try:
            self._encoder.add(record)
        except ValueError as error:
            self.refused_records += 1
            self._tell(_refusal(record, str(error)))
        self._added_ns = max(self._added_ns, record.recv_ns)
        self._pending_frames += record.kind is RecordKind.RECEIVED

    def _tell(self, gap: Gap) -> None:
        """Write ``gap``, and again in the next segment should this one fail first."""
        self._untold.append(gap)
        self._encoder.add(gap_record(gap))

    def _add_own(self, now_ns: int, kind: RecordKind, payload: bytes) -> None:
        self._encoder.add(Record(now_ns, EVERY_VENUE, EVERY_CONNECTION, kind, payload))
        self._added_ns = max(self._added_ns, now_ns)

    def _append(self) -> None:
        if self._file is None:
            return
        data = self._encoder.take()
        entries, self._encoder.entries = self._encoder.entries, []
        self._file.append(data, entries)
        self.written_bytes += len(data)
        self.frames += self._pending_frames
        self._pending_frames = 0
        self._untold.clear()
        self.last_ns = self._added_ns


def _refusal(record: Record, reason: str) -> Gap:
    return Gap(
        venue=EVERY_VENUE,
        connection=record.connection,
        from_ns=record.recv_ns,
        through_ns=record.recv_ns,
        reason=GapReason.NOT_WRITTEN,
        detail=f"{record.venue}: {reason}",
        frames_lost=1,
    )
