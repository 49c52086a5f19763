"""The feeds of a recording that several processes made, one a process, as one: published is what was heard then.

Each feed folds what its process received. At a recorded handover the next one goes on where the last one's numbers end,
as the processes themselves did; what a process published though another had taken over is counted, and not published.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from foretick.ingest.domain.engine import FeedEngine
from foretick.ingest.domain.place import Place
from foretick.ingest.domain.recorded_owners import RecordedOwners
from foretick.ingest.handlers.feed import FeedHandler


class RecordedProducers:
    """A ``Publisher`` out of several; ``feeds`` are by the number of their source.

    events_refused: events of processes that another had taken over from, by symbol
    """

    def __init__(self, feeds: Mapping[int, FeedHandler]) -> None:
        self.events_refused: dict[str, int] = {}
        self._feeds = feeds
        self._owners = RecordedOwners()
        self._places: dict[str, Place] = {}
        self._refused_from: dict[tuple[str, int], int] = {}
        self._epoch = 0
        first = next(iter(feeds.values())).engine
        self._view = FeedEngine(first.identity, [], first.rules)
        self._unowned = first.feeds

    @property
    def engine(self) -> FeedEngine:
        """Return the instruments, each from the feed that publishes it now."""
        owners = {symbol: self._owners.owner(symbol) for symbol in self._unowned}
        self._view.feeds = {
            symbol: self._unowned[symbol] if owner is None else self._feeds[owner].engine.feeds[symbol]
            for symbol, owner in owners.items()
        }
        return self._view

    @property
    def unknown_kinds(self) -> dict[str, int]:
        """Return how many messages of kinds that are not read came, by kind."""
        counts: Counter[str] = Counter()
        for feed in self._feeds.values():
            counts.update(feed.unknown_kinds)
        return counts

    def claim(self, source: int, symbols: Sequence[str], epoch: int) -> None:
        """Take note that the process of ``source`` published ``symbols`` from here on; with 0, no longer."""
        for symbol in symbols:
            if symbol in self._unowned:
                self._claim(source, symbol, epoch)

    def take_over(self, places: Mapping[str, Place], epoch: int) -> None:
        """Number and publish the instruments of ``places`` from the first input later than its place on."""
        self._epoch = epoch
        self._places.update(places)
        for symbol in places:
            owner = self._owners.owner(symbol)
            if owner is not None:
                self._feeds[owner].take_over({symbol: places[symbol]}, epoch)

    def hand_over(self, symbols: Sequence[str], reason: str) -> None:
        """Publish that nobody vouches for the books of ``symbols`` now, and nothing more of them."""
        for symbol in symbols:
            self._places.pop(symbol, None)
            for feed in self._feeds.values():
                feed.hand_over([symbol], reason)

    def lose(self, symbols: Sequence[str]) -> None:
        """Publish nothing more of ``symbols``: another process may."""
        for symbol in symbols:
            self._places.pop(symbol, None)
            for feed in self._feeds.values():
                feed.lose([symbol])

    def on_time(self, now_ns: int) -> None:
        """Let data time pass."""
        for feed in self._feeds.values():
            feed.on_time(now_ns)

    def count_refused(self) -> dict[str, int]:
        """Return the events, by symbol, that processes told though another had taken over from them."""
        for symbol, source in list(self._refused_from):
            self._count(symbol, source)
        return self.events_refused

    def _claim(self, source: int, symbol: str, epoch: int) -> None:
        before = self._owners.owner(symbol)
        self._owners.claim(symbol, source, epoch)
        after = self._owners.owner(symbol)
        if before is not None and before != after:
            self._end(before, symbol, is_given_up=before == source)
        refused = self._owners.refused(symbol)
        for process in self._feeds:
            if process not in refused:
                self._count(symbol, process, farewells=int(process == source and not epoch))
            elif (symbol, process) not in self._refused_from:
                self._refused_from[symbol, process] = self._feeds[process].engine.feeds[symbol].next_seq
        if after is not None and after != before and symbol in self._places:
            self._feeds[after].take_over({symbol: self._places[symbol]}, self._epoch)

    def _end(self, source: int, symbol: str, *, is_given_up: bool) -> None:
        """Let ``source`` publish ``symbol`` no longer: it says so if it knew, and goes on unheard if it did not."""
        feed = self._feeds[source]
        instrument = feed.engine.feeds[symbol]
        was_heard = instrument.is_owned
        if is_given_up:
            feed.hand_over([symbol], "handed over")
        else:
            feed.lose([symbol])
        if was_heard and symbol in self._places:
            self._places[symbol] = instrument.place._replace(epoch=self._epoch + 1)  # of another than who goes on

    def _count(self, symbol: str, source: int, farewells: int = 0) -> None:
        from_seq = self._refused_from.pop((symbol, source), None)
        if from_seq is not None:
            events = self._feeds[source].engine.feeds[symbol].next_seq - from_seq + farewells
            self.events_refused[symbol] = self.events_refused.get(symbol, 0) + events
