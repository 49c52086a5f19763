"""The role on a real bus, as the user that the subject table makes: listings and frames in, quotes out."""

from collections.abc import Callable
from contextlib import asynccontextmanager

import msgspec
import nats
import structlog
from nats.aio.client import Client

from foretick.common.contracts import ConsolidatedQuote, Origin, QuoteColumns
from foretick.common.permissions import users
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.embedded import NatsServer
from foretick.common.subjects import CONSOLIDATED, CONSOLIDATED_QUOTES, INSTRUMENT_LISTINGS, TICKS
from foretick.common.testing import T0_NS, eventually, instrument, tick_frame
from foretick.common.testing.servers import scratch_directory
from foretick.common.units import NS_PER_MS
from foretick.ingest.app.consolidate import build
from foretick.ingest.settings import IngestSettings


@asynccontextmanager
async def role(server: NatsServer):
    settings = IngestSettings.model_validate({"RUN_ID": "test", "NATS_URL": server.url_of("ingest.consolidate")})
    rt = Runtime("ingest", "consolidate", settings, structlog.stdlib.get_logger())
    await rt.bus.connect()
    await rt.bus.ensure_streams()
    rt.run_id = "test"
    await build(rt, settings)
    try:
        yield rt
    finally:
        await rt.drain()


class Market:
    """Venues ``a`` and ``b`` on the bus, and what is said of them together."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.told: list[ConsolidatedQuote] = []
        self.at_ms = 0
        self.seq = {"a": 0, "b": 0}

    async def listen(self) -> None:
        async def receive(msg) -> None:
            self.told.append(msgspec.json.decode(msg.data, type=ConsolidatedQuote))

        await self.client.subscribe(CONSOLIDATED_QUOTES.of("BTC", "USDT"), cb=receive)
        await self.client.flush()

    async def list_venues(self) -> None:
        for venue in self.seq:
            listing = instrument(venue=venue, origin=Origin.LIVE, taker_fee_bps=10.0)
            await self.client.jetstream().publish(
                INSTRUMENT_LISTINGS.of(venue, "BTCUSDT"), msgspec.json.encode(listing)
            )

    async def quote(self, venue: str, bid: float, ask: float) -> None:
        self.seq[venue] += 1
        columns = QuoteColumns(bid=[bid], bid_qty=[1.0], ask=[ask], ask_qty=[2.0])
        start_ns = T0_NS + self.at_ms * NS_PER_MS
        frame = tick_frame("Q", venue=venue, seq=self.seq[venue], start_ns=start_ns, quotes=columns)
        await self.client.publish(TICKS.of(venue, "BTCUSDT"), msgspec.json.encode(frame))
        await self.client.flush()

    async def until(self, condition: Callable[[ConsolidatedQuote], bool], *quotes: tuple[str, float, float]) -> None:
        """Let data time pass, with ``quotes`` every 200 ms of it, until what was told last is as wanted."""

        async def is_so() -> bool:
            self.at_ms += 200
            for each in quotes:
                await self.quote(*each)
            return bool(self.told) and condition(self.told[-1])

        await eventually(is_so)


async def test_role_tells_what_the_venues_quote_together_and_that_one_is_gone():
    with scratch_directory("consolidate") as directory, NatsServer(directory, users=users()) as server:
        client = await nats.connect(server.url_of("operator"))
        market = Market(client)
        await market.listen()
        async with role(server) as rt:
            await market.list_venues()
            both = [("a", 99.0, 101.0), ("b", 99.5, 100.5)]
            await market.until(lambda told: (told.bid_venue, told.bid, told.ask_qty) == ("b", 99.5, 2.0), *both)
            assert {each.venue for each in market.told[-1].venues if each.is_used} == {"a", "b"}
            await market.until(lambda told: (told.bid_venue, told.bid) == ("a", 99.0), both[0])
            gone = next(each for each in market.told[-1].venues if each.venue == "b")
            assert (gone.is_used, gone.age_ms > 3000) == (False, True)
            assert rt.bus.violations is not None
            assert rt.bus.violations._value.get() == 0
        subject = CONSOLIDATED_QUOTES.of("BTC", "USDT")
        kept = await client.jetstream().get_last_msg(CONSOLIDATED.name, subject, direct=True)
        last = msgspec.json.decode(kept.data, type=ConsolidatedQuote)
        await eventually(lambda: market.told[-1] == last)
        await client.close()
