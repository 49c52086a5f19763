"""The data plane: typed messages with natural batching, no task, header or ack per message.

A nats-py callback only appends to a queue; one task takes whatever has queued up as a batch, hands it to the
synchronous handler, then sends what the handler published. When idle the batch is one message and leaves at once; under
load batches grow by themselves. Order: within one ``subscribe`` call the messages of an instrument reach the handler in
the order of their sequence numbers, because one NATS connection keeps a publisher's order across subjects and a batch
always is a prefix of what arrived.
"""

import asyncio
import base64
from collections.abc import Callable, Coroutine, Sequence
from operator import attrgetter
from typing import Any

import msgspec
import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from foretick.common.clock import Clock
from foretick.common.contracts import UNDECODABLE, DeadLetter
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.logs import Logger
from foretick.common.runtime.metrics import Metrics
from foretick.common.subjects import DEAD_LETTERS, Subject

Handler = Callable[[Sequence[Any]], None]
Spawn = Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None]"]
"""Starts a supervised task: an exception in it ends the process."""

_MAX_QUEUED = 200_000
_MAX_DEAD_LETTER_BYTES = 64 * 1024
_SEND_BYTES_PER_TURN = 1 << 20
_encode = msgspec.json.encode
_instrument_order = attrgetter("venue", "symbol", "epoch", "seq")


class DataPlane:
    """Publishing and subscribing for the hot subjects of one service."""

    def __init__(self, bus: Bus, name: str, clock: Clock, log: Logger, metrics: Metrics, spawn: Spawn) -> None:
        self._bus = bus
        self._name = name.replace(".", "-")  # one subject token
        self._clock = clock
        self._log = log
        self._spawn = spawn
        self._outbox: list[tuple[str, bytes]] = []
        self._outbox_filled = asyncio.Event()
        self._sent_all = asyncio.Event()
        self._sent_all.set()
        self._sender = spawn(self._send_forever(), "data-plane-sender")
        self._tokens: dict[tuple[str, str, str], str] = {}
        self._channels: list[Channel] = []
        self._sent = metrics.counter("bus_sent_total", "Data-plane messages handed to NATS")
        self._unsent = metrics.counter("bus_unsent_total", "Data-plane messages dropped while NATS was away")
        self._rejected = metrics.counter(
            "bus_rejected_total", "Malformed inputs sent to the dead-letter subject", ("source",)
        )
        self.received = metrics.counter("bus_received_total", "Data-plane messages decoded", ("channel",))
        self.overflowed = metrics.counter(
            "bus_overflowed_total", "Messages dropped by a full inbound queue", ("channel",)
        )
        self.batch_size = metrics.histogram(
            "bus_batch_messages",
            "Messages in a natural batch",
            ("channel",),
            buckets=(1, 2, 4, 8, 16, 64, 256, 1024, 8192),
        )

    def publish(self, subject: Subject, message: Any) -> None:
        """Encode ``message`` and queue it for its instrument's subject; it leaves in order within this loop turn."""
        key = (subject.root, message.venue, message.symbol)
        name = self._tokens.get(key)
        if name is None:
            name = self._tokens[key] = subject.of(message.venue, message.symbol)
        self.publish_raw(name, _encode(message))

    def publish_raw(self, subject: str, payload: bytes) -> None:
        """Queue ``payload`` for ``subject``. While NATS is away it is dropped and counted: see ``Bus.on_reconnect``."""
        if not self._bus.is_connected:
            self._unsent.inc()
            return
        self._outbox.append((subject, payload))
        self._sent_all.clear()
        self._outbox_filled.set()

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
        self.publish_raw(DEAD_LETTERS.of(self._name), _encode(letter))

    async def subscribe(
        self, subjects: Sequence[Subject], handler: Handler, *, symbols: Sequence[str] = ()
    ) -> "Channel":
        """Hand every message of ``subjects`` (if given, only of ``symbols``: ``venue.symbol`` tokens) to ``handler``.

        ``handler`` is synchronous, gets a non-empty batch of decoded messages, and must not block. An exception in it
        ends the process: a handler that fails has lost its place, and a restart recovers it.
        """
        channel = self.open_channel(subjects, handler)
        await channel.follow(symbols)
        return channel

    def open_channel(self, subjects: Sequence[Subject], handler: Handler) -> "Channel":
        """Return a channel for ``subjects`` that follows nothing yet: for those whose instruments come and go."""
        channel = Channel(self, subjects, handler)
        channel.task = self._spawn(channel.run(), f"channel-{channel.name}")
        self._channels.append(channel)
        return channel

    async def attach(self, pattern: str, receive: Callable[[Msg], Any]) -> Subscription:
        """Subscribe ``receive`` to a NATS subject."""
        return await self._bus.nc.subscribe(pattern, cb=receive)

    async def flush(self) -> None:
        """Wait until everything published so far is with the server: back-pressure for bulk publishers."""
        await self._sent_all.wait()
        await self._bus.nc.flush()

    async def close(self) -> None:
        """Finish the batches that have arrived and send what they published."""
        for channel in self._channels:
            await channel.close()
        if self._bus.is_connected:
            await self._sent_all.wait()
        self._sender.cancel()

    async def _send_forever(self) -> None:
        publish = self._bus.nc.publish
        while True:
            await self._outbox_filled.wait()
            self._outbox_filled.clear()
            batch, self._outbox = self._outbox, []
            sent_bytes = 0
            for subject, payload in batch:
                try:
                    await publish(subject, payload)
                except nats.errors.Error:
                    self._unsent.inc()
                    continue
                sent_bytes += len(payload)
                if sent_bytes > _SEND_BYTES_PER_TURN:  # let the flusher write, else the client's buffer overflows
                    sent_bytes = 0
                    await asyncio.sleep(0)
            self._sent.inc(len(batch))
            if not self._outbox:
                self._sent_all.set()


