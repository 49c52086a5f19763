"""A book that falls silent while its market goes on is not believed any more, nor one that its venue left behind."""

import pytest

from foretick.common.contracts import BookProof, Trust
from foretick.ingest.domain.rules import MarketRules
from foretick.market.integrity import REQUESTED_CONTIGUOUS, Anchor, BookRule, Unnumbered

from .binance_frames import MS, T0, S, book, depth, trade

STREAMED = BookRule(Anchor.STREAM, Unnumbered(), BookProof.CHECKSUM)


def local(feed):
    return feed.engine.feeds["BTCUSDT"].local


def test_trades_without_a_book_update_end_its_trust_after_the_stall_time(live):
    for n in range(9):
        live.play([trade(n + 1, T0 + n * S)])
    assert local(live).trust is Trust.LIVE
    live.play([trade(10, T0 + 10 * S + 1)])
    assert local(live).trust is Trust.RESYNC
    last = live.outlet.book_events()[-1]
    assert last.counts.stalls == 1
    assert "without an update of the book" in last.reason


def test_few_trades_do_not_make_a_stall(live):
    for n, at_s in enumerate((1, 5, 20, 40), start=1):
        live.play([trade(n, T0 + at_s * S)])
    assert local(live).trust is Trust.LIVE


def test_book_that_moves_is_never_stalled(live):
    for n in range(40):
        live.play([trade(n + 1, T0 + n * S), depth(12 + n, 12 + n, T0 + n * S)])
    assert local(live).trust is Trust.LIVE
    assert local(live).counters.stalls == 0


def quiet(feed, until_s: int, from_s: int = 1) -> None:
    for second in range(from_s, until_s + 1):
        feed.handler.on_time(T0 + second * S)


def test_quiet_book_is_held_against_a_full_one_and_stays_live_where_they_agree(live):
    live.venue.requested.clear()
    quiet(live, 59)
    assert live.venue.requested == []
    quiet(live, 61, 60)
    assert set(live.venue.requested) == {"BTCUSDT"}
    live.play([book(11, T0 + 61 * S)])
    live.venue.requested.clear()
    quiet(live, 75, 62)
    assert local(live).trust is Trust.LIVE
    assert live.venue.requested == []


def test_quiet_book_that_the_venue_has_left_behind_is_not_believed(live):
    quiet(live, 61)
    live.play([book(30, T0 + 61 * S)])
    quiet(live, 65, 62)
    assert local(live).trust is Trust.LIVE, "the stream may still be on its way"
    quiet(live, 67, 66)
    assert local(live).trust is Trust.RESYNC
    assert "has moved on" in live.outlet.book_events()[-1].reason


def test_update_that_reaches_the_full_book_ends_the_doubt(live):
    quiet(live, 61)
    live.play([book(30, T0 + 61 * S), depth(12, 30, T0 + 62 * S)])
    quiet(live, 75, 63)
    assert local(live).trust is Trust.LIVE


def test_full_book_that_never_came_is_asked_for_again(new_feed):
    feed = new_feed(rules=MarketRules(STREAMED))
    feed.handler.on_time(T0)
    feed.handler.on_connected(["BTCUSDT"], 1)
    quiet(feed, 14)
    assert feed.venue.requested == []
    quiet(feed, 17, 15)
    assert set(feed.venue.requested) == {"BTCUSDT"}


@pytest.mark.parametrize("steps", [1, 7, 900])
def test_what_happens_in_silence_does_not_depend_on_how_often_one_looks(new_feed, steps):
    """Byte for byte the same events, whether the time is told once or nine hundred times."""

    def play(step_count: int) -> list:
        feed = new_feed(rules=MarketRules(REQUESTED_CONTIGUOUS, probe_ns=5 * S))
        feed.handler.on_time(T0 + 300 * MS)
        feed.handler.on_connected(["BTCUSDT"], 1)
        feed.play([depth(11, 11, T0 + 400 * MS), book(10, T0 + 500 * MS)])
        feed.play([book(30, T0 + 8 * S)])
        for step in range(1, step_count + 1):
            feed.handler.on_time(T0 + 8 * S + step * 20 * S // step_count)
        return feed.outlet.numbered()

    events = play(steps)
    assert events == play(450)
    assert [event.trust for _, event in events if not isinstance(event, tuple)][-1] is Trust.RESYNC
