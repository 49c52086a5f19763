"""Publishing and subscribing for the hot subjects of one service."""

import asyncio
import base64
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from nats.aio.subscription import Subscription

from foretick.common.clock import Clock
from foretick.common.contracts import DeadLetter, encode
from foretick.common.permissions import role_of
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.data_plane.channel import Channel, Handler
from foretick.common.runtime.data_plane.demux import Receiver, WholeReceiver
from foretick.common.runtime.data_plane.meters import DataPlaneMeters, PublisherCounts
from foretick.common.runtime.data_plane.wire import Wire
from foretick.common.runtime.logs import Logger
from foretick.common.runtime.metrics import Metrics
from foretick.common.subjects import DEAD_LETTERS, Subject

Spawn = Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None]"]
"""Starts a supervised task: an exception in it ends the process."""

_MAX_DEAD_LETTER_BYTES = 64 * 1024


class DataPlane:
    """Publishing and subscribing for the hot subjects of one service. Make it before the bus connects."""

    def __init__(self, bus: Bus, name: str, clock: Clock, log: Logger, metrics: Metrics, spawn: Spawn) -> None:
        self._wire = Wire(bus.nc)
        self._name = name
        self._dead_letters = DEAD_LETTERS.of(*role_of(name).split("."))
        self._clock = clock
        self._log = log
        self._spawn = spawn
        self._loop = asyncio.get_running_loop()
        self._outbox: list[bytes] = []
        self._outbox_bytes = 0
        self._is_send_due = False
        self._heads: dict[tuple[str, str, str], bytes] = {}
        self._channels: list[Channel] = []
        self._counts = PublisherCounts()
        self._meters = DataPlaneMeters(self._counts, lambda: self._wire.unsent_bytes, metrics)
        self._rejected = metrics.counter(
            "bus_rejected_total", "Malformed inputs sent to the dead-letter subject", ("source",)
        )

    def publish(self, subject: Subject, message: Any) -> None:
        """Encode ``message`` for its instrument's subject; it leaves, in order, at the end of this loop turn."""
        key = (subject.root, message.venue, message.symbol)
        head = self._heads.get(key)
        if head is None:
            head = self._heads[key] = _head(subject.of(message.venue, message.symbol))
        self._put(head, encode(message))

    def publish_raw(self, subject: str, payload: bytes) -> None:
        """Send ``payload`` to ``subject``. While NATS is away it is dropped and counted: see ``Bus.on_reconnect``."""
        self._put(_head(subject), payload)

    def reject(self, source: str, reason: str, payload: bytes = b"") -> None:
        """Count a malformed input and keep it on this service's dead-letter subject."""
        self._rejected.labels(source).inc()
        self._log.warning("malformed input", source=source, reason=reason, payload_bytes=len(payload))
        letter = DeadLetter(
            service=self._name,
            source=source,
            reason=reason,
            payload_base64=base64.b64encode(payload[:_MAX_DEAD_LETTER_BYTES]).decode(),
            payload_bytes=len(payload),
            ts_ns=self._clock.now_ns(),
        )
        self.publish_raw(self._dead_letters, encode(letter))

    async def subscribe(
        self, subjects: Sequence[Subject], handler: Handler, *, symbols: Sequence[str] = (), conflate: bool = False
    ) -> Channel:
        """Hand every message of ``subjects`` (if given, only of ``symbols``: ``venue.symbol`` tokens) to ``handler``.

        ``handler`` is synchronous, gets a non-empty batch of decoded messages in the order of arrival, and must not
        block. An exception in it ends the process: a handler that fails has lost its place, and a restart recovers it.

        With ``conflate`` a message that still waits when a newer one of its subject comes is skipped and counted; it is
        for handlers without state.
        """
        channel = self.open_channel(subjects, handler, conflate=conflate)
        await channel.follow(symbols)
        return channel

    def open_channel(self, subjects: Sequence[Subject], handler: Handler, *, conflate: bool = False) -> Channel:
        """Return a channel for ``subjects`` that follows nothing yet: for those whose instruments come and go."""
        channel = Channel(self, subjects, handler, conflate=conflate)
        self._meters.add(channel.name, channel.counts, channel.depth)
        self._spawn(channel.run(), f"channel-{channel.name}")
        self._channels.append(channel)
        return channel

    async def tap(self, pattern: str, receive: Receiver) -> Subscription:
        """Subscribe ``receive`` to a NATS subject."""
        return await self._wire.tap(pattern, receive)

    async def tap_whole(self, inbox: str, receive: WholeReceiver) -> Subscription:
        """Subscribe ``receive`` to an inbox; it is given reply and headers too."""
        return await self._wire.tap_whole(inbox, receive)

    async def untap(self, subscription: Subscription) -> None:
        """End a subscription."""
        await self._wire.untap(subscription)

    def hold(self) -> None:
        """Keep what is published until ``release``: a batch's messages leave together."""
        self._is_send_due = True

    def release(self) -> None:
        """Send what was published since ``hold``."""
        self._send()

    async def flush(self) -> None:
        """Wait until everything published so far is with the server: back-pressure for bulk publishers.

        Raises:
            nats.errors.Error, TimeoutError: it does not answer
        """
        self._send()
        await self._wire.flush()

    async def close(self) -> None:
        """Finish the batches that have arrived and send what they published."""
        for channel in self._channels:
            channel.close()
        self._send()

    def _put(self, head: bytes, payload: bytes) -> None:
        size = len(payload)
        if size > self._wire.max_payload_bytes:  # the server would cut the connection
            self._counts.unsent += 1
            self._log.error("message too large for NATS", head=head.decode(), payload_bytes=size)
            return
        command = b"%b%d\r\n%b\r\n" % (head, size, payload)
        self._outbox.append(command)
        self._outbox_bytes += len(command)
        if not self._is_send_due:
            self._is_send_due = True
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        self._is_send_due = False
        if not self._outbox:
            return
        outbox, self._outbox = self._outbox, []
        size, self._outbox_bytes = self._outbox_bytes, 0
        if self._wire.send(outbox):
            self._counts.sent += len(outbox)
            self._counts.sent_bytes += size
        else:
            self._counts.unsent += len(outbox)


def _head(subject: str) -> bytes:
    return f"PUB {subject} ".encode()
