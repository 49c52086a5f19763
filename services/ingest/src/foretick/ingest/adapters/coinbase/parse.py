"""Coinbase Advanced Trade's wire format, from bytes to events.

Pure, but for the products that are known to be halted. Every fault is ``Malformed`` with the bytes; well-formed
messages of channels that we don't read are ``Unknown``. Every message has the next number of its connection, whatever
its channel, so that a loss shows. A trade's side is the maker's.

Sources: Coinbase Advanced Trade "WebSocket Channels" (level2, market_trades, status, heartbeats), "WebSocket Overview"
(``sequence_num``), the AsyncAPI document of its market data, and "Public" REST (``market/products``, ``time``). That
the side of a trade is the maker's shows in recorded ones: sellers' sides at the ask, buyers' at the bid.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Malformed
from foretick.common.units import NS_PER_MS
from foretick.ingest.adapters.wire import Id, Moment, Name, PositiveQty, Price, Qty, decode, ns_of
from foretick.ingest.domain.events import QUIET, Maintenance, Notice, Numbered, Parsed, Trade, Unknown, VenueError
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid
from foretick.market.integrity import Delta, Snapshot

_QUIET_CHANNELS = ("heartbeats", "subscriptions")
_MOST_HALTED = 1000
_FIRST_YEAR = 2000
"""A level that did not change since the venue started counting carries the beginning of time."""

_AGGRESSOR = {"BUY": -1, "SELL": 1, "UNKNOWN_ORDER_SIDE": 0}
"""The side of who took, by the side of who made."""


class _Message(msgspec.Struct, gc=False):
    """What every message has; a refusal has the last three instead."""

    channel: str = ""
    sequence_num: Id | None = None
    events: msgspec.Raw = msgspec.Raw(b"")
    type: str = ""
    message: str = ""
    reason: str = ""


class _Level(msgspec.Struct, gc=False):
    side: Literal["bid", "offer"]
    event_time: Moment
    price_level: Price
    new_quantity: Qty


class _Book(msgspec.Struct, gc=False):
    type: Literal["snapshot", "update"]
    product_id: Name
    updates: list[_Level]


class _Trade(msgspec.Struct, gc=False):
    product_id: Name
    trade_id: Id
    price: Price
    size: PositiveQty
    time: Moment
    side: Literal["BUY", "SELL", "UNKNOWN_ORDER_SIDE"]


class _Trades(msgspec.Struct, gc=False):
    type: Literal["snapshot", "update"]
    trades: list[_Trade]


class _Status(msgspec.Struct, gc=False):
    id: Name
    status: str
    status_message: str | None = None


class _Statuses(msgspec.Struct, gc=False):
    products: list[_Status]


class _Product(msgspec.Struct, gc=False):
    product_id: Name
    base_currency_id: str
    quote_currency_id: str
    base_increment: PositiveQty
    price_increment: Price
    base_min_size: Qty
    status: str
    product_type: str = "SPOT"
    alias: str = ""
    alias_to: tuple[str, ...] = ()


class _Products(msgspec.Struct):
    products: list[_Product]


class _Time(msgspec.Struct, rename="camel", gc=False):
    epoch_millis: Id


class _RestError(msgspec.Struct, gc=False):
    error: str
    message: str = ""


class CoinbaseWire:
    """Parses what a feed receives of Coinbase: a ``WireFormat``."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._halted: dict[str, str] = {}

    def parse(self, payload: bytes) -> Sequence[Parsed]:
        """Return the number of a message and what it says; a refusal has no number.

        Raises:
            Malformed: for a message that breaks its format.
        """
        message = decode(_message_decoder, payload, self._source)
        if not message.channel:
            return (("", _unchannelled(message)),)
        if message.sequence_num is None:
            raise Malformed(self._source, "a message without its number", payload)
        number = ("", Numbered(message.sequence_num))
        if message.channel in _QUIET_CHANNELS:
            return (number, *QUIET)
        decoder = _DECODERS.get(message.channel)
        if decoder is None:
            return (number, ("", Unknown(message.channel)))
        events = decode(decoder, message.events, self._source, payload)
        try:
            return [number, *(parsed for event in events for parsed in self._read(event))]
        except ValueError as error:
            raise Malformed(self._source, str(error), payload) from None

    def parse_reply(self, symbol: str, payload: bytes) -> Sequence[Parsed]:
        """Raise ``Malformed``: nothing is asked for, full books come on their stream."""
        raise Malformed(self._source, f"a reply about {symbol} that nothing was asked for", payload)

    def _read(self, event: Any) -> Iterator[Parsed]:
        match event:
            case _Book():
                yield event.product_id, _book(event)
            case _Trades():
                is_history = event.type == "snapshot"
                for trade in sorted(event.trades, key=_trade_id):  # the venue sends the latest first
                    yield trade.product_id, _trade(trade, is_history)
            case _:
                yield "", self._maintenance(event.products)

    def _maintenance(self, products: Sequence[_Status]) -> Maintenance:
        for product in products:
            self._halted.pop(product.id, None)
            if product.status != "online" and len(self._halted) < _MOST_HALTED:
                text = f"{product.id} is {product.status}"
                self._halted[product.id] = f"{text}: {product.status_message}" if product.status_message else text
        return Maintenance(", ".join(self._halted[name] for name in sorted(self._halted)))


