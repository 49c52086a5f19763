"""One suite for every venue: what its connector makes of recorded frames, against an oracle written apart from it.

A venue takes part by a folder with a ``sources.py``; see ``conformance.source``.
"""

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretick.common.contracts import BookEvent, BookEventKind, BookProof, Trust
from foretick.common.errors import Malformed
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.rules import TradeIds
from foretick.market.book import OrderBook
from foretick.market.integrity import Anchor, Unnumbered

from .conformance.damage import KINDS, LOSSES, REFUSED, choose_marks, damage
from .conformance.discovery import SOURCES, course_of, source_of
from .conformance.fuzz import assert_sound, mutated, samples
from .conformance.oracle import Course, LaggingBooks, Oracle, best
from .conformance.source import Source
from .conformance.told import BookTold, DerivativeTold, LiquidationTold, QuoteTold, TradeTold

_LAG = 3
"""A full book that is asked for may be so many updates old."""


@pytest.fixture(params=SOURCES)
def source(request) -> Source:
    return source_of(request.param)


@pytest.fixture
def course(source) -> Course:
    return course_of(source.name)


def start(new_feed, source: Source):
    feed = new_feed(source.listings, rules=source.rules, wire=source.new_wire())
    feed.handler.on_time(source.frames[0].recv_ns)
    feed.handler.on_connected(source.symbols, source.frames[0].connection)
    return feed


@pytest.fixture
def played(new_feed, source):
    feed = start(new_feed, source)
    feed.play(source.frames)
    return feed


def synced(source: Source, course: Course) -> list[str]:
    """The symbols whose books the recording allows to be known: of a requested one an update must have followed."""
    return [symbol for symbol in source.symbols if any(symbol in after for after in course.after)]


class Consumers:
    """What consumers of the published events hold of each book."""

    def __init__(self, source: Source) -> None:
        self.books = {
            listing.symbol: OrderBook(listing.grid, source.rules.book.max_levels) for listing in source.listings
        }

    def fold(self, symbol: str, event: BookEvent) -> OrderBook:
        book = self.books[symbol]
        if event.kind is BookEventKind.SNAPSHOT:
            book.apply_snapshot(event.bids, event.asks)
        elif event.kind is BookEventKind.DELTA:
            book.apply_delta(event.bids, event.asks)
        return book


def of_kind(source: Source, kind: type) -> Iterable:
    return (each for told in source.told for each in told if isinstance(each, kind))


def rows_of(feed, symbol: str, letter: str) -> list[tuple]:
    return [event[3] for _, event in feed.outlet.numbered(symbol) if isinstance(event, tuple) and event[0] == letter]


def test_clean_stream_goes_live_and_stays(played, source, course):
    known = synced(source, course)
    assert known
    for symbol in known:
        local = played.engine.feeds[symbol].local
        full = sum(each.is_full and each.symbol == symbol for each in of_kind(source, BookTold))
        assert local.trust is Trust.LIVE
        assert local.counters.syncs == (1 if source.is_requested else max(full, 1))
        trusts = [event.trust for event in played.outlet.book_events(symbol)]
        assert set(trusts[trusts.index(Trust.LIVE) :]) == {Trust.LIVE}
        faults = local.counters
        assert (faults.chain_breaks, faults.checksums_failed, faults.tops_differing, faults.deltas_repeated) == (0,) * 4
    assert played.outlet.rejected == []
    assert set(played.handler.unknown_kinds) == source.ignored


def test_every_checksum_of_the_venue_is_reproduced(played, source):
    if source.rules.book.checksum is None:
        assert not any(each.has_checksum for each in of_kind(source, BookTold)), "the venue proves more than is checked"
        return
    sent = sum(each.has_checksum for each in of_kind(source, BookTold))
    checked = sum(feed.local.counters.checksums_checked for feed in played.engine.feeds.values())
    assert checked == sent
    if source.rules.book.proof in (BookProof.CHECKSUM, BookProof.CHAIN_AND_CHECKSUM):
        assert sent > 0


