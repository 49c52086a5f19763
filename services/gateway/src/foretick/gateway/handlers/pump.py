"""The rhythm of writing: one timer for all connections, and no task for any.

An outbox that rests is written in the turn after the one that gave it something; then it cools for the flush interval,
and what gathers meanwhile goes out in one write. Outboxes that are due the same updates get the same bytes: to a client
that follows what others follow, a write costs a comparison and the system call.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from foretick.common.clock import Clock
from foretick.common.units import NS_PER_S
from foretick.gateway.domain.outbox import Outbox, OutboxLimits
from foretick.gateway.domain.topic import Tally, Update
from foretick.gateway.ports import Batch, Transport

_loop = asyncio.get_running_loop


class Way(Protocol):
    """An outbox and where it leads."""

    outbox: Outbox
    transport: Transport

    def hurry(self) -> None:
        """Learn that the outbox has decided to close, whether or not its last answer can be written."""
        ...

    def finish(self) -> None:
        """Close: the outbox has decided to, and its last answer has been written."""
        ...

    def fail(self, error: Exception) -> None:
        """Learn that writing to the transport is broken."""
        ...


class Pump:
    """Writes what waits."""

    def __init__(self, clock: Clock, limits: OutboxLimits, tally: Tally) -> None:
        self._clock = clock
        self._tally = tally
        self._interval_s = limits.flush_interval_ns / NS_PER_S
        self._flush_bytes = limits.flush_bytes
        self._queue: list[Way] = []
        self._cooling: deque[tuple[float, list[Way]]] = deque()
        self._updates: list[Update] = []
        self._batch: Batch | None = None

    def enqueue(self, way: Way) -> None:
        """Write ``way`` in the next turn."""
        self._queue.append(way)
        if len(self._queue) == 1:
            _loop().call_soon(self._flush)

    def _flush(self) -> None:
        queue, self._queue = self._queue, []
        for way in queue:
            way.outbox.queued = False
        self._write_all(queue)

    def _cool_down(self) -> None:
        due: list[Way] = []
        now_s = _loop().time()
        while self._cooling and self._cooling[0][0] <= now_s:
            for way in self._cooling.popleft()[1]:
                outbox = way.outbox
                outbox.rest()
                if not (outbox.blocked or outbox.queued or outbox.is_empty):
                    outbox.idle = False
                    due.append(way)
        if self._cooling:
            _loop().call_at(self._cooling[0][0], self._cool_down)
        if due:
            self._write_all(due)

    def _write_all(self, ways: Iterable[Way]) -> None:
        hot: list[Way] = []
        for way in ways:
            outbox = way.outbox
            if outbox.closing is not None:
                way.hurry()
            if outbox.blocked:
                continue
            try:
                self._write(way, outbox)
            except Exception as error:  # noqa: BLE001 - told to the connection; the other clients go on
                way.fail(error)
                continue
            if not outbox.cooling:
                outbox.cooling = True
                hot.append(way)
        if hot:
            due_s = _loop().time() + self._interval_s
            if not self._cooling:
                _loop().call_at(due_s, self._cool_down)
            self._cooling.append((due_s, hot))

    def _write(self, way: Way, outbox: Outbox) -> None:
        outbox.idle = False
        if outbox.has_only_updates:
            batch = self._shared_batch(outbox)
            if batch is not None:
                self._hand(way, batch)
                return
        while not (outbox.blocked or outbox.is_empty):
            self._hand(way, Batch(outbox.take(self._clock.now_ns())))
        if outbox.closing is not None and not outbox.blocked:
            way.finish()

    def _shared_batch(self, outbox: Outbox) -> Batch | None:
        """Take all updates as one batch, the last one again where they are the same; None when they are too many."""
        pending = outbox.pending
        if pending == self._updates and self._batch is not None:
            outbox.pending = []
            return self._batch
        if not pending:
            return None
        frames = [update.frame for update in pending]
        if sum(map(len, frames)) > self._flush_bytes:
            return None
        self._updates, self._batch = pending, Batch(frames)
        outbox.pending = []
        return self._batch

    def _hand(self, way: Way, batch: Batch) -> None:
        self._tally.deliveries += len(batch.frames)
        self._tally.writes += 1
        way.transport.write(batch)
