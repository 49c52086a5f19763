"""Wiring of the ``consolidate`` role: ticks, books and listings of all venues -> consolidated quotes."""

import asyncio
from collections.abc import Sequence

from foretick.common.contracts import Instrument
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.instruments import InstrumentFeed
from foretick.common.subjects import BOOKS, INSTRUMENT_LISTINGS, TICKS
from foretick.ingest.adapters.bus.quotes import BusQuotes
from foretick.ingest.handlers.consolidate import ConsolidateHandler
from foretick.ingest.settings import IngestSettings


async def build(rt: Runtime, _settings: IngestSettings) -> None:
    """Ticks, books and listings of all venues -> consolidated quotes, of the pairs that several venues list."""
    handler = ConsolidateHandler(rt.run_id, rt.name, BusQuotes(rt), rt.sequence)
    feed = InstrumentFeed(rt, (TICKS, BOOKS))
    feed.deliver_to(handler.on_frames)
    changed = asyncio.Event()

    def on_listings(batch: Sequence[Instrument]) -> None:
        handler.on_listings(batch)
        changed.set()

    async def follow() -> None:
        while True:
            changed.clear()
            to_follow, to_leave = handler.change_followed()
            await feed.leave(to_leave)
            await feed.follow(to_follow)
            pairs = handler.consolidator.pairs
            rt.health.set("pairs", ok=True, detail=f"{len(pairs)} pairs are listed by several venues")
            await changed.wait()

    await rt.data.subscribe((INSTRUMENT_LISTINGS,), on_listings)
    await rt.bus.nc.flush()  # the subscription is with the server before the stream is read
    on_listings(await rt.bus.last_of_each(INSTRUMENT_LISTINGS))
    rt.spawn(follow(), name="follow")
