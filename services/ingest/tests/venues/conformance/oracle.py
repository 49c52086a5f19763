"""The venue's books by its messages alone, level by level, with plain dicts: what a published LIVE book must equal."""

import heapq
from collections import deque

from .source import Source, VenueBook
from .told import BookTold, QuoteTold, Told

Levels = list[tuple[float, float]]
Top = tuple[Levels, Levels]


class Oracle:
    """Hears what the venue said, frame by frame."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.books = {symbol: VenueBook() for symbol in source.symbols}
        self._waiting: dict[str, list[BookTold]] = {symbol: [] for symbol in source.symbols}

    def hear(self, told: list[Told]) -> list[str]:
        """Apply what one frame said; return the symbol of each change of a book that came of it."""
        changed: list[str] = []
        for each in told:
            if isinstance(each, BookTold) and each.symbol in self.books:
                changed += [each.symbol] * self._take(each)
        return changed

    def _take(self, told: BookTold) -> int:
        book, waiting = self.books[told.symbol], self._waiting[told.symbol]
        if not self.source.is_requested:
            if not told.is_full and not book.is_known:
                return 0
            self.apply(book, told)
            return 1
        if told.is_full:
            if not book.is_known:
                self.apply(book, told)
        else:
            waiting.append(told)
        if not book.is_known:
            return 0
        fresh = [each for each in waiting if each.id > book.id]
        waiting.clear()
        for each in fresh:
            self.apply(book, each)
        return len(fresh)

    def apply(self, book: VenueBook, told: BookTold) -> None:
        if told.is_full:
            book.bids, book.asks, book.is_known = {}, {}, True
        for side, levels in ((book.bids, told.bids), (book.asks, told.asks)):
            for price, qty in levels.items():
                if qty:
                    side[price] = qty
                else:
                    side.pop(price, None)
        book.id = told.id
        kept = self.source.kept_levels
        if kept is not None and max(len(book.bids), len(book.asks)) > kept:
            book.bids = dict(best(book.bids, kept, is_bids=True))
            book.asks = dict(best(book.asks, kept, is_bids=False))


def best(side: dict[float, float], depth: int, *, is_bids: bool) -> Levels:
    """Return the best levels of a side."""
    prices = heapq.nlargest(depth, side) if is_bids else heapq.nsmallest(depth, side)
    return [(price, side[price]) for price in prices]


def top_of(book: VenueBook, depth: int) -> Top:
    return best(book.bids, depth, is_bids=True), best(book.asks, depth, is_bids=False)


class Course:
    """The venue's books over all frames of a source.

    tops: by symbol and the venue's number of a book: its best ``proven_levels``
    after: by frame, the best levels of each symbol after each change that the frame brought
    quotes: by symbol, the best bid and ask each time that they changed
    """

    def __init__(self, source: Source) -> None:
        self.tops: dict[tuple[str, int], Top] = {}
        self.after: list[dict[str, list[Top]]] = []
        self.quotes: dict[str, list[QuoteTold]] = {symbol: [] for symbol in source.symbols}
        oracle = Oracle(source)
        for told in source.told:
            changes: dict[str, list[Top]] = {}
            for each in told:  # one by one: the states in between count too
                changed = oracle.hear([each])
                self._note_full_book(each, oracle)
                for symbol in changed:
                    book = oracle.books[symbol]
                    top = top_of(book, source.proven_levels)
                    self.tops[symbol, book.id] = top
                    changes.setdefault(symbol, []).append(top)
                    self._note_quote(symbol, top)
            self.after.append(changes)
        self.end = oracle.books

    def _note_full_book(self, told: Told, oracle: Oracle) -> None:
        """A requested book may be believed as of itself, before an update reaches beyond it."""
        if isinstance(told, BookTold) and told.is_full and told.symbol in oracle.books:
            book = VenueBook()
            oracle.apply(book, told)
            self.tops.setdefault((told.symbol, told.id), top_of(book, oracle.source.proven_levels))

    def _note_quote(self, symbol: str, top: Top) -> None:
        bids, asks = top
        if bids and asks:
            quote = QuoteTold(symbol, *bids[0], *asks[0])
            if self.quotes[symbol][-1:] != [quote]:
                self.quotes[symbol].append(quote)


class LaggingBooks:
    """The venue's books as a request finds them: as of some updates ago."""

    def __init__(self, oracle: Oracle, lag: int) -> None:
        self._oracle = oracle
        self._copies: dict[str, deque[VenueBook]] = {symbol: deque(maxlen=lag + 1) for symbol in oracle.books}

    def note(self, symbols: list[str]) -> None:
        for symbol in symbols:
            book = self._oracle.books[symbol]
            self._copies[symbol].append(VenueBook(dict(book.bids), dict(book.asks), book.id, is_known=True))

    def of(self, symbol: str) -> VenueBook:
        return self._copies[symbol][0] if self._copies[symbol] else self._oracle.books[symbol]
