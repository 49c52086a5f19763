"""The data plane as the feature service sees it: frames of some instruments in, vectors out."""

from collections.abc import Callable, Sequence

from foretick.common.contracts import FeatureVector
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.data_plane import DataPlane
from foretick.common.subjects import BOOKS, FEATURE_VECTORS, TICKS, escape_token
from foretick.features.domain.instrument import Frame
from foretick.features.ports import Key


class DataPlanePublisher:
    """Implements ``ports.VectorPublisher``."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    def publish(self, vector: FeatureVector) -> None:
        """Publish ``vector`` on its instrument's subject."""
        self._plane.publish(FEATURE_VECTORS, vector)

    def reject(self, source: str, reason: str, payload: bytes) -> None:
        """Count a malformed input and keep it for inspection."""
        self._plane.reject(source, reason, payload)

    async def flush(self) -> None:
        """Wait until everything published so far has left."""
        await self._plane.flush()


class DataPlaneFeed:
    """Implements ``ports.MarketFeed``: one channel, so that a batch holds frames of several instruments."""

    def __init__(self, plane: DataPlane, bus: Bus) -> None:
        self._bus = bus
        self._channel = plane.open_channel((TICKS, BOOKS), self._hand_on)
        self._handler: Callable[[Sequence[Frame]], None] | None = None

    def deliver_to(self, handler: Callable[[Sequence[Frame]], None]) -> None:
        """Hand batches of frames to ``handler``."""
        self._handler = handler

    async def follow(self, keys: Sequence[Key]) -> None:
        """Receive the frames of ``keys`` from now on."""
        await self._channel.follow([_tokens(key) for key in keys])
        await self._bus.nc.flush()  # the subscription is with the server before anything else is asked of it

    async def leave(self, keys: Sequence[Key]) -> None:
        """Receive the frames of ``keys`` no longer."""
        await self._channel.leave([_tokens(key) for key in keys])

    def _hand_on(self, frames: Sequence[Frame]) -> None:
        if self._handler is not None:
            self._handler(frames)


def _tokens(key: Key) -> str:
    return ".".join(escape_token(part) for part in key)
