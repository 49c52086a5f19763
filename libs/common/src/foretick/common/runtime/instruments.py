"""Which instruments a run has, from their listings; and the live messages of some of them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from foretick.common.contracts import Instrument
from foretick.common.ownership import InstrumentKey
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.subjects import Subject, escape_token


async def watch_instruments(
    rt: Runtime,
    listings: Subject,
    learn: Callable[[Iterable[InstrumentKey]], None],
    read: Callable[[Instrument], None] | None = None,
) -> None:
    """Call ``learn`` with the instruments of this run that ``listings`` has now, and with each later one.

    ``read``, where it is given, is called before with each listing as a whole.
    """

    def on_listings(batch: Sequence[Instrument]) -> None:
        mine = [listing for listing in batch if listing.run_id == rt.run_id]
        if read is not None:
            for listing in mine:
                read(listing)
        learn([(listing.venue, listing.symbol) for listing in mine])

    await rt.data.subscribe((listings,), on_listings)
    await rt.bus.nc.flush()  # the subscription is with the server before the stream is read
    on_listings(await rt.bus.last_of_each(listings))


class InstrumentFeed:
    """Messages of ``subjects`` for instruments that come and go; one channel, so that a batch holds several's."""

    def __init__(self, rt: Runtime, subjects: Sequence[Subject]) -> None:
        self._bus = rt.bus
        self._channel = rt.data.open_channel(subjects, self._hand_on)
        self._handler: Callable[[Sequence[Any]], None] | None = None

    def deliver_to(self, handler: Callable[[Sequence[Any]], None]) -> None:
        """Hand natural batches to ``handler``; what comes before that is left out."""
        self._handler = handler

    async def follow(self, keys: Sequence[InstrumentKey]) -> None:
        """Receive the messages of ``keys`` from now on: none that a stream stores after the return will be missing."""
        await self._channel.follow([_tokens_of(key) for key in keys])
        await self._bus.nc.flush()

    async def leave(self, keys: Sequence[InstrumentKey]) -> None:
        """Receive the messages of ``keys`` no longer; what has arrived already may still be handed on."""
        await self._channel.leave([_tokens_of(key) for key in keys])

    def _hand_on(self, batch: Sequence[Any]) -> None:
        if self._handler is not None:
            self._handler(batch)


def _tokens_of(key: InstrumentKey) -> str:
    return ".".join(escape_token(part) for part in key)
