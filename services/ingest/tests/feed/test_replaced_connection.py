"""A connection is replaced: books are built anew unseen, nothing is told twice, and nothing of the past."""

import json
from collections.abc import Sequence

import pytest

from foretick.common.contracts import BookEventKind, BookProof, Trust
from foretick.ingest.domain.events import Numbered, Parsed, Received, Trade
from foretick.ingest.domain.rules import MarketRules
from foretick.market.integrity import Anchor, BookRule, Delta, Snapshot, Unnumbered

T0 = 1_800_000_000_000_000_000
RULES = MarketRules(BookRule(Anchor.STREAM, Unnumbered(), BookProof.CHAIN), quotes_from_book=True)


class PlainWire:
    """A venue of the test's own: each message has its connection's number, and a book, an update or a trade."""

    def parse(self, payload: bytes) -> Sequence[Parsed]:
        message = json.loads(payload)
        parsed: list[Parsed] = [("", Numbered(message["n"]))]
        match message["kind"]:
            case "book":
                parsed.append(("BTCUSDT", Snapshot(0, [(message["bid"], 1.0)], [(101.0, 1.0)])))
            case "update":
                parsed.append(("BTCUSDT", Delta(0, 0, [(message["bid"], 1.0)], [])))
            case "trade":
                parsed.append(("BTCUSDT", Trade(100.0, 1.0, 1, message["id"])))
        return parsed

    def parse_reply(self, symbol: str, payload: bytes) -> Sequence[Parsed]:
        raise NotImplementedError


def message(number: int, kind: str, connection: int = 1, **fields) -> Received:
    return Received(T0 + number, json.dumps({"n": number, "kind": kind} | fields).encode(), None, connection)


@pytest.fixture
def live(new_feed):
    feed = new_feed(rules=RULES, wire=PlainWire())
    feed.handler.on_time(T0)
    feed.handler.on_connected(["BTCUSDT"], 1)
    feed.play([message(0, "book", bid=99.0), message(1, "update", bid=99.5), message(2, "trade", id=7)])
    assert feed.engine.feeds["BTCUSDT"].local.trust is Trust.LIVE
    feed.outlet.published.clear()
    return feed


HELD = [
    message(0, "book", 2, bid=99.0), message(1, "update", 2, bid=99.5), message(2, "trade", 2, id=7),
    message(3, "update", 2, bid=99.75), message(4, "trade", 2, id=8),
]  # fmt: skip


def test_book_is_told_once_as_it_is_and_only_new_trades_are(live):
    live.handler.on_replaced(["BTCUSDT"], 1, HELD)
    (event,) = live.outlet.book_events()
    assert (event.kind, event.trust) == (BookEventKind.SNAPSHOT, Trust.LIVE)
    assert event.bids[0] == (99.75, 1.0)
    trades = [event[3][3] for _, event in live.outlet.numbered() if isinstance(event, tuple) and event[0] == "T"]
    assert trades == [8]


def test_numbers_of_the_new_connection_are_its_own(live):
    live.handler.on_replaced(["BTCUSDT"], 1, HELD)
    live.play([message(5, "update", 2, bid=99.9)])
    assert live.engine.feeds["BTCUSDT"].local.trust is Trust.LIVE
    live.play([message(7, "update", 2, bid=99.95)])
    assert live.outlet.book_events()[-1].reason == "message 6 of the connection never came, 7 did"
    assert live.engine.feeds["BTCUSDT"].local.trust is Trust.RESYNC
    assert live.venue.requested == ["BTCUSDT"]


def test_message_that_comes_again_is_left_out(live):
    live.play([message(2, "trade", id=99), message(1, "update", bid=50.0)])
    assert live.outlet.published == []


def test_replacement_without_a_full_book_is_told(live):
    live.handler.on_replaced(["BTCUSDT"], 1, [message(0, "trade", 2, id=8)])
    event = live.outlet.book_events()[-1]
    assert (event.kind, event.trust) == (BookEventKind.STATE, Trust.RESYNC)
    assert "brought no full book" in event.reason
    assert live.venue.requested == ["BTCUSDT"]


def test_best_bid_and_ask_are_read_off_the_book(live):
    live.play([message(3, "update", bid=99.75), message(4, "update", bid=90.0)])
    quotes = [event[3] for _, event in live.outlet.numbered() if isinstance(event, tuple) and event[0] == "Q"]
    assert quotes == [(99.75, 1.0, 101.0, 1.0)], "the second update left the best levels as they were"
