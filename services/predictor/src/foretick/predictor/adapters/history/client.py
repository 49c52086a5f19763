"""Reads the newest messages of a row of the subject table from its stream."""

from typing import Any

import msgspec
import nats.errors
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from foretick.common.contracts import UNDECODABLE
from foretick.common.runtime.bus import Bus
from foretick.common.subjects import Subject

_BATCH = 500
_WAIT_S = 2.0
_INACTIVE_S = 30.0


class StreamTail:
    """Implements ``ports.Tail``. Messages that do not decode are left out: whoever wrote them was told already."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def read(self, subject: Subject, count: int) -> list[Any]:
        """Return the decoded messages of ``subject`` among the last ``count`` of its stream, oldest first."""
        js, stream = self._bus.js, subject.stream.name
        state = (await js.stream_info(stream)).state
        if not state.messages:
            return []
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=max(state.first_seq, state.last_seq - count + 1),
            filter_subject=subject.wildcard,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=_INACTIVE_S,
            mem_storage=True,
        )
        info = await js.add_consumer(stream, config)
        subscription = await js.pull_subscribe_bind(consumer=info.name, stream=stream)
        try:
            return await _drain(subscription, msgspec.json.Decoder(subject.contract), info.num_pending or 0)
        finally:
            await subscription.unsubscribe()
            await js.delete_consumer(stream, info.name)


async def _drain(subscription: Any, decoder: msgspec.json.Decoder[Any], due: int) -> list[Any]:
    """Fetch ``due`` messages; what is published meanwhile reaches the subscriber anyway."""
    messages: list[Any] = []
    while due > 0:
        try:
            fetched = await subscription.fetch(min(_BATCH, due), timeout=_WAIT_S)
        except nats.errors.TimeoutError:
            break
        due -= len(fetched)
        for message in fetched:
            try:
                messages.append(decoder.decode(message.data))
            except UNDECODABLE:
                continue
    return messages
