"""Where messages wait for their batch: all of them in order, or the latest of each subject."""

from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any

import msgspec

from foretick.common.runtime.data_plane.meters import ChannelCounts

Decoder = msgspec.json.Decoder[Any]
Queued = tuple[Decoder, bytes, bytes, float]
"""Decoder, subject, payload, and when it came by the loop's clock."""

MAX_QUEUED = 200_000
"""Messages that may wait; more are dropped and counted, and the audit of sequence numbers shows the gap."""
MAX_QUEUED_BYTES = 64 * 1024 * 1024
MAX_BATCH = 512
"""Messages handed on in one turn of the loop: between two batches it reads, answers pings and health checks."""
MAX_BATCH_BYTES = 1024 * 1024


class FoldingQueue:
    """Every message, in the order of arrival; what comes while it is full is dropped and counted."""

    __slots__ = ("_counts", "_queue", "_time", "queued_bytes")

    def __init__(self, counts: ChannelCounts, time: Callable[[], float]) -> None:
        self._counts = counts
        self._time = time
        self._queue: deque[Queued] = deque()
        self.queued_bytes = 0

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, decoder: Decoder, subject: bytes, payload: bytes) -> None:
        """Add a message."""
        if len(self._queue) >= MAX_QUEUED or self.queued_bytes >= MAX_QUEUED_BYTES:
            self._counts.overflowed += 1
            return
        self.queued_bytes += len(payload)
        self._queue.append((decoder, subject, payload, self._time()))

    def take(self) -> list[Queued]:
        """Remove a batch."""
        queue = self._queue
        taken: list[Queued] = []
        size = 0
        while queue and len(taken) < MAX_BATCH and size < MAX_BATCH_BYTES:
            queued = queue.popleft()
            size += len(queued[2])
            taken.append(queued)
        self.queued_bytes -= size
        return taken


class ConflatingQueue:
    """The latest message of each subject; it takes the place, and the age, of the one that it replaces.

    So a busy subject does not wait for ever, and memory is bounded by the number of subjects.
    """

    __slots__ = ("_counts", "_latest", "_time", "queued_bytes")

    def __init__(self, counts: ChannelCounts, time: Callable[[], float]) -> None:
        self._counts = counts
        self._time = time
        self._latest: dict[bytes, Queued] = {}
        self.queued_bytes = 0

    def __len__(self) -> int:
        return len(self._latest)

    def put(self, decoder: Decoder, subject: bytes, payload: bytes) -> None:
        """Add a message."""
        replaced = self._latest.get(subject)
        self.queued_bytes += len(payload)
        if replaced is None:
            self._latest[subject] = (decoder, subject, payload, self._time())
            return
        self._counts.conflated += 1
        self.queued_bytes -= len(replaced[2])
        self._latest[subject] = (decoder, subject, payload, replaced[3])

    def take(self) -> list[Queued]:
        """Remove a batch."""
        taken = [self._latest.pop(subject) for subject in list(islice(self._latest, MAX_BATCH))]
        self.queued_bytes -= sum(len(queued[2]) for queued in taken)
        return taken
