"""One inbound queue, emptied in natural batches."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec
from nats.aio.subscription import Subscription

from foretick.common.contracts import UNDECODABLE
from foretick.common.runtime.data_plane.demux import Receiver
from foretick.common.runtime.data_plane.meters import ChannelCounts
from foretick.common.runtime.data_plane.queues import ConflatingQueue, Decoder, FoldingQueue
from foretick.common.subjects import Subject

Handler = Callable[[Sequence[Any]], None]


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
        self._plane = plane
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self.counts = ChannelCounts()
        self._queue = (ConflatingQueue if conflate else FoldingQueue)(self.counts, self._loop.time)
        self._receivers = {
            subject: partial(self._receive, msgspec.json.Decoder(subject.contract)) for subject in subjects
        }
        self._followed: dict[str, list[Subscription]] = {}
        self._is_scheduled = False
        self._is_closing = False
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
        while self._queue and not self._ended.done():
            self._dispatch()
        if not self._ended.done():
            self._ended.set_result(None)

    def depth(self) -> tuple[int, int]:
        """Return the messages and bytes that wait now."""
        return len(self._queue), self._queue.queued_bytes

    def _receive(self, decoder: Decoder, subject: bytes, payload: bytes) -> None:
        self._queue.put(decoder, subject, payload)
        if not self._is_scheduled:
            self._schedule()

    def _schedule(self) -> None:
        self._is_scheduled = True
        self._loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._is_scheduled = False
        if self._ended.done():
            return
        self.counts.max_queued = max(self.counts.max_queued, len(self._queue))
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
        batch: list[Any] = []
        taken = self._queue.take()
        if taken:
            self.counts.waits_us.observe(int((self._loop.time() - taken[0][3]) * 1e6))
        for decoder, subject, payload, _ in taken:
            try:
                batch.append(decoder.decode(payload))
            except UNDECODABLE as error:
                self._plane.reject(subject.decode(errors="replace"), str(error), payload)
        if batch:
            self.counts.received += len(batch)
            self.counts.batches.observe(len(batch))
        return batch
