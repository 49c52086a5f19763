"""Fetching a venue's history page by page: what to ask next, and up to where the answers are known to be whole.

A plan is a fold over pages; whoever drives it does the asking. After each page it tells the rows that are new and the
span that is whole now: every trade or bar of the venue in it has been told. What is written after that need not be
asked again, so that a run that ends early goes on where it stopped.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Malformed
from foretick.common.units import NS_PER_S
from foretick.market.recording.market_rows import BarRow, TradeRow
from foretick.market.recording.spans import Span

HistoryRow = TradeRow | BarRow
T = TypeVar("T")


class Request(NamedTuple):
    """A GET: path, parameters, and what it costs of the venue's budget, in the units of ``HistoryLimits``."""

    path: str
    params: dict[str, str]
    weight: float = 1.0


class Page(NamedTuple):
    """An answer: its rows in any order, and the venue's own cursor to the next page where it gives one."""

    rows: Sequence[HistoryRow]
    cursor: str = ""


class Step(NamedTuple):
    """What a page brought: rows not told before, and the span that is whole with them; None while it only adds."""

    rows: list[HistoryRow]
    whole: Span | None


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """What a venue documents of asking for its history.

    budget, period_s: units that may be spent in a time, by one address
    trades_reach, bars_reach: how far back it answers, in words
    source: where that is written
    """

    budget: float
    period_s: float
    trades_reach: str
    bars_reach: str
    source: str


class Plan(Protocol):
    """What is asked for one span. ``shortfall`` says in words what the venue does not give of it; empty for nothing."""

    shortfall: str

    def next_request(self) -> Request | None:
        """Return what to ask now; None when all is told that will be."""
        ...

    def read(self, body: bytes) -> Page:
        """Return the page that ``body`` is; raises ``Malformed``."""
        ...

    def take(self, page: Page) -> Step:
        """Fold the answer to the last request; raises ``Refused`` where paging cannot go on."""
        ...


ReadPage = Callable[[bytes], Page]


def page_of(venue: str, what: str, read: Callable[[bytes], Iterable[HistoryRow]], body: bytes) -> Page:
    """Return the rows that ``read`` finds in ``body``.

    Raises:
        Malformed: it is not what the venue documents; ``what`` names it
    """
    try:
        return Page(list(read(body)))
    except (*UNDECODABLE, ValueError) as error:
        raise Malformed(venue, f"{what}: {error}", body) from error


Number = str | float
"""As venues write theirs: most as text."""


def trade_row(instrument: tuple[str, str], ns: int, price: Number, qty: Number, side: int, trade_id: str) -> TradeRow:
    """Return a trade of ``instrument``, venue and symbol, that happened at ``ns``.

    Raises:
        ValueError: for a text that is no number
    """
    return TradeRow(ns, *instrument, ns, float(price), float(qty), side, trade_id)


def bar_row(
    instrument: tuple[str, str],
    span: Span,
    prices: Iterable[Number],
    qty: Number,
    quote: Number | None = None,
    trades: int | None = None,
) -> BarRow:
    """Return the bar of ``span``; ``prices`` are open, high, low and close. It is known at its end.

    Raises:
        ValueError: for a text that is no number
    """
    opened, high, low, close = map(float, prices)
    volume_quote = None if quote is None else float(quote)
    return BarRow(span.to_ns, *instrument, *span, opened, high, low, close, float(qty), volume_quote, trades)


def read_error(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T | None:
    """Return the venue's own error or status in ``body``; None where it holds none of that form."""
    try:
        return decoder.decode(body)
    except UNDECODABLE:
        return None


def place_of(row: HistoryRow) -> int:
    """Return where a row stands in a span, UTC ns: a trade when it happened, a bar where it opens."""
    return row.open_ns if isinstance(row, BarRow) else row.recv_ns


def align(span: Span, interval_ns: int, now_ns: int) -> Span:
    """Return the whole bars of ``span`` that are closed at ``now_ns``: from the first that opens in it on."""
    first_ns = -(-span.from_ns // interval_ns) * interval_ns
    end_ns = min(span.to_ns, now_ns) // interval_ns * interval_ns
    return Span(first_ns, max(first_ns, end_ns))


MINUTE_NS = 60 * NS_PER_S
INTERVALS_NS: dict[str, int] = {
    "1m": MINUTE_NS, "3m": 3 * MINUTE_NS, "5m": 5 * MINUTE_NS, "15m": 15 * MINUTE_NS, "30m": 30 * MINUTE_NS,
    "1h": 60 * MINUTE_NS, "2h": 120 * MINUTE_NS, "4h": 240 * MINUTE_NS, "6h": 360 * MINUTE_NS,
    "12h": 720 * MINUTE_NS, "1d": 1440 * MINUTE_NS,
}  # fmt: skip
"""Bars by the names that people use; all are aligned to the Unix epoch."""


class VenueHistory(Protocol):
    """How one venue is asked for its history. Pure."""

    @property
    def venue(self) -> str:
        """Its name."""
        ...

    @property
    def base_url(self) -> str:
        """Its own address, without a trailing slash."""
        ...

    @property
    def limits(self) -> HistoryLimits:
        """What it documents."""
        ...

    @property
    def intervals(self) -> Mapping[str, str]:
        """The bars that it has, by our names, in its own words."""
        ...

    def trades(self, symbol: str, span: Span, now_ns: int) -> Plan:
        """Return the plan for the trades of ``span``, which ends at ``now_ns`` at the latest."""
        ...

    def bars(self, symbol: str, interval: str, span: Span) -> Plan:
        """Return the plan for the bars of ``span``, whole and closed, of an interval that it has."""
        ...

    def read_refusal(self, payload: bytes) -> tuple[str, str] | None:
        """Return the venue's own error in a body, code and message; None where it holds none."""
        ...
