"""The four ways in which venues let their history be paged. Each is a ``Plan``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from foretick.common.errors import Refused
from foretick.ingest.domain.history import HistoryRow, Page, ReadPage, Request, Step, place_of
from foretick.market.recording.market_rows import BarRow, TradeRow
from foretick.market.recording.spans import Span


@dataclass(slots=True)
class ForwardPlan:
    """Pages from the beginning of a span on, oldest first: the next one follows the last row, or the venue's cursor.

    Args:
        span: what is wanted
        first: the request for the first page: what happened from ``span.from_ns`` on
        following: returns the request that follows a page, given its last row and cursor
        page_rows: rows of a full page, as the venue documents it: a shorter one is the last there is
    """

    span: Span
    first: Request
    following: Callable[[HistoryRow, str], Request]
    read_page: ReadPage
    page_rows: int
    shortfall: str = ""
    _next: Request | None = field(init=False)
    _whole_to_ns: int = field(init=False)
    _seen: set[object] = field(init=False, default_factory=set[object])

    def __post_init__(self) -> None:
        self._next = self.first
        self._whole_to_ns = self.span.from_ns

    def next_request(self) -> Request | None:
        """Return what to ask now."""
        return self._next

    def read(self, body: bytes) -> Page:
        """Return the page that ``body`` is."""
        return self.read_page(body)

    def take(self, page: Page) -> Step:
        """Fold a page."""
        rows = sorted(page.rows, key=_time)
        new = _unseen(rows, self._seen)
        reached_ns = rows[-1].recv_ns if rows else self.span.to_ns
        if len(rows) < self.page_rows or reached_ns >= self.span.to_ns:
            self._next = None
            reached_ns = self.span.to_ns
        else:
            request = self.following(rows[-1], page.cursor)
            if request == self._next or not new:
                raise _stuck(request)
            self._next = request
        self._seen = set(map(_key, rows))
        before_ns, self._whole_to_ns = self._whole_to_ns, max(self._whole_to_ns, reached_ns)
        return Step([row for row in new if self.span.holds(row.recv_ns)], _whole(before_ns, self._whole_to_ns))


@dataclass(slots=True)
class BackwardPlan:
    """Pages from the end of a span back, newest first: the next one is before the oldest row.

    Args:
        span: what is wanted
        first: the request for the newest page before ``span.to_ns``
        following: returns the request for the page before a row; it may give rows again that were told
        page_rows: rows of a full page: a full one that brings nothing new is refused
        reach: how far back the venue goes, in words, where the span goes back further; else empty
    """

    span: Span
    first: Request
    following: Callable[[HistoryRow], Request]
    read_page: ReadPage
    page_rows: int
    shortfall: str = ""
    reach: str = ""
    _next: Request | None = field(init=False)
    _whole_from_ns: int = field(init=False)
    _seen: set[object] = field(init=False, default_factory=set[object])

    def __post_init__(self) -> None:
        self._next = self.first
        self._whole_from_ns = self.span.to_ns

    def next_request(self) -> Request | None:
        """Return what to ask now."""
        return self._next

    def read(self, body: bytes) -> Page:
        """Return the page that ``body`` is."""
        return self.read_page(body)

    def take(self, page: Page) -> Step:
        """Fold a page."""
        rows = sorted(page.rows, key=_time)
        new = _unseen(rows, self._seen)
        before_ns = self._whole_from_ns
        if rows and rows[0].recv_ns < self.span.from_ns:
            self._next, self._whole_from_ns = None, self.span.from_ns
        elif not new:
            self._end(full=len(rows) >= self.page_rows)
        else:
            self._next = self.following(rows[0])
            # Rows of the oldest instant may be on the next page, too: only what is after it is whole.
            self._whole_from_ns = min(self._whole_from_ns, rows[0].recv_ns + 1)
        self._seen = set(map(_key, rows))
        return Step([row for row in new if self.span.holds(row.recv_ns)], _whole(self._whole_from_ns, before_ns))

    def _end(self, *, full: bool) -> None:
        """The venue gives nothing older: either that was all, or all that it gives."""
        if full and self._next is not None:
            raise _stuck(self._next)
        self._next = None
        if self.reach:
            self.shortfall = f"the venue gives nothing before this; {self.reach}"
        else:
            self._whole_from_ns = self.span.from_ns


@dataclass(slots=True)
class WindowPlan:
    """Bars in windows of so many, each asked for by its bounds: one window after the other.

    Args:
        span: what is wanted, its bounds whole bars
        interval_ns: length of a bar
        window_bars: bars of a request
        request: returns the request for the bars that open in a window
    """

    span: Span
    interval_ns: int
    window_bars: int
    request: Callable[[Span], Request]
    read_page: ReadPage
    shortfall: str = ""
    _at_ns: int = field(init=False)

    def __post_init__(self) -> None:
        self._at_ns = self.span.from_ns

    def next_request(self) -> Request | None:
        """Return what to ask now."""
        return self.request(self._window) if self._at_ns < self.span.to_ns else None

    def read(self, body: bytes) -> Page:
        """Return the page that ``body`` is."""
        return self.read_page(body)

    def take(self, page: Page) -> Step:
        """Fold a page."""
        window = self._window
        bars = {row.open_ns: row for row in page.rows if isinstance(row, BarRow) and window.holds(row.open_ns)}
        self._at_ns = window.to_ns
        return Step([bars[open_ns] for open_ns in sorted(bars)], window)

    @property
    def _window(self) -> Span:
        end_ns = min(self.span.to_ns, self._at_ns + self.window_bars * self.interval_ns)
        return Span(self._at_ns, end_ns)


@dataclass(slots=True)
class RecentPlan:
    """One request, for the latest that the venue keeps: what lies before that is not to be had.

    Args:
        span: what is wanted
        only: the request
        page_rows: rows of a full page, of which the oldest instant may be cut
        reach: how far back the venue goes, in words
        keeps_from_ns: from when on a page that is not full is whole; None: only from its oldest row on
    """

    span: Span
    only: Request
    read_page: ReadPage
    page_rows: int
    reach: str
    keeps_from_ns: int | None = None
    shortfall: str = ""
    _is_asked: bool = field(init=False, default=False)

    def next_request(self) -> Request | None:
        """Return what to ask now."""
        return None if self._is_asked else self.only

    def read(self, body: bytes) -> Page:
        """Return the page that ``body`` is."""
        return self.read_page(body)

    def take(self, page: Page) -> Step:
        """Fold the page."""
        self._is_asked = True
        rows = sorted(page.rows, key=place_of)
        is_cut = len(rows) >= self.page_rows or self.keeps_from_ns is None
        if is_cut:
            begins_ns = place_of(rows[0]) + (not isinstance(rows[0], BarRow)) if rows else self.span.to_ns
        else:
            begins_ns = self.keeps_from_ns or 0
        if begins_ns > self.span.from_ns:
            self.shortfall = f"the venue gives nothing before this; {self.reach}"
        whole = _whole(max(begins_ns, self.span.from_ns), self.span.to_ns)
        return Step([row for row in rows if whole is not None and whole.holds(place_of(row))], whole)


def _time(row: HistoryRow) -> int:
    return row.recv_ns


def _key(row: HistoryRow) -> object:
    """Return what tells a row from another: the venue's id, or all of it where there is none."""
    return (row.trade_id or row) if isinstance(row, TradeRow) else row.open_ns


def _unseen(rows: Sequence[HistoryRow], seen: set[object]) -> list[HistoryRow]:
    """Return each of ``rows`` once, without those that ``seen`` has."""
    new = {key: row for row in reversed(rows) if (key := _key(row)) not in seen}
    return list(reversed(new.values()))


def _whole(from_ns: int, to_ns: int) -> Span | None:
    return Span(from_ns, to_ns) if from_ns < to_ns else None


def _stuck(request: Request) -> Refused:
    return Refused(
        "no_progress",
        f"{request.path} gives the same page again: it holds more rows of one instant than a page has",
        "what is before is stored; take another source for that instant",
    )
