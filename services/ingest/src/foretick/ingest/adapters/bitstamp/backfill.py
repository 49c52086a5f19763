"""History of Bitstamp: the trades of the last day, candles by time. Pure.

Sources: Bitstamp HTTP API, "Transactions" (``time=day``; no paging; type 0 bought, 1 sold; times in seconds), "OHLC
data" (at most 1,000 from ``start`` on; where ``end`` is given, too, ``start`` is ignored) and "Request limits" (400 a
second, 10,000 in ten minutes).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import msgspec

from foretick.common.units import NS_PER_S
from foretick.ingest.domain.history import (
    INTERVALS_NS,
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

_LIMITS = HistoryLimits(10_000, 600.0, "the last day", "all of them", "Bitstamp HTTP API, Request limits")
_DAY_NS = 86_400 * NS_PER_S
_ENDLESS = 1 << 62
_SIDES = {0: 1, 1: -1}
_INTERVALS = {name: str(length_ns // NS_PER_S) for name, length_ns in INTERVALS_NS.items()}


class _Trade(msgspec.Struct):
    date: int
    tid: int
    amount: float
    type: int
    price: float


class _Candle(msgspec.Struct):
    timestamp: str
    open: str
    high: str
    low: str
    close: str
    volume: str


class _Candles(msgspec.Struct):
    ohlc: list[_Candle]


class _CandlesAnswer(msgspec.Struct):
    data: _Candles


class _Error(msgspec.Struct):
    code: str
    response_code: str = ""
    response_explanation: str = ""
    message: str = ""


_decode_trades = msgspec.json.Decoder(list[_Trade], strict=False)  # numbers are texts there, and not always
_decode_candles = msgspec.json.Decoder(_CandlesAnswer)
_decode_error = msgspec.json.Decoder(_Error)


@dataclass(frozen=True, slots=True)
class BitstampHistory:
    """A ``VenueHistory``. A market is asked for in lower case."""

    venue: str = "bitstamp"
    base_url: str = "https://www.bitstamp.net"
    limits: HistoryLimits = _LIMITS

    @property
    def intervals(self) -> Mapping[str, str]:
        """The bars that it has."""
        return _INTERVALS

    def trades(self, symbol: str, span: Span, now_ns: int) -> Plan:
        """Return the plan for the trades of ``span``: those of them that are of the last day."""
        request = Request(f"/api/v2/transactions/{_market(symbol)}/", {"time": "day"})
        reach = "of trades it answers with those of the last day"
        read = partial(parse_trades, self.venue, symbol)
        keeps_from_ns = now_ns // NS_PER_S * NS_PER_S - _DAY_NS + NS_PER_S
        return RecentPlan(span, request, read, _ENDLESS, reach, keeps_from_ns)

    def bars(self, symbol: str, interval: str, span: Span) -> Plan:
        """Return the plan for the candles of ``span``."""
        length_ns = INTERVALS_NS[interval]

        def request(window: Span) -> Request:
            params = {
                "step": _INTERVALS[interval],
                "limit": str((window.to_ns - window.from_ns) // length_ns),
                "start": str(window.from_ns // NS_PER_S),
            }
            return Request(f"/api/v2/ohlc/{_market(symbol)}/", params)

        return WindowPlan(span, length_ns, PAGE_BARS, request, partial(parse_bars, self.venue, symbol, length_ns))

    def read_refusal(self, payload: bytes) -> tuple[str, str] | None:
        """Return code and message of an error."""
        error = read_error(_decode_error, payload)
        return error and (error.response_code or error.code, error.response_explanation or error.message)


def parse_trades(venue: str, symbol: str, body: bytes) -> Page:
    """Return the trades of an answer of ``transactions``; raises ``Malformed``."""
    return page_of(
        venue,
        "transactions",
        lambda body: (_trade(venue, symbol, trade) for trade in _decode_trades.decode(body)),
        body,
    )


def parse_bars(venue: str, symbol: str, length_ns: int, body: bytes) -> Page:
    """Return the bars of an answer of ``ohlc``, also one that is open; raises ``Malformed``."""

    def read(body: bytes) -> Iterator[BarRow]:
        return (_bar(venue, symbol, length_ns, candle) for candle in _decode_candles.decode(body).data.ohlc)

    return page_of(venue, "ohlc", read, body)


def _market(symbol: str) -> str:
    return symbol.lower().replace("/", "")


def _trade(venue: str, symbol: str, trade: _Trade) -> TradeRow:
    side = _SIDES.get(trade.type, 0)
    return trade_row((venue, symbol), trade.date * NS_PER_S, trade.price, trade.amount, side, str(trade.tid))


def _bar(venue: str, symbol: str, length_ns: int, candle: _Candle) -> BarRow:
    open_ns = int(candle.timestamp) * NS_PER_S
    prices = candle.open, candle.high, candle.low, candle.close
    return bar_row((venue, symbol), Span(open_ns, open_ns + length_ns), prices, candle.volume)
