"""The connection to NATS: endless reconnects, streams from the subject table, last messages, fencing epochs."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, KeyValueConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, BucketNotFoundError, NotFoundError
from nats.js.kv import KeyValue

from foretick.common import subjects
from foretick.common.contracts import UNDECODABLE, Contract
from foretick.common.runtime.health import Health
from foretick.common.runtime.logs import Logger
from foretick.common.subjects import Stream, Subject

RUN_KEY = "run"
_RECONNECT_WAIT_S = 0.25
_LOG_EVERY = 20


class Bus:
    """One NATS connection of a service. ``nc`` and ``js`` are nats-py's own, for what is not wrapped here."""

    def __init__(self, url: str, name: str, log: Logger, health: Health) -> None:
        self.nc = Client()
        self.js: JetStreamContext = self.nc.jetstream(timeout=5)
        self._url = url
        self._name = name
        self._log = log
        self._health = health
        self._failures = 0
        self._closing = False
        self._reconnected: list[Callable[[], Awaitable[None]]] = []

    @property
    def is_connected(self) -> bool:
        """Whether the connection is up."""
        return self.nc.is_connected

    def on_reconnect(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Call ``callback`` after each later reconnect: what was published meanwhile may be lost."""
        self._reconnected.append(callback)

    async def connect(self) -> None:
        """Connect, waiting for the server as long as it takes; readiness says so meanwhile."""
        self._health.set("nats", ok=False, detail=f"connecting to {self._url}")
        await self.nc.connect(
            self._url,
            name=self._name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_RECONNECT_WAIT_S,  # type: ignore[arg-type]  # used as seconds, a float is right
            connect_timeout=3,
            ping_interval=5,
            max_outstanding_pings=3,
            pending_size=8 * 1024 * 1024,
            skip_subject_validation=True,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnect,
            reconnected_cb=self._on_reconnect,
        )
        self._failures = 0
        self._health.set("nats", ok=True)

    async def close(self, timeout_s: float = 5.0) -> None:
        """Send what is buffered, then close."""
        self._closing = True
        if not (self.nc.is_connected or self.nc.is_reconnecting or self.nc.is_connecting):
            return
        if self.nc.is_connected:
            try:
                await asyncio.wait_for(self.nc.flush(), timeout_s)
            except (TimeoutError, nats.errors.Error) as error:
                self._log.warning("nats flush before closing failed", error=repr(error))
        await self.nc.close()

    async def ensure_streams(self, streams: tuple[Stream, ...] = subjects.STREAMS) -> None:
        """Create each stream of the subject table, or bring its limits up to date."""
        for stream in streams:
            config = _stream_config(stream)
            try:
                await self.js.add_stream(config)
            except APIError:  # it exists with other limits
                await self.js.update_stream(config)

    async def last(self, subject: Subject, *tokens: str) -> Any | None:
        """Return the decoded last message on ``subject`` for ``tokens``, or None where there is none."""
        try:
            raw = await self.js.get_last_msg(subject.stream.name, subject.of(*tokens), direct=True)
        except NotFoundError:
            return None
        return msgspec.json.decode(raw.data or b"", type=subject.contract)

    async def last_of_each(self, subject: Subject) -> list[Any]:
        """Return the decoded last message of every subject of this row; what does not decode is logged and left out."""
        info = await self.js.stream_info(subject.stream.name, subjects_filter=subject.wildcard)
        messages: list[Contract] = []
        for name in sorted(info.state.subjects or {}):
            try:
                raw = await self.js.get_last_msg(subject.stream.name, name, direct=True)
                messages.append(msgspec.json.decode(raw.data or b"", type=subject.contract))
            except NotFoundError:
                continue
            except UNDECODABLE as error:
                self._log.warning("last message does not decode", subject=name, error=str(error))
        return messages

    async def next_epoch(self) -> int:
        """Return a fencing epoch: greater than any that this bus has ever given."""
        bucket = await open_bucket(self.js, subjects.EPOCH_BUCKET)
        return await bucket.put(self._name, socket.gethostname().encode())

    async def _on_error(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == 1 or self._failures % _LOG_EVERY == 0:
            self._log.warning(
                "nats error", error=repr(error), url=self._url, failures=self._failures,
                hint="is nats-server running there? This service waits for it",
            )  # fmt: skip

    async def _on_disconnect(self) -> None:
        if self._closing:
            return
        self._health.set("nats", ok=False, detail=f"disconnected from {self._url}, reconnecting")
        self._log.warning("nats disconnected", url=self._url)

    async def _on_reconnect(self) -> None:
        self._failures = 0
        self._health.set("nats", ok=True)
        self._log.info("nats reconnected", url=self._url)
        for callback in self._reconnected:
            await callback()


async def open_bucket(js: JetStreamContext, name: str) -> KeyValue:
    """Return the KV bucket ``name``, making it where there is none."""
    try:
        return await js.key_value(name)
    except (BucketNotFoundError, NotFoundError):
        return await js.create_key_value(KeyValueConfig(bucket=name, history=1))


async def share_run_id(js: JetStreamContext, proposal: str) -> str:
    """Return the run id that everything on this bus shares, storing ``proposal`` if there is none.

    It lives as long as the bus remembers, so that a restart goes on with its sequence numbers and feature states.
    """
    bucket = await open_bucket(js, subjects.EPOCH_BUCKET)
    try:
        await bucket.create(RUN_KEY, proposal.encode())
    except APIError:
        entry = await bucket.get(RUN_KEY)
        return (entry.value or proposal.encode()).decode()
    return proposal


def _stream_config(stream: Stream) -> StreamConfig:
    return StreamConfig(
        name=stream.name,
        subjects=subjects.subjects_of(stream),
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_age=stream.max_age_s,
        max_bytes=stream.max_bytes,
        max_msgs_per_subject=stream.max_msgs_per_subject,
        allow_direct=True,
        num_replicas=1,
    )
