"""What the handlers need of the outside."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from foretick.common.contracts import (
    Bar,
    Correlations,
    CrossSection,
    FeatureHealth,
    FeatureVector,
    ParityCertificate,
    ParityVerdict,
)
from foretick.common.ownership import InstrumentKey
from foretick.common.sequence import Admission
from foretick.features.domain.certificate import Findings
from foretick.features.domain.instrument import Folded, Frame

Key = InstrumentKey


@dataclass(frozen=True, slots=True)
class Producer:
    """Who publishes: the run and this process. The fencing epoch is that of the instrument's lease."""

    run_id: str
    name: str


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


class BarPublisher(Protocol):
    """Sends bars on their way."""

    def publish_bar(self, bar: Bar) -> None:
        """Publish ``bar`` on the subject of its instrument and timeframe."""
        ...


class HealthPublisher(Protocol):
    """Sends on its way how well feature values are."""

    def publish_health(self, message: FeatureHealth) -> None:
        """Publish ``message`` on the producer's subject."""
        ...


class FoldObserver(Protocol):
    """Counts what the fold did."""

    def folded(self, frame: Frame, outcome: Folded) -> None:
        """Note the outcome of one frame."""
        ...

    def crossed(self, admission: Admission) -> None:
        """Note what the audit says of a cross-section."""
        ...


class CustodyObserver(Protocol):
    """Tells what becomes of the instruments that this process is given."""

    def taking_over(self, count: int) -> None:
        """Note that so many instruments are being brought up to date."""
        ...

    def taken_over(self, restored: int, frames: int, *, connects: bool) -> None:
        """Note that they are live: states restored, frames read back, and whether live frames connected to them."""
        ...

    def left_out(self, frames: int) -> None:
        """Count live frames that came while this process had no right to act on them."""
        ...


class MarketFeed(Protocol):
    """The live frames."""

    async def follow(self, keys: Sequence[Key]) -> None:
        """Receive the frames of ``keys`` from now on: no frame that is stored after the return will be missing."""
        ...

    async def leave(self, keys: Sequence[Key]) -> None:
        """Receive the frames of ``keys`` no longer."""
        ...


class StateStore(Protocol):
    """Keeps the latest saved state of each instrument of a run."""

    async def load(self, run_id: str, keys: Sequence[Key]) -> list[bytes]:
        """Return the saved states of ``keys`` in ``run_id``, for those that have one."""
        ...

    async def save(self, run_id: str, key: Key, payload: bytes) -> None:
        """Keep ``payload`` as the state of instrument ``key``."""
        ...


class MarketHistory(Protocol):
    """Reads back what the stream of market data holds."""

    async def count(self, since_ns: int, keys: Sequence[Key]) -> int:
        """Return how many frames ``read`` would yield, about."""
        ...

    def read(self, since_ns: int, keys: Sequence[Key]) -> AsyncIterator[Sequence[Frame]]:
        """Yield, in order and in batches, every frame of ``keys`` that was stored since the wall clock ``since_ns``.

        Ends with the last there is at the call.
        """
        ...

    async def last_vector(self, key: Key) -> FeatureVector | None:
        """Return the last vector that was published for instrument ``key``."""
        ...

    async def last_bar(self, key: Key, timeframe: str) -> Bar | None:
        """Return the last bar of ``timeframe`` that was published for instrument ``key``."""
        ...


class CorrelationPublisher(Protocol):
    """Sends correlations on their way."""

    def publish_correlations(self, message: Correlations) -> None:
        """Publish ``message``."""
        ...


class CrossPublisher(Protocol):
    """Sends cross-sections on their way."""

    def publish_cross_section(self, message: CrossSection) -> None:
        """Publish ``message``."""
        ...


class CorrelationBusPublisher(CorrelationPublisher, CrossPublisher, Protocol):
    """Sends what is made of the closed seconds of all instruments."""


class CorrelationObserver(Protocol):
    """Tells how the correlations are doing."""

    def taking_over(self) -> None:
        """Note that they are being brought up to date."""
        ...

    def taken_over(self, bars: int) -> None:
        """Note that they are live, from so many bars of the stream."""
        ...

    def late(self, count: int) -> None:
        """Count seconds of instruments that came after everybody else's were folded."""
        ...

    def told(self, members: int, left_out: int) -> None:
        """Note of how many instruments correlations are published, and how many were too many."""
        ...

    def crossed(self, reasons: Mapping[str, int]) -> None:
        """Note how many instruments a cross-section has, by why they have no values; under "" those that have."""
        ...


class BarFeed(Protocol):
    """The live one-second bars of all instruments."""

    async def follow(self) -> None:
        """Receive them from now on: none that is stored after the return will be missing."""
        ...

    async def leave(self) -> None:
        """Receive them no longer."""
        ...


class BarHistory(Protocol):
    """Reads back what the streams of bars and correlations hold."""

    def read_seconds(self) -> AsyncIterator[Sequence[Bar]]:
        """Yield, in order and in batches, every one-second bar that is stored at the call."""
        ...

    async def last_correlations(self) -> Correlations | None:
        """Return the last correlations that were published."""
        ...

    async def last_cross_section(self) -> CrossSection | None:
        """Return the last cross-section that was published."""
        ...


class CrossHistory(Protocol):
    """Reads back what the stream of cross-sections holds."""

    def read_cross_sections(self, since_ns: int) -> AsyncIterator[Sequence[CrossSection]]:
        """Yield, in order and in batches, every cross-section that was stored since the wall clock ``since_ns``."""
        ...


class Recording(CrossHistory, Protocol):
    """Reads back what the streams of market data, of feature vectors and of cross-sections hold."""

    async def count(self, since_ns: int, keys: Sequence[Key]) -> int:
        """Return how many frames ``read`` would yield, about."""
        ...

    def read(self, since_ns: int, keys: Sequence[Key]) -> AsyncIterator[Sequence[Frame]]:
        """Yield, in order and in batches, every frame of ``keys`` that was stored since the wall clock ``since_ns``."""
        ...

    def read_vectors(self, since_ns: int, key: Key) -> AsyncIterator[Sequence[FeatureVector]]:
        """Yield, in order and in batches, every vector of ``key`` that was stored since the wall clock ``since_ns``."""
        ...

    async def last_vector(self, key: Key) -> FeatureVector | None:
        """Return the last vector that was published for instrument ``key``."""
        ...


class CertificatePublisher(Protocol):
    """Sends certificates on their way."""

    def publish_certificate(self, message: ParityCertificate) -> None:
        """Publish ``message``."""
        ...


class CertificateObserver(Protocol):
    """Tells what the checks find."""

    def checked(self, key: Key, findings: Findings, *, from_start: bool) -> None:
        """Note the findings of one check."""
        ...

    def certified(self, verdict: ParityVerdict, ts_checked_ns: int | None) -> None:
        """Note what can be said now, and when vectors were last compared."""
        ...
