"""Connections to a venue that is a real server on this machine: connect, sync, fail, come back, be replaced."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import structlog
from websockets.asyncio.server import serve

from foretick.common.contracts import Trust
from foretick.common.testing.fakes import ManualClock
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.binance.streams import SPOT_STREAMS, BinanceStreams
from foretick.ingest.adapters.connections import pool as module
from foretick.ingest.adapters.connections.pool import ConnectionPool
from foretick.ingest.adapters.recordings.sink import RawTap
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.stream_limits import StreamLimits

LOG = structlog.get_logger()
T0 = 1_800_000_000_000_000_000
SYMBOL = "BTCUSDT"


@dataclass
class Venue:
    """WebSocket clients that were connected, and what was asked of them."""

    port: int = 0
    clients: list = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    requests: list[tuple[int, dict]] = field(default_factory=list)

    @property
    def open(self) -> list:
        return [client for client in self.clients if client.state.name == "OPEN"]

    async def send(self, message: dict | bytes | str, client: int = -1) -> None:
        await self.clients[client].send(json.dumps(message) if isinstance(message, dict) else message)


@pytest.fixture
async def venue():
    venue = Venue()

    async def accept(connection):
        venue.paths.append(connection.request.path)
        venue.clients.append(connection)
        number = len(venue.clients) - 1
        async for request in connection:
            venue.requests.append((number, json.loads(request)))

    async with serve(accept, "127.0.0.1", 0, ping_interval=None) as server:
        venue.port = server.sockets[0].getsockname()[1]
        yield venue


def limits(**fields) -> StreamLimits:
    usual = {
        "symbols_per_connection": 2, "sends_per_s": 100.0, "connects_per_minute": 6000.0, "idle_timeout_s": 30.0,
    }  # fmt: skip
    return StreamLimits(**(usual | fields))


@asynccontextmanager
async def connected(feed, venue, fetch=None, symbols=(SYMBOL,), sink=None, **fields):
    async def never(symbol: str) -> None:
        await asyncio.Event().wait()

    plan = BinanceStreams(f"ws://127.0.0.1:{venue.port}", SPOT_STREAMS, limits(**fields))
    pool = ConnectionPool(plan, ManualClock(T0), LOG, fetch or never, RawTap("sim", sink))
    feed.handler._venue = pool
    pool.follow(symbols)
    task = asyncio.ensure_future(pool.run(feed.handler))
    try:
        yield pool, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def delta(first: int, last: int, symbol: str = SYMBOL) -> dict:
    data = {"e": "depthUpdate", "E": 1, "s": symbol, "U": first, "u": last, "b": [], "a": []}
    return {"stream": f"{symbol.lower()}@depth@100ms", "data": data}


def trade(trade_id: int) -> dict:
    data = {"e": "trade", "s": SYMBOL, "t": trade_id, "p": "100.00", "q": "1.0", "T": 1, "m": False}
    return {"stream": "btcusdt@trade", "data": data}


BOOK = b'{"lastUpdateId":10,"bids":[["99.00","1.0"]],"asks":[["101.00","2.0"]]}'


@pytest.fixture
def new(new_feed):
    feed = new_feed()
    feed.handler.on_time(T0)
    return feed


@pytest.fixture
def fetch(new):
    """Answers every request for a full book; tells which there were."""

    async def answer(symbol: str) -> None:
        answer.asked.append(symbol)
        new.handler.on_frames([Received(T0, BOOK, symbol)])

    answer.asked = []
    return answer


def trust_of(feed, symbol: str = SYMBOL) -> Trust:
    return feed.engine.feeds[symbol].local.trust


def trusts(feed) -> list[Trust]:
    return [event.trust for event in feed.outlet.book_events()]


async def test_connection_asks_for_all_streams_and_syncs_by_rest(new, venue, fetch):
    async with connected(new, venue, fetch):
        await eventually(lambda: venue.clients)
        assert venue.paths == ["/stream?streams=btcusdt@trade/btcusdt@depth@100ms/btcusdt@bookTicker"]
        await venue.send(delta(11, 11))
        await eventually(lambda: trust_of(new) is Trust.LIVE)
        assert fetch.asked == [SYMBOL]


async def test_pings_are_answered(new, venue):
    async with connected(new, venue):
        await eventually(lambda: venue.clients)
        pong = await venue.clients[0].ping(b"1723161255342")
        await asyncio.wait_for(pong, 5)


async def test_fragmented_and_batched_messages_arrive_whole(new, venue):
    async with connected(new, venue):
        await eventually(lambda: venue.clients)
        text = json.dumps(delta(11, 11))
        await venue.send([text[:20], text[20:50], text[50:]])
        await venue.send("{broken")
        await venue.send(delta(12, 12))
        await eventually(lambda: len(new.engine.feeds[SYMBOL].local._buffer) == 2)
        assert [payload for _, _, payload in new.outlet.rejected] == [b"{broken"]


async def test_closed_connection_is_stale_then_opened_again(new, venue):
    async with connected(new, venue) as (pool, _):
        await eventually(lambda: venue.clients)
        await venue.send(delta(11, 11))
        await eventually(lambda: new.engine.feeds[SYMBOL].local.wants_snapshot)
        await venue.clients[0].close()
        await eventually(lambda: len(venue.clients) == 2)
        await eventually(lambda: trusts(new)[-2:] == [Trust.STALE, Trust.RESYNC])
        assert (pool.counters.connects, pool.counters.disconnects) == (2, 1)


async def test_silent_connection_is_given_up(new, venue):
    async with connected(new, venue, idle_timeout_s=0.2):
        await eventually(lambda: len(venue.clients) >= 2)
        reasons = [event.reason for event in new.outlet.book_events() if event.trust is Trust.STALE]
        assert reasons[0] == "no market message for 0.2 s"


async def test_half_open_connection_is_given_up(new, venue):
    """The venue's side is gone without a farewell: nothing arrives any more, and nothing says so."""
    async with connected(new, venue, idle_timeout_s=0.3):
        await eventually(lambda: venue.clients)
        await venue.send(delta(11, 11))
        venue.clients[0].transport.pause_reading()
        await eventually(lambda: len(venue.clients) >= 2)
        assert Trust.STALE in trusts(new)


