"""Reads the newest messages of a row of the subject table from its stream."""

from typing import Any

from foretick.common.runtime.bus import Bus
from foretick.common.runtime.stream_reader import read_tail
from foretick.common.subjects import Subject


class StreamTail:
    """Implements ``ports.Tail``. Messages that do not decode are left out: whoever wrote them was told already."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def read(self, subject: Subject, count: int) -> list[Any]:
        """Return the decoded messages of ``subject`` among the last ``count`` of its stream, oldest first."""
        return await read_tail(self._bus, subject, count)
