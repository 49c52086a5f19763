"""Feeds of the simulated exchange in each protocol, on a real bus: faults show, and no wrong book is LIVE."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx
import msgspec
import pytest

from foretick.common.contracts import BookEventKind, BookFrame, Origin, TickFrame, Trust
from foretick.common.testing.builders import book_frame
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.simulator.server import ExchangeServer
from foretick.ingest.app.feed import build
from foretick.ingest.domain.exchange import Exchange
from foretick.ingest.domain.exchange_book import PublishedBook
from foretick.ingest.domain.exchange_faults import FaultKind, SimVenue, kinds_of
from foretick.market.book import OrderBook, PriceGrid
from foretick.market.simulation import SimulatedMarket

from ..feed.test_feed_on_bus import consumer, runtime

SYMBOL = "BTCUSDT"
DEADLINE_S = 30.0
IDLE_S = 3
SYMBOLS = {SimVenue.SIM: SYMBOL, SimVenue.COINBASE: "BTC-USDT", SimVenue.KRAKEN: "BTC/USDT"}

State = tuple[tuple[tuple[int, int], ...], ...]
"""The ten best bids and asks, in ticks and lots."""

BREAKS = {
    SimVenue.SIM: "chain broke",
    SimVenue.COINBASE: "of the connection never came",
    SimVenue.KRAKEN: "checksum differs",
}
OUTCOMES = {
    FaultKind.GAP: BREAKS,
    FaultKind.REORDER: BREAKS,
    FaultKind.CROSSED: dict.fromkeys(SimVenue, "is not below best ask"),
    FaultKind.DISCONNECT: dict.fromkeys(SimVenue, "the venue closed the connection"),
    FaultKind.HALF_OPEN: dict.fromkeys(SimVenue, f"no market message for {IDLE_S} s"),
    FaultKind.CORRUPT_CHECKSUM: {SimVenue.KRAKEN: "checksum differs"},
}
"""Why a book is not believed after a fault, by the venue."""

HARMLESS = {FaultKind.DUPLICATE, FaultKind.STALL, FaultKind.SLOW_SNAPSHOT}
"""What comes twice changes nothing, what comes late is the same book, and a late full book is awaited."""


def state_of(sides) -> State:
    return tuple(tuple(side) for side in sides)


class RememberingBook(PublishedBook):
    """The exchange's own book, and every state that it has been in."""

    def __init__(self, bids, asks) -> None:
        super().__init__(bids, asks)
        self.states = {state_of(self.top(10))}

    def apply(self, bids, asks) -> None:
        super().apply(bids, asks)
        self.states.add(state_of(self.top(10)))


class RememberingExchange(Exchange):
    """An exchange of which every full book that it is asked for is remembered: it may lie between two updates."""

    def __init__(self, market: SimulatedMarket) -> None:
        super().__init__(market)
        self.known = RememberingBook(*market.book(0, 1000))
        self.kraken.books[0] = self.known

    def snapshot(self, symbol: str, limit: int) -> tuple[bytes, float]:
        self.known.states.add(state_of(self.market.book(self.index_of(symbol), 10)))
        return super().snapshot(symbol, limit)