async def test_failure_of_the_receiver_ends_the_session(new, venue):
    class Broken(Exception):
        pass

    def fail(batch):
        raise Broken

    new.handler.on_frames = fail
    async with connected(new, venue) as (_, running):
        await eventually(lambda: venue.clients)
        await venue.send(delta(11, 11))
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.wait_for(asyncio.shield(running), 5)
        assert caught.group_contains(Broken)


async def test_absent_venue_is_tried_again_until_it_is_there(new, venue):
    port, venue.port = venue.port, 1  # nobody listens on port 1
    async with connected(new, venue) as (_, running):
        await asyncio.sleep(0)
        assert not running.done()
    venue.port = port
    async with connected(new, venue):
        await eventually(lambda: venue.clients)


async def test_symbols_are_spread_over_connections_below_the_venues_limit(new_feed, venue):
    names = [f"S{n}" for n in range(5)]
    async with connected(new_feed(), venue, symbols=names) as (pool, _):
        await eventually(lambda: len(venue.paths) == 3)
        assert sorted(path.count("@trade") for path in venue.paths) == [1, 2, 2]
        assert (pool.wanted, pool.open) == (3, 3)


async def test_symbols_that_are_followed_later_fill_a_connection_first(new, venue):
    async with connected(new, venue) as (pool, _):
        await eventually(lambda: venue.clients)
        new.engine.feeds["ETHUSDT"] = new.engine.feeds[SYMBOL]
        pool.follow([SYMBOL, "ETHUSDT"])
        await eventually(lambda: len(venue.requests) == 1)
        number, request = venue.requests[0]
        assert (number, request["method"]) == (0, "SUBSCRIBE")
        assert request["params"] == ["ethusdt@trade", "ethusdt@depth@100ms", "ethusdt@bookTicker"]
        assert len(venue.clients) == 1


async def test_symbols_that_are_left_are_stale_and_the_last_one_ends_the_connection(new, venue):
    async with connected(new, venue) as (pool, _):
        await eventually(lambda: venue.clients)
        pool.leave([SYMBOL])
        assert trusts(new)[-1] is Trust.STALE
        await eventually(lambda: not venue.open)
        assert pool.wanted == 0


@pytest.fixture
def quick(monkeypatch):
    """Replacements are judged in a moment."""
    monkeypatch.setattr(module, "_OVERLAP_S", 0.05)
    monkeypatch.setattr(module, "_LONGEST_OVERLAP_S", 0.3)


async def live_on(venue, feed) -> None:
    await eventually(lambda: venue.clients)
    await venue.send(delta(11, 11))
    await eventually(lambda: trust_of(feed) is Trust.LIVE)
    feed.outlet.published.clear()


async def heard_on(venue, client: int, condition) -> None:
    """Let an old connection be heard, with nothing new, until ``condition`` holds: its replacement waits for that."""

    async def speak() -> bool:
        if venue.clients[client] in venue.open:
            await venue.send({"result": None, "id": 7}, client)
        return condition()

    await eventually(speak)


