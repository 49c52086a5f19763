"""The bus as the feed sees it: frames out, and where the published events of each instrument end."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import nats.errors
from nats.js.errors import NotFoundError

from foretick.common.contracts import UNDECODABLE, BookFrame, TickFrame
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.stream_reader import read_stored, since_sequence
from foretick.common.subjects import BOOKS, MARKET, TICKS, Subject
from foretick.ingest.domain.place import Place

_RETRY_S = 0.1
_MOST_AT_ONCE = 64
_LOOK_BACK = 20_000
"""How many messages of the stream, of all instruments, are searched for an instrument's last trade."""

_ticks = msgspec.json.Decoder(TickFrame)
_books = msgspec.json.Decoder(BookFrame)


class BusOutlet:
    """A ``FrameOutlet`` on the service's NATS connection. ``is_sound`` tells whether what is sent may be sent now."""

    def __init__(self, rt: Runtime) -> None:
        self.is_sound: Callable[[], bool] = lambda: rt.bus.is_connected
        self._rt = rt
        self._bus = rt.bus
        self.publish = rt.data.publish
        self.now_ns = rt.clock.now_ns
        self.dead_letter: Callable[[str, str, bytes], None] = rt.data.reject

    @property
    def is_away(self) -> bool:
        """Whether what is sent now would be lost, or would come after a loss that has not been told."""
        return not self.is_sound()

    def reject(self, source: str, reason: str, payload: bytes) -> None:
        """Dead-letter malformed input."""
        self.dead_letter(source, reason, payload)

    def tell(self, event: str, **fields: Any) -> None:
        """Log a warning."""
        self._rt.log.warning(event, **fields)

    async def last_of_run(self, venue: str, symbols: Iterable[str]) -> dict[str, Place]:
        """Return where the kept events of each of ``symbols`` end; at nothing for those that this run has none of.

        Raises:
            nats.errors.Error, Transient: the server does not answer.
        """
        symbols = list(symbols)
        slots = asyncio.Semaphore(_MOST_AT_ONCE)

        async def last(symbol: str) -> tuple[Place, int]:
            async with slots:
                found = [await self._last(subject, decoder, venue, symbol) for subject, decoder in _KINDS]
            return max(found)

        found = await asyncio.gather(*map(last, symbols))
        trades = await self._last_trades(venue, symbols, max((stored for _, stored in found), default=0))
        return {
            symbol: place._replace(trade_id=trades.get(symbol))
            for symbol, (place, _) in zip(symbols, found, strict=True)
        }

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

    async def _last(self, subject: Subject, decoder: "_Decoder", venue: str, symbol: str) -> tuple[Place, int]:
        """Return the place after the last message on ``subject``, and that message's number in the stream."""
        try:
            raw = await self._bus.js.get_last_msg(MARKET.name, subject.of(venue, symbol), direct=True)
        except NotFoundError:
            return Place(), 0
        message = decoder.decode(raw.data or b"")
        if message.run_id != self._rt.run_id:
            return Place(), 0
        count = len(message.kinds) if isinstance(message, TickFrame) else len(message.events)
        return Place(message.seq + count - 1, message.ts_recv_ns, message.epoch), raw.seq or 0

    async def _last_trades(self, venue: str, symbols: Sequence[str], last_stored: int) -> dict[str, int]:
        if last_stored == 0:
            return {}
        subjects = [TICKS.of(venue, symbol) for symbol in symbols]
        trades: dict[str, int] = {}
        async for batch in read_stored(
            self._bus, MARKET, since_sequence(last_stored - _LOOK_BACK, subjects), self._rt.data.tap_whole
        ):
            for _, payload, _ in batch:
                try:
                    frame = _ticks.decode(payload)
                except UNDECODABLE:
                    continue  # its place is known by its successor, and the recorder tells of it
                ids = [trade_id for trade_id in frame.trades.trade_id if trade_id is not None]
                if ids and frame.run_id == self._rt.run_id:
                    trades[frame.symbol] = ids[-1]
        return trades


_Decoder = msgspec.json.Decoder[TickFrame] | msgspec.json.Decoder[BookFrame]
_KINDS: tuple[tuple[Subject, _Decoder], ...] = ((TICKS, _ticks), (BOOKS, _books))
