"""History of Coinbase: trades back from an instant, candles by time; the public endpoints. Pure.

Sources: Coinbase Developer Documentation, Advanced Trade API, "Get Public Market Trades" (``start`` and ``end`` in
seconds; newest first), "Get Public Product Candles" (at most 350) and "REST API Rate Limits" (10 public requests a
second by an address). How many trades a page may have is not documented: fewer than asked for are no sign of the end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import msgspec

from foretick.common.units import NS_PER_S
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

PAGE_TRADES = 1000
PAGE_BARS = 300
"""Fewer than the documented 350: whether a bar that opens at ``end`` counts is not written."""

_LIMITS = HistoryLimits(
    10, 1.0, "not documented", "not documented", "Coinbase Advanced Trade API, REST API Rate Limits"
)
_SIDES = {"BUY": 1, "SELL": -1}
_INTERVALS = {
    "1m": "ONE_MINUTE", "5m": "FIVE_MINUTE", "15m": "FIFTEEN_MINUTE", "30m": "THIRTY_MINUTE", "1h": "ONE_HOUR",
    "2h": "TWO_HOUR", "4h": "FOUR_HOUR", "6h": "SIX_HOUR", "1d": "ONE_DAY",
}  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Trade(msgspec.Struct):
    trade_id: str
    price: str
    size: str
    time: datetime
    side: str


class _Trades(msgspec.Struct):
    trades: list[_Trade]


class _Candle(msgspec.Struct):
    start: str
    low: str
    high: str
    open: str
    close: str
    volume: str


class _Candles(msgspec.Struct):
    candles: list[_Candle]


class _Error(msgspec.Struct):
    error: str
    message: str = ""


_decode_trades = msgspec.json.Decoder(_Trades)
_decode_candles = msgspec.json.Decoder(_Candles)
_decode_error = msgspec.json.Decoder(_Error)


@dataclass(frozen=True, slots=True)
class CoinbaseHistory:
    """A ``VenueHistory``."""

    venue: str = "coinbase"
    base_url: str = "https://api.coinbase.com"
    limits: HistoryLimits = _LIMITS

    @property
    def intervals(self) -> Mapping[str, str]:
        """The bars that it has."""
        return _INTERVALS

    def trades(self, symbol: str, span: Span, now_ns: int) -> Plan:
        """Return the plan for the trades of ``span``."""

        def before(end_ns: int) -> Request:
            # The second of the oldest row is asked for again, to its end: it may hold more.
            end_s = -(-end_ns // NS_PER_S)
            params = {"limit": str(PAGE_TRADES), "start": str(span.from_ns // NS_PER_S), "end": str(end_s)}
            return Request(f"/api/v3/brokerage/market/products/{symbol}/ticker", params)

        def following(oldest: HistoryRow) -> Request:
            return before(oldest.recv_ns + 1)

        return BackwardPlan(span, before(span.to_ns), following, partial(parse_trades, self.venue, symbol), PAGE_TRADES)

    def bars(self, symbol: str, interval: str, span: Span) -> Plan:
        """Return the plan for the candles of ``span``."""
        length_ns = INTERVALS_NS[interval]

        def request(window: Span) -> Request:
            params = {
                "start": str(window.from_ns // NS_PER_S),
                "end": str((window.to_ns - length_ns) // NS_PER_S),
                "granularity": _INTERVALS[interval],
            }
            return Request(f"/api/v3/brokerage/market/products/{symbol}/candles", params)

        return WindowPlan(span, length_ns, PAGE_BARS, request, partial(parse_bars, self.venue, symbol, length_ns))

    def read_refusal(self, payload: bytes) -> tuple[str, str] | None:
        """Return code and message of an error."""
        error = read_error(_decode_error, payload)
        return error and (error.error, error.message)


def parse_trades(venue: str, symbol: str, body: bytes) -> Page:
    """Return the trades of an answer of ``ticker``; raises ``Malformed``."""
    return page_of(
        venue,
        "trades",
        lambda body: (_trade(venue, symbol, trade) for trade in _decode_trades.decode(body).trades),
        body,
    )


def parse_bars(venue: str, symbol: str, length_ns: int, body: bytes) -> Page:
    """Return the bars of an answer of ``candles``; raises ``Malformed``."""

    def read(body: bytes) -> Iterator[BarRow]:
        return (_bar(venue, symbol, length_ns, candle) for candle in _decode_candles.decode(body).candles)

    return page_of(venue, "candles", read, body)


def _trade(venue: str, symbol: str, trade: _Trade) -> TradeRow:
    passed = trade.time - _EPOCH
    ns = (passed.days * 86_400 + passed.seconds) * NS_PER_S + passed.microseconds * 1000
    return trade_row((venue, symbol), ns, trade.price, trade.size, _SIDES.get(trade.side, 0), trade.trade_id)


def _bar(venue: str, symbol: str, length_ns: int, candle: _Candle) -> BarRow:
    open_ns = int(candle.start) * NS_PER_S
    prices = candle.open, candle.high, candle.low, candle.close
    return bar_row((venue, symbol), Span(open_ns, open_ns + length_ns), prices, candle.volume)