def test_every_message_becomes_its_events(played, source, course):
    for symbol in source.symbols:
        fresh = [each for each in of_kind(source, TradeTold) if each.symbol == symbol and not each.is_history]
        expected = [(t.price, t.qty, t.side, t.id if isinstance(t.id, int) else None) for t in fresh]
        assert rows_of(played, symbol, "T") == expected
        quotes = course.quotes[symbol] if source.rules.quotes_from_book else of_kind(source, QuoteTold)
        expected = [(q.bid, q.bid_qty, q.ask, q.ask_qty) for q in quotes if q.symbol == symbol]
        assert rows_of(played, symbol, "Q") == expected
        states = [each for each in of_kind(source, DerivativeTold) if each.symbol == symbol]
        expected = [
            (s.mark_price, s.index_price, s.funding_rate_frac, s.next_funding_ns, s.open_interest_qty) for s in states
        ]
        assert rows_of(played, symbol, "D") == expected
        forced = [each for each in of_kind(source, LiquidationTold) if each.symbol == symbol]
        assert rows_of(played, symbol, "L") == [(each.price, each.qty, each.side) for each in forced]
    assert any(of_kind(source, TradeTold))
    assert played.engine.counters.events_unlisted == 0


def test_numbers_are_contiguous_over_ticks_and_books(played, source):
    for symbol in source.symbols:
        seqs = [seq for seq, _ in played.outlet.numbered(symbol)]
        assert seqs == list(range(1, len(seqs) + 1))


def test_published_events_rebuild_the_venues_book(new_feed, source, course):
    feed = start(new_feed, source)
    feed.outlet.published.clear()
    check = LiveCheck(source, course)
    for at, frame in enumerate(source.frames):
        check.deliver(feed, at, frame)
    assert check.compared > 20
    for symbol in synced(source, course):
        venue, book = course.end[symbol], feed.engine.feeds[symbol].local.book
        most = source.rules.book.max_levels
        assert book.top(most) == (best(venue.bids, most, is_bids=True), best(venue.asks, most, is_bids=False))


class LiveCheck:
    """Delivers frames and holds each published LIVE book against the venue's."""

    def __init__(self, source: Source, course: Course) -> None:
        self.compared = self.unsound = 0
        self.trusts: set[Trust] = set()
        self._source = source
        self._course = course
        self._consumers = Consumers(source)
        self._has_ids = not isinstance(source.rules.book.chain, Unnumbered)

    def deliver(self, feed, at: int, frame: Received) -> None:
        """Deliver one frame that stands in the place of the recorded one ``at``."""
        feed.handler.on_frames([frame])
        self.look(feed, at)

    def look(self, feed, at: int) -> None:
        """Compare what was published since the last look."""
        for symbol in self._source.symbols:
            events = feed.outlet.book_events(symbol)
            changes = sum(self._is_change(symbol, event, at) for event in events)
            for event in events:
                book = self._consumers.fold(symbol, event)
                changes -= self._is_change(symbol, event, at)
                self.trusts.add(event.trust)
                if event.trust is Trust.LIVE:
                    self.compared += 1
                    assert book.top(self._source.proven_levels) == self._expected(symbol, event, at, changes)
                elif event.trust is not Trust.STALE:
                    self.unsound += 1
        feed.outlet.published.clear()

    def _is_change(self, symbol: str, event: BookEvent, at: int) -> bool:
        """Tell whether an event is about a change that frame ``at`` told: a snapshot may only tell the book again."""
        told = (each for each in self._source.told[at] if isinstance(each, BookTold) and each.symbol == symbol)
        is_full = any(each.is_full for each in told)
        return event.kind is BookEventKind.DELTA or (event.kind is BookEventKind.SNAPSHOT and is_full)

    def _expected(self, symbol: str, event: BookEvent, at: int, later: int) -> tuple:
        """Return the venue's best levels as of ``event``; ``later`` changes of the same frame followed it."""
        if self._has_ids:
            return self._course.tops[symbol, event.last_id]
        while symbol not in self._course.after[at]:
            at -= 1  # the frame did not speak of this book: it is as it was
            later = 0
        return self._course.after[at][symbol][-1 - later]


@pytest.mark.parametrize("batch", [1, 7, 5000])
def test_batching_changes_frames_but_no_event(new_feed, source, batch):
    feed, other = start(new_feed, source), start(new_feed, source)
    feed.play(source.frames[:3000], batch=64)
    other.play(source.frames[:3000], batch=batch)
    for symbol in source.symbols:
        assert other.outlet.numbered(symbol) == feed.outlet.numbered(symbol)
    if batch == 1:
        assert len(other.outlet.frames) > len(feed.outlet.frames)


