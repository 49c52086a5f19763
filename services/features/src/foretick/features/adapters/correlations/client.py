"""The bus and the metrics as the ``correlate`` role sees them."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec

from foretick.common.contracts import UNDECODABLE, Bar, Correlations, CrossSection, encode
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.data_plane import DataPlane
from foretick.common.runtime.stream_reader import read_stored, since_time
from foretick.common.subjects import BAR_MESSAGES, BARS, CORRELATION_MESSAGES, CROSS_SECTIONS, escape_token
from foretick.quant.cross_section import CrossReason

_SECONDS = f"*.*.{escape_token('1s')}"


class CorrelationBus:
    """Implements ``ports.CorrelationPublisher`` and ``ports.CrossPublisher``."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    def publish_correlations(self, message: Correlations) -> None:
        """Publish ``message``."""
        self._plane.publish_raw(CORRELATION_MESSAGES.of(), encode(message))

    def publish_cross_section(self, message: CrossSection) -> None:
        """Publish ``message``."""
        self._plane.publish_raw(CROSS_SECTIONS.of(), encode(message))


class SecondBars:
    """Implements ``ports.BarFeed``."""

    def __init__(self, rt: Runtime) -> None:
        self._bus = rt.bus
        self._channel = rt.data.open_channel((BAR_MESSAGES,), self._hand_on)
        self._handler: Callable[[Sequence[Bar]], None] | None = None

    def deliver_to(self, handler: Callable[[Sequence[Bar]], None]) -> None:
        """Hand natural batches to ``handler``."""
        self._handler = handler

    async def follow(self) -> None:
        """Receive them from now on: none that is stored after the return will be missing."""
        await self._channel.follow([_SECONDS])
        await self._bus.nc.flush()

    async def leave(self) -> None:
        """Receive them no longer."""
        await self._channel.leave([_SECONDS])

    def _hand_on(self, batch: Sequence[Bar]) -> None:
        if self._handler is not None:
            self._handler(batch)


class StreamedBars:
    """Implements ``ports.BarHistory``. Messages that do not decode go to the dead letters."""

    def __init__(self, rt: Runtime) -> None:
        self._bus = rt.bus
        self._plane = rt.data
        self._decode = msgspec.json.Decoder(Bar).decode

    async def read_seconds(self) -> AsyncIterator[Sequence[Bar]]:
        """Yield, in order and in batches, every one-second bar that is stored at the call."""
        config = since_time(0, [f"{BAR_MESSAGES.root}.{_SECONDS}"])
        async for stored in read_stored(self._bus, BARS, config, self._plane.tap_whole):
            bars: list[Bar] = []
            for subject, payload, _ in stored:
                try:
                    bars.append(self._decode(payload))
                except UNDECODABLE as error:
                    self._plane.reject(subject, str(error), payload)
            yield bars

    async def last_correlations(self) -> Correlations | None:
        """Return the last correlations that were published."""
        return await self._bus.last(CORRELATION_MESSAGES)

    async def last_cross_section(self) -> CrossSection | None:
        """Return the last cross-section that was published."""
        return await self._bus.last(CROSS_SECTIONS)


class CorrelationMetrics:
    """Implements ``ports.CorrelationObserver``: readiness, log, metrics."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._late = rt.metrics.counter("late_seconds_total", "Seconds of instruments that came after they were folded")
        self._members = rt.metrics.gauge("correlated_instruments", "Instruments whose correlations are published")
        self._left_out = rt.metrics.gauge("uncorrelated_instruments", "Instruments beyond CORRELATION_MAX_INSTRUMENTS")
        self._crossed = rt.metrics.gauge(
            "cross_section_instruments",
            "Instruments of the latest cross-section, by why they have no values",
            labels=("reason",),
        )
        self._told_left_out = 0

    def taking_over(self) -> None:
        """Note that they are being brought up to date."""
        self._rt.health.set("recovered", ok=False, detail="reading the bars of the last minutes back")

    def taken_over(self, bars: int) -> None:
        """Note that they are live."""
        self._rt.health.set("recovered", ok=True)
        self._rt.log.info("correlations taken over", bars=bars)

    def late(self, count: int) -> None:
        """Count seconds that came late."""
        if count:
            self._late.inc(count)

    def told(self, members: int, left_out: int) -> None:
        """Note of how many instruments correlations are published, and how many were too many."""
        self._members.set(members)
        self._left_out.set(left_out)
        if left_out and left_out != self._told_left_out:
            self._rt.log.warning("more instruments than correlations are made of", members=members, left_out=left_out)
        self._told_left_out = left_out

    def crossed(self, reasons: Mapping[str, int]) -> None:
        """Note how many instruments a cross-section has, by why they have no values; under "" those that have."""
        for reason in ("", *CrossReason):
            self._crossed.labels(reason or "none").set(reasons.get(reason, 0))
