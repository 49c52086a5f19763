"""Records on their way from the feed's loop to the writer's thread, in bounded memory: what is too much is dropped."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from foretick.market.recording.records import Gap, GapReason, Record, RecordKind, gap_record

MAX_BYTES = 64 * 1024 * 1024
RECORD_BYTES = 200
"""What a record takes in memory beside its payload."""

_DROPPABLE = (RecordKind.RECEIVED, RecordKind.REST)


@dataclass(slots=True)
class _Loss:
    """Frames of one connection that were dropped: the time of the first and of the last, and how many."""

    from_ns: int
    through_ns: int
    frames: int = 0


class RecordBacklog:
    """A queue with one thread on each side; neither waits for the other.

    Once it is full, frames are dropped until half of it has been taken, so that a loss is one gap and not thousands.
    What we sent and what happened to connections is never dropped: it is little. Before the first frame that is taken
    again, each connection's gap stands.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._records: deque[Record] = deque()
        self._put_bytes = 0  # only the putting side writes it, and only the taking side the other one
        self._taken_bytes = 0
        self._losses: dict[tuple[str, int], _Loss] = {}
        self._is_dropping = False
        self.dropped_frames = 0

    @property
    def waiting_bytes(self) -> int:
        """The memory that is used now."""
        return self._put_bytes - self._taken_bytes

    def put(self, record: Record) -> None:
        """Add ``record``, or drop it and remember that."""
        if record.kind in _DROPPABLE:
            waiting_bytes = self._put_bytes - self._taken_bytes
            if self._is_dropping:
                self._is_dropping = waiting_bytes > self._max_bytes // 2
            elif waiting_bytes + len(record.payload) + RECORD_BYTES > self._max_bytes:
                self._is_dropping = True
            if self._is_dropping:
                self._drop(record)
                return
            if self._losses:
                self.put_losses()
        self._put_bytes += len(record.payload) + RECORD_BYTES
        self._records.append(record)

    def put_losses(self) -> None:
        """Add the gaps of what has been dropped so far."""
        for (venue, connection), loss in self._losses.items():
            gap = Gap(
                venue=venue,
                connection=connection,
                from_ns=loss.from_ns,
                through_ns=loss.through_ns,
                reason=GapReason.FELL_BEHIND,
                detail=f"more than {self._max_bytes} bytes were waiting to be written",
                frames_lost=loss.frames,
            )
            self.put(gap_record(gap))
        self._losses.clear()

    def take(self) -> Iterator[Record]:
        """Yield what is there, until nothing is."""
        while True:
            try:
                record = self._records.popleft()
            except IndexError:
                return
            self._taken_bytes += len(record.payload) + RECORD_BYTES
            yield record

    def _drop(self, record: Record) -> None:
        key = (record.venue, record.connection)
        loss = self._losses.setdefault(key, _Loss(record.recv_ns, record.recv_ns))
        loss.through_ns = record.recv_ns
        loss.frames += 1
        self.dropped_frames += 1
