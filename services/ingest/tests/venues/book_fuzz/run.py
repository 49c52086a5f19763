"""One run of the book fuzz: frames through a bad channel into the real feed, its published books against true ones."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from foretick.common.contracts import BookEvent, BookEventKind, BookFrame, Level, Trust
from foretick.common.units import NS_PER_MS
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.rules import MarketRules
from foretick.ingest.ports import WireFormat
from foretick.market.level_text import LevelText

from ...conftest import T0, build_feed
from .channel import Channel, Damage, Sent
from .market import LOTS_PER_UNIT, TICKS_PER_UNIT, Side, State, TrueBook
from .protocols import Protocol

RATE = 1e-3
"""Probability of each fault, an update."""

_ANSWER_RATE = 1e-2
_MOST_BEHIND = 60
"""Updates that a LIVE book may be behind the true one. What is not lost arrives at most three updates late."""

_CONNECTION = 1
_MOST_TOLD = 5


@dataclass
class Report:
    """What came of a run.

    compared: books published as LIVE that were held against the true one
    live: updates after which the copy of their book was LIVE
    resyncs: how often a book became LIVE by a full one
    refused: frames that were refused as malformed
    """

    protocol: str
    updates: int = 0
    compared: int = 0
    live: int = 0
    resyncs: int = 0
    refused: int = 0
    divergences: int = 0
    first_divergences: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    took_s: float = 0.0

    @property
    def live_frac(self) -> float:
        return self.live / self.updates

    def assert_sound(self) -> None:
        """Assert that no divergence was published as LIVE; and that there was something to be found, and to compare."""
        assert self.divergences == 0, "\n".join(self.first_divergences)
        harmful = sum(self.faults[kind] for kind in ("lost", "reordered", "damaged"))
        assert harmful > 3 * RATE * self.updates / 2
        assert self.resyncs > harmful / 3, "most faults went unseen"
        assert self.live_frac > 0.9
        assert self.compared > 0.9 * self.updates

    def describe(self) -> str:
        faults = " ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        return (
            f"{self.protocol:<15} {self.updates:>9,} updates  {faults}  refused {self.refused}  "
            f"resyncs {self.resyncs}  LIVE {self.live_frac:.2%}  compared {self.compared:,}  "
            f"divergences {self.divergences}  {self.updates / self.took_s:,.0f}/s"
        )


class Consumer:
    """Whoever reads the published events of one book: keeps it in plain dicts and compares it while it is LIVE."""

    def __init__(self, book: TrueBook, protocol: Protocol, report: Report) -> None:
        self._book = book
        self._proven = protocol.venue.proven_levels
        self._kept = protocol.venue.rules.book.max_levels
        self._report = report
        self._sides: tuple[Side, Side] = ({}, {})
        self._state: State | None = None

    def fold(self, event: BookEvent, sent: Sent | None) -> None:
        """Take an event that was published when ``sent`` arrived, or because time passed."""
        is_snapshot = event.kind is BookEventKind.SNAPSHOT
        if is_snapshot:
            self._sides = ({}, {})
        if is_snapshot or event.kind is BookEventKind.DELTA:
            self._apply(event)
        if event.last_id:
            self._state = self._book.by_id.get(event.last_id)
        elif sent is not None and (sent.is_full if is_snapshot else event.kind is BookEventKind.DELTA):
            self._state = sent.state
        if event.trust is Trust.LIVE:
            self._compare(event)

    def _apply(self, event: BookEvent) -> None:
        for side, levels, worst in zip(self._sides, (event.bids, event.asks), (min, max), strict=True):
            for price, lots in _steps(levels):
                if lots:
                    side[price] = lots
                else:
                    side.pop(price, None)
            while len(side) > self._kept:
                del side[worst(side)]

    def _compare(self, event: BookEvent) -> None:
        self._report.compared += 1
        state = self._state
        if state is None:
            self._tell(f"no update has the id {event.last_id}")
        elif self._book.index - state.index > _MOST_BEHIND:
            self._tell(f"{self._book.index - state.index} updates behind")
        elif self._differs(state):
            self._tell(f"differs after its update {state.index}, id {state.id}")

    def _differs(self, state: State) -> bool:
        bids, asks = self._sides
        if self._proven is None:
            return bids != state.bids or asks != state.asks
        return any(
            sorted(ours.items(), reverse=is_bid)[: self._proven] != sorted(true.items(), reverse=is_bid)[: self._proven]
            for ours, true, is_bid in ((bids, state.bids, True), (asks, state.asks, False))
        )

    def _tell(self, what: str) -> None:
        self._report.divergences += 1
        if len(self._report.first_divergences) < _MOST_TOLD:
            self._report.first_divergences.append(f"{self._report.protocol} {self._book.symbol}: LIVE, but {what}")


class Fuzz:
    """A venue of two instruments on one connection, the channel from it, and the feed.

    rules, wire, damage: other than the protocol's own, for controls
    """

    def __init__(
        self,
        protocol: Protocol,
        seed: int,
        rules: MarketRules | None = None,
        wire: WireFormat | None = None,
        damage: Damage | None = None,
    ) -> None:
        venue = protocol.venue
        self.report = Report(venue.name)
        self._protocol = protocol
        self._rng = random.Random(f"{seed} {venue.name}")
        self._feed = build_feed(protocol.listings, rules=rules or venue.rules, wire=wire or venue.new_wire())
        symbols = [listing.symbol for listing in protocol.listings]
        self._books = {symbol: TrueBook(symbol, self._rng, 6_000_000) for symbol in symbols}
        self._consumers = {symbol: Consumer(book, protocol, self.report) for symbol, book in self._books.items()}
        self._channel = Channel(self._rng, RATE, damage or protocol.damage)
        self._answers = Channel(self._rng, _ANSWER_RATE, protocol.damage)
        self._now_ns = T0
        self._due: dict[str, int] = {}
        self._taken: dict[str, State] = {}
        self._feed.handler.on_time(T0)
        self._feed.handler.on_connected(symbols, _CONNECTION)
        if not protocol.is_requested:
            for symbol in symbols:
                self._send_full(symbol)

    def run(self, updates: int, tell: Callable[[str], None] | None = None, every: int = 100_000) -> Report:
        """Let the venue change ``updates`` times; ``tell`` is told how far it is now and then."""
        began_s = time.perf_counter()
        books, rng, report = list(self._books.values()), self._rng, self.report
        feeds = self._feed.engine.feeds
        for number in range(1, updates + 1):
            self._now_ns += (10 + int(rng.random() * 80)) * NS_PER_MS
            book = books[int(rng.random() * len(books))]
            for payload in self._protocol.change(book, self._now_ns, rng):
                frame = Received(self._now_ns, payload, None, _CONNECTION)
                self._deliver(self._channel.send(Sent(book.symbol, frame, book.state)))
            self._answer(book)
            report.updates = number
            report.live += feeds[book.symbol].local.trust is Trust.LIVE
            if tell is not None and number % every == 0:
                self._sum_up(began_s)
                tell(report.describe())
        self._sum_up(began_s)
        return report

    def _sum_up(self, began_s: float) -> None:
        report = self.report
        report.took_s = time.perf_counter() - began_s
        report.faults = self._channel.faults
        report.resyncs = sum(feed.local.counters.syncs for feed in self._feed.engine.feeds.values())

    def _deliver(self, arriving: Sequence[Sent]) -> None:
        handler, outlet = self._feed.handler, self._feed.outlet
        for sent in arriving:
            handler.on_time(self._now_ns)
            self._read(None)
            handler.on_frames([sent.frame._replace(recv_ns=self._now_ns)])
            self._read(sent)
            self.report.refused += len(outlet.rejected)
            outlet.rejected.clear()

    def _read(self, sent: Sent | None) -> None:
        published = self._feed.outlet.published
        for _, message in published:
            if type(message) is BookFrame:
                for event in message.events:
                    self._consumers[message.symbol].fold(event, sent)
        published.clear()

    def _answer(self, book: TrueBook) -> None:
        """Hear what the feed has asked for; answer what is due of ``book``, some updates after it was asked for."""
        rng, symbol = self._rng, book.symbol
        for wanted in set(self._feed.venue.requested) - self._due.keys():
            late = 100 if rng.random() < 0.1 else 10
            self._due[wanted] = int(rng.random() * late)
            self._taken[wanted] = self._books[wanted].before(int(rng.random() * 10) if rng.random() < 0.2 else 0)
            if not self._protocol.is_requested:
                self._feed.handler.on_connected([wanted], _CONNECTION)
        self._feed.venue.requested.clear()
        if symbol in self._due:
            self._due[symbol] -= 1
            if self._due[symbol] < 0:
                del self._due[symbol]
                self._send_full(symbol)

    def _send_full(self, symbol: str) -> None:
        """Send all of a book: as of when it was asked for, or, on its stream, as of now."""
        if self._protocol.is_requested:
            state, channel, asked = self._taken[symbol], self._answers, symbol
        else:
            state, channel, asked = self._books[symbol].state, self._channel, None
        frame = Received(self._now_ns, self._protocol.full(symbol, state, self._now_ns), asked, _CONNECTION)
        self._deliver(channel.send(Sent(symbol, frame, state, is_full=True)))


def _steps(levels: Sequence[Level]) -> list[tuple[int, int]]:
    """Return levels in ticks and lots, of the JSON that consumers get.

    Raises:
        ValueError: for a number that is not exactly one of the grid.
    """
    plain = msgspec.json.decode(levels.to_json()) if isinstance(levels, LevelText) else levels
    steps: list[tuple[int, int]] = []
    for price, qty in plain:
        ticks, lots = round(price * TICKS_PER_UNIT), round(qty * LOTS_PER_UNIT)
        if ticks / TICKS_PER_UNIT != price or lots / LOTS_PER_UNIT != qty:
            raise ValueError(f"{price}, {qty} is not on the grid")
        steps.append((ticks, lots))
    return steps


def weakened(rules: MarketRules, **changes: object) -> MarketRules:
    """Return rules whose book is proven by less."""
    return replace(rules, book=replace(rules.book, **changes))
