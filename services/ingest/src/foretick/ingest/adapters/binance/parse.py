"""Binance's wire formats, spot and futures: combined streams and the bodies about one symbol, from bytes to events.

Pure. Every fault is ``Malformed`` with the bytes; well-formed messages of kinds that we don't read are ``Unknown``.
Prices and quantities are decimal text on the wire and are converted and bounded by the decoder itself.

Sources: Binance "WebSocket Streams" (``<symbol>@trade``, ``@depth``, ``@bookTicker``, combined envelope) and "REST API"
(``/api/v3/depth``, error bodies); Binance USD-M and COIN-M "Websocket Market Streams" (``@aggTrade``, ``@markPrice``,
``@forceOrder``, diff. depth with ``pu``) and "Market Data Endpoints" (``/fapi/v1/openInterest``). Checked against the
venue's own Python SDK of 2026 (``binance-sdk-derivatives-trading-usds-futures`` 18.1).
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Malformed
from foretick.common.units import NS_PER_MS
from foretick.ingest.adapters.wire import Fraction, Id, Millis, PositiveQty, Price, Qty, decode, told
from foretick.ingest.domain.events import (
    DerivativeState,
    Liquidation,
    MarketEvent,
    Notice,
    Parsed,
    Quiet,
    ShutdownNotice,
    Trade,
    Unknown,
    VenueError,
)
from foretick.market.integrity import Delta, Snapshot, Top
from foretick.market.level_text import LevelText

_MAX_ROUTES = 8192
_STREAM_PREFIX = b'{"stream":"'
_REPLY_KEYS_WITHIN = 128


class _Trade(msgspec.Struct, gc=False):
    s: str
    t: Id
    p: Price
    q: PositiveQty
    T: Millis
    m: bool


class _AggregateTrade(msgspec.Struct, gc=False):
    s: str
    a: Id
    p: Price
    q: PositiveQty
    T: Millis
    m: bool


class _MarkPrice(msgspec.Struct, gc=False):
    E: Millis
    s: str
    p: Price
    i: Qty
    r: str
    T: Millis


class _Order(msgspec.Struct, gc=False):
    s: str
    S: str
    p: Price
    q: PositiveQty
    T: Millis


class _ForcedOrder(msgspec.Struct, gc=False):
    o: _Order

    @property
    def s(self) -> str:
        return self.o.s


class _BookTicker(msgspec.Struct, gc=False):
    u: Id
    s: str
    b: Price
    B: Qty
    a: Price
    A: Qty
    E: Millis | None = None


class _Depth(msgspec.Struct, gc=False):
    E: Millis
    s: str
    U: Id
    u: Id
    b: msgspec.Raw
    a: msgspec.Raw
    pu: Id | None = None


T = TypeVar("T")


class _Envelope(msgspec.Struct, Generic[T], gc=False):
    stream: str
    data: T


class _RestDepth(msgspec.Struct, rename="camel", gc=False):
    last_update_id: Id
    bids: msgspec.Raw
    asks: msgspec.Raw
    E: Millis | None = None


class _OpenInterest(msgspec.Struct, rename="camel", gc=False):
    symbol: str
    open_interest: Qty
    time: Millis | None = None


class _Time(msgspec.Struct, rename="camel", gc=False):
    server_time: Millis


class _Error(msgspec.Struct):
    code: int
    msg: str


class _Any(msgspec.Struct):
    """The fields that tell kinds of messages apart."""

    stream: str | None = None
    data: Any = None
    e: str | None = None
    error: _Error | None = None
    result: Any = msgspec.UNSET
    code: int | None = None
    msg: str | None = None


class _Route(NamedTuple):
    """How to read the messages of one stream."""

    symbol: str
    decoder: msgspec.json.Decoder[Any]
    event: Callable[[Any], MarketEvent]


class BinanceWire:
    """Parses what a feed receives of Binance: a ``WireFormat``. Remembers the streams seen, at most ``_MAX_ROUTES``."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._routes: dict[bytes, _Route] = {}

    def parse(self, payload: bytes) -> Sequence[Parsed]:
        """Return the event of one frame with its symbol, or a notice.

        Raises:
            Malformed: for a frame that breaks its format.
        """
        end = payload.find(b'"', 11)
        route = self._routes.get(payload[11:end]) if payload.startswith(_STREAM_PREFIX) else None
        if route is None:
            route = self._route(payload)
            if not isinstance(route, _Route):
                return (("", route),)
        try:
            data = route.decoder.decode(payload).data
        except UNDECODABLE as error:
            raise Malformed(self._source, str(error), payload) from None
        if data.s != route.symbol:
            raise Malformed(self._source, f"symbol {data.s!r} on a stream of {route.symbol}", payload)
        try:
            return ((route.symbol, route.event(data)),)
        except ValueError as error:
            raise Malformed(self._source, str(error), payload) from None

    def parse_reply(self, symbol: str, payload: bytes) -> Sequence[Parsed]:
        """Return what the body of a request about ``symbol`` says: a full book, or the open interest."""
        if payload.startswith(b'{"openInterest"') or b'"openInterest"' in payload[:_REPLY_KEYS_WITHIN]:
            return ((symbol, parse_open_interest(payload, self._source)),)
        return ((symbol, parse_depth(payload, self._source)),)

    def _route(self, payload: bytes) -> _Route | Notice:
        message = decode(_any_decoder, payload, self._source)
        if message.stream is None:
            return _notice(message)
        symbol, _, kind = message.stream.partition("@")
        reader = _READERS.get(kind.split("@")[0])
        if reader is None or not symbol:
            kind = message.data.get("e") if isinstance(message.data, dict) else None
            return ShutdownNotice() if kind == "serverShutdown" else Unknown(message.stream)
        route = _Route(symbol.upper(), *reader)
        if len(self._routes) < _MAX_ROUTES:
            self._routes[message.stream.encode()] = route
        return route


