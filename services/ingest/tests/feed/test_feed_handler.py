"""The feed of an instrument: numbering, frames, clock, trust, losses, restarts."""

from foretick.common.contracts import BookEvent, BookEventKind, BookFrame, TickFrame, Trust
from foretick.common.subjects import BOOKS, INSTRUMENT_LISTINGS, TICKS
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.place import Place

from .binance_frames import MS, T0, S, book, depth, quote, trade


def assert_contiguous(numbered) -> None:
    assert [seq for seq, _ in numbered] == list(range(numbered[0][0], numbered[0][0] + len(numbered)))


def test_first_events_say_start_then_connected_then_the_book(feed):
    feed.play([depth(11, 11), book(10)])
    events = feed.outlet.book_events()
    assert [(event.kind, event.trust) for event in events] == [
        (BookEventKind.STATE, Trust.RESYNC), (BookEventKind.STATE, Trust.RESYNC), (BookEventKind.SNAPSHOT, Trust.LIVE),
    ]  # fmt: skip
    assert events[0].reason == "start"
    assert feed.outlet.numbered()[0][0] == 1
    assert_contiguous(feed.outlet.numbered())


def test_snapshot_is_requested_once_the_deltas_flow(feed):
    assert feed.venue.requested == []
    feed.play([quote(1)])
    assert feed.venue.requested == []
    feed.play([depth(11, 11)])
    assert feed.venue.requested == ["BTCUSDT"]


def test_batch_becomes_one_frame_for_each_run_of_a_kind(live):
    batch = [trade(1), quote(20), trade(2), depth(12, 12), depth(13, 13), quote(21)]
    seq = live.engine.feeds["BTCUSDT"].next_seq
    live.play(batch)
    frames = live.outlet.frames
    assert [type(frame) for frame in frames] == [TickFrame, BookFrame, TickFrame]
    assert [frame.seq for frame in frames] == [seq, seq + 3, seq + 5]
    assert frames[0].kinds == "TQT"
    assert frames[0].trades.trade_id == [1, 2]
    assert frames[0].quotes.bid == [99.0]
    assert frames[0].trust is Trust.LIVE
    assert [subject for subject, _ in live.outlet.published] == [TICKS, BOOKS, TICKS]
    assert len(frames[1].events) == 2


def test_frame_carries_identity_and_times(live):
    live.outlet.wall_ns = T0 + 7
    live.play([trade(1, T0 + 1), trade(2, T0 + 5)])
    (frame,) = live.outlet.frames
    assert (frame.venue, frame.symbol, frame.run_id, frame.producer, frame.epoch) == (
        "binance", "BTCUSDT", "run", "ingest.feed-0", 1,
    )  # fmt: skip
    assert (frame.ts_recv_ns, frame.ts_ingest_ns, frame.ts_sent_ns) == (T0 + 5, T0 + 7, T0 + 7)
    assert frame.recv_ns == [T0 + 1, T0 + 5]


def test_receive_time_that_goes_back_is_held(live):
    live.play([trade(1, T0 + 50), trade(2, T0 + 20), depth(12, 12, T0 + 10)])
    tick, book_frame = live.outlet.frames
    assert tick.recv_ns == [T0 + 50, T0 + 50]
    assert book_frame.events[0].ts_recv_ns == T0 + 50


def test_repeated_trade_is_dropped_and_missing_one_counted(live):
    live.play([trade(1), trade(1), trade(4)])
    assert live.outlet.frames[0].trades.trade_id == [1, 4]
    counters = live.engine.feeds["BTCUSDT"].counters
    assert (counters.trades_repeated, live.engine.feeds["BTCUSDT"].trades_missed) == (1, 2)


def test_outdated_quote_is_dropped(live):
    live.play([quote(20), quote(19), quote(20), quote(21)])
    assert live.outlet.frames[0].kinds == "QQ"
    assert live.engine.feeds["BTCUSDT"].counters.quotes_outdated == 2


def test_quiet_seconds_get_clock_events(live):
    live.handler.on_time(T0 + S - 1)
    assert live.outlet.frames == []
    live.handler.on_time(T0 + 2 * S + 1)
    live.play([trade(1, T0 + 2 * S + 500 * MS)])
    live.handler.on_time(T0 + 3 * S)
    live.handler.on_time(T0 + 3 * S + 500 * MS)
    kinds = [(event[0], event[1] - T0) for _, event in live.outlet.numbered()]
    assert kinds == [("C", S), ("C", 2 * S), ("T", 2 * S + 500 * MS), ("C", 3 * S + 500 * MS)]


