"""Bitstamp's wire format, WebSocket v2 and the public REST side, from bytes to events.

Pure. Every fault is ``Malformed`` with the bytes; well-formed messages of channels that we don't read are ``Unknown``.
A message of channel ``order_book`` is the whole book, its 100 best levels a side, with the time that it is as of.
Trades have numbers that grow over all markets together.

Sources: Bitstamp "WebSocket API v2" (Live ticker, Live order book, forced reconnection, heartbeat) and "HTTP API"
(``markets``). That the type of a trade is the side of who took shows in recorded ones: its order is the later one.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Malformed, RetryLater
from foretick.common.units import NS_PER_US
from foretick.ingest.adapters.wire import Id, Micros, Name, PositiveQty, Precision, Price, Qty, decode, step_of
from foretick.ingest.domain.events import (
    MarketEvent,
    Notice,
    Parsed,
    Quiet,
    ShutdownNotice,
    Trade,
    Unknown,
    VenueError,
)
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid
from foretick.market.integrity import Snapshot

TRADES, BOOK = "live_trades_", "order_book_"
"""What the names of our two channels begin with; the market's symbol follows."""

_TOO_OFTEN = ("400.002", "400.067", "400.068")
_PATIENCE_S = 60.0
_QUIET_EVENTS = ("bts:subscription_succeeded", "bts:unsubscription_succeeded", "bts:heartbeat")


class _Message(msgspec.Struct, gc=False):
    event: Name
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")


class _Trade(msgspec.Struct, gc=False):
    id: Id
    amount_str: PositiveQty
    price_str: Price
    type: Literal[0, 1]
    microtimestamp: Micros


class _Book(msgspec.Struct, gc=False):
    microtimestamp: Micros
    bids: list[tuple[Price, Qty]]
    asks: list[tuple[Price, Qty]]


class _Error(msgspec.Struct, gc=False):
    message: str = ""
    code: int | None = None


class _Market(msgspec.Struct, gc=False):
    market_symbol: Name
    base_currency: str
    base_decimals: Precision
    counter_currency: str
    counter_decimals: Precision
    trading: str
    market_type: str = "SPOT"


class _Refusal(msgspec.Struct, gc=False):
    status: str = ""
    code: str = ""
    reason: str | dict[str, Any] = ""
    response_code: str = ""
    response_explanation: str = ""


class BitstampWire:
    """Parses what a feed receives of Bitstamp: a ``WireFormat``."""

    def __init__(self, source: str) -> None:
        self._source = source

    def parse(self, payload: bytes) -> Sequence[Parsed]:
        """Return what a message says.

        Raises:
            Malformed: for a message that breaks its format.
        """
        message = decode(_message_decoder, payload, self._source)
        for prefix, event, decoder, read in _READERS:
            if message.event == event and message.channel.startswith(prefix):
                symbol = message.channel.removeprefix(prefix)
                if not symbol:
                    raise Malformed(self._source, f"channel {message.channel!r} names no market", payload)
                return ((symbol, read(decode(decoder, message.data, self._source, payload))),)
        return (("", self._notice(message, payload)),)

    def parse_reply(self, symbol: str, payload: bytes) -> Sequence[Parsed]:
        """Raise ``Malformed``: nothing is asked for, full books come on their stream."""
        raise Malformed(self._source, f"a reply about {symbol} that nothing was asked for", payload)

    def _notice(self, message: _Message, payload: bytes) -> Notice:
        match message.event:
            case "bts:request_reconnect":
                return ShutdownNotice()
            case "bts:error":
                error = decode(_error_decoder, message.data, self._source, payload)
                return VenueError(error.code or 0, error.message)
            case event if event in _QUIET_EVENTS:
                return Quiet()
            case event:
                return Unknown(f"{event} of {message.channel}" if message.channel else event)


def parse_markets(payload: bytes, source: str) -> list[Listing]:
    """Return the listings of a ``markets`` body: spot markets that are open.

    Raises:
        Malformed: for a body that breaks its format.
    """
    listings: list[Listing] = []
    for market in decode(_markets_decoder, payload, source):
        if market.market_type == "SPOT" and market.trading == "Enabled":
            grid = PriceGrid(step_of(market.counter_decimals), step_of(market.base_decimals))
            symbol, base, quote = market.market_symbol, market.base_currency, market.counter_currency
            listings.append(Listing(symbol, base, quote, grid, order_step_qty=grid.lot_size))
    return listings


def read_refusal(payload: bytes) -> tuple[str, str] | None:
    """Return code and message of the venue's own error of a refused REST request, or None where there is none.

    Raises:
        RetryLater: we ask too often.
    """
    try:
        refusal = _refusal_decoder.decode(payload)
    except UNDECODABLE:
        return None
    if refusal.response_code in _TOO_OFTEN:
        raise RetryLater(refusal.response_explanation, _PATIENCE_S)
    if refusal.response_code:
        return refusal.response_code, refusal.response_explanation
    return (refusal.code or "error", str(refusal.reason)) if refusal.status == "error" else None


def _trade(trade: _Trade) -> Trade:
    side = 1 if trade.type == 0 else -1
    return Trade(trade.price_str, trade.amount_str, side, trade.id, trade.microtimestamp * NS_PER_US)


def _book(book: _Book) -> Snapshot:
    return Snapshot(book.microtimestamp, book.bids, book.asks, book.microtimestamp * NS_PER_US)


_message_decoder = msgspec.json.Decoder(_Message)
_error_decoder = msgspec.json.Decoder(_Error)
_refusal_decoder = msgspec.json.Decoder(_Refusal)
_markets_decoder = msgspec.json.Decoder(list[_Market])
_READERS: tuple[tuple[str, str, msgspec.json.Decoder[Any], Callable[[Any], MarketEvent]], ...] = (
    (BOOK, "data", msgspec.json.Decoder(_Book, strict=False), _book),
    (TRADES, "trade", msgspec.json.Decoder(_Trade, strict=False), _trade),
)
