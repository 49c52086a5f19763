"""Records a feed: its calls put records on a bounded queue, a thread of its own compresses and writes them.

The feed never waits for the disk and never hears of its troubles. What was told more than a second ago is on the disk's
side of the process: a kill loses less than the last second, and leaves a file that can be read.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from foretick.common.clock import Clock
from foretick.common.runtime.logs import Logger
from foretick.common.runtime.system_clock import SystemClock
from foretick.common.units import NS_PER_S
from foretick.ingest.adapters.recordings.backlog import MAX_BYTES, RecordBacklog
from foretick.ingest.adapters.recordings.folder import RecordingFolder
from foretick.ingest.adapters.recordings.series import SegmentSeries
from foretick.ingest.adapters.recordings.sink import ConnectionEvent
from foretick.ingest.domain.events import Received
from foretick.market.recording.records import (
    EVERY_CONNECTION,
    EVERY_VENUE,
    Gap,
    GapReason,
    Ownership,
    Record,
    RecordKind,
)

FLUSH_S = 0.5
"""How long a record waits at most before it is written; the other half of the promised second is for doing it."""

RETRY_S = 5.0
RESUME_BYTES = 64 * 1024 * 1024
"""Room that has to be there, beyond what is left to others, before recording goes on after the disk was full."""

_HOUSE_S = 60.0
_BUSY_BYTES = 8 * 1024 * 1024
_TURN_RECORDS = 50_000
_HINT = "the feed goes on without; make room on the disk, recording resumes by itself: docs/runbooks/recording-disk.md"

_KINDS = {
    ConnectionEvent.OPENED: RecordKind.OPENED,
    ConnectionEvent.CLOSED: RecordKind.CLOSED,
    ConnectionEvent.RETIRED: RecordKind.RETIRED,
}


class RecordingState(NamedTuple):
    """How the recording is.

    trouble: why nothing is recorded at present; empty while all is well
    segment: the file under way
    frames, written_bytes: written since the process began
    lost_frames: dropped since then, because the writer fell behind or the disk refused
    waiting_bytes: of memory, between feed and writer
    """

    trouble: str
    segment: str
    frames: int
    written_bytes: int
    lost_frames: int
    waiting_bytes: int


class RecordingWriter:
    """Writes what a feed tells it: a ``RawFrameSink``. ``start`` it, and ``close`` it in the end.

    Args:
        folder: where to
        producer: this process, such as ``ingest.feed-0``; the segments of one producer follow each other
        run_id: stands in every segment's head
        clock: the feed's, for what the feed gives no time of; data time and this have to be one clock
        log: is told when recording stops and goes on
        max_waiting_bytes: of records between feed and writer
    """

    def __init__(
        self,
        folder: RecordingFolder,
        producer: str,
        run_id: str,
        clock: Clock,
        log: Logger,
        max_waiting_bytes: int = MAX_BYTES,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._thread_clock = SystemClock() if isinstance(clock, SystemClock) else clock  # one is not for two threads
        self._log = log
        self._backlog = RecordBacklog(max_waiting_bytes)
        self._series = SegmentSeries(folder, producer, run_id)
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._stopping = threading.Event()
        self._trouble = self._stopped_by = ""
        self._unwritten_frames = self._lost_in_trouble = 0
        self._house_due_ns = self._retry_due_ns = self._stopped_ns = 0

    @property
    def state(self) -> RecordingState:
        """How the recording is now."""
        series = self._series
        return RecordingState(
            trouble=self._trouble,
            segment=series.segment,
            frames=series.frames,
            written_bytes=series.written_bytes,
            lost_frames=self._backlog.dropped_frames + self._unwritten_frames + series.refused_records,
            waiting_bytes=self._backlog.waiting_bytes,
        )

    def start(self) -> None:
        """Begin to record."""
        self._thread.start()

    async def close(self) -> None:
        """Write what is there, end the segment in order, and return once that is done."""
        self._stopping.set()
        await asyncio.to_thread(self._thread.join)

    # ---- what a feed calls -------------------------------------------------------------------------------------------

    def on_received(self, venue: str, connection: int, received: Received) -> None:
        """Record a frame of a socket."""
        self._backlog.put(Record(received.recv_ns, venue, connection, RecordKind.RECEIVED, received.payload))

    def on_sent(self, venue: str, connection: int, payload: bytes) -> None:
        """Record a frame that we sent."""
        self._backlog.put(Record(self._clock.now_ns(), venue, connection, RecordKind.SENT, payload))

    def on_connection_event(self, venue: str, connection: int, event: ConnectionEvent, detail: str) -> None:
        """Record what happened to a connection."""
        self._backlog.put(Record(self._clock.now_ns(), venue, connection, _KINDS[event], detail.encode()))

    def on_rest(self, venue: str, url: str, received: Received, status: int = 200) -> None:
        """Record the body of a REST answer."""
        kind, symbol = RecordKind.REST, received.symbol or ""
        self._backlog.put(
            Record(received.recv_ns, venue, EVERY_CONNECTION, kind, received.payload, url, symbol, status)
        )

    def on_listing(self, venue: str, symbol: str, listing: bytes) -> None:
        """Record an instrument as the feed uses it."""
        now_ns = self._clock.now_ns()
        self._backlog.put(Record(now_ns, venue, EVERY_CONNECTION, RecordKind.LISTING, listing, symbol=symbol))

    def on_owned(self, venue: str, symbols: Sequence[str], epoch: int) -> None:
        """Record what the feed publishes from now on."""
        payload = msgspec.json.encode(Ownership(symbols=list(symbols), epoch=epoch))
        self._backlog.put(Record(self._clock.now_ns(), venue, EVERY_CONNECTION, RecordKind.OWNED, payload))

    # ---- the thread --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._attempt(self._begin)
            while not self._stopping.wait(0 if self._backlog.waiting_bytes > _BUSY_BYTES else FLUSH_S):
                self._turn()
            self._backlog.put_losses()
            while self._backlog.waiting_bytes:
                self._turn()
            if not self._trouble:
                self._attempt(self._end)
        except Exception:  # noqa: BLE001 - nobody waits for this thread, and the feed must not end with it
            self._trouble = "a fault in the recorder: see the log"
            self._log.exception("raw recording has ended for good; the feed goes on", segment=self._series.segment)
            while not self._stopping.wait(FLUSH_S):
                self._skip()

    def _turn(self) -> None:
        if self._trouble and not self._resume():
            self._skip()
        else:
            self._attempt(self._write)

    def _begin(self) -> None:
        now_ns = self._thread_clock.now_ns()
        self._series.begin(now_ns)
        self._keep_house(now_ns)

    def _write(self) -> None:
        self._series.write(islice(self._backlog.take(), _TURN_RECORDS))
        self._series.sync()
        now_ns = self._thread_clock.now_ns()
        if now_ns >= self._house_due_ns:
            self._keep_house(now_ns)

    def _end(self) -> None:
        self._series.end("stopped", self._thread_clock.now_ns())

    def _keep_house(self, now_ns: int) -> None:
        self._house_due_ns = now_ns + round(_HOUSE_S * NS_PER_S)
        expired = self._folder.expire(now_ns)
        if expired:
            self._log.info("old recordings removed", segments=expired)

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError as error:
            self._stop(str(error))

    def _stop(self, reason: str) -> None:
        """Stop recording until there is room again."""
        now_ns = self._thread_clock.now_ns()
        if not self._trouble:
            self._stopped_ns = self._series.last_ns or now_ns
            self._stopped_by = reason
            self._lost_in_trouble = 0
            self._log.error("raw recording has stopped", reason=reason, folder=str(self._folder.path), hint=_HINT)
        self._trouble = reason
        self._retry_due_ns = now_ns + round(RETRY_S * NS_PER_S)
        self._lose(self._series.abandon())

    def _resume(self) -> bool:
        """Try to go on, now and then; return whether recording goes on."""
        now_ns = self._thread_clock.now_ns()
        if now_ns < self._retry_due_ns:
            return False
        missed = Gap(
            venue=EVERY_VENUE,
            connection=EVERY_CONNECTION,
            from_ns=self._stopped_ns,
            through_ns=now_ns,
            reason=GapReason.NOT_WRITTEN,
            detail=self._stopped_by,
            frames_lost=self._lost_in_trouble,
        )
        try:
            self._folder.prepare()
            self._folder.check_room(RESUME_BYTES)
            self._series.begin(now_ns, missed)
        except OSError as error:
            self._stop(str(error))
            return False
        self._trouble = ""
        self._log.warning("raw recording goes on", segment=self._series.segment, frames_lost=self._lost_in_trouble)
        return True

    def _skip(self) -> None:
        """Let go of what cannot be written."""
        self._lose(sum(self._series.skip(record) for record in self._backlog.take()))

    def _lose(self, frames: int) -> None:
        self._lost_in_trouble += frames
        self._unwritten_frames += frames