def test_clock_events_are_the_same_when_only_the_next_frame_tells_the_time(live):
    live.play([trade(1, T0 + 3 * S + 1)])
    assert [(event[0], event[1] - T0) for _, event in live.outlet.numbered()] == [
        ("C", S), ("C", 2 * S), ("C", 3 * S), ("T", 3 * S + 1),
    ]  # fmt: skip


def test_hours_of_sleep_become_one_clock_event(live):
    live.handler.on_time(T0 + 3600 * S)
    assert [event[1] for _, event in live.outlet.numbered() if not isinstance(event, BookEvent)] == [T0 + 3600 * S]


def test_full_book_is_published_every_ten_seconds(live):
    for n in range(1, 25):
        live.play([depth(11 + n, 11 + n, T0 + n * 900 * MS)])
    anchors = [event for event in live.outlet.book_events() if event.kind is BookEventKind.SNAPSHOT]
    assert [event.ts_recv_ns - T0 for event in anchors] == [10_800 * MS, 21_600 * MS]
    assert [event.last_id for event in anchors] == [23, 35]
    assert anchors[0].bids == [(99.0, 1.0)]
    assert_contiguous(live.outlet.numbered())


def test_quiet_book_is_published_every_ten_seconds_too(live):
    live.handler.on_time(T0 + 10 * S)
    assert live.outlet.book_events()[-1].kind is BookEventKind.SNAPSHOT


def test_untrusted_book_repeats_its_reason_instead(feed):
    feed.handler.on_time(T0 + 10 * S)
    last = feed.outlet.book_events()[-1]
    assert (last.kind, last.trust) == (BookEventKind.STATE, Trust.RESYNC)


def test_malformed_frame_is_rejected_and_its_neighbours_are_not(live):
    live.play([trade(1), Received(T0, b"\xff{"), trade(2)])
    assert live.outlet.frames[0].trades.trade_id == [1, 2]
    assert [(source, payload) for source, _, payload in live.outlet.rejected] == [("binance", b"\xff{")]


def test_off_tick_book_update_is_rejected_and_the_book_not_live(live):
    live.play([depth(12, 12, bids=[["99.005", "1.0"]])])
    assert len(live.outlet.rejected) == 1
    assert live.outlet.book_events()[-1].trust is Trust.RESYNC
    live.play([depth(13, 13)])
    assert live.venue.requested[-1] == "BTCUSDT"
    assert live.outlet.book_events()[-1].trust is Trust.RESYNC


def test_malformed_snapshot_is_rejected_and_asked_for_again(feed):
    feed.play([depth(11, 11)])
    feed.venue.requested.clear()
    feed.play([Received(T0, b'{"lastUpdateId":10,"bids":[["NaN","1"]],"asks":[]}', "BTCUSDT"), depth(12, 12)])
    assert len(feed.outlet.rejected) == 1
    assert feed.venue.requested == ["BTCUSDT"]


def test_lost_book_update_is_told_and_ticks_carry_it(live):
    live.play([depth(13, 13), trade(1)])
    assert live.outlet.book_events()[-1].trust is Trust.RESYNC
    assert live.outlet.frames[-1].trust is Trust.RESYNC


def test_quote_that_contradicts_the_book_ends_its_trust(live):
    live.play([quote(11, bid_qty="9.0")])
    assert live.outlet.book_events()[-1].trust is Trust.RESYNC


def test_lost_connection_is_stale_and_a_new_one_syncs_again(live):
    live.handler.on_disconnected(["BTCUSDT"], 1, "no market message for 30 s")
    assert live.outlet.book_events()[-1].trust is Trust.STALE
    assert live.outlet.book_events()[-1].reason == "no market message for 30 s"
    live.handler.on_connected(["BTCUSDT"], 1)
    live.play([depth(501, 502), book(500), trade(1), quote(1)])
    assert [event.trust for event in live.outlet.book_events()] == [Trust.STALE, Trust.RESYNC, Trust.LIVE]


