"""CSV files in Tardis' form: ``incremental_book_L2``, ``trades``, ``quotes`` or ``book_ticker``, ``derivative_ticker``.

Columns, units and meanings are those of docs.tardis.dev/downloadable-csv-files/data-types: a header line, commas,
times in microseconds since the epoch, ``timestamp`` the venue's clock and ``local_timestamp`` the recorder's. The
header tells which of the kinds a file is. A full book's rows have ``is_snapshot``; those before the first are of no
known book.
"""

from collections.abc import Iterator
from typing import BinaryIO

from foretick.common.units import NS_PER_US
from foretick.market.recording.csv_rows import Fields, RowItem, read_rows
from foretick.market.recording.faults import TruncatedRecording, WrongFormat
from foretick.market.recording.market_rows import BookRow, DerivativeRow, QuoteRow, TradeRow
from foretick.market.recording.text import read_lines

_VENUES = {"binance-futures": "binance-usdm", "binance-delivery": "binance-coinm", "okex": "okx"}
_TRADE_SIDES = {"buy": 1, "sell": -1, "unknown": 0}
_BOOK_SIDES = {"bid": 1, "ask": -1}
_COMMON = ("exchange", "symbol", "timestamp", "local_timestamp")


def read_tardis(stream: BinaryIO, source: str, venue: str = "") -> Iterator[RowItem | WrongFormat]:
    """Yield the rows of a file in its order, and in their places what could not be read.

    ``venue`` is the name to give them; empty takes it from the column ``exchange``.
    """
    lines = enumerate(read_lines(stream, source), 1)
    _, first = next(lines, (1, b""))
    if isinstance(first, TruncatedRecording):
        yield first
        return
    columns = tuple(first.decode("ascii", "replace").strip().split(","))
    read = _READERS.get(columns)
    if read is None:
        known = "; ".join(",".join(each) for each in _READERS)
        hint = f"the kinds that are read have {known}: fetch one of these, unchanged"
        yield WrongFormat(source, 1, f"the columns are {','.join(columns)[:200]!r}", hint)
        return
    yield from read_rows(lines, source, columns, lambda fields: read(fields, _times(fields, venue)))


def is_tardis(first_line: bytes) -> bool:
    """Tell whether a file that begins with ``first_line`` is meant to be one of Tardis'."""
    return first_line.startswith(b"exchange,symbol,timestamp,")


_Times = tuple[int, str, str, int]
"""recv_ns, venue, symbol, event_ns: what every row begins with."""


def _times(fields: Fields, venue: str) -> _Times:
    exchange = fields.text("exchange")
    return (
        fields.time_ns("local_timestamp", NS_PER_US),
        venue or _VENUES.get(exchange, exchange),
        fields.text("symbol"),
        fields.time_ns("timestamp", NS_PER_US),
    )


def _trade(fields: Fields, times: _Times) -> TradeRow:
    trade_id = fields.text("id") if fields.has("id") else ""
    side = fields.one_of("side", _TRADE_SIDES)
    return TradeRow(*times, fields.number("price"), fields.number("amount"), side, trade_id)


def _quote(fields: Fields, times: _Times) -> QuoteRow:
    return QuoteRow(
        *times,
        fields.optional("bid_price"),
        fields.optional("bid_amount"),
        fields.optional("ask_price"),
        fields.optional("ask_amount"),
    )


def _level(fields: Fields, times: _Times) -> BookRow:
    is_snapshot, side = fields.truth("is_snapshot"), fields.one_of("side", _BOOK_SIDES)
    return BookRow(*times, is_snapshot, side, fields.number("price"), fields.number("amount"))


def _derivative(fields: Fields, times: _Times) -> DerivativeRow:
    return DerivativeRow(
        *times,
        fields.time_ns("funding_timestamp", NS_PER_US) if fields.has("funding_timestamp") else None,
        fields.optional("funding_rate"),
        fields.optional("predicted_funding_rate"),
        fields.optional("open_interest"),
        fields.optional("last_price"),
        fields.optional("index_price"),
        fields.optional("mark_price"),
    )


_READERS = {
    (*_COMMON, "is_snapshot", "side", "price", "amount"): _level,
    (*_COMMON, "id", "side", "price", "amount"): _trade,
    (*_COMMON, "ask_amount", "ask_price", "bid_price", "bid_amount"): _quote,
    (
        *_COMMON, "funding_timestamp", "funding_rate", "predicted_funding_rate", "open_interest", "last_price",
        "index_price", "mark_price",
    ): _derivative,
}  # fmt: skip