def parse_depth(payload: bytes, source: str) -> Snapshot:
    """Return the full book of a ``/api/v3/depth`` body.

    Raises:
        Malformed: for a body that breaks its format.
    """
    body = decode(_rest_depth_decoder, payload, source)
    bids, asks = LevelText(bytes(body.bids)), LevelText(bytes(body.asks))
    return Snapshot(body.last_update_id, bids, asks, None if body.E is None else body.E * NS_PER_MS)


def parse_open_interest(payload: bytes, source: str) -> DerivativeState:
    """Return the open interest of a ``/fapi/v1/openInterest`` body.

    Raises:
        Malformed: for a body that breaks its format.
    """
    body = decode(_open_interest_decoder, payload, source)
    return DerivativeState(
        open_interest_qty=body.open_interest, ts_event_ns=None if body.time is None else body.time * NS_PER_MS
    )


def parse_time_ns(payload: bytes, source: str) -> int:
    """Return the venue's clock of a ``/time`` body, UTC ns.

    Raises:
        Malformed: for a body that breaks its format.
    """
    return decode(_time_decoder, payload, source).server_time * NS_PER_MS


def read_refusal(payload: bytes) -> tuple[str, str] | None:
    """Return code and message of the venue's own error of a refused REST request, or None where there is none."""
    try:
        error = msgspec.json.decode(payload, type=_Error)
    except UNDECODABLE:
        return None
    return str(error.code), error.msg


def _trade(data: _Trade) -> Trade:
    return Trade(data.p, data.q, -1 if data.m else 1, data.t, data.T * NS_PER_MS)


def _aggregate(data: _AggregateTrade) -> Trade:
    return Trade(data.p, data.q, -1 if data.m else 1, data.a, data.T * NS_PER_MS)


def _mark(data: _MarkPrice) -> DerivativeState:
    rate = told(data.r, Fraction)  # delivery contracts have none
    return DerivativeState(
        mark_price=data.p, index_price=data.i or None, funding_rate_frac=rate,
        next_funding_ns=None if rate is None else data.T * NS_PER_MS, ts_event_ns=data.E * NS_PER_MS,
    )  # fmt: skip


def _forced(data: _ForcedOrder) -> Liquidation:
    order = data.o
    if order.S not in ("BUY", "SELL"):
        raise ValueError(f"side {order.S!r} of a forced order is neither BUY nor SELL")
    return Liquidation(order.p, order.q, 1 if order.S == "BUY" else -1, order.T * NS_PER_MS)


def _top(data: _BookTicker) -> Top:
    if data.b >= data.a:
        raise ValueError(f"best bid {data.b!r} is not below best ask {data.a!r}")
    return Top(data.u, data.b, data.B, data.a, data.A, None if data.E is None else data.E * NS_PER_MS)


def _delta(data: _Depth) -> Delta:
    if data.U > data.u:
        raise ValueError(f"first update id {data.U} is after the last, {data.u}")
    bids, asks = LevelText(bytes(data.b)), LevelText(bytes(data.a))
    return Delta(data.U, data.u, bids, asks, data.E * NS_PER_MS, data.pu)


def _notice(message: _Any) -> Notice:
    if message.error is not None:
        return VenueError(message.error.code, message.error.msg)
    if message.code is not None:
        return VenueError(message.code, message.msg or "")
    if message.e == "serverShutdown":
        return ShutdownNotice()
    if message.result is not msgspec.UNSET:
        return Quiet()
    return Unknown(message.e or "nameless")


_any_decoder = msgspec.json.Decoder(_Any)
_rest_depth_decoder = msgspec.json.Decoder(_RestDepth, strict=False)
_open_interest_decoder = msgspec.json.Decoder(_OpenInterest, strict=False)
_time_decoder = msgspec.json.Decoder(_Time)
_READERS: dict[str, tuple[msgspec.json.Decoder[Any], Callable[[Any], MarketEvent]]] = {
    kind: (msgspec.json.Decoder(_Envelope[struct], strict=False), event)
    for kind, struct, event in (
        ("trade", _Trade, _trade),
        ("aggTrade", _AggregateTrade, _aggregate),
        ("depth", _Depth, _delta),
        ("bookTicker", _BookTicker, _top),
        ("markPrice", _MarkPrice, _mark),
        ("forceOrder", _ForcedOrder, _forced),
    )
}
