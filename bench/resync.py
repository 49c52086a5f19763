"""resync: from a gap to a LIVE book again / one snapshot round trip, through the real feed and the simulated exchange.

The exchange runs as a process of its own. The feed here is the product's: connector, connections, handler, over real
sockets; only the bus is left out. ``POST /sim/faults`` loses one depth update of a symbol; the time begins when the
next one shows that, and ends when the book is LIVE again. Beside each, the same full book is fetched plainly over the
same client. A symbol that asks for a third book within a minute is made to wait, so each round takes
every symbol once, and begins a minute after the one before.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import structlog
import uvloop

from bench.harness import Figure
from foretick.common.contracts import BookFrame, Origin, Trust
from foretick.common.runtime.embedded import free_port
from foretick.common.subjects import Subject
from foretick.ingest.adapters.binance.connector import open_spot
from foretick.ingest.adapters.connections.pool import ConnectionPool
from foretick.ingest.adapters.connections.resync import CALM_S
from foretick.ingest.adapters.connector import ConnectorSettings
from foretick.ingest.adapters.simulator.server import ExchangeServer
from foretick.ingest.domain.engine import FeedEngine
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.exchange import Exchange
from foretick.ingest.domain.place import Place
from foretick.ingest.domain.runs import Identity
from foretick.ingest.handlers.feed import FeedHandler
from foretick.market.compiled_book import warm
from foretick.market.simulation import LISTINGS, Pace, SimulatedMarket

ROUNDS = 4
_WITHIN_S = 30.0
_SETTLING_NS = 10_000_000_000


class WallClock:
    """UTC ns."""

    def now_ns(self) -> int:
        return time.time_ns()

    def not_before(self, _ns: int) -> None:
        """Do nothing: it is never set back here."""


class Watch:
    """A ``FrameOutlet`` that notes when the trust of each book changed."""

    is_away = False

    def __init__(self) -> None:
        self.trusts: dict[str, Trust] = {}
        self.changed_s: dict[str, float] = {}
        self.news = asyncio.Event()

    def now_ns(self) -> int:
        return time.time_ns()

    def publish(self, subject: Subject, message: Any) -> None:
        for event in message.events if isinstance(message, BookFrame) else ():
            if self.trusts.get(message.symbol) is not event.trust:
                self.trusts[message.symbol] = event.trust
                self.changed_s[message.symbol] = time.perf_counter()
                self.news.set()

    def reject(self, source: str, reason: str, payload: bytes) -> None:
        raise AssertionError(f"{source}: {reason}")

    def tell(self, event: str, **fields: Any) -> None:
        """Tell nobody."""

    async def wait(self, symbol: str, *, is_live: bool) -> float:
        """Return when the book of ``symbol`` became LIVE, or stopped being it."""
        async with asyncio.timeout(_WITHIN_S):
            while (self.trusts.get(symbol) is Trust.LIVE) is not is_live:
                self.news.clear()
                await self.news.wait()
        return self.changed_s[symbol]


def measure() -> list[Figure]:
    """Inject gaps into every symbol in turn."""
    port = free_port()
    exchange = subprocess.Popen([sys.executable, "-m", "bench.resync", "--port", str(port)])
    try:
        warm()
        gaps, trips, waits = uvloop.run(_measure(f"127.0.0.1:{port}"))
    finally:
        exchange.kill()
        exchange.wait()
    gap_s, trip_s, wait_s = (statistics.median(each) for each in (gaps, trips, waits))
    note = (
        f"{gap_s * 1e3:.1f} ms against {trip_s * 1e3:.1f} ms, medians of {len(gaps)}; {wait_s * 1e3:.0f} ms from the "
        f"injection, which waits for the lost update and the next one"
    )
    return [Figure("resync", gap_s / trip_s, "x", floor=2.0, aim=1.25, note=note)]


async def _measure(address: str) -> tuple[list[float], list[float], list[float]]:
    gaps: list[float] = []
    trips: list[float] = []
    waits: list[float] = []
    async with _following(address) as (watch, rest), httpx.AsyncClient(base_url=f"http://{address}") as operator:
        for symbol in LISTINGS:
            await watch.wait(symbol, is_live=True)
        for _ in range(ROUNDS):
            await asyncio.sleep(CALM_S + 1.0)
            for symbol in LISTINGS:
                began_s = time.perf_counter()
                await rest.book(symbol)
                trips.append(time.perf_counter() - began_s)
                injected_s = time.perf_counter()
                await operator.post("/sim/faults", json={"kind": "gap", "symbol": symbol})
                broken_s = await watch.wait(symbol, is_live=False)
                live_s = await watch.wait(symbol, is_live=True)
                gaps.append(live_s - broken_s)
                waits.append(live_s - injected_s)
    return gaps, trips, waits


@asynccontextmanager
async def _following(address: str) -> AsyncIterator[tuple[Watch, Any]]:
    """Follow all symbols of the exchange, as the feed's wiring does."""
    clock, log, watch = WallClock(), structlog.get_logger(), Watch()
    settings = ConnectorSettings(ws_url=f"ws://{address}", rest_url=f"http://{address}", budget_frac=1.0)
    async with AsyncExitStack() as stack:
        connector = await open_spot("sim", settings, stack)
        await _answering(address)
        listings, _ = await connector.rest.listings(list(LISTINGS))
        engine = FeedEngine(Identity("sim", Origin.SIM, "bench", "ingest.feed-0", 1), listings, connector.rules)

        async def fetch(symbol: str) -> None:
            body = await connector.rest.book(symbol)
            handler.on_frames([Received(clock.now_ns(), body, symbol)])

        assert connector.plan is not None
        pool = ConnectionPool(connector.plan, clock, log, fetch)
        handler = FeedHandler(engine, connector.wire, watch, pool)
        handler.take_over({symbol: Place() for symbol in engine.feeds}, 1)
        pool.follow(list(engine.feeds))
        running = asyncio.ensure_future(pool.run(handler))
        stack.callback(running.cancel)
        yield watch, connector.rest


async def _answering(address: str) -> None:
    async with httpx.AsyncClient(base_url=f"http://{address}") as client, asyncio.timeout(60.0):
        while True:
            try:
                await client.get("/api/v3/ping")
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
            else:
                return


async def _exchange(port: int) -> None:
    """Serve the simulated exchange, as the ``simulate`` role does."""
    clock = WallClock()
    market = SimulatedMarket(list(LISTINGS), 7, clock.now_ns() - _SETTLING_NS, Pace(1.0))
    market.run_silently(clock.now_ns())
    server = ExchangeServer(Exchange(market, 0.0, 7), clock, structlog.get_logger())
    await server.start("127.0.0.1", port)
    await server.run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(_exchange(parser.parse_args().port))
