"""OKX's wire format, V5: public channels and the bodies of requests, from bytes to events.

Pure. Every fault is ``Malformed`` with the bytes; well-formed messages of kinds that we don't read are ``Unknown``. All
numbers but sequence ids and checksums are decimal text on the wire; the decoder itself converts and bounds them.

Sources: OKX V5 "WebSocket": "Overview", "Connect", "Notification"; "Order book channel", "Trades channel", "Funding
rate channel", "Mark price channel", "Index tickers channel", "Open interest channel", "Liquidation orders channel",
"Status channel"; "Get system time"; "Error Code"; "OKX Order Book Channels Checksum Field Deprecation" (2026-05-21).
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Malformed, RetryLater, Transient
from foretick.common.units import NS_PER_MS
from foretick.ingest.adapters.wire import Fraction, Id, Millis, PositiveQty, Price, Qty, decode, told
from foretick.ingest.domain.events import (
    QUIET,
    DerivativeState,
    Liquidation,
    Maintenance,
    MalformedUpdate,
    Parsed,
    ShutdownNotice,
    Trade,
    Unknown,
    VenueError,
)
from foretick.market.integrity import Delta, Snapshot

_PONG = b"pong"
_UPGRADE = "64008"
"""The code of a notice that the connection will be closed for an upgrade of the service."""

_SIDES = {"buy": 1, "sell": -1}
_PRODUCTION = "1"
_UNDER_WAY = ("ongoing", "pre_open")
_SOON_MS = 3_600_000
_NO_CHECKSUM = 0
_TOO_OFTEN = ("50011", "50061")
_TROUBLE = ("50001", "50004", "50013", "50026")
_PATIENCE_S = 2.0
_MAX_NAMES = 8192
_UNNUMBERED = "a book without seqId and prevSeqId: of the protocol before books were numbered, which is not followed"

_SequenceId = Annotated[int, Meta(ge=-1, le=2**53)]


class _Level(msgspec.Struct, array_like=True, gc=False):
    """Price and quantity; what follows them (a retired field, the number of orders) is passed over."""

    price: Price
    qty: Qty


class _Book(msgspec.Struct, rename="camel", gc=False):
    asks: list[_Level]
    bids: list[_Level]
    ts: Millis
    checksum: int = _NO_CHECKSUM
    seq_id: Id | None = None
    prev_seq_id: _SequenceId | None = None


class _Trade(msgspec.Struct, rename="camel", gc=False):
    inst_id: str
    trade_id: Id
    px: Price
    sz: PositiveQty
    side: str
    ts: Millis


class _FundingRate(msgspec.Struct, rename="camel", gc=False):
    inst_id: str
    funding_rate: str
    funding_time: str
    ts: str = ""


class _MarkPrice(msgspec.Struct, rename="camel", gc=False):
    inst_id: str
    mark_px: Price
    ts: Millis


class _IndexTicker(msgspec.Struct, rename="camel", gc=False):
    inst_id: str
    idx_px: Price
    ts: Millis


class _OpenInterest(msgspec.Struct, rename="camel", gc=False):
    inst_id: str
    oi: Qty
    ts: Millis


class _Order(msgspec.Struct, rename="camel", gc=False):
    bk_px: Price
    sz: PositiveQty
    side: str
    ts: Millis


class _Liquidations(msgspec.Struct, rename="camel", gc=False):
    inst_id: str
    details: list[_Order]


class _Status(msgspec.Struct, rename="camel", gc=False):
    state: str
    title: str = ""
    begin: Millis | None = None
    env: str = _PRODUCTION
    ts: Millis | None = None


class _Argument(msgspec.Struct, rename="camel", frozen=True, gc=False):
    channel: str = ""
    inst_id: str = ""


class _Message(msgspec.Struct, gc=False):
    """A message of any kind: one of a channel, or the answer to a request."""

    arg: _Argument = _Argument()
    action: str = ""
    data: msgspec.Raw = msgspec.Raw()
    event: str = ""
    code: str = ""
    msg: str = ""


class _Reply(msgspec.Struct):
    code: str
    msg: str = ""


class _Time(msgspec.Struct):
    ts: Millis


class _TimeReply(msgspec.Struct):
    data: Annotated[list[_Time], Meta(min_length=1)]


class OkxWire:
    """Parses what a feed receives of OKX: a ``WireFormat``.

    Liquidations come for all instruments at once; those of instruments whose book never came are passed over.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._names: set[str] = set()

    def parse(self, payload: bytes) -> Sequence[Parsed]:
        """Return the events of one frame with their symbol, or a notice.

        Raises:
            Malformed: for a frame that breaks its format; ``MalformedUpdate`` where it is known whose book it is about.
        """
        if payload == _PONG:
            return QUIET
        message = decode(_message_decoder, payload, self._source)
        if message.event:
            return _answer(message)
        reader = _READERS.get(message.arg.channel)
        if reader is None:
            return (("", Unknown(message.arg.channel or "nameless")),)
        decoder, read = reader
        try:
            parsed = read(message, decoder.decode(message.data))
        except (*UNDECODABLE, ValueError) as error:
            if read is _books and message.arg.inst_id:
                raise MalformedUpdate(self._source, str(error), payload, message.arg.inst_id) from None
            raise Malformed(self._source, str(error), payload) from None
        if read is _books and len(self._names) < _MAX_NAMES:
            self._names.add(message.arg.inst_id)
        elif read is _liquidations:
            parsed = [each for each in parsed if each[0] in self._names]
        return parsed

    def parse_reply(self, symbol: str, payload: bytes) -> Sequence[Parsed]:
        """Raise ``Malformed``: of one symbol nothing is asked for, as books and states come on their channels."""
        raise Malformed(self._source, f"a reply about {symbol} that nobody asked for", payload)


