"""Stocks whose exchange is closed, by the calendar of the New York Stock Exchange.

Its hours are 9:30 to 16:00 in New York, 13:00 on the day after Thanksgiving: NYSE "Holidays and Trading Hours".
"""

from datetime import UTC, datetime
from functools import cache

import pytest

from foretick.common.contracts import Trust
from foretick.ingest.adapters.alpaca.calendar import SessionCalendar
from foretick.ingest.adapters.alpaca.connector import RULES
from foretick.ingest.adapters.alpaca.parse import AlpacaWire
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.listing import Listing
from foretick.ingest.domain.session_watch import QUIET_NS, SessionWatch
from foretick.market.book import PriceGrid

S = 1_000_000_000


@cache
def calendar() -> SessionCalendar:
    return SessionCalendar("XNYS")


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


@pytest.mark.parametrize(
    ("utc", "is_open"),
    [
        ("2025-11-25T14:29:59", False),
        ("2025-11-25T14:30:00", True),
        ("2025-11-25T20:59:59", True),
        ("2025-11-25T21:00:00", False),
        ("2025-11-27T16:00:00", False),  # Thanksgiving
        ("2025-11-28T17:59:59", True),
        ("2025-11-28T18:00:00", False),  # the day after closes at 13:00
        ("2025-11-29T16:00:00", False),  # a Saturday
        ("2025-07-08T13:30:00", True),  # summer time
        ("2025-07-08T20:00:00", False),
    ],
)
def test_session_is_open_by_the_exchanges_hours(utc, is_open):
    assert calendar().is_open(at(utc)) is is_open


def test_time_beyond_the_calendar_is_not_called_closed():
    assert calendar().is_open(at("2099-01-03T12:00:00"))


CLOSE = at("2025-11-25T21:00:00")


def quote(at_ns: int, bid: str = "10.00") -> Received:
    time = datetime.fromtimestamp(at_ns / S, UTC).isoformat().replace("+00:00", "Z")
    text = f'[{{"T":"q","S":"AAPL","bp":{bid},"bs":1,"ap":10.02,"as":1,"t":"{time}"}}]'
    return Received(at_ns, text.encode(), None, 1)


@pytest.fixture
def stocks(new_feed):
    """A feed of AAPL, quoted last at the close, and a watch over it."""
    listing = Listing("AAPL", "AAPL", "USD", PriceGrid(0.0001, 1.0), session="XNYS")
    feed = new_feed([listing], rules=RULES, wire=AlpacaWire("alpaca"))
    feed.handler.on_time(CLOSE - 10 * S)
    feed.handler.on_connected(["AAPL"], 1)
    feed.play([quote(CLOSE - S)])
    assert trust(feed) is Trust.LIVE
    return feed, SessionWatch({"XNYS": calendar()})


def trust(feed) -> Trust:
    return feed.engine.feeds["AAPL"].local.trust


def look_until(feed, watch, until_ns: int) -> None:
    """Let data time pass to ``until_ns``, a look each second."""
    for now_ns in range(max(feed.engine.now_ns, CLOSE - S) + S, until_ns + S, S):
        feed.handler.on_time(now_ns)
        feed.handler.on_closed(watch.look(feed.engine.feeds, now_ns))


def test_last_quote_of_a_session_is_no_market_any_more(stocks):
    feed, watch = stocks
    look_until(feed, watch, CLOSE + QUIET_NS - S)
    assert trust(feed) is Trust.LIVE
    look_until(feed, watch, CLOSE + QUIET_NS + 2 * S)
    assert (trust(feed), watch.closed) == (Trust.STALE, {"AAPL"})
    assert feed.outlet.book_events("AAPL")[-1].reason == "the exchange is closed"


def test_closed_exchange_is_told_once_and_then_every_ten_seconds_while_clock_events_go_on(stocks):
    feed, watch = stocks
    look_until(feed, watch, CLOSE + QUIET_NS + S)
    feed.outlet.published.clear()
    look_until(feed, watch, CLOSE + QUIET_NS + 61 * S)
    reasons = [event.reason for event in feed.outlet.book_events("AAPL")]
    assert set(reasons) == {"the exchange is closed"}
    assert len(reasons) == 6
    clocks = [event for _, event in feed.outlet.numbered("AAPL") if isinstance(event, tuple)]
    assert [kind for kind, *_ in clocks] == ["C"] * 60


def test_quotes_after_hours_are_a_market_while_they_come(stocks):
    feed, watch = stocks
    look_until(feed, watch, CLOSE + QUIET_NS + 5 * S)
    feed.play([quote(CLOSE + 100 * S)])
    assert trust(feed) is Trust.LIVE
    look_until(feed, watch, CLOSE + 120 * S)
    assert (trust(feed), watch.closed) == (Trust.LIVE, set())
    look_until(feed, watch, CLOSE + 100 * S + QUIET_NS + 5 * S)
    assert trust(feed) is Trust.STALE


def test_quiet_stock_within_its_session_stays_as_it_is(new_feed, stocks):
    feed, watch = stocks
    noon = at("2025-11-26T17:00:00")
    feed.handler.on_time(noon)
    feed.play([quote(noon)])
    for second in range(1, 200):
        feed.handler.on_time(noon + second * S)
        feed.handler.on_closed(watch.look(feed.engine.feeds, noon + second * S))
    assert (trust(feed), watch.closed) == (Trust.LIVE, set())


def test_connection_that_is_lost_while_closed_is_told_until_it_is_back(stocks):
    feed, watch = stocks
    look_until(feed, watch, CLOSE + QUIET_NS + 2 * S)
    feed.handler.on_disconnected(["AAPL"], 1, "gone")
    look_until(feed, watch, CLOSE + QUIET_NS + 30 * S)
    assert feed.outlet.book_events("AAPL")[-1].reason == "gone"
    feed.handler.on_connected(["AAPL"], 2)
    look_until(feed, watch, CLOSE + QUIET_NS + 32 * S)
    assert feed.outlet.book_events("AAPL")[-1].reason == "the exchange is closed"


def test_instrument_at_all_hours_is_never_closed(new_feed):
    listing = Listing("FAKEPACA", "FAKEPACA", "USD", PriceGrid(0.0001, 1.0))
    feed = new_feed([listing], rules=RULES, wire=AlpacaWire("alpaca"))
    watch = SessionWatch({"XNYS": calendar()})
    assert watch.look(feed.engine.feeds, CLOSE) == watch.look(feed.engine.feeds, CLOSE + 3600 * S) == []