def parse_products(payload: bytes, source: str) -> list[Listing]:
    """Return the listings of a ``market/products`` body: spot that can be followed.

    What is an alias of another product has no stream of its own and is a name of that one; delisted products have none.

    Raises:
        Malformed: for a body that breaks its format.
    """
    return [
        Listing(
            product.product_id, product.base_currency_id, product.quote_currency_id,
            PriceGrid(product.price_increment, product.base_increment), order_step_qty=product.base_increment,
            min_order_qty=product.base_min_size or None, names=product.alias_to,
        )
        for product in decode(_products_decoder, payload, source).products
        if product.product_type == "SPOT" and product.status != "delisted" and not product.alias
    ]  # fmt: skip


def parse_time_ns(payload: bytes, source: str) -> int:
    """Return the venue's clock of a ``time`` body, UTC ns.

    Raises:
        Malformed: for a body that breaks its format.
    """
    return decode(_time_decoder, payload, source).epoch_millis * NS_PER_MS


def read_refusal(payload: bytes) -> tuple[str, str] | None:
    """Return code and message of the venue's own error of a refused REST request, or None where there is none."""
    try:
        error = _rest_error_decoder.decode(payload)
    except UNDECODABLE:
        return None
    return error.error, error.message


def _unchannelled(message: _Message) -> Notice:
    if message.type != "error":
        return Unknown(message.type or "nameless")
    return VenueError(0, ": ".join(filter(None, (message.message, message.reason))))


def _book(event: _Book) -> Snapshot | Delta:
    bids = [(level.price_level, level.new_quantity) for level in event.updates if level.side == "bid"]
    asks = [(level.price_level, level.new_quantity) for level in event.updates if level.side == "offer"]
    event_ns = None
    if event.updates and event.updates[0].event_time.year >= _FIRST_YEAR:
        event_ns = ns_of(event.updates[0].event_time)
    if event.type == "snapshot":
        return Snapshot(0, bids, asks, event_ns)
    return Delta(0, 0, bids, asks, event_ns)


def _trade(trade: _Trade, is_history: bool) -> Trade:
    return Trade(
        trade.price, trade.size, _AGGRESSOR[trade.side], trade.trade_id, ns_of(trade.time), is_history=is_history
    )


def _trade_id(trade: _Trade) -> int:
    return trade.trade_id


_message_decoder = msgspec.json.Decoder(_Message)
_rest_error_decoder = msgspec.json.Decoder(_RestError)
_products_decoder = msgspec.json.Decoder(_Products, strict=False)
_time_decoder = msgspec.json.Decoder(_Time, strict=False)
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "l2_data": msgspec.json.Decoder(list[_Book], strict=False),
    "market_trades": msgspec.json.Decoder(list[_Trades], strict=False),
    "status": msgspec.json.Decoder(list[_Statuses]),
}