class Channel:
    """One inbound queue and the task that empties it in natural batches."""

    def __init__(self, plane: DataPlane, subjects: Sequence[Subject], handler: Handler) -> None:
        name = "+".join(subject.root for subject in subjects)
        self.name = name
        self._plane = plane
        self._handler = handler
        self._sort = len(subjects) > 1 and all("seq" in subject.contract.__struct_fields__ for subject in subjects)
        self._decoders = {subject: msgspec.json.Decoder(subject.contract) for subject in subjects}
        self._followed: dict[str, list[Subscription]] = {}
        self._queue: list[tuple[msgspec.json.Decoder[Any], Msg]] = []
        self._filled = asyncio.Event()
        self._closing = False
        self._received = plane.received.labels(name)
        self._overflowed = plane.overflowed.labels(name)
        self._batch_size = plane.batch_size.labels(name)
        self.task: asyncio.Task[None] | None = None

    def receiver(self, decoder: msgspec.json.Decoder[Any]) -> Callable[[Msg], Any]:
        """Return the nats-py callback that queues messages for ``decoder``."""

        async def receive(msg: Msg) -> None:
            if len(self._queue) >= _MAX_QUEUED:
                self._overflowed.inc()
                return
            self._queue.append((decoder, msg))
            self._filled.set()

        return receive

    async def follow(self, symbols: Sequence[str] = ()) -> None:
        """Receive the messages of ``symbols`` (``venue.symbol`` tokens), or of every instrument for none."""
        for tokens in symbols or ("",):
            if tokens not in self._followed:
                self._followed[tokens] = [
                    await self._plane.attach(
                        f"{subject.root}.{tokens}" if tokens else subject.wildcard, self.receiver(decoder)
                    )
                    for subject, decoder in self._decoders.items()
                ]

    async def leave(self, symbols: Sequence[str]) -> None:
        """Receive ``symbols`` no longer; what has arrived of them already may still be handed on."""
        for tokens in symbols:
            for subscription in self._followed.pop(tokens, []):
                if not self._closing:
                    await subscription.unsubscribe()

    async def close(self) -> None:
        """Handle what has arrived, then stop."""
        self._closing = True
        self._filled.set()
        if self.task is not None:
            await asyncio.wait([self.task], timeout=5)

    async def run(self) -> None:
        """Hand on natural batches until closed."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            batch = self._take()
            if batch:
                self._handler(batch)
            if self._closing and not self._queue:
                return

    def _take(self) -> list[Any]:
        queued, self._queue = self._queue, []
        batch: list[Any] = []
        for decoder, msg in queued:
            try:
                batch.append(decoder.decode(msg.data))
            except UNDECODABLE as error:
                self._plane.reject(msg.subject, str(error), msg.data)
        if batch:
            self._received.inc(len(batch))
            self._batch_size.observe(len(batch))
            if self._sort and len(batch) > 1:
                batch.sort(key=_instrument_order)
        return batch