def parse_time_ns(payload: bytes, source: str) -> int:
    """Return the venue's clock of a ``/api/v5/public/time`` body, UTC ns.

    Raises:
        Malformed: for a body that breaks its format.
    """
    return decode(_time_decoder, payload, source).data[0].ts * NS_PER_MS


def read_refusal(payload: bytes) -> tuple[str, str] | None:
    """Return code and message of the venue's own error of a refused REST request, or None where there is none.

    Raises:
        RetryLater: where the venue says that we ask too often.
        Transient: where it says that it is in trouble.
    """
    try:
        reply = _reply_decoder.decode(payload)
    except UNDECODABLE:
        return None
    if reply.code in _TOO_OFTEN:
        raise RetryLater(f"{reply.code}: {reply.msg}", _PATIENCE_S)
    if reply.code in _TROUBLE:
        raise Transient(f"{reply.code}: {reply.msg}")
    return (reply.code, reply.msg) if reply.code != "0" else None


def _books(message: _Message, data: list[_Book]) -> Sequence[Parsed]:
    symbol = message.arg.inst_id
    if not symbol:
        raise ValueError("a book of no instrument")
    return [(symbol, _book(message.action, each)) for each in data]


def _book(action: str, data: _Book) -> Delta | Snapshot:
    bids = [(level.price, level.qty) for level in data.bids]
    asks = [(level.price, level.qty) for level in data.asks]
    if data.seq_id is None or data.prev_seq_id is None:
        raise ValueError(_UNNUMBERED)
    checksum = data.checksum if data.checksum != _NO_CHECKSUM else None
    event_ns = data.ts * NS_PER_MS
    if action == "snapshot":
        return Snapshot(data.seq_id, bids, asks, event_ns, checksum)
    if action != "update":
        raise ValueError(f"action {action!r} of a book is neither snapshot nor update")
    return Delta(data.seq_id, data.seq_id, bids, asks, event_ns, data.prev_seq_id, checksum)


def _trades(message: _Message, data: list[_Trade]) -> Sequence[Parsed]:
    trades: list[Parsed] = []
    for trade in data:
        _expect(message, trade.inst_id)
        side = _side(trade.side)
        trades.append((trade.inst_id, Trade(trade.px, trade.sz, side, trade.trade_id, trade.ts * NS_PER_MS)))
    return trades


