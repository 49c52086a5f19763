"""Wiring of ingest's three roles. Each builder joins adapters, domain and bus, and returns."""

from foretick.common.runtime.bootstrap import Runtime
from foretick.ingest.settings import IngestSettings


async def build_feed(rt: Runtime, settings: IngestSettings) -> None:
    """Venue sockets or recordings -> feed engine -> ``ticks``, ``books`` and ``instruments``."""
    raise NotImplementedError


async def build_record(rt: Runtime, settings: IngestSettings) -> None:
    """Bus -> TimescaleDB."""
    raise NotImplementedError


async def build_simulate(rt: Runtime, settings: IngestSettings) -> None:
    """A local exchange that speaks Binance's spot protocol."""
    raise NotImplementedError


BUILDERS = {"feed": build_feed, "record": build_record, "simulate": build_simulate}
