"""Publishes feature vectors on the data plane."""

from foretick.common.contracts import FeatureVector
from foretick.common.runtime.data_plane import DataPlane
from foretick.common.subjects import FEATURE_VECTORS


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