class Recovery:
    """Answers requests for full books as the venue would: after a while, while its stream goes on."""

    def __init__(self, source: Source, oracle: Oracle, rng: random.Random) -> None:
        self._source = source
        self._oracle = oracle
        self._rng = rng
        self._lagging = LaggingBooks(oracle, _LAG) if source.is_requested else None
        self._due: dict[str, int] = {}
        self.connection = source.frames[0].connection

    def note(self, at: int) -> None:
        """Take note of what the venue sent in frame ``at``."""
        symbols = {each.symbol for each in self._source.told[at] if isinstance(each, BookTold)}
        for symbol in symbols & self._due.keys():
            self._due[symbol] -= 1
        if self._lagging is not None:
            self._lagging.note([symbol for symbol in symbols if self._oracle.books[symbol].is_known])

    def answer(self, feed, check: LiveCheck, at: int) -> None:
        """Answer what the feed has asked for until frame ``at``."""
        wanted = {s for s in feed.venue.requested if self._oracle.books[s].is_known and self._has_begun(feed, s)}
        feed.venue.requested.clear()
        if self._source.is_connection_numbered:
            self._reconnect(feed, check, at, wanted)
            return
        for symbol in wanted - self._due.keys():
            self._due[symbol] = self._rng.randrange(3)
            if not self._source.is_requested:
                feed.handler.on_connected([symbol], self.connection)
        self._deliver(feed, check, at, [symbol for symbol, updates in self._due.items() if updates <= 0])

    def finish(self, feed, check: LiveCheck) -> None:
        """Answer what is still owed: a stream brings its full book though nothing changes any more."""
        if not self._source.is_requested:
            self._deliver(feed, check, len(self._source.frames) - 1, list(self._due))

    def _deliver(self, feed, check: LiveCheck, at: int, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            del self._due[symbol]
            book = self._lagging.of(symbol) if self._lagging else self._oracle.books[symbol]
            for frame in self._source.full_books({symbol: book}, self._source.frames[at]):
                check.deliver(feed, at, frame)

    def _reconnect(self, feed, check: LiveCheck, at: int, wanted: set[str]) -> None:
        if not wanted:
            return
        feed.handler.on_disconnected(self._source.symbols, self.connection, "asked for full books")
        self.connection += 1
        feed.handler.on_connected(self._source.symbols, self.connection)
        known = {symbol: book for symbol, book in self._oracle.books.items() if book.is_known}
        for frame in self._source.full_books(known, self._source.frames[at]):
            check.deliver(feed, at, frame._replace(connection=self.connection))

    def _has_begun(self, feed, symbol: str) -> bool:
        return feed.engine.feeds[symbol].local.counters.syncs > 0


def play_damaged(new_feed, source: Source, course: Course, kind: str):
    """Play the source with faults of ``kind``, full books when they are asked for; return the feed and the check."""
    rng = random.Random(f"{kind} {source.name}")
    marks = choose_marks(source, rng)
    if len(marks) < 3:
        pytest.skip(f"{source.name} is too short to be damaged: {len(source.updates)} updates")
    feed, oracle, check = start(new_feed, source), Oracle(source), LiveCheck(source, course)
    recovery = Recovery(source, oracle, rng)
    feed.outlet.published.clear()
    for at, delivered in damage(source, kind, marks, oracle):
        recovery.note(at)
        for place, frame in delivered:
            moved = frame._replace(connection=recovery.connection) if source.is_connection_numbered else frame
            check.deliver(feed, place, moved)
        recovery.answer(feed, check, at)
    recovery.finish(feed, check)
    return feed, check


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_stream_is_never_published_as_a_live_book_that_differs(new_feed, source, course, kind):
    if kind == "checksum" and source.with_checksum is None:
        assert not any(each.has_checksum for each in of_kind(source, BookTold))
        return
    if kind in LOSSES and not source.is_loss_seen and not source.is_whole:
        return  # see test_a_loss_that_nothing_proves_is_declared
    if source.rules.book.anchor is Anchor.TOP:
        pytest.skip(f"{source.name}: there is no book to be damaged")
    feed, check = play_damaged(new_feed, source, course, kind)
    assert check.compared > 20
    counters = [each.local.counters for each in feed.engine.feeds.values()]
    if kind == "repeated" or (kind in LOSSES and source.is_whole):
        assert check.trusts - {Trust.LIVE} <= {Trust.RESYNC}
        assert sum(each.chain_breaks + each.checksums_failed + each.malformed for each in counters) == 0
        return
    if kind in (*REFUSED, "torn"):
        assert feed.outlet.rejected
    if not source.is_whole:
        assert check.unsound > 1, "the fault was not seen"
        assert max(each.syncs for each in counters) > 1
    live = [symbol for symbol in synced(source, course) if feed.engine.feeds[symbol].local.trust is Trust.LIVE]
    assert live == synced(source, course), "not LIVE again after a full book"


def test_suite_finds_a_rule_that_proves_nothing(new_feed):
    """The control: a connector that does not look at the venue's numbers fails the suite."""
    source = source_of("sim")
    blind = replace(source, rules=replace(source.rules, book=replace(source.rules.book, chain=Unnumbered())))
    with pytest.raises(AssertionError):
        play_damaged(new_feed, blind, course_of("sim"), "lost")


def test_a_loss_that_nothing_proves_is_declared(new_feed, source, course):
    """Where the protocol cannot prove a loss, the venue's proof says so, and nothing pretends to have seen it."""
    if source.is_loss_seen or source.is_whole:
        assert source.rules.book.proof is not BookProof.NONE
        return
    assert source.rules.book.proof is BookProof.NONE
    rng = random.Random(source.name)
    feed, oracle = start(new_feed, source), Oracle(source)
    for _, delivered in damage(source, "lost", choose_marks(source, rng), oracle):
        for _, frame in delivered:
            feed.handler.on_frames([frame])
    for symbol in synced(source, course):
        local = feed.engine.feeds[symbol].local
        assert local.counters.chain_breaks == local.counters.checksums_checked == 0
    instrument = feed.engine.instruments(source.symbols[:1], 0, 0, 0)[0]
    assert instrument.proof is BookProof.NONE


def trade_frames(source: Source) -> list[int]:
    return [at for at, told in enumerate(source.told) if any(isinstance(each, TradeTold) for each in told)]


def test_trades_that_come_again_are_not_doubled(new_feed, source, played):
    feed = start(new_feed, source)
    late: list[Received] = []
    for at, frame in enumerate(source.frames):
        feed.handler.on_frames([frame])
        if any(isinstance(each, TradeTold) for each in source.told[at]) and not source.is_connection_numbered:
            late.append(frame)
            feed.handler.on_frames([frame, late[-min(len(late), 20)]])
        elif source.is_connection_numbered:
            feed.handler.on_frames([frame])
    for symbol in source.symbols:
        assert rows_of(feed, symbol, "T") == rows_of(played, symbol, "T")


def test_last_trade_that_a_new_connection_sends_again_is_not_doubled(new_feed, source, played):
    feed = start(new_feed, source)
    single = [at for at in trade_frames(source) if len(source.told[at]) == 1]
    middle = single[len(single) // 2]
    feed.play(source.frames[: middle + 1])
    feed.handler.on_disconnected(source.symbols, 1, "cut")
    feed.handler.on_connected(source.symbols, 2)
    again = range(middle, len(source.frames))
    feed.play([source.frames[at]._replace(connection=2) for at in again])
    last = source.told[middle][-1]
    others = [symbol for symbol in source.symbols if symbol != last.symbol]
    for symbol in [last.symbol, *others]:
        assert rows_of(feed, symbol, "T") == rows_of(played, symbol, "T")


def test_trades_that_never_came_are_counted_where_ids_tell(new_feed, source):
    feed = start(new_feed, source)
    fresh = [
        at for at in trade_frames(source) if not any(getattr(each, "is_history", False) for each in source.told[at])
    ]
    gone = set(fresh[1:-1:5])
    feed.play([frame for at, frame in enumerate(source.frames) if at not in gone])
    lost = sum(isinstance(each, TradeTold) for at in gone for each in source.told[at])
    missed = sum(each.counters.trades_missed for each in feed.engine.feeds.values())
    by_symbol: dict[str, list[int]] = {}
    for at in fresh:
        by_symbol.setdefault(source.told[at][0].symbol, []).append(at)
    inner = sum(
        isinstance(each, TradeTold)
        for frames in by_symbol.values()
        for at in gone.intersection(frames[1:-1])
        for each in source.told[at]
    )
    if source.rules.trade_ids is TradeIds.CONTIGUOUS:
        assert inner <= missed <= lost
    else:
        assert missed == 0


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mutated_frame_is_malformed_or_sound(source, data):
    wire = source.new_wire()
    frames = samples([frame.payload for frame in source.frames if frame.symbol is None])
    for frame in frames:
        wire.parse(frame)
    payload = data.draw(st.one_of(mutated(frames), st.binary(max_size=200)))
    try:
        parsed = wire.parse(payload)
    except Malformed:
        return
    for symbol, event in parsed:
        assert_sound(symbol, event)


@given(data=st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mutated_reply_is_malformed_or_sound(source, data):
    bodies = [frame for frame in source.frames if frame.symbol is not None] or source.frames[:5]
    symbol = bodies[0].symbol or source.symbols[0]
    payload = data.draw(st.one_of(mutated([frame.payload for frame in bodies]), st.binary(max_size=200)))
    try:
        parsed = source.new_wire().parse_reply(symbol, payload)
    except Malformed:
        return
    for name, event in parsed:
        assert_sound(name, event)
