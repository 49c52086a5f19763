"""History of OKX: trades back from an instant by id, candles by time. Pure.

Sources: OKX API guide V5, "Get trades history" (three months, at most 100; ``type`` 2 pages by time, 1 by id, both to
what is before ``after``), "Get candlesticks history" (at most 100, newest first, ``after`` and ``before`` exclusive, a
last field 1 for a bar that is closed); each 20 requests in 2 s by an address. Quantities of contracts are in contracts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import msgspec

from foretick.common.units import NS_PER_MS, NS_PER_S
from foretick.ingest.domain.history import (
    INTERVALS_NS,
    HistoryLimits,
    HistoryRow,
    Page,
    Plan,
    Request,
    bar_row,
    page_of,
    read_error,
    trade_row,
)
from foretick.ingest.domain.history_plans import BackwardPlan, WindowPlan
from foretick.market.recording.market_rows import BarRow, TradeRow
from foretick.market.recording.spans import Span

PAGE_ROWS = 100
TRADES_REACH_NS = 90 * 86_400 * NS_PER_S

_LIMITS = HistoryLimits(20, 2.0, "three months", "years", "OKX API guide V5, Market Data")
_SIDES = {"buy": 1, "sell": -1}
_INTERVALS = {
    "1m": "1m", "3m": "3m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1H", "2h": "2H", "4h": "4H", "6h": "6Hutc",
    "12h": "12Hutc", "1d": "1Dutc",
}  # fmt: skip
"""Of six hours and more the venue's own days begin in Hong Kong; these begin in UTC."""


class _Trade(msgspec.Struct):
    tradeId: str
    px: str
    sz: str
    side: str
    ts: str


_Candle = tuple[str, str, str, str, str, str, str, str, str]


class _Trades(msgspec.Struct):
    data: list[_Trade]


class _Candles(msgspec.Struct):
    data: list[_Candle]


class _Status(msgspec.Struct):
    code: str
    msg: str = ""


_decode_trades = msgspec.json.Decoder(_Trades)
_decode_candles = msgspec.json.Decoder(_Candles)
_decode_status = msgspec.json.Decoder(_Status)


@dataclass(frozen=True, slots=True)
class OkxHistory:
    """A ``VenueHistory`` of all that the venue lists."""

    venue: str = "okx"
    base_url: str = "https://www.okx.com"
    limits: HistoryLimits = _LIMITS

    @property
    def intervals(self) -> Mapping[str, str]:
        """The bars that it has."""
        return _INTERVALS

    def trades(self, symbol: str, span: Span, now_ns: int) -> Plan:
        """Return the plan for the trades of ``span``."""

        def before(kind: str, after: str) -> Request:
            params = {"instId": symbol, "type": kind, "after": after, "limit": str(PAGE_ROWS)}
            return Request("/api/v5/market/history-trades", params)

        def following(oldest: HistoryRow) -> Request:
            return before("1", oldest.trade_id if isinstance(oldest, TradeRow) else "")

        first = before("2", str(-(-span.to_ns // NS_PER_MS)))
        reach = "of trades it keeps three months" if span.from_ns < now_ns - TRADES_REACH_NS else ""
        read = partial(parse_trades, self.venue, symbol)
        return BackwardPlan(span, first, following, read, PAGE_ROWS, reach=reach)

    def bars(self, symbol: str, interval: str, span: Span) -> Plan:
        """Return the plan for the candles of ``span``."""
        length_ns = INTERVALS_NS[interval]

        def request(window: Span) -> Request:
            params = {
                "instId": symbol,
                "bar": _INTERVALS[interval],
                "after": str(window.to_ns // NS_PER_MS),
                "before": str(window.from_ns // NS_PER_MS - 1),
                "limit": str(PAGE_ROWS),
            }
            return Request("/api/v5/market/history-candles", params)

        return WindowPlan(span, length_ns, PAGE_ROWS, request, partial(parse_bars, self.venue, symbol, length_ns))

    def read_refusal(self, payload: bytes) -> tuple[str, str] | None:
        """Return code and message of an error."""
        status = read_error(_decode_status, payload)
        return (status.code, status.msg) if status is not None and status.code != "0" else None


def parse_trades(venue: str, symbol: str, body: bytes) -> Page:
    """Return the trades of an answer of ``history-trades``; raises ``Malformed``."""

    def read(body: bytes) -> Iterator[TradeRow]:
        return (_trade(venue, symbol, trade) for trade in _decode_trades.decode(body).data)

    return page_of(venue, "history-trades", read, body)


def parse_bars(venue: str, symbol: str, length_ns: int, body: bytes) -> Page:
    """Return the closed bars of an answer of ``history-candles``; raises ``Malformed``."""

    def read(body: bytes) -> Iterator[BarRow]:
        closed = (candle for candle in _decode_candles.decode(body).data if candle[-1] == "1")
        return (_bar(venue, symbol, length_ns, candle) for candle in closed)

    return page_of(venue, "history-candles", read, body)


def _trade(venue: str, symbol: str, trade: _Trade) -> TradeRow:
    side = _SIDES.get(trade.side, 0)
    return trade_row((venue, symbol), int(trade.ts) * NS_PER_MS, trade.px, trade.sz, side, trade.tradeId)


def _bar(venue: str, symbol: str, length_ns: int, candle: _Candle) -> BarRow:
    start_ms, *prices, volume, _, quote, _ = candle
    open_ns = int(start_ms) * NS_PER_MS
    return bar_row((venue, symbol), Span(open_ns, open_ns + length_ns), prices, volume, quote)
