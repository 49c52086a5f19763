"""Samples the streams of outcomes and of the models' life."""

import asyncio
from collections.abc import Sequence

from foretick.common.contracts import ModelLife, Outcome
from foretick.common.model_life import FAMILY
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.stream_reader import read_samples
from foretick.common.subjects import MODEL_LIVES, OUTCOME_MESSAGES
from foretick.gateway.domain.directory import Identity


class StreamPast:
    """Implements ``ports.Past``. One at a time: who asks often waits, and the feed of this process does not."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._turn = asyncio.Lock()

    async def outcomes(self, identity: Identity, instants_ns: Sequence[int]) -> list[Outcome]:
        """Return the first outcome of an instrument at or after each instant.

        Raises:
            Transient: the bus did not answer.
        """
        async with self._turn:
            return await read_samples(self._bus, OUTCOME_MESSAGES, identity, instants_ns)

    async def lives(self, instants_ns: Sequence[int]) -> list[ModelLife]:
        """Return the first word of the watch at or after each instant.

        Raises:
            Transient: the bus did not answer.
        """
        async with self._turn:
            return await read_samples(self._bus, MODEL_LIVES, (FAMILY,), instants_ns)
