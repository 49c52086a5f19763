"""Frames of several venues in, consolidated quotes out: what counts as a quote, losses, restarts, cuts of frames."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretick.common.contracts import BookEvent, BookEventKind, Origin, QuoteColumns, Trust
from foretick.common.sequence import SequenceTally
from foretick.common.testing import T0_NS, book_frame, instrument, snapshot, tick_frame
from foretick.common.units import NS_PER_MS
from foretick.ingest.handlers.consolidate import ConsolidateHandler

MS = NS_PER_MS


class Outlet:
    def __init__(self):
        self.quotes = []
        self.told = []

    def now_ns(self):
        return T0_NS + 1

    def publish(self, quote):
        self.quotes.append(quote)

    def tell(self, event, **fields):
        self.told.append((event, fields["venue"]))


def new_handler(*venues, run_id="test"):
    outlet = Outlet()
    handler = ConsolidateHandler(run_id, "ingest.consolidate-0", outlet, SequenceTally())
    handler.on_listings(
        [instrument(venue=venue, origin=Origin.LIVE, taker_fee_bps=10.0, run_id="test") for venue in venues]
    )
    handler.change_followed()
    return handler, outlet


def quotes(venue, *prices, at_ms=0, seq=1, spacing_ms=1, **fields):
    """A frame of best prices, (bid, ask) each."""
    columns = QuoteColumns(
        bid=[bid for bid, _ in prices], bid_qty=[1.0] * len(prices), ask=[ask for _, ask in prices],
        ask_qty=[1.0] * len(prices),
    )  # fmt: skip
    return tick_frame(
        "Q" * len(prices), venue=venue, seq=seq, start_ns=T0_NS + at_ms * MS, spacing_ns=spacing_ms * MS,
        quotes=columns, **fields,
    )  # fmt: skip


def clock(venue, at_ms, seq, **fields):
    return tick_frame("C", venue=venue, seq=seq, start_ns=T0_NS + at_ms * MS, **fields)


def used(quote):
    return {each.venue for each in quote.venues if each.is_used}


def test_quotes_of_two_venues_become_one_message():
    handler, outlet = new_handler("a", "b")
    handler.on_frames([quotes("a", (99.0, 101.0)), quotes("b", (99.5, 100.5), at_ms=100)])
    told = outlet.quotes[-1]
    assert (told.base, told.quote, told.origin, told.run_id, told.producer) == (
        "BTC", "USDT", Origin.LIVE, "test", "ingest.consolidate-0",
    )  # fmt: skip
    assert (told.bid_venue, told.bid, told.bid_qty, told.ask_venue, told.ask) == ("b", 99.5, 1.0, "b", 100.5)
    assert (told.net_bid, told.net_ask) == (pytest.approx(99.5 * 0.999), pytest.approx(100.5 * 1.001))
    assert (told.ts_recv_ns, told.ts_sent_ns) == (T0_NS + 100 * MS, T0_NS + 1)
    assert msgspec.json.decode(msgspec.json.encode(told), type=type(told)) == told


def test_full_book_tells_its_top():
    handler, outlet = new_handler("a", "b")
    handler.on_frames([book_frame([snapshot()], venue="a")])
    assert (outlet.quotes[-1].bid, outlet.quotes[-1].ask) == (99.99, 100.01)


def test_book_without_asks_tells_one_side():
    handler, outlet = new_handler("a", "b")
    handler.on_frames([book_frame([snapshot(asks=[])], venue="a")])
    assert (outlet.quotes[-1].bid, outlet.quotes[-1].ask) == (99.99, None)


def test_book_that_is_not_live_takes_its_venue_out():
    handler, outlet = new_handler("a", "b")
    handler.on_frames([quotes("a", (99.0, 101.0)), quotes("b", (98.0, 102.0), at_ms=100)])
    state = BookEvent(
        kind=BookEventKind.STATE, ts_recv_ns=T0_NS + 200 * MS, ts_event_ns=None, trust=Trust.RESYNC, reason="x"
    )
    handler.on_frames([book_frame([state], venue="a", seq=2)])
    assert used(outlet.quotes[-1]) == {"b"}
    handler.on_frames([clock("a", 300, seq=3)])
    assert used(outlet.quotes[-1]) == {"a", "b"}


def test_loss_leaves_the_venue_out_until_its_next_quote():
    handler, outlet = new_handler("a", "b")
    handler.on_frames([quotes("a", (99.0, 101.0)), quotes("b", (98.0, 102.0), at_ms=100)])
    handler.on_frames([clock("a", 200, seq=9)])
    assert used(outlet.quotes[-1]) == {"b"}
    handler.on_frames([quotes("a", (99.0, 101.0), at_ms=300, seq=10)])
    assert used(outlet.quotes[-1]) == {"a", "b"}


def test_repeated_and_fenced_frames_change_nothing():
    handler, outlet = new_handler("a", "b")
    first = quotes("a", (99.0, 101.0), epoch=2)
    handler.on_frames([first, quotes("b", (98.0, 102.0), at_ms=100)])
    count = len(outlet.quotes)
    handler.on_frames([first, quotes("a", (1.0, 2.0), at_ms=200, seq=2, epoch=1)])
    assert len(outlet.quotes) == count


def test_restarted_feed_goes_on_under_its_new_epoch():
    handler, outlet = new_handler("a", "b")
    handler.on_frames([quotes("a", (99.0, 101.0), seq=500), quotes("b", (98.0, 102.0), at_ms=100)])
    handler.on_frames([quotes("a", (99.5, 100.5), at_ms=200, seq=1, epoch=2)])
    assert outlet.quotes[-1].bid == 99.5


def test_instrument_of_one_venue_is_not_followed():
    handler, outlet = new_handler("a")
    assert handler.change_followed() == ([], [])
    handler.on_frames([quotes("a", (99.0, 101.0))])
    assert outlet.quotes == []
    handler.on_listings([instrument(venue="b", origin=Origin.LIVE)])
    assert handler.change_followed() == ([("a", "BTCUSDT"), ("b", "BTCUSDT")], [])
    handler.on_listings([instrument(venue="b", origin=Origin.LIVE, quote="EUR")])
    assert handler.change_followed() == ([], [("a", "BTCUSDT"), ("b", "BTCUSDT")])


def test_listing_of_another_run_is_ignored():
    handler, _ = new_handler("a", "b", run_id="another")
    assert handler.consolidator.pairs == []


def test_odd_one_is_told_to_the_operator_once_each_way():
    handler, outlet = new_handler("a", "b", "c")
    seq = dict.fromkeys("abc", 1)

    def run(from_ms, through_ms, **mids):
        for at_ms in range(from_ms, through_ms, 100):
            for venue, mid in mids.items():
                frame = quotes(venue, (mid * 0.9999, mid * 1.0001), at_ms=at_ms, seq=seq[venue])
                handler.on_frames([frame])
                seq[venue] += 1

    run(0, 3000, a=100.0, b=100.0, c=100.0)
    run(3000, 6000, a=100.0, b=100.0, c=101.0)
    assert outlet.told == [("a venue is the odd one out and does not count", "c")]
    run(6000, 13_000, a=100.0, b=100.0, c=100.0)
    assert outlet.told[1:] == [("a venue counts again", "c")]


kinds = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("QCT"), st.integers(0, 60), st.integers(0, 40)),
    min_size=1, max_size=60,
)  # fmt: skip


@given(events=kinds, cut=st.integers(1, 8))
@settings(max_examples=80, deadline=None)
def test_how_events_are_cut_into_frames_does_not_matter(events, cut):
    """One event a frame, or up to ``cut`` of a venue's consecutive ones."""

    def told(longest):
        handler, outlet = new_handler("a", "b")
        seq, now_ns, run = {"a": 1, "b": 1}, T0_NS, []

        def flush():
            if not run:
                return
            venue, first = run[0][0], seq[run[0][0]]
            at = [ns for _, _, ns, _ in run]
            prices = [90.0 + price / 8 for _, kind, _, price in run if kind == "Q"]
            trades = sum(kind == "T" for _, kind, _, _ in run)
            frame = tick_frame("".join(kind for _, kind, _, _ in run), venue=venue, seq=first)
            columns = QuoteColumns(
                bid=prices, bid_qty=[1.0] * len(prices), ask=[p + 20 for p in prices], ask_qty=[1.0] * len(prices)
            )
            assert len(frame.trades.price) == trades
            handler.on_frames([msgspec.structs.replace(frame, recv_ns=at, ts_recv_ns=at[-1], quotes=columns)])
            seq[venue] += len(run)
            run.clear()

        for venue, kind, wait_ms, price in events:
            now_ns += wait_ms * MS
            if run and (run[0][0] != venue or len(run) >= longest):
                flush()
            run.append((venue, kind, now_ns, price))
        flush()
        return outlet.quotes

    assert told(1) == told(cut)