def _funding(message: _Message, data: list[_FundingRate]) -> Sequence[Parsed]:
    states: list[Parsed] = []
    for each in data:
        _expect(message, each.inst_id)
        rate = told(each.funding_rate, Fraction)
        if rate is not None:
            state = DerivativeState(
                funding_rate_frac=rate, next_funding_ns=_instant_ns(each.funding_time), ts_event_ns=_instant_ns(each.ts)
            )
            states.append((each.inst_id, state))
    return states or QUIET


def _marks(message: _Message, data: list[_MarkPrice]) -> Sequence[Parsed]:
    states: list[Parsed] = []
    for each in data:
        _expect(message, each.inst_id)
        states.append((each.inst_id, DerivativeState(mark_price=each.mark_px, ts_event_ns=each.ts * NS_PER_MS)))
    return states


def _indices(message: _Message, data: list[_IndexTicker]) -> Sequence[Parsed]:
    """Read the price of an index as that of the swap which is named after it."""
    states: list[Parsed] = []
    for each in data:
        _expect(message, each.inst_id)
        state = DerivativeState(index_price=each.idx_px, ts_event_ns=each.ts * NS_PER_MS)
        states.append((swap_of(each.inst_id), state))
    return states


def _interests(message: _Message, data: list[_OpenInterest]) -> Sequence[Parsed]:
    states: list[Parsed] = []
    for each in data:
        _expect(message, each.inst_id)
        states.append((each.inst_id, DerivativeState(open_interest_qty=each.oi, ts_event_ns=each.ts * NS_PER_MS)))
    return states


def _liquidations(_message: _Message, data: list[_Liquidations]) -> Sequence[Parsed]:
    return [
        (each.inst_id, Liquidation(order.bk_px, order.sz, _side(order.side), order.ts * NS_PER_MS))
        for each in data
        for order in each.details
    ]


def _statuses(_message: _Message, data: list[_Status]) -> Sequence[Parsed]:
    return [("", _maintenance(each)) for each in data if each.env == _PRODUCTION] or QUIET


def _maintenance(status: _Status) -> Maintenance:
    is_soon = (
        status.state == "scheduled"
        and status.begin is not None
        and status.ts is not None
        and status.begin - status.ts <= _SOON_MS
    )
    is_told = is_soon or status.state in _UNDER_WAY
    return Maintenance((status.title or f"maintenance, {status.state}") if is_told else "")


def _answer(message: _Message) -> Sequence[Parsed]:
    if message.event == "error":
        return (("", VenueError(int(message.code) if message.code.isdecimal() else 0, message.msg)),)
    if message.event != "notice":
        return QUIET  # a subscription that was heard
    return (("", ShutdownNotice() if message.code == _UPGRADE else Unknown(f"notice {message.code}")),)


def swap_of(index: str) -> str:
    """Return the perpetual swap on an index.

    >>> swap_of("BTC-USDT")
    'BTC-USDT-SWAP'
    """
    return f"{index}-SWAP"


def _expect(message: _Message, named: str) -> None:
    if named != message.arg.inst_id or not named:
        raise ValueError(f"instrument {named!r} on a channel of {message.arg.inst_id!r}")


def _instant_ns(text: str) -> int | None:
    at_ms = told(text, Millis)
    return None if at_ms is None else at_ms * NS_PER_MS


def _side(text: str) -> int:
    if text not in _SIDES:
        raise ValueError(f"side {text!r} is neither buy nor sell")
    return _SIDES[text]


_message_decoder = msgspec.json.Decoder(_Message)
_reply_decoder = msgspec.json.Decoder(_Reply)
_time_decoder = msgspec.json.Decoder(_TimeReply, strict=False)
_READERS: dict[str, tuple[msgspec.json.Decoder[Any], Callable[[_Message, Any], Sequence[Parsed]]]] = {
    channel: (msgspec.json.Decoder(list[struct], strict=False), read)
    for channel, struct, read in (
        ("books", _Book, _books),
        ("trades", _Trade, _trades),
        ("funding-rate", _FundingRate, _funding),
        ("mark-price", _MarkPrice, _marks),
        ("index-tickers", _IndexTicker, _indices),
        ("open-interest", _OpenInterest, _interests),
        ("liquidation-orders", _Liquidations, _liquidations),
        ("status", _Status, _statuses),
    )
}
