"""A stream read in order through a durable pull consumer, acknowledged once per commit.

nats-py's own ``fetch`` waits for a whole batch and makes several objects a message; this keeps one pull request open,
collects what arrives straight from the wire, and lets the caller take it when it likes.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Protocol

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from foretick.common.errors import Malformed, Transient
from foretick.common.runtime.bus import Bus
from foretick.common.stored_place import parse_place
from foretick.ingest.adapters.jetstream.parse import (
    PullState,
    format_time_ns,
    parse_status,
    parse_status_line,
    parse_time_ns,
)
from foretick.ingest.domain.stream import Delivered, Start, StreamState

_MAX_MESSAGES = 4096
_MAX_BYTES = 32 * 1024 * 1024
_FULL_MESSAGES = 1024
_FULL_BYTES = 512 * 1024
"""What the caller makes into a chunk at once."""

_EXPIRES_S = 60
_HEARTBEAT_S = 5
_ACK_WAIT_S = 60
_NS = 1_000_000_000


class Tap(Protocol):
    """Hands on messages as they come off the wire, with reply subject and headers."""

    async def tap_whole(self, inbox: str, receive: Callable[[bytes, bytes, bytes, bytes], None]) -> Subscription:
        """Subscribe ``receive`` to ``inbox``."""
        ...

    async def untap(self, subscription: Subscription) -> None:
        """End a subscription."""
        ...


class JetStreamReader:
    """A ``StreamReader``. Everything that goes wrong is a ``Transient``: close it and open a new one.

    The consumer is durable for the operator's eyes (``nats consumer info`` shows how far the recorder is behind), but
    its state is not what recording relies on: ``open`` makes it anew from the offset that the database committed.
    """

    def __init__(self, nc: Client, tap: Tap, stream: str, on_arrival: Callable[[bool], None]) -> None:
        self.stream = stream
        self._nc = nc
        self._tap = tap
        self._loop = asyncio.get_running_loop()
        self._on_arrival = on_arrival
        self._durable = f"record-{stream.lower()}"
        self._subscription: Subscription | None = None
        self._buffer: list[Delivered] = []
        self._buffered_bytes = 0
        self._outstanding = 0
        self._consumer_seq = 0
        self._heard_at = 0.0
        self._reconnects = 0
        self._broken = ""

    async def describe(self) -> StreamState:
        """Return the stream's identity and bounds."""
        info = await self._api(f"STREAM.INFO.{self.stream}", {})
        state = info["state"]
        return StreamState(self.stream, parse_time_ns(info["created"]), state["first_seq"], state["last_seq"])

    async def stored_ns(self, seq: int) -> int | None:
        """Return when message ``seq`` was stored; None if the stream no longer holds it."""
        reply = await self._request(f"DIRECT.GET.{self.stream}", {"seq": seq})
        headers = reply.headers or {}
        return parse_time_ns(headers["Nats-Time-Stamp"]) if "Nats-Time-Stamp" in headers else None

    async def open(self, start: Start) -> None:
        """Begin to deliver from ``start``."""
        config: dict[str, Any] = {
            "durable_name": self._durable, "ack_policy": "all", "ack_wait": _ACK_WAIT_S * _NS,
            "max_ack_pending": -1, "replay_policy": "instant", "deliver_policy": "all",
            "description": "Foretick's recorder; made anew from the committed offset at each start",
        }  # fmt: skip
        if start.after_ns is not None:
            config |= {"deliver_policy": "by_start_time", "opt_start_time": format_time_ns(start.after_ns + 1)}
        elif start.seq > 1:
            config |= {"deliver_policy": "by_start_sequence", "opt_start_seq": start.seq}
        await self._request(f"CONSUMER.DELETE.{self.stream}.{self._durable}", {})
        await self._api(
            f"CONSUMER.DURABLE.CREATE.{self.stream}.{self._durable}", {"stream_name": self.stream, "config": config}
        )
        self._reconnects = self._nc.stats["reconnects"]
        inbox = self._nc.new_inbox()
        self._subscription = await self._tap.tap_whole(inbox, self._receive)
        self._heard_at = self._loop.time()
        await self._pull()

    async def take(self) -> list[Delivered]:
        """Return what has arrived since the last call, in the stream's order.

        Raises:
            Transient: a message was lost on the way, or the consumer is gone
        """
        if self._nc.stats["reconnects"] != self._reconnects:
            self._broken = self._broken or "the connection was lost, and with it the open request"
        silent_s = self._loop.time() - self._heard_at
        if self._outstanding and silent_s > 3 * _HEARTBEAT_S:
            self._broken = self._broken or f"nothing heard for {silent_s:.0f} s"
        if self._broken:
            raise Transient(f"stream {self.stream}: {self._broken}")
        taken, self._buffer, self._buffered_bytes = self._buffer, [], 0
        if self._outstanding == 0:
            await self._pull()
        return taken

    async def ack(self, last: Delivered) -> None:
        """Acknowledge ``last`` and all before it."""
        try:
            await self._nc.publish(last.reply, b"+ACK")
        except nats.errors.Error as error:
            raise Transient(f"stream {self.stream}: {error!r}") from error

    async def close(self) -> None:
        """Stop delivery; the consumer stays."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None and not self._nc.is_closed:
            try:
                await self._tap.untap(subscription)
            except nats.errors.Error as error:
                self._broken = repr(error)

    async def _pull(self) -> None:
        if self._subscription is None:
            return
        self._outstanding = _MAX_MESSAGES
        self._heard_at = self._loop.time()
        request = {
            "batch": _MAX_MESSAGES, "max_bytes": _MAX_BYTES, "expires": _EXPIRES_S * _NS,
            "idle_heartbeat": _HEARTBEAT_S * _NS,
        }  # fmt: skip
        try:
            await self._nc.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{self.stream}.{self._durable}",
                json.dumps(request).encode(),
                reply=self._subscription.subject,
            )
        except nats.errors.Error as error:
            self._break(repr(error))

    def _receive(self, subject: bytes, reply: bytes, headers: bytes, payload: bytes) -> None:
        self._heard_at = self._loop.time()
        if headers and not payload:
            self._on_status(*parse_status_line(headers))
            return
        to = reply.decode()
        try:
            place = parse_place(to)
        except Malformed as error:
            self._break(str(error))
            return
        if place.consumer_seq != self._consumer_seq + 1:
            self._break(f"message {self._consumer_seq + 1} of the consumer was lost on the way")
            return
        self._consumer_seq = place.consumer_seq
        self._outstanding -= 1
        self._buffer.append(Delivered(place.stream_seq, place.stored_ns, place.pending, subject.decode(), payload, to))
        self._buffered_bytes += len(payload)
        self._on_arrival(
            len(self._buffer) >= _FULL_MESSAGES or self._buffered_bytes >= _FULL_BYTES or self._outstanding == 0
        )

    def _on_status(self, code: str, description: str) -> None:
        state = parse_status(code, description)
        if state is PullState.BROKEN:
            self._break(f"{code} {description}")
        elif state is PullState.ENDED:
            self._outstanding = 0
            self._on_arrival(True)

    def _break(self, reason: str) -> None:
        self._broken = self._broken or reason
        self._on_arrival(True)

    async def _api(self, subject: str, body: dict[str, Any]) -> dict[str, Any]:
        reply = json.loads((await self._request(subject, body)).data)
        if "error" in reply:
            raise Transient(f"stream {self.stream}: {reply['error'].get('description', reply['error'])}")
        return reply

    async def _request(self, subject: str, body: dict[str, Any]) -> Msg:
        try:
            return await self._nc.request(f"$JS.API.{subject}", json.dumps(body).encode() if body else b"", timeout=5)
        except (nats.errors.Error, TimeoutError) as error:
            raise Transient(f"stream {self.stream}: {subject}: {error!r}") from error


async def ensure_streams(bus: Bus) -> None:
    """Create the streams of the subject table where they are missing.

    Raises:
        Transient: NATS is away
    """
    try:
        await bus.ensure_streams()
    except (nats.errors.Error, TimeoutError) as error:
        raise Transient(f"streams: {error!r}") from error
