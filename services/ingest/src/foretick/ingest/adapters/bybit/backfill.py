"""History of Bybit: klines by time, and the latest trades. Pure.

Sources: Bybit V5 API, "Get Recent Public Trades" (at most 60 of spot, 1,000 of derivatives; no paging: older ones are
files on the venue's page of historical data), "Get Kline" (at most 1,000, newest first) and "Rate Limit Rules" (600
requests in 5 s by an address). Volume of linear contracts is in base currency, of inverse ones in quote currency.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import msgspec

from foretick.common.units import NS_PER_MS
from foretick.ingest.domain.history import (
    INTERVALS_NS,
    MINUTE_NS,
    HistoryLimits,
    Page,
    Plan,
    Request,
    bar_row,
    page_of,
    read_error,
    trade_row,
)
from foretick.ingest.domain.history_plans import RecentPlan, WindowPlan
from foretick.market.recording.market_rows import BarRow, TradeRow
from foretick.market.recording.spans import Span

PAGE_BARS = 1000

_SIDES = {"Buy": 1, "Sell": -1}
_INTERVALS = {name: str(length_ns // MINUTE_NS) for name, length_ns in INTERVALS_NS.items() if name != "1d"} | {
    "1d": "D"
}
_LIMITS = HistoryLimits(600, 5.0, "the last 1,000 (of spot 60)", "all of them", "Bybit V5 API, Rate Limit Rules")


class _Trade(msgspec.Struct):
    execId: str
    price: str
    size: str
    side: str
    time: str


class _Trades(msgspec.Struct):
    list: list[_Trade]


_Kline = tuple[str, str, str, str, str, str, str]


class _Klines(msgspec.Struct):
    list: list[_Kline]


class _TradesAnswer(msgspec.Struct):
    result: _Trades


class _KlinesAnswer(msgspec.Struct):
    result: _Klines


class _Status(msgspec.Struct):
    retCode: int
    retMsg: str = ""


_decode_trades = msgspec.json.Decoder(_TradesAnswer)
_decode_klines = msgspec.json.Decoder(_KlinesAnswer)
_decode_status = msgspec.json.Decoder(_Status)


@dataclass(frozen=True, slots=True)
class BybitHistory:
    """A ``VenueHistory`` of one category: ``spot``, ``linear`` or ``inverse``; ``page_trades`` of it."""

    venue: str
    category: str
    page_trades: int
    base_url: str = "https://api.bybit.com"
    limits: HistoryLimits = _LIMITS

    @property
    def intervals(self) -> Mapping[str, str]:
        """The bars that it has."""
        return _INTERVALS

    def trades(self, symbol: str, span: Span, now_ns: int) -> Plan:
        """Return the plan for the trades of ``span``: those of them that are among the latest."""
        params = {"category": self.category, "symbol": symbol, "limit": str(self.page_trades)}
        reach = f"of trades it answers with the last {self.page_trades:,}: take older ones from its files"
        read = partial(parse_trades, self.venue, symbol)
        return RecentPlan(span, Request("/v5/market/recent-trade", params), read, self.page_trades, reach)

    def bars(self, symbol: str, interval: str, span: Span) -> Plan:
        """Return the plan for the klines of ``span``."""
        length_ns = INTERVALS_NS[interval]

        def request(window: Span) -> Request:
            params = {
                "category": self.category,
                "symbol": symbol,
                "interval": _INTERVALS[interval],
                "start": str(window.from_ns // NS_PER_MS),
                "end": str(window.to_ns // NS_PER_MS - 1),
                "limit": str(PAGE_BARS),
            }
            return Request("/v5/market/kline", params)

        read = partial(parse_bars, self.venue, symbol, length_ns, is_inverse=self.category == "inverse")
        return WindowPlan(span, length_ns, PAGE_BARS, request, read)

    def read_refusal(self, payload: bytes) -> tuple[str, str] | None:
        """Return code and message of an error."""
        status = read_error(_decode_status, payload)
        return (str(status.retCode), status.retMsg) if status is not None and status.retCode else None


SPOT = BybitHistory("bybit", "spot", 60)
LINEAR = BybitHistory("bybit-linear", "linear", 1000)
INVERSE = BybitHistory("bybit-inverse", "inverse", 1000)


def parse_trades(venue: str, symbol: str, body: bytes) -> Page:
    """Return the trades of an answer of ``recent-trade``; raises ``Malformed``."""

    def read(body: bytes) -> Iterator[TradeRow]:
        return (_trade(venue, symbol, trade) for trade in _decode_trades.decode(body).result.list)

    return page_of(venue, "recent-trade", read, body)


def parse_bars(venue: str, symbol: str, length_ns: int, body: bytes, *, is_inverse: bool = False) -> Page:
    """Return the bars of an answer of ``kline``, also one that is open; raises ``Malformed``."""

    def read(body: bytes) -> Iterator[BarRow]:
        return (_bar(venue, symbol, length_ns, kline, is_inverse) for kline in _decode_klines.decode(body).result.list)

    return page_of(venue, "kline", read, body)


def _trade(venue: str, symbol: str, trade: _Trade) -> TradeRow:
    side = _SIDES.get(trade.side, 0)
    return trade_row((venue, symbol), int(trade.time) * NS_PER_MS, trade.price, trade.size, side, trade.execId)


def _bar(venue: str, symbol: str, length_ns: int, kline: _Kline, is_inverse: bool) -> BarRow:
    start_ms, *prices, volume, turnover = kline
    open_ns = int(start_ms) * NS_PER_MS
    qty, quote = (turnover, volume) if is_inverse else (volume, turnover)
    return bar_row((venue, symbol), Span(open_ns, open_ns + length_ns), prices, qty, quote)