async def test_announced_shutdown_replaces_the_connection_without_a_gap(new, venue, fetch, quick):
    async with connected(new, venue, fetch) as (pool, _):
        await live_on(venue, new)
        await venue.send(trade(1))
        await venue.send({"e": "serverShutdown", "E": 1770123456789})
        await eventually(lambda: len(venue.clients) == 2)
        for client in (0, 1):  # both carry the same stream for a while
            await venue.send(delta(12, 12), client)
            await venue.send(trade(2), client)
        await heard_on(venue, 0, lambda: len(venue.open) == 1)
        await venue.send(delta(13, 13))
        await venue.send(trade(3))
        await eventually(lambda: new.engine.feeds[SYMBOL].local.last_id == 13)
        assert set(trusts(new)) == {Trust.LIVE}
        assert [event[3][3] for _, event in new.outlet.numbered() if isinstance(event, tuple) and event[0] == "T"] == [
            1, 2, 3,
        ]  # fmt: skip
        assert (pool.counters.rollovers, pool.counters.disconnects) == (1, 0)


async def test_connection_is_replaced_before_the_venue_cuts_it(new, venue, fetch, quick):
    async with connected(new, venue, fetch, lifetime_s=0.5) as (pool, _):
        await live_on(venue, new)
        await eventually(lambda: len(venue.clients) == 2)
        await venue.send(delta(12, 12), client=1)
        await heard_on(venue, 0, lambda: pool.counters.rollovers == 1)
        await eventually(lambda: new.engine.feeds[SYMBOL].local.last_id == 12)
        assert trust_of(new) is Trust.LIVE


async def test_replacement_that_fails_leaves_the_old_connection_in_place(new, venue, fetch, quick):
    async with connected(new, venue, fetch) as (pool, _):
        await live_on(venue, new)
        pool.roll_over()
        await eventually(lambda: len(venue.clients) == 2)
        await venue.clients[1].close()
        await venue.send(delta(12, 12), client=0)
        await eventually(lambda: new.engine.feeds[SYMBOL].local.last_id == 12)
        assert set(trusts(new)) == {Trust.LIVE}


async def test_old_connection_that_ends_during_the_change_is_one_disconnect(new, venue, fetch, quick):
    async with connected(new, venue, fetch) as (pool, _):
        await live_on(venue, new)
        pool.roll_over()
        await eventually(lambda: len(venue.clients) == 2)
        await venue.send(delta(12, 12), client=1)
        await venue.clients[0].close()
        await eventually(lambda: len(venue.clients) == 3 and len(venue.open) == 1)
        await venue.send(delta(13, 13))
        await eventually(lambda: new.engine.feeds[SYMBOL].local.wants_snapshot or trust_of(new) is Trust.LIVE)
        assert Trust.STALE in trusts(new)
        assert (pool.counters.rollovers, pool.counters.disconnects) == (0, 1)


async def test_connection_that_is_dead_while_it_is_replaced_counts_as_lost(new, venue, fetch, quick):
    """It may have been dead before the new one began: what was traded in between has to have its record."""
    async with connected(new, venue, fetch, idle_timeout_s=1.0) as (pool, _):
        await live_on(venue, new)
        pool.roll_over()
        await eventually(lambda: len(venue.clients) == 2)
        await venue.send(trade(1), client=1)
        await eventually(lambda: pool.counters.disconnects == 1)
        assert [event.reason for event in new.outlet.book_events() if event.trust is Trust.STALE] == [
            "no market message for 1 s"
        ]
        await eventually(lambda: len(venue.open) == 1 and len(venue.clients) == 3)
        assert pool.counters.rollovers == 0


class Sink:
    """What the recording is told."""

    def __init__(self) -> None:
        self.told: list[tuple] = []

    def on_received(self, venue, connection, received) -> None:
        self.told.append(("received", venue, connection, json.loads(received.payload).get("stream")))

    def on_sent(self, venue, connection, payload) -> None:
        self.told.append(("sent", venue, connection, json.loads(payload)["method"]))

    def on_connection_event(self, venue, connection, event, detail) -> None:
        self.told.append((event.value, venue, connection))


async def test_recording_is_told_all_that_passes_under_the_numbers_of_the_connections(new, venue, fetch, quick):
    sink = Sink()
    async with connected(new, venue, fetch, sink=sink) as (pool, _):
        await live_on(venue, new)
        await venue.clients[0].close()  # lost: what comes next is the same connection
        await eventually(lambda: len(venue.clients) == 2)
        await venue.send(delta(501, 501))
        await eventually(lambda: len([each for each in sink.told if each[0] == "received"]) == 2)
        pool.roll_over()  # replaced: a connection of its own
        await eventually(lambda: len(venue.clients) == 3)
        await venue.send(delta(502, 502), client=2)
        await heard_on(venue, 1, lambda: pool.counters.rollovers == 1)
    depth = "btcusdt@depth@100ms"
    assert [each for each in sink.told if each != ("received", "sim", 1, None)] == [
        ("opened", "sim", 1), ("received", "sim", 1, depth), ("closed", "sim", 1),
        ("opened", "sim", 1), ("received", "sim", 1, depth),
        ("opened", "sim", 2), ("received", "sim", 2, depth), ("retired", "sim", 1),
    ]  # fmt: skip
