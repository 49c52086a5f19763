"""Bybit's wire format, V5: public streams and the bodies of requests, from bytes to events.

Pure. Every fault is ``Malformed`` with the bytes; well-formed messages of kinds that we don't read are ``Unknown``.
Prices and quantities are decimal text on the wire and are converted and bounded by the decoder itself.

Sources: Bybit V5 "WebSocket Stream": "Connect", "Orderbook", "Trade", "Ticker", "All Liquidation"; "Market": "Get Bybit
Server Time"; "Error Codes".
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Malformed, RetryLater
from foretick.common.units import NS_PER_MS
from foretick.ingest.adapters.wire import Fraction, Id, Millis, Name, Nanos, PositiveQty, Price, Qty, decode, told
from foretick.ingest.domain.events import QUIET, DerivativeState, Liquidation, Parsed, Trade, Unknown, VenueError
from foretick.market.integrity import Delta, Snapshot

_RESTARTED = 1
"""The update id with which the venue's service begins again: such a message is a full book."""

_SIDES = {"Buy": 1, "Sell": -1}
_LIQUIDATED = {"Buy": -1, "Sell": 1}
"""The venue tells the side of the position that is closed; the order that closes it is of the other side."""

_TOO_OFTEN = 10006
_PATIENCE_S = 10.0


class _Book(msgspec.Struct, gc=False):
    s: str
    b: list[tuple[Price, Qty]]
    a: list[tuple[Price, Qty]]
    u: Id


class _Trade(msgspec.Struct, gc=False):
    T: Millis
    s: str
    S: str
    v: PositiveQty
    p: Price
    i: Name


class _Ticker(msgspec.Struct, rename="camel", gc=False):
    symbol: str
    mark_price: str = ""
    index_price: str = ""
    open_interest: str = ""
    funding_rate: str = ""
    next_funding_time: str = ""


class _Liquidation(msgspec.Struct, gc=False):
    T: Millis
    s: str
    S: str
    v: PositiveQty
    p: Price


class _Message(msgspec.Struct, gc=False):
    """A message of any kind: one of a topic, or the answer to a request."""

    topic: str = ""
    type: str = ""
    ts: Millis | None = None
    cts: Millis | None = None
    data: msgspec.Raw = msgspec.Raw()
    op: str = ""
    success: bool | None = None
    ret_msg: str = ""


class _Reply(msgspec.Struct, rename="camel"):
    ret_code: int
    ret_msg: str = ""


class _Time(msgspec.Struct, rename="camel"):
    time_nano: Nanos


class _TimeReply(msgspec.Struct):
    result: _Time


class BybitWire:
    """Parses what a feed receives of Bybit: a ``WireFormat``."""

    def __init__(self, source: str) -> None:
        self._source = source

    def parse(self, payload: bytes) -> Sequence[Parsed]:
        """Return the events of one frame with their symbol, or a notice.

        Raises:
            Malformed: for a frame that breaks its format.
        """
        message = decode(_message_decoder, payload, self._source)
        if not message.topic:
            return _answer(message)
        kind, _, rest = message.topic.partition(".")
        reader = _READERS.get(kind)
        if reader is None:
            return (("", Unknown(kind)),)
        decoder, read = reader
        data = decode(decoder, message.data, self._source, payload)
        try:
            return read(rest.rpartition(".")[2], message, data)
        except ValueError as error:
            raise Malformed(self._source, str(error), payload) from None

    def parse_reply(self, symbol: str, payload: bytes) -> Sequence[Parsed]:
        """Raise ``Malformed``: of one symbol nothing is asked for, as books and states come on their streams."""
        raise Malformed(self._source, f"a reply about {symbol} that nobody asked for", payload)


def parse_time_ns(payload: bytes, source: str) -> int:
    """Return the venue's clock of a ``/v5/market/time`` body, UTC ns.

    Raises:
        Malformed: for a body that breaks its format.
    """
    return decode(_time_decoder, payload, source).result.time_nano


