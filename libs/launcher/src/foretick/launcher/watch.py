"""Watches the bus and the roles' health from outside, as any client could, to say how far the start-up is."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import msgspec
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from foretick.common.contracts import UNDECODABLE, ModelDecision, ModelPublished, Prediction
from foretick.common.errors import Transient
from foretick.common.runtime.bus import share_run_id
from foretick.common.runtime.nats_client import SteadyClient
from foretick.common.runtime.stream_setup import ensure_all
from foretick.common.subjects import (
    FEATURE_VECTORS,
    INSTRUMENT_LISTINGS,
    MODEL_ANNOUNCEMENTS,
    MODEL_DECISIONS,
    PREDICTION_MESSAGES,
    TICKS,
    Subject,
)
from foretick.launcher.domain.training import Known

_RECONNECT_WAIT_S = 0.25
_HTTP_TIMEOUT_S = 2.0


class BusWatch:
    """A client of the bus that notes the first tick, feature vector and prediction with numbers."""

    def __init__(self) -> None:
        self._client = SteadyClient()
        self._seen: dict[Subject, asyncio.Event] = {
            subject: asyncio.Event() for subject in (TICKS, FEATURE_VECTORS, PREDICTION_MESSAGES)
        }
        self._prediction = msgspec.json.Decoder(Prediction)
        self.withheld = ""
        """Why the latest prediction seen was withheld."""

    async def connect(self, url: str) -> None:
        """Connect, waiting for the server as long as it takes."""
        await self._client.connect(
            url, name="launcher", max_reconnect_attempts=-1, reconnect_time_wait=_RECONNECT_WAIT_S,  # type: ignore[arg-type]
            error_cb=_ignore,
        )  # fmt: skip

    async def ensure_streams(self) -> None:
        """Make what is missing of the streams and buckets of the subject table, and bring all limits up to date."""
        await ensure_all(self._client.jetstream())

    async def share_run_id(self, proposal: str) -> str:
        """Return the run that this bus remembers, or ``proposal``, which it then remembers."""
        return await share_run_id(self._client.jetstream(), proposal)

    async def close(self) -> None:
        """Close the connection, if there ever was one."""
        if self._client.is_connected or self._client.is_reconnecting:
            await self._client.close()

    async def first(self, subject: Subject) -> None:
        """Wait for the first message of ``subject``; of predictions, the first that is not withheld."""
        event = self._seen[subject]

        async def note(message: Msg) -> None:
            if subject is not PREDICTION_MESSAGES or self._has_numbers(message.data):
                event.set()

        subscription = await self._client.subscribe(subject.wildcard, cb=note)
        await event.wait()
        await subscription.unsubscribe()

    async def count_instruments(self) -> int:
        """Return how many instruments are listed."""
        try:
            info = await self._client.jetstream().stream_info(
                INSTRUMENT_LISTINGS.stream.name, subjects_filter=INSTRUMENT_LISTINGS.wildcard
            )
        except (NatsError, NotFoundError, TimeoutError):
            return 0
        return len(info.state.subjects or {})

    async def known_models(self) -> Known:
        """Return the latest announcement of each model family and the last decision; none of what is not there yet.

        Raises:
            Transient: the bus does not answer, or with what cannot be read.
        """
        announced: list[ModelPublished] = await self._last_of_each(MODEL_ANNOUNCEMENTS)
        decisions: list[ModelDecision] = await self._last_of_each(MODEL_DECISIONS)
        return Known(announced, decisions[0] if decisions else None)

    async def _last_of_each(self, subject: Subject) -> list[Any]:
        stream, name = self._client.jetstream(), subject.stream.name
        try:
            info = await stream.stream_info(name, subjects_filter=subject.wildcard)
            names: Sequence[str] = list(info.state.subjects or {})
            raw = [(await stream.get_last_msg(name, one)).data or b"" for one in names]
            return [msgspec.json.decode(data, type=subject.contract) for data in raw]
        except NotFoundError:
            return []
        except (NatsError, OSError, TimeoutError, *UNDECODABLE) as error:
            raise Transient(f"stream {name} cannot be read: {error or type(error).__name__}") from error

    def _has_numbers(self, data: bytes) -> bool:
        try:
            prediction = self._prediction.decode(data)
        except UNDECODABLE:
            return False
        self.withheld = prediction.withheld.value if prediction.withheld else ""
        return prediction.withheld is None


async def health_of(port: int, host: str = "127.0.0.1") -> tuple[bool, str]:
    """Return whether the role that listens on ``port`` is ready and, if not, the first condition that fails."""
    try:
        status, body = await asyncio.wait_for(_get(host, port, "/health/ready"), _HTTP_TIMEOUT_S)
        report: dict[str, Any] = json.loads(body)
    except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
        return False, ""
    conditions: dict[str, dict[str, Any]] = report.get("conditions", {})
    failing = [f"{name}: {state.get('detail', '')}" for name, state in conditions.items() if not state.get("ok")]
    return status == 200, failing[0] if failing else ""


async def _get(host: str, port: int, path: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        answer = await reader.read()
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        raise ValueError("not an HTTP answer")
    return int(words[1]), body


async def _ignore(_error: Exception) -> None:
    """The roles report a bus that is away; a second voice adds nothing."""
