"""Binance spot's wire format: combined streams and REST bodies, from bytes to events.

Pure. Every fault is ``Malformed`` with the bytes; well-formed messages of kinds that we don't read are ``Unknown``.
Prices and quantities are decimal text on the wire and are converted and bounded by the decoder itself.

Sources: Binance "WebSocket Streams" (``<symbol>@trade``, ``@depth``, ``@bookTicker``, combined envelope) and "REST API"
(``/api/v3/depth``, ``/api/v3/exchangeInfo``, error bodies).
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Malformed
from foretick.common.units import NS_PER_MS
from foretick.ingest.domain.events import MarketEvent, Notice, ShutdownNotice, Trade, Unknown, VenueError
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid
from foretick.market.integrity import Delta, Snapshot, Top

STREAM_KINDS = ("trade", "depth@100ms", "bookTicker")
"""The streams that are subscribed to for each symbol, as ``<symbol in lower case>@<kind>``."""

UNKNOWN_SYMBOL_CODE = -1121

_MAX_ROUTES = 8192
_STREAM_PREFIX = b'{"stream":"'

_Price = Annotated[float, Meta(gt=0, lt=1e15)]
_Qty = Annotated[float, Meta(ge=0, lt=1e15)]
_PositiveQty = Annotated[float, Meta(gt=0, lt=1e15)]
_Id = Annotated[int, Meta(ge=0, le=2**53)]
_Millis = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]  # until 2100
_Levels = list[tuple[_Price, _Qty]]

"""What msgspec raises for bytes it cannot decode: broken text comes as Python's own error."""

T = TypeVar("T")


class _Trade(msgspec.Struct, gc=False):
    s: str
    t: _Id
    p: _Price
    q: _PositiveQty
    T: _Millis
    m: bool


class _BookTicker(msgspec.Struct, gc=False):
    u: _Id
    s: str
    b: _Price
    B: _Qty
    a: _Price
    A: _Qty
    E: _Millis | None = None


class _Depth(msgspec.Struct, gc=False):
    E: _Millis
    s: str
    U: _Id
    u: _Id
    b: _Levels
    a: _Levels


class _TradeEnvelope(msgspec.Struct, gc=False):
    stream: str
    data: _Trade


class _BookTickerEnvelope(msgspec.Struct, gc=False):
    stream: str
    data: _BookTicker


class _DepthEnvelope(msgspec.Struct, gc=False):
    stream: str
    data: _Depth


class _RestDepth(msgspec.Struct, rename="camel", gc=False):
    last_update_id: _Id
    bids: _Levels
    asks: _Levels


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


class _Filter(msgspec.Struct, rename="camel"):
    filter_type: str
    tick_size: _Qty = 0.0
    step_size: _Qty = 0.0


class _Symbol(msgspec.Struct, rename="camel"):
    symbol: Annotated[str, Meta(min_length=1)]
    base_asset: str
    quote_asset: str
    base_asset_precision: Annotated[int, Meta(ge=0, le=18)] = 8
    filters: list[_Filter] = []


class _ExchangeInfo(msgspec.Struct):
    symbols: list[_Symbol]


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

    def parse(self, payload: bytes) -> tuple[str, MarketEvent | Notice]:
        """Return the symbol (empty for a notice) and the event of one frame.

        Raises:
            Malformed: for a frame that breaks its format.
        """
        end = payload.find(b'"', 11)
        route = self._routes.get(payload[11:end]) if payload.startswith(_STREAM_PREFIX) else None
        if route is None:
            route = self._route(payload)
            if not isinstance(route, _Route):
                return "", route
        try:
            data = route.decoder.decode(payload).data
        except UNDECODABLE as error:
            raise Malformed(self._source, str(error), payload) from None
        if data.s != route.symbol:
            raise Malformed(self._source, f"symbol {data.s!r} on a stream of {route.symbol}", payload)
        try:
            return route.symbol, route.event(data)
        except ValueError as error:
            raise Malformed(self._source, str(error), payload) from None

    def parse_book(self, payload: bytes) -> Snapshot:
        """Return the full book of a ``/api/v3/depth`` body; raises as ``parse_depth`` does."""
        return parse_depth(payload, self._source)

    def _route(self, payload: bytes) -> _Route | Notice:
        message = _decode(_any_decoder, payload, self._source)
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
    body = _decode(_rest_depth_decoder, payload, source)
    return Snapshot(body.last_update_id, body.bids, body.asks)


