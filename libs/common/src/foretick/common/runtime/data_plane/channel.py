"""One inbound queue, emptied in natural batches."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec
from nats.aio.subscription import Subscription

from foretick.common.contracts import UNDECODABLE
from foretick.common.runtime.data_plane.demux import Receiver
from foretick.common.runtime.data_plane.meters import ChannelCounts
from foretick.common.subjects import Subject

Handler = Callable[[Sequence[Any]], None]

MAX_QUEUED = 200_000
"""Messages that may wait; more are dropped and counted, and the audit of sequence numbers shows the gap."""
MAX_QUEUED_BYTES = 64 * 1024 * 1024
MAX_BATCH = 512
"""Messages handed on in one turn of the loop: between two batches it reads, answers pings and health checks."""
MAX_BATCH_BYTES = 1024 * 1024

Decoder = msgspec.json.Decoder[Any]
Queued = tuple[Decoder, bytes, bytes, float]
"""Decoder, subject, payload, and when it came by the loop's clock."""


class Outside(Protocol):
    """What a channel needs of its plane."""

    def reject(self, source: str, reason: str, payload: bytes = b"") -> None:
        """Count a malformed input and keep it."""
        ...

    def hold(self) -> None:
        """Keep what is published until ``release``."""
        ...

    def release(self) -> None:
        """Send what was published since ``hold``."""
        ...

    async def tap(self, pattern: str, receive: Receiver) -> Subscription:
        """Subscribe."""
        ...

    async def untap(self, subscription: Subscription) -> None:
        """Unsubscribe."""
        ...


class Channel:
    """Queues what comes on ``subjects`` and hands it to ``handler``, in the order of arrival.

    The first message to come schedules a turn of the loop; whatever has come by then is one batch. With ``conflate``
    only the latest message of each subject waits, and what it replaced is counted: for handlers without state.
    """

    def __init__(self, plane: Outside, subjects: Sequence[Subject], handler: Handler, *, conflate: bool) -> None:
        self.name = "+".join(subject.root for subject in subjects)
        self.counts = ChannelCounts()
        self._plane = plane
        self._handler = handler
        self._receivers = {
            subject: partial(self._replace if conflate else self._append, msgspec.json.Decoder(subject.contract))
            for subject in subjects
        }
        self._followed: dict[str, list[Subscription]] = {}
        self._queue: deque[Queued] = deque()
        self._latest: dict[bytes, Queued] = {}
        self._queued_bytes = 0
        self._is_scheduled = False
        self._is_closing = False
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()

    async def follow(self, symbols: Sequence[str] = ()) -> None:
        """Receive the messages of ``symbols`` (``venue.symbol`` tokens), or of every instrument for none."""
        for tokens in symbols or ("",):
            if tokens not in self._followed:
                self._followed[tokens] = [
                    await self._plane.tap(f"{subject.root}.{tokens}" if tokens else subject.wildcard, receive)
                    for subject, receive in self._receivers.items()
                ]

    async def leave(self, symbols: Sequence[str]) -> None:
        """Receive ``symbols`` no longer; what has arrived of them already may still be handed on."""
        for tokens in symbols:
            for subscription in self._followed.pop(tokens, []):
                if not self._is_closing:
                    await self._plane.untap(subscription)

    async def run(self) -> None:
        """Wait for the end.

        Raises:
            Exception: what the handler raised
        """
        await self._ended

    def close(self) -> None:
        """Handle what has arrived, then stop."""
        self._is_closing = True
        while (self._queue or self._latest) and not self._ended.done():
            self._dispatch()
        if not self._ended.done():
            self._ended.set_result(None)

    def depth(self) -> tuple[int, int]:
        """Return the messages and bytes that wait now."""
        return len(self._queue) + len(self._latest), self._queued_bytes

    def _append(self, decoder: Decoder, subject: bytes, payload: bytes) -> None:
        if len(self._queue) >= MAX_QUEUED or self._queued_bytes >= MAX_QUEUED_BYTES:
            self.counts.overflowed += 1
            return
        self._queued_bytes += len(payload)
        self._queue.append((decoder, subject, payload, self._loop.time()))
        if not self._is_scheduled:
            self._schedule()

    def _replace(self, decoder: Decoder, subject: bytes, payload: bytes) -> None:
        replaced = self._latest.get(subject)
        if replaced is not None:
            self.counts.conflated += 1
            self._queued_bytes -= len(replaced[2])
        self._queued_bytes += len(payload)
        # The place and age of the message that it replaces, so that a busy subject does not wait for ever.
        arrived_s = self._loop.time() if replaced is None else replaced[3]
        self._latest[subject] = (decoder, subject, payload, arrived_s)
        if not self._is_scheduled:
            self._schedule()

    def _schedule(self) -> None:
        self._is_scheduled = True
        self._loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._is_scheduled = False
        if self._ended.done():
            return
        if self._latest:
            self._queue.extend(self._latest.values())
            self._latest.clear()
        queued = len(self._queue)
        if queued > self.counts.max_queued:
            self.counts.max_queued = queued
        self._plane.hold()
        try:
            batch = self._take()
            if batch:
                self._handler(batch)
        except Exception as error:  # noqa: BLE001 - a handler that failed has lost its place: ``run`` raises it
            self._ended.set_exception(error)
        finally:
            self._plane.release()
        if self._queue and not self._is_scheduled:
            self._schedule()

    def _take(self) -> list[Any]:
        queue = self._queue
        batch: list[Any] = []
        if not queue:
            return batch
        self.counts.waits_us.observe(int((self._loop.time() - queue[0][3]) * 1e6))
        taken_bytes = 0
        while queue and len(batch) < MAX_BATCH and taken_bytes < MAX_BATCH_BYTES:
            decoder, subject, payload, _ = queue.popleft()
            taken_bytes += len(payload)
            try:
                batch.append(decoder.decode(payload))
            except UNDECODABLE as error:
                self._plane.reject(subject.decode(errors="replace"), str(error), payload)
        self._queued_bytes -= taken_bytes
        if batch:
            self.counts.received += len(batch)
            self.counts.batches.observe(len(batch))
        return batch
