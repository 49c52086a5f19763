"""The audit's side of JetStream: every message of a stream, in order."""

from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec
from nats.js.errors import NotFoundError

from foretick.common.contracts import UNDECODABLE, Message
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.stream_reader import everything, read_stored
from foretick.common.stored_place import parse_place
from foretick.common.subjects import TABLE, Stream

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

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def extent(self, stream: Stream) -> StreamExtent | None:
        """Return what ``stream`` holds; None where there is no such stream."""
        try:
            state = (await self._bus.js.stream_info(stream.name)).state
        except NotFoundError:
            return None
        return StreamExtent(state.first_seq, state.last_seq)

    async def read(self, stream: Stream, through_seq: int) -> AsyncIterator[Stored]:
        """Yield every message of ``stream`` up to number ``through_seq``, in order.

        Raises:
            Transient: the server stopped answering
        """
        async for batch in read_stored(self._bus, stream, everything()):
            for subject, payload, reply in batch:
                place = parse_place(reply)
                if place.stream_seq <= through_seq:
                    yield Stored(place.stream_seq, place.stored_ns, _decode(subject, payload), hash(payload))


def _decode(subject: str, payload: bytes) -> Message | None:
    decoder = _DECODERS.get(subject.partition(".")[0])
    try:
        decoded = decoder.decode(payload) if decoder else None
    except UNDECODABLE:
        return None
    return decoded if isinstance(decoded, Message) else None
