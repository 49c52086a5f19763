"""Publishes feature vectors and bars on the data plane."""

from foretick.common.contracts import Bar, FeatureHealth, FeatureVector, encode
from foretick.common.runtime.data_plane import DataPlane
from foretick.common.subjects import BAR_MESSAGES, FEATURE_HEALTHS, FEATURE_VECTORS


class DataPlanePublisher:
    """Implements ``ports.VectorPublisher``, ``ports.BarPublisher`` and ``ports.HealthPublisher``."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    def publish(self, vector: FeatureVector) -> None:
        """Publish ``vector`` on its instrument's subject."""
        self._plane.publish(FEATURE_VECTORS, vector)

    def publish_bar(self, bar: Bar) -> None:
        """Publish ``bar`` on the subject of its instrument and timeframe."""
        self._plane.publish_raw(BAR_MESSAGES.of(bar.venue, bar.symbol, bar.timeframe), encode(bar))

    def publish_health(self, message: FeatureHealth) -> None:
        """Publish ``message`` on the producer's subject."""
        self._plane.publish_raw(FEATURE_HEALTHS.of(message.producer), encode(message))

    def reject(self, source: str, reason: str, payload: bytes) -> None:
        """Count a malformed input and keep it for inspection."""
        self._plane.reject(source, reason, payload)

    async def flush(self) -> None:
        """Wait until everything published so far has left."""
        await self._plane.flush()