def read_refusal(payload: bytes) -> tuple[str, str] | None:
    """Return code and message of the venue's own error of a refused REST request, or None where there is none.

    Raises:
        RetryLater: where the venue says that we ask too often.
    """
    try:
        reply = _reply_decoder.decode(payload)
    except UNDECODABLE:
        return None
    if reply.ret_code == _TOO_OFTEN:
        raise RetryLater(f"{reply.ret_code}: {reply.ret_msg}", _PATIENCE_S)
    return (str(reply.ret_code), reply.ret_msg) if reply.ret_code else None


def _book(symbol: str, message: _Message, data: _Book) -> Sequence[Parsed]:
    _expect(symbol, data.s)
    at_ms = message.cts or message.ts
    event_ns = None if at_ms is None else at_ms * NS_PER_MS
    if message.type == "snapshot" or data.u == _RESTARTED:
        return ((symbol, Snapshot(data.u, data.b, data.a, event_ns)),)
    if message.type != "delta":
        raise ValueError(f"type {message.type!r} of a book is neither snapshot nor delta")
    return ((symbol, Delta(data.u, data.u, data.b, data.a, event_ns)),)


def _trades(symbol: str, _message: _Message, data: list[_Trade]) -> Sequence[Parsed]:
    trades: list[Parsed] = []
    for trade in data:
        _expect(symbol, trade.s)
        side = _side(trade.S, _SIDES)
        trades.append((symbol, Trade(trade.p, trade.v, side, None, trade.T * NS_PER_MS, trade.i)))
    return trades


def _ticker(symbol: str, message: _Message, data: _Ticker) -> Sequence[Parsed]:
    _expect(symbol, data.symbol)
    state = DerivativeState(
        told(data.mark_price, Price), told(data.index_price, Price), told(data.funding_rate, Fraction),
        (told(data.next_funding_time, Millis) or 0) * NS_PER_MS or None,  # contracts that are delivered have none
        told(data.open_interest, Qty), None if message.ts is None else message.ts * NS_PER_MS,
    )  # fmt: skip
    is_silent = state.mark_price is state.index_price is state.funding_rate_frac is None
    if is_silent and state.next_funding_ns is state.open_interest_qty is None:
        return QUIET  # a delta about what we don't read, or a ticker of spot
    return ((symbol, state),)


def _liquidations(symbol: str, _message: _Message, data: list[_Liquidation]) -> Sequence[Parsed]:
    liquidations: list[Parsed] = []
    for each in data:
        _expect(symbol, each.s)
        side = _side(each.S, _LIQUIDATED)
        liquidations.append((symbol, Liquidation(each.p, each.v, side, each.T * NS_PER_MS)))
    return liquidations


def _answer(message: _Message) -> Sequence[Parsed]:
    if message.success is False:
        return (("", VenueError(0, f"{message.op}: {message.ret_msg}")),)
    if message.op:
        return QUIET  # a subscription that was heard, or a pong
    return (("", Unknown("nameless")),)


def _expect(symbol: str, named: str) -> None:
    if named != symbol or not symbol:
        raise ValueError(f"symbol {named!r} on a topic of {symbol!r}")


def _side(text: str, sides: dict[str, int]) -> int:
    if text not in sides:
        raise ValueError(f"side {text!r} is neither Buy nor Sell")
    return sides[text]


_message_decoder = msgspec.json.Decoder(_Message)
_reply_decoder = msgspec.json.Decoder(_Reply)
_time_decoder = msgspec.json.Decoder(_TimeReply, strict=False)
_READERS: dict[str, tuple[msgspec.json.Decoder[Any], Callable[[str, _Message, Any], Sequence[Parsed]]]] = {
    "orderbook": (msgspec.json.Decoder(_Book, strict=False), _book),
    "publicTrade": (msgspec.json.Decoder(list[_Trade], strict=False), _trades),
    "tickers": (msgspec.json.Decoder(_Ticker), _ticker),
    "allLiquidation": (msgspec.json.Decoder(list[_Liquidation], strict=False), _liquidations),
}