def parse_exchange_info(payload: bytes, source: str) -> Sequence[Listing]:
    """Return the listings of a ``/api/v3/exchangeInfo`` body.

    The grid of prices is ``PRICE_FILTER.tickSize``. That of quantities is ``baseAssetPrecision``, not the coarser
    ``LOT_SIZE.stepSize``: the step binds new orders only, and real books hold dust below it (25.42618900 BTC in a
    recording of 2024, where the step was 0.00001).

    Raises:
        Malformed: for a body that breaks its format, or a symbol without those filters.
    """
    return [_listing(symbol, source) for symbol in _decode(_exchange_info_decoder, payload, source).symbols]


def parse_error(payload: bytes) -> VenueError | None:
    """Return the venue's own error of a refused REST request, or None where the body holds none."""
    try:
        error = msgspec.json.decode(payload, type=_Error)
    except UNDECODABLE:
        return None
    return VenueError(error.code, error.msg)


def _trade(data: _Trade) -> Trade:
    return Trade(data.p, data.q, -1 if data.m else 1, data.t, data.T * NS_PER_MS)


def _top(data: _BookTicker) -> Top:
    if data.b >= data.a:
        raise ValueError(f"best bid {data.b!r} is not below best ask {data.a!r}")
    return Top(data.u, data.b, data.B, data.a, data.A, None if data.E is None else data.E * NS_PER_MS)


def _delta(data: _Depth) -> Delta:
    if data.U > data.u:
        raise ValueError(f"first update id {data.U} is after the last, {data.u}")
    return Delta(data.U, data.u, data.b, data.a, data.E * NS_PER_MS)


def _notice(message: _Any) -> Notice:
    if message.error is not None:
        return VenueError(message.error.code, message.error.msg)
    if message.code is not None:
        return VenueError(message.code, message.msg or "")
    if message.e == "serverShutdown":
        return ShutdownNotice()
    return Unknown(message.e or ("result" if message.result is not msgspec.UNSET else "nameless"))


def _listing(symbol: _Symbol, source: str) -> Listing:
    filters = {entry.filter_type: entry for entry in symbol.filters}
    try:
        tick_size = filters["PRICE_FILTER"].tick_size
        step_size = filters["LOT_SIZE"].step_size
    except KeyError as error:
        raise Malformed(source, f"{symbol.symbol} has no {error.args[0]}") from None
    grid = PriceGrid(tick_size, min(step_size, float(f"1e-{symbol.base_asset_precision}")))
    return Listing(symbol.symbol, symbol.base_asset, symbol.quote_asset, grid)


def _decode(decoder: "msgspec.json.Decoder[T]", payload: bytes, source: str) -> T:
    try:
        return decoder.decode(payload)
    except UNDECODABLE as error:
        raise Malformed(source, str(error), payload) from None


_any_decoder = msgspec.json.Decoder(_Any)
_rest_depth_decoder = msgspec.json.Decoder(_RestDepth, strict=False)
_exchange_info_decoder = msgspec.json.Decoder(_ExchangeInfo, strict=False)
_READERS: dict[str, tuple[msgspec.json.Decoder[Any], Callable[[Any], MarketEvent]]] = {
    "trade": (msgspec.json.Decoder(_TradeEnvelope, strict=False), _trade),
    "depth": (msgspec.json.Decoder(_DepthEnvelope, strict=False), _delta),
    "bookTicker": (msgspec.json.Decoder(_BookTickerEnvelope, strict=False), _top),
}
