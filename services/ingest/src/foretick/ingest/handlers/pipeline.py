"""Streams -> rows -> one commit -> one acknowledgement a stream, the next rows made while the last ones are written.

Messages are taken in chunks; a chunk is folded into rows and encoded at once, on the loop, in a few milliseconds. The
chunks of a commit go to the database in a task of their own, and PostgreSQL works on another core: what arrives
meanwhile becomes the chunks of the next commit. So two commits are in memory at most, one under way and one being made.

A chunk is folded onto the offset that the one before it *will* have. When the database refuses a row, its commit is
repeated in ever smaller parts until the message that holds it stands alone and is passed by; what was folded since then
is folded again, from the offset that came out.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from foretick.common.errors import Malformed
from foretick.common.units import NS_PER_S
from foretick.ingest.domain.fold import Part, fold, pass_by
from foretick.ingest.domain.rows import EncodedRows
from foretick.ingest.domain.stream import Delivered, Offset
from foretick.ingest.handlers.recording import RecorderLimits, RecorderMetrics, RecorderOutside
from foretick.ingest.ports import Record, StreamReader

CHUNK_MESSAGES = 1024
CHUNK_BYTES = 512 * 1024
"""A chunk's bounds: large enough to encode by the column, small enough not to hold the loop up."""

_MOST_COMMITS = 4
"""How many times ``commit_bytes`` may wait for the commit under way; then nothing more is taken."""

_QUIET_S = 1.0


