"""History of Binance spot and USD-M futures: aggregate trades by id, klines by time. Pure.

Sources: Binance "REST API" of spot (``GET /api/v3/aggTrades``: weight 4, at most 1,000; ``/api/v3/klines``: weight 2,
at most 1,000; 6,000 weight a minute), and of USD-M (``GET /fapi/v1/aggTrades``: weight 20, at most 1,000, either an id
or a time, not older than a year; ``/fapi/v1/klines``: weight 5 for up to 1,000; 2,400 weight a minute).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import msgspec

from foretick.common.units import NS_PER_MS
from foretick.ingest.domain.history import (
    INTERVALS_NS,
    HistoryLimits,
    HistoryRow,
    Page,
    Plan,
    Request,
    page_of,
    read_error,
)
from foretick.ingest.domain.history_plans import ForwardPlan, WindowPlan
from foretick.market.recording.market_rows import BarRow, TradeRow
from foretick.market.recording.spans import Span

PAGE_ROWS = 1000

_SPOT_LIMITS = HistoryLimits(6000, 60.0, "all of it", "all of them", "Binance spot, REST API, Limits")
_USDM_LIMITS = HistoryLimits(2400, 60.0, "one year", "all of them", "Binance USD-M, General Info and Market Data")


class _Trade(msgspec.Struct):
    a: int
    p: str
    q: str
    f: int
    l: int  # noqa: E741 - the venue's name
    T: int
    m: bool


class _Error(msgspec.Struct):
    code: int
    msg: str


_Kline = tuple[int, str, str, str, str, str, int, str, int, str, str, str]

_trades = msgspec.json.Decoder(list[_Trade])
_klines = msgspec.json.Decoder(list[_Kline])
_error = msgspec.json.Decoder(_Error)


@dataclass(frozen=True, slots=True)
class BinanceHistory:
    """A ``VenueHistory`` of one of the two markets; weights are of a request for trades and for bars."""

    venue: str
    base_url: str
    prefix: str
    trades_weight: float
    bars_weight: float
    limits: HistoryLimits

    @property
    def intervals(self) -> Mapping[str, str]:
        """The bars that it has: under our names."""
        return {name: name for name in INTERVALS_NS}

    def trades(self, symbol: str, span: Span, now_ns: int) -> Plan:
        """Return the plan for the aggregate trades of ``span``."""

        def request(name: str, value: int) -> Request:
            params = {"symbol": symbol, name: str(value), "limit": str(PAGE_ROWS)}
            return Request(f"{self.prefix}/aggTrades", params, self.trades_weight)

        def following(last: HistoryRow, _: str) -> Request:
            return request("fromId", int(last.trade_id) + 1 if isinstance(last, TradeRow) else 0)

        first = request("startTime", span.from_ns // NS_PER_MS)
        return ForwardPlan(span, first, following, partial(parse_trades, self.venue, symbol), PAGE_ROWS)

    def bars(self, symbol: str, interval: str, span: Span) -> Plan:
        """Return the plan for the klines of ``span``."""

        def request(window: Span) -> Request:
            params = {
                "symbol": symbol,
                "interval": self.intervals[interval],
                "startTime": str(window.from_ns // NS_PER_MS),
                "endTime": str(window.to_ns // NS_PER_MS - 1),
                "limit": str(PAGE_ROWS),
            }
            return Request(f"{self.prefix}/klines", params, self.bars_weight)

        read = partial(parse_bars, self.venue, symbol)
        return WindowPlan(span, INTERVALS_NS[interval], PAGE_ROWS, request, read)

    def read_refusal(self, payload: bytes) -> tuple[str, str] | None:
        """Return code and message of an error."""
        error = read_error(_error, payload)
        return error and (str(error.code), error.msg)


SPOT = BinanceHistory("binance", "https://api.binance.com", "/api/v3", 4.0, 2.0, _SPOT_LIMITS)
USDM = BinanceHistory("binance-usdm", "https://fapi.binance.com", "/fapi/v1", 20.0, 5.0, _USDM_LIMITS)


def parse_trades(venue: str, symbol: str, body: bytes) -> Page:
    """Return the trades of an answer of ``aggTrades``; raises ``Malformed``."""
    return page_of(
        venue, "aggTrades", lambda body: (_trade(venue, symbol, trade) for trade in _trades.decode(body)), body
    )


def parse_bars(venue: str, symbol: str, body: bytes) -> Page:
    """Return the bars of an answer of ``klines``; raises ``Malformed``."""
    return page_of(venue, "klines", lambda body: (_bar(venue, symbol, kline) for kline in _klines.decode(body)), body)


def _trade(venue: str, symbol: str, trade: _Trade) -> TradeRow:
    ns = trade.T * NS_PER_MS
    side = -1 if trade.m else 1
    return TradeRow(
        ns, venue, symbol, ns, float(trade.p), float(trade.q), side, str(trade.a), trade.l - trade.f + 1
    )  # fmt: skip


def _bar(venue: str, symbol: str, kline: _Kline) -> BarRow:
    open_ms, opened, high, low, close, volume, last_ms, quote, trades, taker, taker_quote, _ = kline
    close_ns = (last_ms + 1) * NS_PER_MS  # the venue gives the last millisecond of the bar
    return BarRow(
        close_ns, venue, symbol, open_ms * NS_PER_MS, close_ns, float(opened), float(high), float(low), float(close),
        float(volume), float(quote), trades, float(taker), float(taker_quote),
    )  # fmt: skip
