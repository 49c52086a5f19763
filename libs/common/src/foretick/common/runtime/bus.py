"""The connection to NATS: endless reconnects, streams from the subject table, last messages, fencing epochs."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import APIError, BucketNotFoundError, NotFoundError
from nats.js.kv import KeyValue

from foretick.common.contracts import UNDECODABLE, Contract
from foretick.common.permissions import inbox_of, role_of
from foretick.common.runtime.health import Health
from foretick.common.runtime.logs import Logger
from foretick.common.runtime.metrics import Metrics
from foretick.common.runtime.nats_client import SteadyClient
from foretick.common.runtime.stream_setup import ensure_all
from foretick.common.subjects import BUCKETS, EPOCHS, Subject

RUN_KEY = "run"
_RECONNECT_WAIT_S = 0.25
_LOG_EVERY = 20
_VIOLATION = "permissions violation"


class Bus:
    """One NATS connection of a service. ``nc`` and ``js`` are nats-py's own, for what is not wrapped here."""

    def __init__(self, url: str, name: str, log: Logger, health: Health, metrics: Metrics | None = None) -> None:
        self.nc = SteadyClient()
        self.js: JetStreamContext = self.nc.jetstream(timeout=5)
        self._url = url
        self._name = name
        self._log = log
        self._health = health
        self._address = without_password(url)
        self.violations = metrics and metrics.counter(
            "bus_permission_violations_total", "What the server refused because the subject table does not allow it"
        )
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
        self._health.set("nats", ok=False, detail=f"connecting to {self._address}")
        await self.nc.connect(
            self._url,
            name=self._name,
            inbox_prefix=inbox_of(self._name),
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
        try:
            await asyncio.wait_for(self.nc.close(), timeout_s)
        except TimeoutError:
            self._log.warning("nats did not take what was left; disconnected without", url=self._url)

    async def ensure_streams(self) -> None:
        """Make what is missing of the streams and buckets of the subject table; and update what this role owns."""
        foreign = await ensure_all(self.js, role_of(self._name))
        if foreign:
            self._log.info(
                "streams have other limits than the subject table says", streams=foreign,
                hint="foretick streams --apply changes them, and so does the start of their owner",
            )  # fmt: skip

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
        bucket = await open_bucket(self.js, EPOCHS.name)
        return await bucket.put(self._name, socket.gethostname().encode())

    async def on_violation(self, error: Exception) -> None:
        """Tell of a refused publish or subscribe, and of nothing else: the ``error_cb`` of another connection.

        What was refused never arrives, and no one is told but by this. So the process is not ready until it has
        connected anew, which is also when the server looks at its permissions again.
        """
        if _VIOLATION not in str(error).lower():
            return
        self._log.error(
            "refused by NATS", error=str(error), user=self._name,
            hint="the subject table does not say that this role may do that, or NATS_URL carries another role's user",
        )  # fmt: skip
        self._health.set("permissions", ok=False, detail=str(error))
        if self.violations is not None:
            self.violations.inc()

    async def _on_error(self, error: Exception) -> None:
        if _VIOLATION in str(error).lower():
            await self.on_violation(error)
            return
        self._failures += 1
        if self._failures == 1 or self._failures % _LOG_EVERY == 0:
            self._log.warning(
                "nats error", error=repr(error), url=self._address, failures=self._failures,
                hint="is nats-server running there? This service waits for it",
            )  # fmt: skip

    async def _on_disconnect(self) -> None:
        if self._closing:
            return
        self._health.set("nats", ok=False, detail=f"disconnected from {self._address}, reconnecting")
        self._log.warning("nats disconnected", url=self._address)

    async def _on_reconnect(self) -> None:
        self._failures = 0
        self._health.set("nats", ok=True)
        self._health.set("permissions", ok=True)
        self._log.info("nats reconnected", url=self._address)
        for callback in self._reconnected:
            await callback()


def without_password(url: str) -> str:
    """Return ``url`` without the secret in it, for logs.

    >>> without_password("nats://features.serve:pw@127.0.0.1:4222")
    'nats://features.serve:***@127.0.0.1:4222'
    """
    scheme, separator, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    user, colon, _ = credentials.partition(":")
    return f"{scheme}{separator}{user if colon else '***'}{':***' if colon else ''}@{host}" if at else url


async def open_bucket(js: JetStreamContext, name: str) -> KeyValue:
    """Return the KV bucket ``name`` of the subject table, made again if the server has lost it."""
    try:
        return await js.key_value(name)
    except (BucketNotFoundError, NotFoundError):
        await ensure_all(js, declared=tuple(bucket for bucket in BUCKETS if bucket.name == name))
        return await js.key_value(name)


async def share_run_id(js: JetStreamContext, proposal: str) -> str:
    """Return the run id that everything on this bus shares, storing ``proposal`` if there is none.

    It lives as long as the bus remembers, so that a restart goes on with its sequence numbers and feature states.
    """
    bucket = await open_bucket(js, EPOCHS.name)
    try:
        await bucket.create(RUN_KEY, proposal.encode())
    except APIError:
        entry = await bucket.get(RUN_KEY)
        return (entry.value or proposal.encode()).decode()
    return proposal
