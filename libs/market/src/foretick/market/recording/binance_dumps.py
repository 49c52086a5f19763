"""CSV files of data.binance.vision: ``trades``, ``aggTrades``, ``klines`` and ``bookTicker`` of spot and USD-M futures.

Columns are those of github.com/binance/binance-public-data. A file does not say what it is: its name does
(``BTCUSDT-aggTrades-2025-01-01.zip``), and keeps doing so if it is unpacked. Files of the futures begin with a header
line, older ones and spot's do not. Times are in milliseconds, those of spot from 2025-01-01 on in microseconds. There
is no receive time: ``recv_ns`` is the venue's clock, of a bar its end.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import BinaryIO, NamedTuple

from foretick.common.units import NS_PER_MS, NS_PER_US
from foretick.market.recording.csv_rows import FieldFault, Fields, RowItem, RowReader, read_rows
from foretick.market.recording.faults import TruncatedRecording, WrongFormat
from foretick.market.recording.market_rows import BarRow, QuoteRow, TradeRow
from foretick.market.recording.text import read_lines

SPOT, USD_M = "binance", "binance-usdm"

_NAME = re.compile(
    r"(?P<symbol>[A-Z0-9_]+)-(?P<kind>trades|aggTrades|bookTicker|\d+(?:mo|[smhdw]))-\d{4}-\d\d(?:-\d\d)?"
    r"\.(?:csv|zip|csv\.gz|csv\.zst)"
)
_MICROSECOND_DIGITS = 16
_BEST_MATCH = "is_best_match"

_TRADES = ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker")
_AGGREGATED = (
    "agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time", "is_buyer_maker",
)  # fmt: skip
_KLINES = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count", "taker_buy_volume",
    "taker_buy_quote_volume", "ignore",
)  # fmt: skip
_BOOK_TICKER = (
    "update_id", "best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty", "transaction_time", "event_time",
)  # fmt: skip
_COLUMNS: dict[str, dict[tuple[str, ...], str]] = {
    "trades": {_TRADES: USD_M, (*_TRADES, _BEST_MATCH): SPOT},
    "aggTrades": {_AGGREGATED: USD_M, (*_AGGREGATED, _BEST_MATCH): SPOT},
    "bookTicker": {_BOOK_TICKER: USD_M},
}
"""By kind, the columns that there are and the market that has them; klines are alike in both."""


class DumpName(NamedTuple):
    """What the name of a file says; ``kind`` is ``klines`` for any interval."""

    symbol: str
    kind: str


def parse_dump_name(file_name: str) -> DumpName | None:
    """Return what ``file_name`` says; None where it is not one of these files.

    >>> parse_dump_name("BTCUSDT-1m-2025-01.zip")
    DumpName(symbol='BTCUSDT', kind='klines')
    """
    match = _NAME.fullmatch(file_name.rpartition("/")[2])
    if match is None:
        return None
    kind = match["kind"]
    return DumpName(match["symbol"], kind if kind in _COLUMNS else "klines")


def read_binance_dump(stream: BinaryIO, source: str, venue: str = "") -> Iterator[RowItem | WrongFormat]:
    """Yield the rows of a file in its order, and in their places what could not be read.

    Args:
        stream: the file; seekable; nothing is closed
        source: its name, with the path if that says the market: ``.../futures/um/...`` or ``.../spot/...``
        venue: ``binance`` or ``binance-usdm``; empty takes it from columns, path and times
    """
    name = parse_dump_name(source)
    if name is None:
        yield WrongFormat(source, 1, "the name does not say what it is", "keep the name that the file had there")
        return
    lines = enumerate(read_lines(stream, source), 1)
    first = next(lines, (1, b""))
    if isinstance(first[1], TruncatedRecording):
        yield first[1]
        return
    texts = first[1].decode("ascii", "replace").strip().split(",")
    try:
        columns, venue = _layout(name.kind, texts, source, venue)
    except FieldFault as error:
        yield WrongFormat(source, 1, str(error), "spot and USD-M files are read, unchanged: fetch it again")
        return
    if not venue:
        hint = f"say which it is: --venue {SPOT} or --venue {USD_M}"
        yield WrongFormat(source, 1, "klines in milliseconds without a header are of spot or of USD-M", hint)
        return
    rest = lines if texts == list(columns) else chain([first], lines)
    yield from read_rows(rest, source, columns, _reader(name, venue))


def _layout(kind: str, texts: Sequence[str], source: str, venue: str) -> tuple[tuple[str, ...], str]:
    """Return the columns of a file that begins with ``texts``, and its market; empty where that cannot be told."""
    has_header = not texts[0][:1].isdigit()
    if kind == "klines":
        if len(texts) != len(_KLINES) or (has_header and tuple(texts) != _KLINES):
            raise FieldFault(f"the columns are {','.join(texts)[:200]!r}, not those of klines")
        in_microseconds = len(texts[0]) == _MICROSECOND_DIGITS
        told = (
            USD_M if has_header or "/futures/um/" in source else SPOT if in_microseconds or "/spot/" in source else ""
        )
        return _KLINES, venue or told
    for columns, market in _COLUMNS[kind].items():
        if len(texts) == len(columns) and (not has_header or tuple(texts) == columns):
            return columns, venue or market
    raise FieldFault(f"the columns are {','.join(texts)[:200]!r}, not those of {kind}")


def _reader(name: DumpName, venue: str) -> RowReader:
    readers = {"trades": _trade, "aggTrades": _aggregated, "klines": _bar, "bookTicker": _quote}
    read = readers[name.kind]
    return lambda fields: read(fields, venue, name.symbol)


def _time_ns(fields: Fields, column: str) -> int:
    unit_ns = NS_PER_US if len(fields.text(column)) >= _MICROSECOND_DIGITS else NS_PER_MS
    return fields.time_ns(column, unit_ns)


def _side(fields: Fields) -> int:
    return -1 if fields.truth("is_buyer_maker") else 1


def _trade(fields: Fields, venue: str, symbol: str) -> TradeRow:
    ns = _time_ns(fields, "time")
    price, qty = fields.number("price"), fields.number("qty")
    return TradeRow(ns, venue, symbol, ns, price, qty, _side(fields), str(fields.whole("id")))


def _aggregated(fields: Fields, venue: str, symbol: str) -> TradeRow:
    ns = _time_ns(fields, "transact_time")
    price, qty = fields.number("price"), fields.number("quantity")
    fills = fields.whole("last_trade_id") - fields.whole("first_trade_id") + 1
    return TradeRow(ns, venue, symbol, ns, price, qty, _side(fields), str(fields.whole("agg_trade_id")), fills)


def _quote(fields: Fields, venue: str, symbol: str) -> QuoteRow:
    ns = _time_ns(fields, "event_time")
    bid, ask = fields.number("best_bid_price"), fields.number("best_ask_price")
    bid_qty, ask_qty = fields.number("best_bid_qty"), fields.number("best_ask_qty")
    return QuoteRow(ns, venue, symbol, _time_ns(fields, "transaction_time"), bid, bid_qty, ask, ask_qty)


def _bar(fields: Fields, venue: str, symbol: str) -> BarRow:
    unit_ns = NS_PER_US if len(fields.text("open_time")) >= _MICROSECOND_DIGITS else NS_PER_MS
    close_ns = fields.time_ns("close_time", unit_ns) + unit_ns  # the venue gives the last unit of the bar
    return BarRow(
        close_ns, venue, symbol, fields.time_ns("open_time", unit_ns), close_ns,
        fields.number("open"), fields.number("high"), fields.number("low"), fields.number("close"),
        fields.number("volume"), fields.number("quote_volume"), fields.whole("count"),
        fields.number("taker_buy_volume"), fields.number("taker_buy_quote_volume"),
    )  # fmt: skip
