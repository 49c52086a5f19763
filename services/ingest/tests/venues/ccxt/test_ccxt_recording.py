"""What the bridge hands on is recorded, says of itself what it is, and is replayed with the same label."""

import asyncio
import json

import pytest
import structlog

from foretick.common.contracts import BookEvent, BookProof, Origin, Trust, encode
from foretick.common.subjects import INSTRUMENT_LISTINGS
from foretick.common.testing.fakes import ManualClock
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.ccxt import session as module
from foretick.ingest.adapters.ccxt.connector import rules_of
from foretick.ingest.adapters.ccxt.parse import CcxtWire
from foretick.ingest.adapters.ccxt.session import CcxtSession
from foretick.ingest.adapters.recordings.sink import RawTap
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid
from foretick.market.recording.records import RecordKind

from ...conftest import T0
from ...feed.replays import play
from ...recordings.conftest import KeptLog, records_in
from ...recordings.conftest import new_writer as new_writer
from .test_ccxt_session import BTC, Exchange, NetworkError, book, trade

LATER = {"timestamp": T0 // 1_000_000 + 1000}
LISTING = Listing(BTC, "BTC", "USDT", PriceGrid(0.01, 1e-8))


@pytest.fixture
async def live(new_feed, new_writer, clock, monkeypatch):
    """A bridged feed that is recorded: a book, two trades, another book, a failure, and a book again."""
    monkeypatch.setattr(module, "backoff_s", lambda attempt, chance: 0.0)
    exchange = Exchange()
    feed = new_feed([LISTING], rules=rules_of(None), wire=CcxtWire("ccxt-gate"))
    clock.ns = T0
    feed.handler.on_time(T0)
    writer = new_writer()
    writer.start()
    (listed,) = feed.engine.instruments([BTC], T0, T0, T0)
    writer.on_listing("ccxt-gate", BTC, encode(listed))
    session = CcxtSession(exchange, clock, structlog.get_logger(), RawTap("ccxt-gate", writer))
    feed.handler._venue = session
    session.follow([BTC])
    task = asyncio.ensure_future(session.run(feed.handler))
    counters = feed.engine.feeds[BTC].counters
    for at, (queue, what, is_there) in enumerate(
        [
            (exchange.books, book(), lambda: feed.engine.live_count == 1),
            (exchange.trades, [trade("a") | LATER, trade("b", 100.5) | LATER], lambda: counters.trades == 2),
            (exchange.books, book(98.0), lambda: counters.quotes == 2),
            (exchange.books, NetworkError("gone"), lambda: feed.engine.live_count == 0),
            (exchange.books, book(97.0), lambda: counters.quotes == 3),
        ],
        start=1,
    ):
        clock.ns = T0 + at * 10_000_000
        queue[BTC].put_nowait(what)
        await eventually(lambda is_there=is_there: task.done() or is_there())
        assert not task.done(), task.exception()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await writer.close()
    return feed


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
def log() -> KeptLog:
    return KeptLog()


async def test_every_message_is_recorded_and_says_that_nothing_proves_it(live, tmp_path):
    records = records_in(tmp_path / "raw")
    told = [json.loads(each.payload) for each in records if each.kind is RecordKind.RECEIVED]
    assert [each["channel"] for each in told] == ["book", "trades", "book", "book"]
    assert {each["format"] for each in told} == {"ccxt-unified-unproven"}
    assert told[0]["bids"] == [[99.0, 1.0]]
    assert [each["price"] for each in told[1]["trades"]] == [100.0, 100.5]
    life = [
        (each.kind, each.payload.decode()) for each in records if each.kind in (RecordKind.OPENED, RecordKind.CLOSED)
    ]
    assert [kind for kind, _ in life] == [RecordKind.OPENED, RecordKind.CLOSED, RecordKind.OPENED]
    assert life[0][1] == "ccxt-unified-unproven:gate:BTC/USDT"
    assert "ccxt lost the book" in life[1][1]
    assert RecordKind.GAP in [each.kind for each in records]


async def test_replay_tells_what_was_told_live_with_the_same_label(live, tmp_path):
    played = await play([tmp_path / "raw"])
    listings = [told for subject, told in played.outlet.published if subject is INSTRUMENT_LISTINGS]
    assert {(each.venue, each.symbol, each.proof, each.origin) for each in listings} == {
        ("ccxt-gate", BTC, BookProof.NONE, Origin.REPLAY)
    }
    assert market_of(played.outlet) == market_of(live.outlet) != []


def market_of(outlet) -> list[tuple]:
    """Ticks and LIVE books, in order, as what they say of the market."""
    told: list[tuple] = []
    for _, event in outlet.numbered(BTC):
        if not isinstance(event, BookEvent):
            told += [(event[0], event[1], event[3])] if event[0] != "C" else []
        elif event.trust is Trust.LIVE:
            told.append((event.ts_recv_ns, list(event.bids), list(event.asks)))
    return told
