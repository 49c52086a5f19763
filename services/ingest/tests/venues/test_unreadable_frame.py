"""A frame that cannot be used costs no more than it must, and never goes unnoticed."""

import json
from dataclasses import replace

import pytest

from foretick.common.contracts import BookProof, Trust
from foretick.common.errors import Malformed
from foretick.ingest.adapters.binance.connector import SPOT_RULES
from foretick.ingest.domain.events import Numbered, Received
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid
from foretick.market.integrity import REQUESTED_CONTIGUOUS, Anchor, BookRule, ContiguousIds, Delta, Snapshot, Unnumbered

T0 = 1_800_000_000_000_000_000
LISTINGS = [Listing(symbol, symbol, "USD", PriceGrid(0.5, 1.0)) for symbol in ("A", "B")]
BOOK = Snapshot(0, [(10.0, 1.0)], [(11.0, 1.0)])
UNPROVEN = BookRule(Anchor.STREAM, Unnumbered(), BookProof.NONE)


class Scripted:
    """A ``WireFormat`` whose frames are what the test put in."""

    def __init__(self) -> None:
        self.said: dict[bytes, list] = {}

    def frame(self, *parsed) -> Received:
        payload = json.dumps(len(self.said)).encode()
        self.said[payload] = list(parsed)
        return Received(T0 + len(self.said), payload, None, 1)

    def parse(self, payload: bytes):
        if payload not in self.said:
            raise Malformed("test", "nonsense", payload)
        return self.said[payload]

    def parse_reply(self, symbol: str, payload: bytes):
        return self.parse(payload)


@pytest.fixture
def wire() -> Scripted:
    return Scripted()


def live(new_feed, wire, rule):
    feed = new_feed(LISTINGS, rules=replace(SPOT_RULES, book=rule), wire=wire)
    feed.handler.on_time(T0)
    feed.handler.on_connected(["A", "B"], 1)
    feed.handler.on_frames([wire.frame(("A", BOOK), ("B", BOOK))])
    assert trusts(feed) == [Trust.LIVE, Trust.LIVE]
    return feed


def trusts(feed) -> list[Trust]:
    return [feed.engine.feeds[symbol].local.trust for symbol in "AB"]


def test_unreadable_frame_of_unnumbered_books_ends_trust_in_all_of_its_connection(new_feed, wire):
    feed = live(new_feed, wire, UNPROVEN)
    feed.handler.on_frames([Received(T0 + 10, b"torn", None, 1)])
    assert trusts(feed) == [Trust.RESYNC, Trust.RESYNC]
    assert "could not be read" in feed.outlet.book_events("A")[-1].reason
    assert sorted(feed.venue.requested) == ["A", "B"]
    assert len(feed.outlet.rejected) == 1


@pytest.mark.parametrize(
    "rule",
    [
        BookRule(Anchor.STREAM, ContiguousIds(), BookProof.CHAIN),
        BookRule(Anchor.STREAM, Unnumbered(), BookProof.FULL),
    ],
    ids=["numbered", "whole"],
)
def test_unreadable_frame_is_left_to_the_next_update_where_that_tells(new_feed, wire, rule):
    feed = live(new_feed, wire, rule)
    feed.handler.on_frames([Received(T0 + 10, b"torn", None, 1)])
    assert trusts(feed) == [Trust.LIVE, Trust.LIVE]


def test_unreadable_reply_is_not_a_lost_update(new_feed, wire):
    feed = live(new_feed, wire, UNPROVEN)
    feed.handler.on_frames([Received(T0 + 10, b"torn", "A", 0)])
    assert trusts(feed) == [Trust.LIVE, Trust.LIVE]
    assert len(feed.outlet.rejected) == 1


def test_event_off_its_grid_does_not_take_the_rest_of_its_frame_along(new_feed, wire):
    feed = live(new_feed, wire, UNPROVEN)
    off = Delta(0, 0, [(10.2, 1.0)], [])
    sound = Delta(0, 0, [(10.5, 3.0)], [])
    feed.handler.on_frames([wire.frame(("", Numbered(7)), ("A", off), ("B", sound))])
    assert trusts(feed) == [Trust.RESYNC, Trust.LIVE]
    assert feed.engine.feeds["B"].local.book.best_bid == (10.5, 3.0)
    assert len(feed.outlet.rejected) == 1


def test_rule_of_a_numbered_book_says_that_a_loss_shows():
    assert not REQUESTED_CONTIGUOUS.is_loss_silent
    assert UNPROVEN.is_loss_silent
