"""History of Kraken spot: trades from an instant on, and the latest candles. Pure.

Sources: Kraken API, "Get Recent Trades" (``since`` in nanoseconds, at most 1,000, ``last`` is the next ``since``; all
of the past), "Get OHLC Data" (at most the last 720 bars, the last of them still open) and Kraken Support, "What are the
API rate limits" (public calls: one a second).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import msgspec

from foretick.common.units import NS_PER_S
from foretick.ingest.domain.history import (
    INTERVALS_NS,
    MINUTE_NS,
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
from foretick.ingest.domain.history_plans import ForwardPlan, RecentPlan
from foretick.market.recording.market_rows import BarRow, TradeRow
from foretick.market.recording.spans import Span

PAGE_TRADES = 1000
PAGE_BARS = 720

_LIMITS = HistoryLimits(1, 1.0, "all of it", "the last 720", "Kraken Support, What are the API rate limits")
_SIDES = {"b": 1, "s": -1}
_INTERVALS = {
    name: str(INTERVALS_NS[name] // MINUTE_NS) for name in ("1m", "5m", "15m", "30m", "1h", "4h", "1d")
}  # fmt: skip


class _Answer(msgspec.Struct):
    error: list[str]
    result: dict[str, msgspec.Raw] = {}


_OldTrade = tuple[str, str, Decimal, str, str, str]
_Trade = tuple[str, str, Decimal, str, str, str, int]
"""Price, quantity, seconds, side, order type, nothing, and, not in bodies of earlier years, the id."""

_Candle = tuple[int, str, str, str, str, str, str, int]

_decode = msgspec.json.Decoder(_Answer)
_decode_trades = msgspec.json.Decoder(list[_Trade])
_decode_old_trades = msgspec.json.Decoder(list[_OldTrade])
_decode_candles = msgspec.json.Decoder(list[_Candle])
_decode_cursor = msgspec.json.Decoder(str | int)


@dataclass(frozen=True, slots=True)
class KrakenHistory:
    """A ``VenueHistory``. A pair is asked for without its slash."""

    venue: str = "kraken"
    base_url: str = "https://api.kraken.com"
    limits: HistoryLimits = _LIMITS

    @property
    def intervals(self) -> Mapping[str, str]:
        """The bars that it has."""
        return _INTERVALS

    def trades(self, symbol: str, span: Span, now_ns: int) -> Plan:
        """Return the plan for the trades of ``span``."""

        def since(cursor: str) -> Request:
            params = {"pair": symbol.replace("/", ""), "since": cursor, "count": str(PAGE_TRADES)}
            return Request("/0/public/Trades", params)

        def following(last: HistoryRow, cursor: str) -> Request:
            return since(cursor or str(last.recv_ns))

        read = partial(parse_trades, self.venue, symbol)
        return ForwardPlan(span, since(str(span.from_ns - 1)), following, read, PAGE_TRADES)

    def bars(self, symbol: str, interval: str, span: Span) -> Plan:
        """Return the plan for the candles of ``span``: those of them that are among the last 720."""
        length_ns = INTERVALS_NS[interval]
        params = {
            "pair": symbol.replace("/", ""),
            "interval": _INTERVALS[interval],
            "since": str(span.from_ns // NS_PER_S - 1),
        }
        read = partial(parse_bars, self.venue, symbol, length_ns)
        reach = "of bars it keeps the last 720: build older ones from trades"
        return RecentPlan(span, Request("/0/public/OHLC", params), read, PAGE_BARS, reach)

    def read_refusal(self, payload: bytes) -> tuple[str, str] | None:
        """Return code and message of an error."""
        answer = read_error(_decode, payload)
        return (answer.error[0], ", ".join(answer.error)) if answer is not None and answer.error else None


def parse_trades(venue: str, symbol: str, body: bytes) -> Page:
    """Return the trades of an answer of ``Trades``; raises ``Malformed``."""

    def read(body: bytes) -> Iterator[TradeRow]:
        series, _ = _only_series(body)
        try:
            return (_trade(venue, symbol, trade) for trade in _decode_trades.decode(series))
        except msgspec.ValidationError:
            return (_trade(venue, symbol, (*trade, 0)) for trade in _decode_old_trades.decode(series))

    page = page_of(venue, "Trades", read, body)
    return page._replace(cursor=_only_series(body)[1])


def parse_bars(venue: str, symbol: str, length_ns: int, body: bytes) -> Page:
    """Return the bars of an answer of ``OHLC``, also the last, which is open; raises ``Malformed``."""

    def read(body: bytes) -> Iterator[BarRow]:
        return (_bar(venue, symbol, length_ns, candle) for candle in _decode_candles.decode(_only_series(body)[0]))

    return page_of(venue, "OHLC", read, body)


def _only_series(body: bytes) -> tuple[msgspec.Raw, str]:
    """Return the one series of an answer, whatever the pair is called there, and ``last``."""
    result = _decode.decode(body).result
    names = [name for name in result if name != "last"]
    if len(names) != 1:
        raise ValueError(f"{len(names)} series, not one")
    return result[names[0]], str(_decode_cursor.decode(result["last"])) if "last" in result else ""


def _trade(venue: str, symbol: str, trade: _Trade) -> TradeRow:
    price, qty, time_s, side, _, _, number = trade
    trade_id = str(number) if number else ""
    return trade_row((venue, symbol), int(time_s * NS_PER_S), price, qty, _SIDES.get(side, 0), trade_id)


def _bar(venue: str, symbol: str, length_ns: int, candle: _Candle) -> BarRow:
    start_s, opened, high, low, close, vwap, volume, trades = candle
    open_ns, quote = start_s * NS_PER_S, float(volume) * float(vwap)
    span = Span(open_ns, open_ns + length_ns)
    return bar_row((venue, symbol), span, (opened, high, low, close), volume, quote, trades)
