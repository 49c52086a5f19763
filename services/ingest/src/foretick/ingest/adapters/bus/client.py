"""The bus as the feed sees it: frames out, losses noticed, and where an earlier process stopped."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import nats.errors

from foretick.common.contracts import BookFrame, Message, TickFrame
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.subjects import BOOKS, TICKS, Subject

_RETRY_S = 0.1


class BusOutlet:
    """A ``FrameOutlet`` on the service's NATS connection.

    After a reconnect it stays away until ``recover``: what the server lost is told before anything new is sent.
    """

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._bus = rt.bus
        self._stats = rt.bus.nc.stats
        self._settled = self._stats["reconnects"]
        self.publish = rt.data.publish
        self.now_ns = rt.clock.now_ns

    @property
    def is_away(self) -> bool:
        """Whether the connection is down, or was since the last ``settle``."""
        return self._stats["reconnects"] != self._settled or not self._bus.is_connected

    def reject(self, source: str, reason: str, payload: bytes) -> None:
        """Dead-letter malformed input."""
        self._rt.data.reject(source, reason, payload)

    def tell(self, event: str, **fields: Any) -> None:
        """Log a warning."""
        self._rt.log.warning(event, **fields)

    async def last_of_run(self, venue: str, symbols: Iterable[str]) -> "dict[str, Place]":
        """Return where the kept events of each instrument end, for those that this run has any of.

        Raises:
            nats.errors.Error: when the server does not answer.
        """
        places: dict[str, Place] = {}
        for symbol in symbols:
            for subject in (TICKS, BOOKS):
                place = await self._last(subject, venue, symbol)
                if place is not None:
                    places[symbol] = max(place, places.get(symbol, place))
        return places

    async def recover(
        self, venue: str, symbols: Iterable[str], tell_losses: Callable[[Mapping[str, int]], None]
    ) -> None:
        """After a reconnect, call ``tell_losses`` with the number of each instrument's last kept event, and be back.

        Returns without it when the connection goes away again: the next reconnect has its own turn.
        """
        reconnects = self._stats["reconnects"]
        symbols = list(symbols)
        while reconnects == self._stats["reconnects"] and self._bus.is_connected:
            try:
                await self._rt.data.flush()
                places = await self.last_of_run(venue, symbols)
            except (nats.errors.Error, TimeoutError) as error:
                self._rt.log.warning("the bus is back but its streams do not answer yet", error=repr(error))
                await asyncio.sleep(_RETRY_S)
                continue
            if reconnects == self._stats["reconnects"]:
                self._settled = reconnects
                tell_losses({symbol: place[0] for symbol, place in places.items()})
            return

    async def flush(self) -> None:
        """Wait until the bus has everything published so far; while it is away, wait until it is back."""
        while True:
            try:
                await self._rt.data.flush()
                if not self.is_away:
                    return
            except (nats.errors.Error, TimeoutError):
                pass
            await asyncio.sleep(_RETRY_S)

    async def _last(self, subject: Subject, venue: str, symbol: str) -> "Place | None":
        message: Message | None = await self._bus.last(subject, venue, symbol)
        if message is None or message.run_id != self._rt.run_id:
            return None
        if isinstance(message, TickFrame):
            return message.seq + len(message.kinds) - 1, message.ts_recv_ns
        if isinstance(message, BookFrame):
            return message.seq + len(message.events) - 1, message.ts_recv_ns
        return None


Place = tuple[int, int]
"""The number of an event, and its data time in ns."""
