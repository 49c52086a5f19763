"""Reads the newest messages of a row of the subject table from its stream."""

from typing import Any

import msgspec

from foretick.common.contracts import UNDECODABLE
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.stream_reader import read_stored, since_sequence
from foretick.common.subjects import Subject


class StreamTail:
    """Implements ``ports.Tail``. Messages that do not decode are left out: whoever wrote them was told already."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def read(self, subject: Subject, count: int) -> list[Any]:
        """Return the decoded messages of ``subject`` among the last ``count`` of its stream, oldest first."""
        state = (await self._bus.js.stream_info(subject.stream.name)).state
        config = since_sequence(max(state.first_seq, state.last_seq - count + 1), [subject.wildcard])
        decoder = msgspec.json.Decoder(subject.contract)
        messages: list[Any] = []
        async for stored in read_stored(self._bus, subject.stream, config):
            for _, payload, _ in stored:
                try:
                    messages.append(decoder.decode(payload))
                except UNDECODABLE:
                    continue
        return messages
