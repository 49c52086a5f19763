"""The bridge: what ccxt streams, handed on in its place to whoever takes a venue's frames.

Connections, subscriptions and books are ccxt's own affair. For each instrument two tasks wait: for its book and for its
trades. When one fails, the book is not believed until the next one comes.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from foretick.common.clock import Clock
from foretick.common.runtime.logs import Logger
from foretick.common.units import NS_PER_MS
from foretick.ingest.adapters.ccxt.library import CcxtExchange
from foretick.ingest.adapters.connections.pool import PoolCounters
from foretick.ingest.adapters.recordings.sink import ConnectionEvent, RawTap
from foretick.ingest.domain.backoff import backoff_s
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.venue_reach import Reach
from foretick.ingest.ports import FrameReceiver

FORMAT = "ccxt-unified-unproven"
"""What every message of the bridge says of itself, also where it is recorded: ccxt's unified structures, in its words
and cut to what is used. They are not what the venue sent, and nothing proves that nothing of that is missing.
"""

LEVELS = 100
"""Levels a side that are handed on of each book."""


class CcxtSession:
    """Keeps the followed instruments watched: a ``Session``. Each counts as a connection: ccxt tells of no others.

    ``tap`` is told what is handed on. What the exchange itself sent, ccxt does not tell.
    """

    _receiver: FrameReceiver

    def __init__(self, exchange: CcxtExchange, clock: Clock, log: Logger, tap: RawTap) -> None:
        self._tap = tap
        self.counters = PoolCounters()
        self._exchange = exchange
        self._clock = clock
        self._log = log
        self._random = random.Random(clock.now_ns())
        self._numbers: dict[str, int] = {}
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}
        self._open: set[str] = set()
        self._trades = 0
        self._changed = asyncio.Event()

    @property
    def wanted(self) -> int:
        """How many instruments are followed."""
        return len(self._numbers)

    @property
    def open(self) -> int:
        """Of how many of them a book has come since the last failure."""
        return len(self._open)

    def reach(self) -> Reach:
        """Return what of the venue is reached now."""
        return Reach(
            connections=self.wanted,
            connections_open=self.open,
            instruments=len(self._numbers),
            connects=self.counters.connects,
            disconnects=self.counters.disconnects,
        )

    def request_snapshot(self, symbol: str) -> None:
        """Do nothing: every book that ccxt tells is whole."""

    def roll_over(self) -> None:
        """Do nothing: ccxt decides on its connections."""

    def symbols_of(self, connection: int) -> Sequence[str]:
        """Return the instrument that goes by ``connection``."""
        return [symbol for symbol, number in self._numbers.items() if number == connection]

    def follow(self, symbols: Sequence[str]) -> None:
        """Follow ``symbols`` too."""
        for symbol in symbols:
            self._numbers.setdefault(symbol, max(self._numbers.values(), default=0) + 1)
        self._changed.set()

    def leave(self, symbols: Sequence[str]) -> None:
        """Follow ``symbols`` no longer."""
        for symbol in symbols:
            number = self._numbers.pop(symbol, None)
            if number is not None and symbol in self._open:
                self._end(symbol, number, "not followed any more")
        self._changed.set()

    async def run(self, receiver: FrameReceiver) -> None:
        """Hand frames to ``receiver`` until cancelled.

        Raises:
            Exception: whatever ``receiver`` raised: it has lost its place.
        """
        self._receiver = receiver
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                for symbol in self._tasks.keys() - self._numbers.keys():
                    for task in self._tasks.pop(symbol):
                        task.cancel()
                for symbol in self._numbers.keys() - self._tasks.keys():
                    watches = (self._watch_book(symbol), self._watch_trades(symbol))
                    self._tasks[symbol] = [tasks.create_task(watch) for watch in watches]
                await self._changed.wait()

    async def _watch_book(self, symbol: str) -> None:
        number, attempt = self._numbers[symbol], 0
        while True:
            try:
                payload = encode_book(symbol, await self._exchange.watch_order_book(symbol))
            except Exception as error:  # noqa: BLE001 - another library's: whatever it raises, there is no book
                attempt += 1
                await self._fail(symbol, "book", error, attempt)
                continue
            attempt = 0
            if symbol not in self._open:
                self._open.add(symbol)
                self.counters.connects += 1
                self._record(number, ConnectionEvent.OPENED, f"{FORMAT}:{self._exchange.id}:{symbol}")
                self._receiver.on_connected([symbol], number)
            self._deliver(number, payload)

    async def _watch_trades(self, symbol: str) -> None:
        number, attempt, since_ms = self._numbers[symbol], 0, self._clock.now_ns() // NS_PER_MS
        while True:
            try:
                trades = await self._exchange.watch_trades(symbol)
                self._trades += len(trades)
                payload = encode_trades(symbol, trades, since_ms, self._trades)
            except Exception as error:  # noqa: BLE001 - another library's: whatever it raises, trades may be missing
                attempt += 1
                await self._fail(symbol, "trades", error, attempt)
                continue
            attempt = 0
            self._deliver(number, payload)

    async def _fail(self, symbol: str, what: str, error: Exception, attempt: int) -> None:
        reason = f"ccxt lost the {what}: {error!r}"
        if symbol in self._open:
            self.counters.disconnects += 1
            self._end(symbol, self._numbers[symbol], reason)
        pause_s = backoff_s(attempt, self._random.random())
        self._log.warning("ccxt failed, watching again", symbol=symbol, reason=reason, pause_s=pause_s)
        await asyncio.sleep(pause_s)

    def _end(self, symbol: str, number: int, reason: str) -> None:
        self._open.discard(symbol)
        self._record(number, ConnectionEvent.CLOSED, reason)
        self._receiver.on_disconnected([symbol], number, reason)

    def _record(self, number: int, event: ConnectionEvent, detail: str) -> None:
        if self._tap.sink is not None:
            self._tap.sink.on_connection_event(self._tap.venue, number, event, detail)

    def _deliver(self, number: int, payload: bytes) -> None:
        received = Received(self._clock.now_ns(), payload, None, number)
        if self._tap.sink is not None:
            self._tap.sink.on_received(self._tap.venue, number, received)
        self._receiver.on_frames([received])


def encode_book(symbol: str, book: Mapping[str, Any]) -> bytes:
    """Return the best ``LEVELS`` of a book of ccxt's as a message of the bridge."""
    sides = {side: [list(level[:2]) for level in book[side][:LEVELS]] for side in ("bids", "asks")}
    return _encode("book", symbol, timestamp=book.get("timestamp"), **sides)


def encode_trades(symbol: str, trades: Sequence[Mapping[str, Any]], since_ms: int, last: int) -> bytes:
    """Return trades of ccxt's as a message of the bridge; those before ``since_ms`` are history.

    ``last`` is the number of the last one among all of the bridge: one without an id goes by its number.
    """
    told = [
        {
            "name": str(trade["id"]) if trade.get("id") else f"#{number}",
            "is_history": (trade.get("timestamp") or since_ms) < since_ms,
            **{key: trade.get(key) for key in ("price", "amount", "side", "timestamp")},
        }
        for number, trade in enumerate(trades, last - len(trades) + 1)
    ]
    return _encode("trades", symbol, trades=told)


def _encode(channel: str, symbol: str, **fields: Any) -> bytes:
    return msgspec.json.encode({"format": FORMAT, "channel": channel, "symbol": symbol, **fields})
