"""Reads market data back from its JetStream stream."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec

from foretick.common.contracts import UNDECODABLE, Bar, BookFrame, CrossSection, FeatureVector, TickFrame
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.stream_reader import Tap, count_stored, read_stored, since_time
from foretick.common.subjects import (
    BAR_MESSAGES,
    BOOKS,
    CROSS,
    CROSS_SECTIONS,
    FEATURE_VECTORS,
    FEATURES,
    MARKET,
    TICKS,
)
from foretick.features.domain.instrument import Frame
from foretick.features.ports import Key

Reject = Callable[[str, str, bytes], None]


class StreamHistory:
    """Implements ``ports.MarketHistory`` and ``ports.Recording`` on the streams.

    Messages that do not decode go to ``reject``. ``tap``: how to receive many messages, see ``read_stored``.
    """

    def __init__(self, bus: Bus, reject: Reject, tap: Tap | None = None) -> None:
        self._bus = bus
        self._tap = tap
        self._reject = reject
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {
            TICKS.root: msgspec.json.Decoder(TickFrame),
            BOOKS.root: msgspec.json.Decoder(BookFrame),
            FEATURE_VECTORS.root: msgspec.json.Decoder(FeatureVector),
            CROSS_SECTIONS.root: msgspec.json.Decoder(CrossSection),
        }

    async def count(self, since_ns: int, keys: Sequence[Key]) -> int:
        """Return how many frames of ``keys`` are stored since ``since_ns``."""
        return await count_stored(self._bus, MARKET, since_time(since_ns, _subjects_of(keys)))

    async def read(self, since_ns: int, keys: Sequence[Key]) -> AsyncIterator[Sequence[Frame]]:
        """Yield, in order and in batches, every frame of ``keys`` stored since ``since_ns``."""
        config = since_time(since_ns, _subjects_of(keys))
        async for stored in read_stored(self._bus, MARKET, config, self._tap):
            frames = (self._decode(subject, payload) for subject, payload, _ in stored)
            yield [frame for frame in frames if frame is not None]

    async def read_vectors(self, since_ns: int, key: Key) -> AsyncIterator[Sequence[FeatureVector]]:
        """Yield, in order and in batches, every vector of ``key`` stored since ``since_ns``."""
        config = since_time(since_ns, [FEATURE_VECTORS.of(*key)])
        async for stored in read_stored(self._bus, FEATURES, config, self._tap):
            vectors = (self._decode(subject, payload) for subject, payload, _ in stored)
            yield [vector for vector in vectors if vector is not None]

    async def read_cross_sections(self, since_ns: int) -> AsyncIterator[Sequence[CrossSection]]:
        """Yield, in order and in batches, every cross-section stored since ``since_ns``."""
        async for stored in read_stored(self._bus, CROSS, since_time(since_ns), self._tap):
            sections = (self._decode(subject, payload) for subject, payload, _ in stored)
            yield [section for section in sections if section is not None]

    async def last_vector(self, key: Key) -> FeatureVector | None:
        """Return the last vector that was published for instrument ``key``."""
        return await self._bus.last(FEATURE_VECTORS, *key)

    async def last_bar(self, key: Key, timeframe: str) -> Bar | None:
        """Return the last bar of ``timeframe`` that was published for instrument ``key``."""
        return await self._bus.last(BAR_MESSAGES, *key, timeframe)

    def _decode(self, subject: str, payload: bytes) -> Any | None:
        try:
            return self._decoders[subject.partition(".")[0]].decode(payload)
        except UNDECODABLE as error:
            self._reject(subject, str(error), payload)
            return None


def _subjects_of(keys: Sequence[Key]) -> list[str]:
    return [subject.of(*key) for key in keys for subject in (TICKS, BOOKS)]