def test_simulated_venue_whose_ids_start_anew_is_followed(live):
    live.play([trade(900), quote(900)])
    live.handler.on_disconnected(["BTCUSDT"], 1, "closed")
    live.handler.on_connected(["BTCUSDT"], 1)
    live.outlet.published.clear()
    live.play([trade(1), quote(1), depth(1, 1), book(0)])
    assert live.outlet.frames[0].kinds == "TQ"
    assert live.outlet.book_events()[-1].trust is Trust.LIVE


def test_unlisted_symbol_is_counted(live):
    live.play([Received(T0, trade(1).payload.replace(b"btcusdt", b"dogeusdt").replace(b"BTCUSDT", b"DOGEUSDT"))])
    assert live.engine.counters.events_unlisted == 1
    assert live.outlet.published == []


def test_notices_are_counted_told_and_acted_on(live):
    live.play([
        Received(T0, b'{"e":"serverShutdown","E":1}'), Received(T0, b'{"error":{"code":2,"msg":"no"}}'),
        Received(T0, b'{"stream":"btcusdt@kline_1m","data":{}}'),
    ])  # fmt: skip
    assert live.venue.rollovers == 1
    assert [fields.get("code") for _, fields in live.outlet.told] == [None, 2]
    assert live.handler.unknown_kinds == {"btcusdt@kline_1m": 1}
    assert live.outlet.published == []


def test_events_while_the_bus_is_away_are_numbered_lost_and_told(live):
    first = live.engine.feeds["BTCUSDT"].next_seq
    live.play([trade(1)])
    live.outlet.away = True
    live.play([trade(2), depth(12, 12)])
    live.play([trade(3)])
    live.handler.lose(["BTCUSDT"])
    live.outlet.away = False
    live.handler.take_over({"BTCUSDT": Place(first, T0, epoch=1)}, epoch=5)
    live.handler.on_time(T0 + 1)
    live.play([trade(4)])
    numbered = live.outlet.numbered()
    assert [seq for seq, _ in numbered] == [first, first + 4, first + 5, first + 6]
    gap, snapshot = numbered[1][1], numbered[2][1]
    assert (gap.kind, gap.trust, gap.gap_from_seq, gap.gap_through_seq) == (
        BookEventKind.STATE, Trust.GAP, first + 1, first + 3,
    )  # fmt: skip
    assert (snapshot.kind, snapshot.trust, snapshot.last_id) == (BookEventKind.SNAPSHOT, Trust.LIVE, 12)
    assert live.engine.feeds["BTCUSDT"].counters.events_lost == 3
    assert INSTRUMENT_LISTINGS in [subject for subject, _ in live.outlet.published]


def test_bus_back_without_a_loss_tells_no_gap(live):
    live.play([trade(1)])
    live.handler.lose(["BTCUSDT"])
    live.handler.take_over({"BTCUSDT": Place(live.engine.feeds["BTCUSDT"].next_seq - 1, T0, epoch=1)}, epoch=5)
    live.handler.on_time(T0 + 1)
    assert Trust.GAP not in [event.trust for event in live.outlet.book_events()]


def test_restarted_feed_goes_on_where_the_last_stopped(new_feed):
    feed = new_feed(place=Place(500, T0, epoch=1), epoch=2)
    feed.handler.on_time(T0 + 1)
    ((seq, event),) = feed.outlet.numbered()
    assert (seq, event.kind, event.trust, event.reason) == (501, BookEventKind.STATE, Trust.RESYNC, "restart")
    assert feed.outlet.frames[0].epoch == 2


def test_resumed_replay_folds_but_does_not_publish_what_was_published(new_feed):
    feed = new_feed(place=Place(500, T0 + 5, epoch=1), epoch=2)
    feed.handler.on_connected(["BTCUSDT"], 1)
    feed.play([depth(11, 11, T0), book(10, T0 + 1), trade(1, T0 + 5), trade(2, T0 + 6)], batch=1)
    numbered = feed.outlet.numbered()
    assert [seq for seq, _ in numbered] == [501, 502, 503]
    assert numbered[0][1].reason == "restart"
    assert (numbered[1][1].kind, numbered[1][1].trust) == (BookEventKind.SNAPSHOT, Trust.LIVE)
    assert numbered[2][1][0] == "T"


def test_large_batch_is_cut_into_frames(live):
    live.play([trade(n) for n in range(1, 3001)], batch=3000)
    assert [len(frame.kinds) for frame in live.outlet.frames] == [1024, 1024, 952]
    assert_contiguous(live.outlet.numbered())
