"""A venue changes an instrument's grid at run time: levels off it put the listing in doubt, and the book goes on."""

import json

import pytest
import structlog

from foretick.common.contracts import Trust
from foretick.common.errors import RetryLater, Transient
from foretick.common.subjects import INSTRUMENT_LISTINGS
from foretick.ingest.adapters.connections import listing_refresh
from foretick.ingest.adapters.connections.listing_refresh import ListingRefresh
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid

from ..conftest import build_feed
from .binance_frames import MS, T0, book, depth

LOG = structlog.get_logger()
FINER = [["99.005", "1.0"]]


def listed(tick: float, lot: float = 1e-8) -> Listing:
    return Listing("BTCUSDT", "BTC", "USDT", PriceGrid(tick, lot))


@pytest.fixture
def feed():
    """A LIVE book on a tick of 0.01; its doubts are kept."""
    feed = build_feed([listed(0.01)])
    feed.doubted = []
    feed.handler.doubt_listing = feed.doubted.append
    feed.handler.on_time(T0)
    feed.handler.on_connected(["BTCUSDT"], 1)
    feed.play([depth(11, 12), book(12), depth(13, 14)])
    assert feed.engine.live_count == 1
    return feed


def local(feed):
    return feed.engine.feeds["BTCUSDT"].local


def listings_of(feed) -> list[float]:
    return [message.tick_size for subject, message in feed.outlet.published if subject is INSTRUMENT_LISTINGS]


def full(last_id: int, price: str) -> Received:
    body = {"lastUpdateId": last_id, "bids": [["99.00", "1.0"], [price, "1.0"]], "asks": [["101.00", "2.0"]]}
    return Received(T0, json.dumps(body).encode(), "BTCUSDT")


def test_level_between_the_ticks_puts_the_listing_in_doubt(feed):
    feed.play([depth(15, 16, T0 + MS, FINER)])
    assert (local(feed).trust, feed.doubted, len(feed.outlet.rejected)) == (Trust.RESYNC, ["BTCUSDT"], 1)


def test_other_damage_does_not(feed):
    feed.play([depth(15, 16, T0 + MS, [["-99.00", "1.0"]]), depth(17, 18, T0 + MS, [["99.00", "nan"]])])
    assert len(feed.outlet.rejected) == 2
    assert feed.doubted == []


def test_book_is_rebuilt_on_the_grid_that_the_venue_lists_now(feed):
    feed.play([depth(15, 16, T0 + MS, FINER)])
    assert feed.handler.relist([listed(0.001)]) == ["BTCUSDT"]
    assert listings_of(feed) == [0.001]
    feed.play([depth(17, 18, T0 + 2 * MS), full(18, "99.005"), depth(19, 20, T0 + 3 * MS, [["99.123", "4.0"]])])
    assert local(feed).trust is Trust.LIVE
    assert local(feed).book.top(2)[0] == [(99.123, 4.0), (99.005, 1.0)]
    frame = feed.outlet.frames[-1]
    assert (frame.tick_size, frame.trust) == (0.001, Trust.LIVE)
    assert local(feed).counters.syncs == 2  # what the book went through is told on


def test_without_a_new_listing_the_book_is_never_live_again(feed):
    """The control: this is how it was."""
    feed.play([depth(15, 16, T0 + MS, FINER)])
    feed.play([depth(17, 18, T0 + 2 * MS), full(18, "99.005"), depth(19, 20, T0 + 3 * MS, [["99.123", "4.0"]])])
    assert local(feed).trust is not Trust.LIVE


@pytest.mark.parametrize(
    ("told", "tick"), [(0.1, 0.01), (0.05, 0.01), (0.004, 0.002), (0.0025, 0.0025), (0.001, 0.001)]
)
def test_grid_in_use_holds_the_orders_of_before_as_well(feed, told, tick):
    feed.handler.relist([listed(told)])
    assert feed.engine.feeds["BTCUSDT"].listing.grid.tick_size == tick
    assert (local(feed).trust is Trust.LIVE) == (tick == 0.01)  # a grid that stays disturbs no book