@dataclass(slots=True)
class Progress:
    """A stream being recorded.

    committed: how far its rows are in the database
    folded: how far they are made
    """

    reader: StreamReader
    committed: Offset
    folded: Offset


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Messages of one stream, as rows.

    offset: how far the stream is recorded once they are committed
    fresh: the messages
    rejected: those of them that cannot be used, with the reason
    """

    progress: Progress
    rows: EncodedRows
    offset: Offset
    fresh: list[Delivered]
    rejected: list[tuple[Delivered, str]]


class Pipeline:
    """Records ``streams`` until it is stopped or something is ``Transient``."""

    def __init__(
        self,
        streams: Sequence[Progress],
        record: Record,
        outside: RecorderOutside,
        metrics: RecorderMetrics,
        limits: RecorderLimits,
    ) -> None:
        self._streams = streams
        self._record = record
        self._outside = outside
        self._metrics = metrics
        self._limits = limits
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._chunks: list[_Chunk] = []
        self._due_s = 0.0
        self._writing: asyncio.Task[None] | None = None

    def on_arrival(self, is_full: bool) -> None:
        """Take note that a message has arrived; ``is_full``: a chunk of them has, or a reader is broken."""
        self._arrived.set()
        if is_full:
            self._full.set()

    async def turn(self, *, is_last: bool) -> bool:
        """Wait for messages, make rows of them, and begin their commit when it is due; ``is_last``: all of it, at once.

        Returns:
            Whether there is another turn to come.

        Raises:
            Transient: begin anew from the committed offsets
        """
        if not is_last:
            await self._wait()
        await self._take_all()
        is_due = self._is_worth_a_commit() or asyncio.get_running_loop().time() >= self._due_s
        if self._chunks and (is_last or is_due):
            await self._write_next()
        if is_last:
            await self.settle()
        return not is_last

    async def close(self) -> None:
        """Give up the commit under way, if there is one."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)

    async def settle(self) -> None:
        """Wait for the commit under way, if there is one; the database is free then."""
        if self._writing is not None:
            await self._writing
            self._writing = None

    def _is_worth_a_commit(self) -> bool:
        """Tell whether the database should have what there is: a little when it has nothing to do, much when it has."""
        size_bytes = sum(chunk.rows.size_bytes for chunk in self._chunks)
        is_idle = self._writing is None or self._writing.done()
        return size_bytes >= (self._limits.commit_bytes if is_idle else _MOST_COMMITS * self._limits.commit_bytes)

    async def _wait(self) -> None:
        """Wait for a message, then for a chunk of them or until a commit is due."""
        if self._writing is not None and self._writing.done():
            await self.settle()
        if not self._chunks:
            with suppress(TimeoutError):
                async with asyncio.timeout(_QUIET_S):
                    await self._arrived.wait()
            self._due_s = asyncio.get_running_loop().time() + self._limits.flush_interval_s
        if self._chunks or self._arrived.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._due_s):
                    await self._full.wait()
        self._arrived.clear()
        self._full.clear()

    async def _take_all(self) -> None:
        """Make chunks of what has arrived, letting the loop turn after each; a backlog fills several commits."""
        for progress in self._streams:
            for delivered in _cut(await progress.reader.take()):
                if self._is_worth_a_commit():
                    await self._write_next()
                self._fold_next(progress, delivered)
                await asyncio.sleep(0)

    def _fold_next(self, progress: Progress, delivered: Sequence[Delivered]) -> None:
        chunks = self._fold(progress, progress.folded, delivered)
        if sum(len(chunk.fresh) for chunk in chunks) < len(delivered):
            fresh = sum(len(chunk.fresh) for chunk in chunks)
            self._metrics.redelivered.labels(progress.folded.stream).inc(len(delivered) - fresh)
        if chunks:
            progress.folded = chunks[-1].offset
            self._chunks += chunks

    def _fold(self, progress: Progress, before: Offset, delivered: Sequence[Delivered]) -> list[_Chunk]:
        """Return ``delivered`` as a chunk; as several where something in it cannot be encoded, which is passed by."""
        part = fold(before, delivered, self._limits.sample_interval_ns)
        if not part.fresh:
            return []
        try:
            return [self._chunk(progress, part)]
        except Malformed as error:
            if len(part.fresh) == 1:
                return [self._chunk(progress, pass_by(before, part.fresh[0], error.reason))]
        first, second = _halve(part.fresh)
        chunks = self._fold(progress, before, first)
        return chunks + self._fold(progress, chunks[-1].offset, second)

    def _chunk(self, progress: Progress, part: Part) -> _Chunk:
        return _Chunk(progress, self._record.encode(part.rows), part.offset, part.fresh, part.rejected)

    async def _write_next(self) -> None:
        """Begin the next commit once the one under way is done."""
        await self.settle()
        chunks, self._chunks = self._chunks, []
        self._writing = asyncio.create_task(self._commit(chunks), name="recorder-commit")
        self._writing.add_done_callback(lambda _: self.on_arrival(True))

    async def _commit(self, chunks: Sequence[_Chunk]) -> None:
        """Commit ``chunks`` together; when the database refuses something in them, in ever smaller parts."""
        try:
            with self._metrics.commit_s.time():
                await self._record.write([(chunk.rows, chunk.offset) for chunk in chunks])
        except Malformed:
            for progress in self._streams:
                fresh = [each for chunk in chunks if chunk.progress is progress for each in chunk.fresh]
                if fresh:
                    await self._commit_smaller(progress, fresh)
            self._fold_again()
        else:
            await self._note(chunks)

    async def _commit_smaller(self, progress: Progress, fresh: list[Delivered]) -> None:
        chunks = self._fold(progress, progress.committed, fresh)
        try:
            await self._record.write([(chunk.rows, chunk.offset) for chunk in chunks])
        except Malformed as error:
            if len(fresh) > 1:
                for half in _halve(fresh):
                    await self._commit_smaller(progress, half)
                return
            chunks = [self._chunk(progress, pass_by(progress.committed, fresh[0], error.reason))]
            await self._record.write([(chunk.rows, chunk.offset) for chunk in chunks])
        await self._note(chunks)

    def _fold_again(self) -> None:
        """Make the chunks of the next commit anew: the offset they were folded onto did not come to be."""
        stale, self._chunks = self._chunks, []
        for progress in self._streams:
            progress.folded = progress.committed
        for chunk in stale:
            self._fold_next(chunk.progress, chunk.fresh)

    async def _note(self, chunks: Sequence[_Chunk]) -> None:
        """Take note that ``chunks`` are committed, and acknowledge the last message of each stream."""
        metrics = self._metrics
        last_of: dict[str, _Chunk] = {}
        for chunk in chunks:
            chunk.progress.committed = chunk.offset
            last_of[chunk.offset.stream] = chunk
            for each, reason in chunk.rejected:
                self._outside.reject(each.subject, reason, each.data)
            for table, count in chunk.rows.counts.items():
                metrics.rows.labels(table).inc(count)
            metrics.messages.labels(chunk.offset.stream).inc(len(chunk.fresh))
            metrics.sequence.add(chunk.rows.audit)
            self._tell_gaps(chunk.rows)
        for stream, chunk in last_of.items():
            last = chunk.fresh[-1]
            metrics.pending.labels(stream).set(last.pending)
            metrics.lag_s.labels(stream).set((self._outside.clock.now_ns() - last.stored_ns) / NS_PER_S)
            await chunk.progress.reader.ack(last)

    def _tell_gaps(self, rows: EncodedRows) -> None:
        for gap in rows.gaps:
            self._metrics.gaps.labels(gap.found_by).inc()
            self._outside.log.warning(
                "events missing", venue=gap.venue, symbol=gap.symbol, from_seq=gap.from_seq,
                through_seq=gap.through_seq, found_by=gap.found_by,
            )  # fmt: skip


def _cut(delivered: Sequence[Delivered]) -> list[Sequence[Delivered]]:
    """Cut ``delivered`` into chunks."""
    chunks: list[Sequence[Delivered]] = []
    first = size_bytes = 0
    for index, each in enumerate(delivered):
        if index > first and (index - first >= CHUNK_MESSAGES or size_bytes + len(each.data) > CHUNK_BYTES):
            chunks.append(delivered[first:index])
            first, size_bytes = index, 0
        size_bytes += len(each.data)
    return [*chunks, delivered[first:]] if delivered else []


def _halve(messages: list[Delivered]) -> tuple[list[Delivered], list[Delivered]]:
    middle = len(messages) // 2
    return messages[:middle], messages[middle:]
