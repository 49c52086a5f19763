"""Kraken's wire format, WebSocket v2 and the public REST side, from bytes to events.

Pure. Every fault is ``Malformed`` with the bytes; well-formed messages of channels that we don't read are ``Unknown``.
A book's messages carry a checksum of it; a trade's side is that of who took.

Sources: Kraken "Spot WebSocket v2": Book (level 2), Trade, Status, Heartbeat, Ping, subscribe and its answers; "Spot
REST": Get Tradable Asset Pairs, and its errors.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Malformed, RetryLater, Transient
from foretick.ingest.adapters.wire import (
    Id,
    Moment,
    Name,
    PositiveQty,
    Precision,
    Price,
    Qty,
    decode,
    ns_of,
    step_of,
)
from foretick.ingest.domain.events import QUIET, Maintenance, Notice, Parsed, Quiet, Trade, Unknown, VenueError
from foretick.ingest.domain.listing import Listing, plain_asset
from foretick.market.book import PriceGrid
from foretick.market.integrity import Delta, Snapshot

_Crc = Annotated[int, Meta(ge=0, lt=2**32)]

_TOO_OFTEN = ("EAPI",)
_TROUBLE = ("EService", "EGeneral")
"""Kinds of errors of the moment: our requests have nothing that could be wrong of itself."""

_PATIENCE_S = 60.0
_NOT_TRADED = ("delisted", "work_in_progress")


class _Message(msgspec.Struct, gc=False):
    """What a message of a channel has; the answer to a request has a method instead."""

    channel: str = ""
    type: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    method: str = ""
    success: bool = True
    error: str = ""
    symbol: str | None = None


class _Level(msgspec.Struct, gc=False):
    price: Price
    qty: Qty


class _Book(msgspec.Struct, gc=False):
    symbol: Name
    checksum: _Crc
    bids: list[_Level] = []
    asks: list[_Level] = []
    timestamp: Moment | None = None


class _Trade(msgspec.Struct, gc=False):
    symbol: Name
    side: Literal["buy", "sell"]
    price: Price
    qty: PositiveQty
    trade_id: Id
    timestamp: Moment


class _Status(msgspec.Struct, gc=False):
    system: Name


class _Pair(msgspec.Struct, gc=False):
    altname: str
    pair_decimals: Precision
    lot_decimals: Precision
    wsname: str = ""
    status: str = "online"
    ordermin: Qty = 0.0


class _Pairs(msgspec.Struct):
    result: dict[str, _Pair]


class _Errors(msgspec.Struct):
    error: list[str]


class KrakenWire:
    """Parses what a feed receives of Kraken: a ``WireFormat``."""

    def __init__(self, source: str) -> None:
        self._source = source

    def parse(self, payload: bytes) -> Sequence[Parsed]:
        """Return what a message says.

        Raises:
            Malformed: for a message that breaks its format.
        """
        message = decode(_message_decoder, payload, self._source)
        reader = _READERS.get(message.channel)
        if reader is None:
            return (("", _notice(message)),)
        if message.type not in ("snapshot", "update"):
            raise Malformed(self._source, f"type {message.type!r} of channel {message.channel}", payload)
        decoder, read = reader
        data = decode(decoder, message.data, self._source, payload)
        try:
            return list(read(data, message.type == "snapshot"))
        except ValueError as error:
            raise Malformed(self._source, str(error), payload) from None

    def parse_reply(self, symbol: str, payload: bytes) -> Sequence[Parsed]:
        """Raise ``Malformed``: nothing is asked for, full books come on their stream."""
        raise Malformed(self._source, f"a reply about {symbol} that nothing was asked for", payload)


def parse_pairs(payload: bytes, source: str) -> list[Listing]:
    """Return the listings of an ``AssetPairs`` body, by their names on the stream.

    The grid is that of the printed digits, which the checksum is made of: prices may step by more than one of it.
    Assets go by the names of WebSocket v2, which has no ``XBT`` and ``XDG``.

    Raises:
        Malformed: for a body that breaks its format.
    """
    listings: list[Listing] = []
    for key, pair in decode(_pairs_decoder, payload, source).result.items():
        base, separator, quote = pair.wsname.partition("/")
        if not separator or pair.status in _NOT_TRADED:
            continue
        base, quote = plain_asset(base), plain_asset(quote)
        grid = PriceGrid(step_of(pair.pair_decimals), step_of(pair.lot_decimals))
        listings.append(
            Listing(
                f"{base}/{quote}", base, quote, grid, order_step_qty=grid.lot_size,
                min_order_qty=pair.ordermin or None, names=tuple(dict.fromkeys((pair.altname, pair.wsname, key))),
            )
        )  # fmt: skip
    return listings


def read_refusal(payload: bytes) -> tuple[str, str] | None:
    """Return the venue's own error of a refused REST request, as code and message, or None where there is none.

    Raises:
        RetryLater: we ask too often.
        Transient: the venue is busy, under maintenance or at fault.
    """
    try:
        errors = _errors_decoder.decode(payload).error
    except UNDECODABLE:
        return None
    if not errors:
        return None
    code, message = errors[0].partition(":")[0], "; ".join(errors)
    if code in _TOO_OFTEN:
        raise RetryLater(message, _PATIENCE_S)
    if code in _TROUBLE:
        raise Transient(message)
    return code, message


def _books(books: list[_Book], is_snapshot: bool) -> Iterator[Parsed]:
    for book in books:
        bids = [(level.price, level.qty) for level in book.bids]
        asks = [(level.price, level.qty) for level in book.asks]
        event_ns = None if book.timestamp is None else ns_of(book.timestamp)
        if is_snapshot:
            yield book.symbol, Snapshot(0, bids, asks, event_ns, book.checksum)
        else:
            yield book.symbol, Delta(0, 0, bids, asks, event_ns, checksum=book.checksum)


def _trades(trades: list[_Trade], is_snapshot: bool) -> Iterator[Parsed]:
    for trade in sorted(trades, key=_trade_id):
        side = 1 if trade.side == "buy" else -1
        yield (
            trade.symbol,
            Trade(trade.price, trade.qty, side, trade.trade_id, ns_of(trade.timestamp), is_history=is_snapshot),
        )


def _trade_id(trade: _Trade) -> int:
    return trade.trade_id


def _statuses(statuses: list[_Status], _: bool) -> Iterator[Parsed]:
    for status in statuses:
        yield "", Maintenance("" if status.system == "online" else f"the exchange is in {status.system}")
    if not statuses:
        yield from QUIET


def _notice(message: _Message) -> Notice:
    if message.channel == "heartbeat":
        return Quiet()
    if message.channel:
        return Unknown(message.channel)
    if message.error or not message.success:
        return VenueError(0, " ".join(filter(None, (message.method, message.symbol, message.error))))
    return Quiet() if message.method else Unknown("nameless")


_message_decoder = msgspec.json.Decoder(_Message)
_pairs_decoder = msgspec.json.Decoder(_Pairs, strict=False)
_errors_decoder = msgspec.json.Decoder(_Errors)
_READERS: dict[str, tuple[msgspec.json.Decoder[Any], Any]] = {
    "book": (msgspec.json.Decoder(list[_Book]), _books),
    "trade": (msgspec.json.Decoder(list[_Trade]), _trades),
    "status": (msgspec.json.Decoder(list[_Status]), _statuses),
}