def test_listing_that_says_nothing_new_changes_nothing(feed):
    before = len(feed.outlet.published)
    assert feed.handler.relist([listed(0.01), Listing("ETHUSDT", "ETH", "USDT", PriceGrid(0.1, 1.0))]) == []
    assert len(feed.outlet.published) == before
    assert feed.engine.live_count == 1


def test_orders_of_before_a_coarser_tick_widen_the_grid_once_the_listing_stands(feed):
    """The feed was started after the tick grew: what its listing says was never true of the orders there."""
    feed.play([depth(15, 16, T0 + MS, FINER), depth(17, 18, T0 + 2 * MS), full(18, "99.005")])
    assert feed.doubted == ["BTCUSDT", "BTCUSDT"]
    feed.handler.relist([listed(0.01)])
    feed.play([full(18, "99.005")])
    assert listings_of(feed) == [0.001]
    feed.play([depth(19, 20, T0 + 3 * MS), full(20, "99.005"), depth(21, 22, T0 + 4 * MS)])
    assert local(feed).trust is Trust.LIVE
    assert (99.005, 1.0) in local(feed).book.top(5)[0]


def test_damaged_update_widens_nothing_however_the_listing_stands(feed):
    feed.play([depth(15, 16, T0 + MS, FINER)])
    feed.handler.relist([listed(0.01)])
    feed.play([depth(17, 18, T0 + 2 * MS, [["99.0000001", "1.0"]]), depth(19, 20, T0 + 3 * MS), full(20, "98.99")])
    feed.play([depth(21, 22, T0 + 4 * MS)])
    assert local(feed).trust is Trust.LIVE
    assert feed.engine.feeds["BTCUSDT"].listing.grid.tick_size == 0.01


def test_listing_of_an_instrument_of_another_process_is_used_and_not_published(feed):
    feed.handler.lose(["BTCUSDT"])
    assert feed.handler.relist([listed(0.001)]) == ["BTCUSDT"]
    assert listings_of(feed) == []


class Over(Exception):
    """The test has seen enough."""


class Rest:
    """Answers with what the test puts in; an error is raised."""

    def __init__(self, *answers) -> None:
        self.answers, self.asked = list(answers), []

    async def listings(self, symbols):
        self.asked.append(list(symbols))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def refreshed(monkeypatch, rest: Rest, requests: list[list[str]]) -> tuple[dict[str, int], list[float]]:
    """Run a refresh through ``requests``, each made before a question; return outcomes and pauses."""
    counts: dict[str, int] = {}
    pauses: list[float] = []

    def count(outcome: str, number: int) -> None:
        counts[outcome] = counts.get(outcome, 0) + number

    refresh = ListingRefresh(
        rest, lambda told: [each.symbol for each in told if each.grid.tick_size == 0.001], count, LOG
    )

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if not requests and not rest.answers:
            raise Over
        for symbol in requests.pop(0) if requests else ():
            refresh.request(symbol)

    monkeypatch.setattr(listing_refresh.asyncio, "sleep", pause)
    for symbol in requests.pop(0):
        refresh.request(symbol)
    with pytest.raises(Over):
        await refresh.run()
    return counts, pauses


async def test_doubts_are_asked_together_and_no_more_often_than_once_a_minute(monkeypatch):
    changed = Listing("A", "A", "USDT", PriceGrid(0.001, 1.0))
    same = Listing("B", "B", "USDT", PriceGrid(0.01, 1.0))
    rest = Rest(([changed], []), ([same], ["C"]))
    counts, pauses = await refreshed(monkeypatch, rest, [["A"], ["B", "C", "B"]])
    assert rest.asked == [["A"], ["B", "C"]]
    assert pauses == [60.0, 60.0]
    assert counts == {"changed": 1, "unchanged": 1, "missing": 1}


async def test_venue_that_does_not_answer_is_asked_again_when_it_wants_to_be(monkeypatch):
    rest = Rest(RetryLater("too often", 300.0), Transient("away"), ([], ["A"]))
    counts, pauses = await refreshed(monkeypatch, rest, [["A"]])
    assert rest.asked == [["A"]] * 3
    assert pauses == [300.0, 60.0, 60.0]
    assert counts == {"failed": 2, "changed": 0, "unchanged": 0, "missing": 1}
