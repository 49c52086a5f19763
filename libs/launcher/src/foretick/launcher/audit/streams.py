"""The audit's side of JetStream: every message of a stream, in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
import nats
import nats.errors
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from foretick.common.contracts import UNDECODABLE, Message
from foretick.common.errors import Transient
from foretick.common.subjects import TABLE, Stream

_BATCH = 1000
_WAIT_S = 5.0
_INACTIVE_S = 60.0
_CONNECT_TIMEOUT_S = 5

_DECODERS = {subject.root: msgspec.json.Decoder(subject.contract) for subject in TABLE}


class Stored(NamedTuple):
    """A message as the stream holds it. ``message`` is None where it does not decode; ``digest`` is of its bytes."""

    seq: int
    stored_ns: int
    message: Message | None
    digest: int


class StreamExtent(NamedTuple):
    """The numbers of the messages that a stream holds now; ``last_seq < first_seq``: none."""

    first_seq: int
    last_seq: int

    @property
    def size(self) -> int:
        """How many messages that are at most."""
        return max(0, self.last_seq - self.first_seq + 1)


class StreamReader:
    """Reads streams over one connection, without leaving a trace in them."""

    def __init__(self, client: Client) -> None:
        self._js = client.jetstream(timeout=_WAIT_S)

    async def extent(self, stream: Stream) -> StreamExtent | None:
        """Return what ``stream`` holds; None where there is no such stream."""
        try:
            state = (await self._js.stream_info(stream.name)).state
        except NotFoundError:
            return None
        return StreamExtent(state.first_seq, state.last_seq)

    async def read(self, stream: Stream, through_seq: int) -> AsyncIterator[Stored]:
        """Yield every message of ``stream`` up to number ``through_seq``, in order.

        Raises:
            Transient: the server stopped answering
        """
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE, inactive_threshold=_INACTIVE_S,
            mem_storage=True, description="foretick audit",
        )  # fmt: skip
        info = await self._js.add_consumer(stream.name, config)
        subscription = await self._js.pull_subscribe_bind(consumer=info.name, stream=stream.name)
        try:
            due = info.num_pending or 0
            while due > 0:
                for raw in await subscription.fetch(min(_BATCH, due), timeout=_WAIT_S):
                    place = parse_reply(raw.reply)
                    if place.seq > through_seq:
                        return
                    due = place.pending
                    yield Stored(place.seq, place.stored_ns, _decode(raw), hash(raw.data))
        except nats.errors.Error as error:
            raise Transient(f"stream {stream.name}: {error!r}") from error
        finally:
            await subscription.unsubscribe()
            await self._js.delete_consumer(stream.name, info.name)


@asynccontextmanager
async def open_streams(nats_url: str) -> AsyncIterator[StreamReader]:
    """Connect to NATS for the body.

    Raises:
        Transient: it does not answer
    """

    async def pass_over(_error: Exception) -> None:
        """The failed connection itself is raised; nats-py would log a trace as well."""

    try:
        connecting = nats.connect(
            nats_url, name="foretick audit", allow_reconnect=False, connect_timeout=_CONNECT_TIMEOUT_S,
            error_cb=pass_over,
        )  # fmt: skip
        client = await asyncio.wait_for(connecting, _CONNECT_TIMEOUT_S)
    except (nats.errors.Error, OSError, TimeoutError) as error:
        raise Transient(f"NATS does not answer: {error!r}") from error
    try:
        yield StreamReader(client)
    finally:
        await client.close()


class ReplyPlace(NamedTuple):
    """Where a delivered message stands: its number, when it was stored, and how many come after it."""

    seq: int
    stored_ns: int
    pending: int


def parse_reply(reply: str) -> ReplyPlace:
    """Read the reply subject of a delivered message, with or without domain and account.

    >>> parse_reply("$JS.ACK.MARKET.c.1.7.3.1700000000000000009.2")
    ReplyPlace(seq=7, stored_ns=1700000000000000009, pending=2)
    """
    tokens = reply.split(".")
    first = 5 if len(tokens) == 9 else 7
    return ReplyPlace(int(tokens[first]), int(tokens[first + 2]), int(tokens[first + 3]))


def _decode(raw: Any) -> Message | None:
    decoder = _DECODERS.get(raw.subject.partition(".")[0])
    try:
        decoded = decoder.decode(raw.data) if decoder else None
    except UNDECODABLE:
        return None
    return decoded if isinstance(decoded, Message) else None
