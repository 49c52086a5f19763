"""Reads market data back from its JetStream stream."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import nats.errors
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from foretick.common.contracts import UNDECODABLE, BookFrame, FeatureVector, TickFrame
from foretick.common.runtime.bus import Bus
from foretick.common.subjects import BOOKS, FEATURE_VECTORS, MARKET, TICKS
from foretick.features.domain.instrument import Frame
from foretick.features.ports import Key

_BATCH = 500
_WAIT_S = 1.0
_INACTIVE_S = 30.0

Reject = Callable[[str, str, bytes], None]


class StreamHistory:
    """Implements ``ports.MarketHistory`` on stream ``MARKET``. Messages that do not decode go to ``reject``."""

    def __init__(self, bus: Bus, reject: Reject) -> None:
        self._bus = bus
        self._reject = reject
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {
            TICKS.root: msgspec.json.Decoder(TickFrame),
            BOOKS.root: msgspec.json.Decoder(BookFrame),
        }

    async def count(self, since_ns: int) -> int:
        """Return how many frames are stored since ``since_ns``."""
        info = await self._bus.js.add_consumer(MARKET.name, _consumer(since_ns))
        await self._bus.js.delete_consumer(MARKET.name, info.name)
        return info.num_pending or 0

    async def read(self, since_ns: int) -> AsyncIterator[Frame]:
        """Yield, in order, every frame stored since ``since_ns``, and end with the last there is."""
        js = self._bus.js
        last = (await js.stream_info(MARKET.name)).state.last_seq
        info = await js.add_consumer(MARKET.name, _consumer(since_ns))
        subscription = await js.pull_subscribe_bind(consumer=info.name, stream=MARKET.name)
        try:
            pending = info.num_pending or 0
            while pending > 0:
                try:
                    messages = await subscription.fetch(min(_BATCH, pending), timeout=_WAIT_S)
                except nats.errors.TimeoutError:
                    return
                for message in messages:
                    frame = self._decode(message)
                    if frame is not None:
                        yield frame
                tail = messages[-1].metadata
                pending = 0 if tail.sequence.stream >= last else tail.num_pending
        finally:
            await subscription.unsubscribe()
            await js.delete_consumer(MARKET.name, info.name)

    async def last_vector(self, key: Key) -> FeatureVector | None:
        """Return the last vector that was published for instrument ``key``."""
        return await self._bus.last(FEATURE_VECTORS, *key)

    def _decode(self, message: Msg) -> Frame | None:
        decoder = self._decoders.get(message.subject.partition(".")[0])
        if decoder is None:
            return None
        try:
            return decoder.decode(message.data)
        except UNDECODABLE as error:
            self._reject(message.subject, str(error), message.data)
            return None


def _consumer(since_ns: int) -> ConsumerConfig:
    since = datetime.fromtimestamp(since_ns / 1e9, UTC).isoformat().replace("+00:00", "Z")
    return ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_TIME,
        opt_start_time=since,  # type: ignore[arg-type]  # sent as it is: RFC 3339
        ack_policy=AckPolicy.NONE,
        inactive_threshold=_INACTIVE_S,
        mem_storage=True,
    )
