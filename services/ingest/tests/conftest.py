"""What the tests of ingest's feed share: recordings, a fake outlet, and a feed that runs on both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from foretick.common.contracts import BookEvent, BookFrame, Origin, TickFrame
from foretick.common.subjects import Subject
from foretick.ingest.adapters.binance.connector import SPOT_RULES
from foretick.ingest.adapters.binance.parse import BinanceWire
from foretick.ingest.domain.engine import FeedEngine
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.listing import Listing
from foretick.ingest.domain.place import Place
from foretick.ingest.domain.rules import MarketRules
from foretick.ingest.domain.runs import Identity
from foretick.ingest.handlers.feed import FeedHandler
from foretick.ingest.ports import WireFormat
from foretick.market.book import PriceGrid

T0 = 1_800_000_000_000_000_000


@dataclass
class FakeOutlet:
    """A ``FrameOutlet`` that keeps everything; ``away`` is set by the test."""

    away: bool = False
    wall_ns: int = T0
    published: list[tuple[Subject, Any]] = field(default_factory=list)
    rejected: list[tuple[str, str, bytes]] = field(default_factory=list)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def is_away(self) -> bool:
        return self.away

    def now_ns(self) -> int:
        return self.wall_ns

    def publish(self, subject: Subject, message: Any) -> None:
        assert isinstance(message, subject.contract)
        self.published.append((subject, message))

    def reject(self, source: str, reason: str, payload: bytes) -> None:
        self.rejected.append((source, reason, payload))

    def tell(self, event: str, **fields: Any) -> None:
        self.told.append((event, fields))

    @property
    def frames(self) -> list[TickFrame | BookFrame]:
        return [message for _, message in self.published if isinstance(message, TickFrame | BookFrame)]

    def numbered(self, symbol: str = "BTCUSDT") -> list[tuple[int, Any]]:
        """Every event of ``symbol`` with its number: a ``BookEvent``, or a tick's (kind, recv_ns, event_ns, fields)."""
        return [pair for frame in self.frames if frame.symbol == symbol for pair in numbered_events(frame)]

    def book_events(self, symbol: str = "BTCUSDT") -> list[BookEvent]:
        return [event for _, event in self.numbered(symbol) if isinstance(event, BookEvent)]


def numbered_events(frame: TickFrame | BookFrame) -> list[tuple[int, Any]]:
    if isinstance(frame, BookFrame):
        return [(frame.seq + i, event) for i, event in enumerate(frame.events)]
    trades = iter(zip(frame.trades.price, frame.trades.qty, frame.trades.side, frame.trades.trade_id, strict=True))
    quotes = iter(zip(frame.quotes.bid, frame.quotes.bid_qty, frame.quotes.ask, frame.quotes.ask_qty, strict=True))
    derivatives, liquidations = frame.derivatives, frame.liquidations
    states = iter(
        zip(
            derivatives.mark_price, derivatives.index_price, derivatives.funding_rate_frac, derivatives.next_funding_ns,
            derivatives.open_interest_qty, strict=True,
        )
        if derivatives else ()
    )  # fmt: skip
    forced = iter(zip(liquidations.price, liquidations.qty, liquidations.side, strict=True) if liquidations else ())
    rows = {"T": trades, "Q": quotes, "D": states, "L": forced}
    events = [
        (frame.seq + i, (kind, frame.recv_ns[i], frame.event_ns[i], next(rows[kind]) if kind in rows else None))
        for i, kind in enumerate(frame.kinds)
    ]
    assert all(next(each, None) is None for each in rows.values())
    return events


@dataclass
class FakeVenue:
    """A ``VenueSession`` that keeps what it was asked."""

    requested: list[str] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)
    rollovers: int = 0

    def request_snapshot(self, symbol: str) -> None:
        self.requested.append(symbol)

    def roll_over(self) -> None:
        self.rollovers += 1

    def symbols_of(self, connection: int) -> Sequence[str]:
        return self.followed


@dataclass
class Feed:
    """A feed on fakes."""

    handler: FeedHandler
    engine: FeedEngine
    outlet: FakeOutlet
    venue: FakeVenue

    def play(self, frames: Sequence[Received], batch: int = 64) -> None:
        for at in range(0, len(frames), batch):
            self.handler.on_frames(frames[at : at + batch])


def build_feed(
    listings: Sequence[Listing] = (Listing("BTCUSDT", "BTC", "USDT", PriceGrid(0.01, 1e-8)),),
    place: Place | None = None,
    epoch: int = 1,
    rules: MarketRules = SPOT_RULES,
    wire: WireFormat | None = None,
) -> Feed:
    """A feed that owns all of ``listings``, each from ``place`` on."""
    engine = FeedEngine(Identity("binance", Origin.REPLAY, "run", "ingest.feed-0", epoch), listings, rules)
    outlet, venue = FakeOutlet(), FakeVenue(followed=[listing.symbol for listing in listings])
    handler = FeedHandler(engine, wire or BinanceWire("binance"), outlet, venue)
    handler.take_over({listing.symbol: place or Place() for listing in listings}, epoch)
    outlet.published.clear()
    return Feed(handler, engine, outlet, venue)


@pytest.fixture
def new_feed() -> Callable[..., Feed]:
    return build_feed


@pytest.fixture
def feed(new_feed: Callable[..., Feed]) -> Feed:
    """A connected feed of BTCUSDT that has begun at ``T0``."""
    feed = new_feed()
    feed.handler.on_time(T0)
    feed.handler.on_connected(["BTCUSDT"], 1)
    return feed


@pytest.fixture(scope="session")
def recording_path(shared_data: Callable[[str], Path]) -> Callable[[str], Path]:
    """Return the path of a recording by its name, or skip."""
    return lambda name: shared_data(f"recordings/{name}")


@pytest.fixture(scope="session")
def venue_message(shared_data: Callable[[str], Path]) -> Callable[[str], bytes]:
    """Return a message of a venue's current protocol by its name, or skip."""
    return lambda name: shared_data(f"venue_messages/{name}").read_bytes()