@dataclass
class Followed:
    """A feed of one instrument, the exchange that it follows, and what a consumer makes of what is published."""

    venue: SimVenue
    address: str
    frames: list
    known: RememberingBook
    book: OrderBook = field(default_factory=lambda: OrderBook(PriceGrid(0.01, 0.00001), 1000))
    changes: list[tuple[Trust, str]] = field(default_factory=list)
    live_states: int = 0
    _read: int = 0

    def read(self) -> None:
        """Fold what has come since; whatever is LIVE must be a book that the exchange has had."""
        for frame in self.frames[self._read :]:
            self._read += 1
            if isinstance(frame, TickFrame):
                continue
            assert (frame.venue, frame.origin, frame.symbol) == (self.venue, Origin.SIM, SYMBOLS[self.venue])
            for event in frame.events:
                if event.kind is BookEventKind.SNAPSHOT:
                    self.book.apply_snapshot(event.bids, event.asks)
                elif event.kind is BookEventKind.DELTA:
                    self.book.apply_delta(event.bids, event.asks)
                if not self.changes or self.changes[-1][0] is not event.trust:
                    self.changes.append((event.trust, event.reason))
                if event.trust is Trust.LIVE and event.kind is not BookEventKind.STATE:
                    assert state_of(self.book.top_steps(10)) in self.known.states
                    self.live_states += 1

    async def until(self, condition: Callable[[], bool]) -> None:
        def holds() -> bool:
            self.read()
            return condition()

        await eventually(holds, DEADLINE_S)

    async def until_live(self) -> None:
        """Wait until the book is LIVE and has moved on."""
        seen = self.live_states
        await self.until(lambda: self.changes[-1:] == [(Trust.LIVE, "")] and self.live_states > seen + 5)

    async def inject_until_seen(self, kind: FaultKind) -> tuple[Trust, str]:
        """Inject until the book is not believed, and return that change.

        What Kraken's ten best levels do not show is not seen, so that one lost update may pass.
        """
        before = len(self.changes)
        while len(self.changes) == before:
            await self.inject(kind)
            await self.until(partial(self._is_past, before, self.live_states + 10))
        return self.changes[before]

    def _is_past(self, changes: int, live_states: int) -> bool:
        return len(self.changes) > changes or self.live_states > live_states

    async def inject(self, kind: FaultKind) -> None:
        async with httpx.AsyncClient(base_url=self.address) as client:
            body = {"kind": kind, "symbol": SYMBOLS[self.venue], "venue": self.venue}
            assert (await client.post("/sim/faults", json=body)).status_code == 200


@asynccontextmanager
async def following(nats_url: str, venue: SimVenue) -> AsyncIterator[Followed]:
    """A feed that follows a running exchange as ``venue``."""
    async with consumer(nats_url) as frames, runtime(nats_url, RUN_ID=f"sim-{venue}") as (exchange_rt, _):
        exchange = RememberingExchange(SimulatedMarket((SYMBOL,), 5, exchange_rt.clock.now_ns()))
        server = ExchangeServer(exchange, exchange_rt.clock, exchange_rt.log)
        await server.start("127.0.0.1", 0)
        running = asyncio.create_task(server.run())
        host = f"127.0.0.1:{server.port}"
        places = {"SIM_WS_URL": f"ws://{host}", "SIM_REST_URL": f"http://{host}", "FEED_IDLE_TIMEOUT": IDLE_S}
        try:
            async with runtime(nats_url, VENUES=venue, DEFAULT_SYMBOLS=SYMBOL, **places) as (rt, settings):
                await build(rt, settings)
                followed = Followed(venue, f"http://{host}", frames, exchange.known)
                await followed.until_live()
                yield followed
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await server.drain()


@pytest.mark.parametrize(
    ("venue", "kind"), [(venue, kind) for venue in SimVenue for kind in kinds_of(venue) if kind not in HARMLESS]
)
async def test_fault_ends_trust_for_its_reason_and_the_book_is_live_again(nats_url, venue: SimVenue, kind: FaultKind):
    async with following(nats_url, venue) as feed:
        trust, reason = await feed.inject_until_seen(kind)
        assert trust is not Trust.LIVE
        assert OUTCOMES[kind][venue] in reason
        await feed.until_live()


@pytest.mark.parametrize("venue", SimVenue)
async def test_stall_and_repeat_never_show_a_book_that_was_not_there(nats_url, venue: SimVenue):
    async with following(nats_url, venue) as feed:
        for kind in (FaultKind.DUPLICATE, FaultKind.STALL):
            await feed.inject(kind)
            await feed.until_live()


@pytest.mark.parametrize("venue", SimVenue)
async def test_late_full_book_is_awaited(nats_url, venue: SimVenue):
    async with following(nats_url, venue) as feed:
        before = len(feed.changes)
        await feed.inject(FaultKind.SLOW_SNAPSHOT)
        await feed.inject(FaultKind.DISCONNECT)
        await feed.until(lambda: len(feed.changes) > before)
        await feed.until_live()


def test_comparison_sees_a_book_that_the_exchange_never_had():
    known = RememberingBook([(100, 1)], [(102, 1)])
    feed = Followed(SimVenue.SIM, "", [wrong_frame()], known)
    with pytest.raises(AssertionError):
        feed.read()


def wrong_frame() -> BookFrame:
    return msgspec.structs.replace(book_frame(), venue="sim", origin=Origin.SIM, symbol=SYMBOL)
