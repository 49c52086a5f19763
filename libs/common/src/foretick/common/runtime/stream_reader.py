"""Reads what a stream holds now, in order and fast: for recovery, not for following.

nats-py's own ``fetch`` sets a timer for every message; this keeps two pull requests open, collects what arrives in a
callback and hands on whole batches, so that the server, the socket and the caller work at the same time.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Transient
from foretick.common.runtime.bus import Bus
from foretick.common.stored_place import parse_place
from foretick.common.subjects import Stream, Subject

Stored = tuple[str, bytes, str]
"""A stored message: subject, payload, and the reply subject that tells its place (``stored_place.parse_place``)."""

Receive = Callable[[bytes, bytes, bytes, bytes], None]
Tap = Callable[[str, Receive], Awaitable[Subscription]]
"""Subscribes a receiver of subject, reply subject, headers and payload to an inbox."""

_BATCH = 1_000
_REQUESTS = 2
_SILENCE_S = 5.0
_INACTIVE_S = 30.0


def since_time(since_ns: int, subjects: Sequence[str] = ()) -> ConsumerConfig:
    """Return a consumer of what was stored at or after the wall clock ``since_ns``, of ``subjects`` or of all."""
    return _config(
        deliver_policy=DeliverPolicy.BY_START_TIME,
        opt_start_time=_rfc3339(since_ns),  # sent as it is
        filter_subjects=list(subjects) or None,
    )


def everything() -> ConsumerConfig:
    """Return a consumer of all that the stream holds."""
    return _config(deliver_policy=DeliverPolicy.ALL)


def since_sequence(sequence: int, subjects: Sequence[str] = ()) -> ConsumerConfig:
    """Return a consumer of the stream's messages from number ``sequence`` on, of ``subjects`` or of all."""
    return _config(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=max(1, sequence),
        filter_subjects=list(subjects) or None,
    )


async def read_tail(bus: Bus, subject: Subject, count: int) -> list[Any]:
    """Return the decoded messages of ``subject`` among the last ``count`` of its stream, oldest first.

    Messages that do not decode are left out: whoever wrote them was told already.
    """
    state = (await bus.js.stream_info(subject.stream.name)).state
    config = since_sequence(max(state.first_seq, state.last_seq - count + 1), [subject.wildcard])
    decoder = msgspec.json.Decoder(subject.contract)
    messages: list[Any] = []
    async for stored in read_stored(bus, subject.stream, config):
        for _, payload, _ in stored:
            try:
                messages.append(decoder.decode(payload))
            except UNDECODABLE:
                continue
    return messages


async def read_samples(bus: Bus, subject: Subject, tokens: Sequence[str], instants_ns: Sequence[int]) -> list[Any]:
    """Return the first message at or after each of ``instants_ns`` (wall clock, ascending), each once, in order.

    One request an instant, however much lies between: what a stream has gone through is told in as many messages as
    a picture has points. What does not decode, and instants after which nothing came, are left out.

    Raises:
        Transient: the bus did not answer.
    """
    wanted = subject.of(*tokens)
    decoder = msgspec.json.Decoder(subject.contract)
    try:
        found = await asyncio.gather(*(_first_since(bus, subject.stream, wanted, at_ns) for at_ns in instants_ns))
    except (TimeoutError, NatsError) as error:
        raise Transient(f"stream {subject.stream.name} does not answer: {error!r}") from error
    by_place = {place: payload for place, payload in filter(None, found)}
    messages: list[Any] = []
    for _, payload in sorted(by_place.items()):
        with suppress(*UNDECODABLE):
            messages.append(decoder.decode(payload))
    return messages


async def _first_since(bus: Bus, stream: Stream, subject: str, at_ns: int) -> tuple[int, bytes] | None:
    request = json.dumps({"start_time": _rfc3339(at_ns), "next_by_subj": subject}).encode()
    reply = await bus.nc.request(f"$JS.API.DIRECT.GET.{stream.name}", request, timeout=_SILENCE_S)
    place = (reply.headers or {}).get("Nats-Sequence")
    return None if place is None else (int(place), reply.data)


async def count_stored(bus: Bus, stream: Stream, config: ConsumerConfig) -> int:
    """Return how many messages ``read_stored`` would yield."""
    info = await bus.js.add_consumer(stream.name, config)
    await bus.js.delete_consumer(stream.name, info.name)
    return info.num_pending or 0


async def read_stored(
    bus: Bus, stream: Stream, config: ConsumerConfig, tap: Tap | None = None
) -> AsyncIterator[list[Stored]]:
    """Yield in batches, in order, the messages that ``config`` selects and that ``stream`` holds at the call.

    ``tap`` receives the messages; the data plane's, ``DataPlane.tap_whole``, passes nats-py by and takes a third of it.

    Raises:
        Transient: the server fell silent, or a message was lost on the way
    """
    info = await bus.js.add_consumer(stream.name, config)
    inbox = bus.nc.new_inbox()
    arrived: list[tuple[bytes, bytes, bytes]] = []
    filled = asyncio.Event()

    def receive(subject: bytes, reply: bytes, _headers: bytes, payload: bytes) -> None:
        arrived.append((subject, reply, payload))
        filled.set()

    subscription = await (tap(inbox, receive) if tap else _subscribe(bus, inbox, receive))
    asked, due, taken = 0, info.num_pending or 0, 0
    try:
        while taken < due:
            while asked < due and asked - taken < _REQUESTS * _BATCH:
                asked += await _ask(bus, stream, info.name, inbox, min(_BATCH, due - asked))
            try:
                await asyncio.wait_for(filled.wait(), _SILENCE_S)
            except TimeoutError:
                raise Transient(f"stream {stream.name} fell silent after {taken} of {due} messages") from None
            filled.clear()
            batch, arrived = arrived, []
            # a status has no reply subject: nobody is to acknowledge it
            stored = [(subject.decode(), payload, reply.decode()) for subject, reply, payload in batch if reply]
            if stored:
                taken += len(stored)
                if parse_place(stored[-1][2]).consumer_seq != taken:
                    raise Transient(f"stream {stream.name}: a message was lost on the way, after {taken} of {due}")
                yield stored
            if len(stored) < len(batch) and taken < due:  # "no messages": the limits of the stream took the rest
                return
    finally:
        await subscription.unsubscribe()
        await bus.js.delete_consumer(stream.name, info.name)


async def _subscribe(bus: Bus, inbox: str, receive: Receive) -> Subscription:
    async def hand_on(msg: Msg) -> None:
        receive(msg.subject.encode(), msg.reply.encode(), b"", msg.data)

    return await bus.nc.subscribe(inbox, cb=hand_on)


async def _ask(bus: Bus, stream: Stream, consumer: str, inbox: str, batch: int) -> int:
    request = json.dumps({"batch": batch, "no_wait": True}).encode()
    await bus.nc.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream.name}.{consumer}", request, reply=inbox)
    return batch


def _rfc3339(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat().replace("+00:00", "Z")


def _config(**fields: Any) -> ConsumerConfig:
    return ConsumerConfig(ack_policy=AckPolicy.NONE, inactive_threshold=_INACTIVE_S, mem_storage=True, **fields)
