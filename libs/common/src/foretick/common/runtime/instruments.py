"""Learns which instruments a run has, from their listings."""

from collections.abc import Callable, Iterable, Sequence

from foretick.common.contracts import Instrument
from foretick.common.ownership import InstrumentKey
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.subjects import Subject


async def watch_instruments(rt: Runtime, listings: Subject, learn: Callable[[Iterable[InstrumentKey]], None]) -> None:
    """Call ``learn`` with the instruments of this run that ``listings`` has now, and with each later one."""

    def on_listings(batch: Sequence[Instrument]) -> None:
        learn([(listing.venue, listing.symbol) for listing in batch if listing.run_id == rt.run_id])

    await rt.data.subscribe((listings,), on_listings)
    await rt.bus.nc.flush()  # the subscription is with the server before the stream is read
    on_listings(await rt.bus.last_of_each(listings))
