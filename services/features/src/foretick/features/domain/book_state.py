"""The order book of an instrument as its events tell it, and how far it can be trusted."""

from foretick.common.contracts import BookEvent, BookEventKind, Level, Trust, worst_trust
from foretick.common.errors import Malformed
from foretick.market.book import OrderBook, PriceGrid


class BookState:
    """A book and its trust. After a loss only a snapshot makes it whole again; until then deltas are not applied."""

    def __init__(self) -> None:
        self.trust = Trust.RESYNC
        self.is_whole = False
        self._book: OrderBook | None = None

    @property
    def grid(self) -> PriceGrid | None:
        """The grid of the book; None before the first snapshot."""
        return self._book.grid if self._book is not None else None

    def apply(self, event: BookEvent, grid: PriceGrid) -> Trust:
        """Apply ``event`` and return the trust after it.

        Raises:
            Malformed: a level is off the grid; the book awaits a snapshot then.
        """
        try:
            if event.kind is BookEventKind.SNAPSHOT:
                self._replace(event.bids, event.asks, grid)
            elif event.kind is BookEventKind.DELTA:
                self._update(event, grid)
        except Malformed:
            self.lose()
            raise
        own = Trust.LIVE if self.is_whole else worst_trust(self.trust, Trust.RESYNC)
        self.trust = worst_trust(own, event.trust)
        if self.trust is Trust.LIVE and self._book is not None and self._book.is_crossed:
            self.trust = Trust.CROSSED
        return self.trust

    def lose(self) -> None:
        """Note that events were lost."""
        self.is_whole = False
        self.trust = Trust.GAP

    def top(self, depth: int) -> tuple[list[Level], list[Level]]:
        """Return the best ``depth`` bids and asks, best first."""
        return self._book.top(depth) if self._book is not None else ([], [])

    def restore(self, levels: tuple[list[Level], list[Level]], grid: PriceGrid, trust: Trust) -> None:
        """Become the whole book of ``levels`` in state ``trust``."""
        self._replace(*levels, grid)
        self.trust = trust

    def _replace(self, bids: list[Level], asks: list[Level], grid: PriceGrid) -> None:
        book = self._book
        if book is None or book.grid != grid:
            book = OrderBook(grid)
        book.apply_snapshot(bids, asks)
        self._book, self.is_whole = book, True
        self.trust = Trust.LIVE

    def _update(self, event: BookEvent, grid: PriceGrid) -> None:
        if not self.is_whole or self._book is None:
            return
        if self._book.grid != grid:
            self.lose()  # another grid: these levels cannot be told apart from those held
            return
        self._book.apply_delta(event.bids, event.asks)
