"""What the handlers need of the outside."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from foretick.common.contracts import FeatureVector
from foretick.features.domain.instrument import Folded, Frame

Key = tuple[str, str]
"""An instrument: (venue, symbol)."""


@dataclass(frozen=True, slots=True)
class Producer:
    """Who publishes: the run, this process and its fencing epoch."""

    run_id: str
    name: str
    epoch: int


class VectorPublisher(Protocol):
    """Sends feature vectors on their way and sets aside what is malformed."""

    def publish(self, vector: FeatureVector) -> None:
        """Publish ``vector`` on its instrument's subject."""
        ...

    def reject(self, source: str, reason: str, payload: bytes) -> None:
        """Count a malformed input and keep it for inspection."""
        ...

    async def flush(self) -> None:
        """Wait until everything published so far has left."""
        ...


class FoldObserver(Protocol):
    """Counts what the fold did."""

    def folded(self, frame: Frame, outcome: Folded) -> None:
        """Note the outcome of one frame."""
        ...


class StateStore(Protocol):
    """Keeps the latest saved state of each instrument of a run."""

    async def load(self, run_id: str) -> list[bytes]:
        """Return the saved states of ``run_id``."""
        ...

    async def save(self, run_id: str, key: Key, payload: bytes) -> None:
        """Keep ``payload`` as the state of instrument ``key``."""
        ...


class MarketHistory(Protocol):
    """Reads back what the stream of market data holds."""

    async def count(self, since_ns: int) -> int:
        """Return how many frames ``read`` would yield, about."""
        ...

    def read(self, since_ns: int) -> AsyncIterator[Frame]:
        """Yield, in order, every frame stored since the wall clock ``since_ns``, and end with the last there is."""
        ...

    async def last_vector(self, key: Key) -> FeatureVector | None:
        """Return the last vector that was published for instrument ``key``."""
        ...
