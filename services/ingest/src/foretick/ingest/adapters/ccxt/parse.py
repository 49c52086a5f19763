"""What the bridge hands on, from bytes to events: ccxt's unified structures as JSON.

Pure. The bridge writes these bytes itself, of what ccxt has made of the exchange's messages; they are read as warily as
any venue's. Each book is whole, as ccxt holds it: whether ccxt lost an update before, nothing tells.

Source: the manual of ccxt, "Order book structure", "Public trades", "Markets".
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from foretick.common.contracts import InstrumentKind
from foretick.common.errors import Malformed
from foretick.common.units import NS_PER_MS
from foretick.ingest.adapters.wire import Millis, Name, PositiveQty, Price, Qty, decode, step_of
from foretick.ingest.domain.events import Parsed, Trade
from foretick.ingest.domain.listing import Fees, Listing
from foretick.market.book import PriceGrid
from foretick.market.integrity import Snapshot

_DECIMAL_PLACES, _TICK_SIZE = 2, 4
"""Of ccxt's three modes of precision the two that give a grid; the third counts significant digits."""

_FINEST_LOT = 1e-8
_SIDES = {"buy": 1, "sell": -1, None: 0}
_KINDS = {"spot": InstrumentKind.SPOT, "swap": InstrumentKind.PERPETUAL, "future": InstrumentKind.FUTURE}
_ORDER = tuple(_KINDS)


class BookTold(msgspec.Struct, tag_field="channel", tag="book", gc=False):
    """A whole book of ccxt's."""

    symbol: Name
    bids: list[tuple[Price, Qty]]
    asks: list[tuple[Price, Qty]]
    timestamp: Millis | None = None


class TradeTold(msgspec.Struct, gc=False):
    """A trade of ccxt's; ``name`` is unlike that of any other."""

    name: Name
    price: Price
    amount: PositiveQty
    side: str | None = None
    timestamp: Millis | None = None
    is_history: bool = False


class TradesTold(msgspec.Struct, tag_field="channel", tag="trades", gc=False):
    """Trades of one symbol."""

    symbol: Name
    trades: list[TradeTold]


class _Precision(msgspec.Struct):
    price: float | None = None
    amount: float | None = None


class _Amount(msgspec.Struct):
    min: float | None = None


class _Limits(msgspec.Struct):
    amount: _Amount | None = None


class _Market(msgspec.Struct):
    id: str
    symbol: Name
    base: str
    quote: str
    type: str
    precision: _Precision
    active: bool | None = None
    contractSize: float | None = None
    inverse: bool | None = None
    limits: _Limits | None = None


class CcxtWire:
    """Parses what the bridge hands on: a ``WireFormat``."""

    def __init__(self, source: str) -> None:
        self._source = source

    def parse(self, payload: bytes) -> Sequence[Parsed]:
        """Return what a message says.

        Raises:
            Malformed: for a message that breaks its format.
        """
        told = decode(_decoder, payload, self._source)
        if isinstance(told, BookTold):
            event_ns = None if told.timestamp is None else told.timestamp * NS_PER_MS
            return ((told.symbol, Snapshot(0, told.bids, told.asks, event_ns)),)
        try:
            return [(told.symbol, _trade(trade)) for trade in told.trades]
        except KeyError as error:
            raise Malformed(self._source, f"side {error.args[0]!r} of a trade", payload) from None

    def parse_reply(self, symbol: str, payload: bytes) -> Sequence[Parsed]:
        """Raise ``Malformed``: nothing is asked for."""
        raise Malformed(self._source, f"a reply about {symbol} that nothing was asked for", payload)


def listings_of(markets: Mapping[str, Mapping[str, Any]], precision_mode: int, source: str) -> list[Listing]:
    """Return the listings of ccxt's ``markets``, spot first: those that are open and whose prices have a grid.

    Raises:
        Malformed: for a market that breaks ccxt's structure.
    """
    try:
        known = msgspec.convert(list(markets.values()), list[_Market], strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(source, f"markets: {error}") from None
    open_ones = [each for each in known if each.active is not False and each.type in _KINDS]
    listings = [_listing(each, precision_mode) for each in sorted(open_ones, key=lambda each: _ORDER.index(each.type))]
    return [each for each in listings if each is not None]


def fees_of(fees: Mapping[str, Any]) -> Fees | None:
    """Return the fees that ccxt says of an exchange's trading, where it says them as fractions."""
    trading = fees.get("trading", {})
    maker, taker = trading.get("maker"), trading.get("taker")
    if not trading.get("percentage", True) or not isinstance(maker, float | int) or not isinstance(taker, float | int):
        return None
    return Fees(maker * 1e4, taker * 1e4)


def _listing(market: _Market, precision_mode: int) -> Listing | None:
    tick, step = (_step(value, precision_mode) for value in (market.precision.price, market.precision.amount))
    if tick is None:
        return None
    least = market.limits.amount.min if market.limits and market.limits.amount else None
    lot = _FINEST_LOT if step is None else min(step, _FINEST_LOT)
    return Listing(
        market.symbol, market.base, market.quote, PriceGrid(tick, lot), _KINDS[market.type],
        contract_size=market.contractSize or 1.0, is_inverse=bool(market.inverse), order_step_qty=step,
        min_order_qty=least or None, names=(market.id,),
    )  # fmt: skip


def _step(precision: float | None, mode: int) -> float | None:
    if precision is None or (mode == _TICK_SIZE and precision <= 0):
        return None
    if mode == _TICK_SIZE:
        return precision
    return step_of(round(precision)) if mode == _DECIMAL_PLACES else None


def _trade(trade: TradeTold) -> Trade:
    event_ns = None if trade.timestamp is None else trade.timestamp * NS_PER_MS
    return Trade(
        trade.price, trade.amount, _SIDES[trade.side], None, event_ns, text_id=trade.name, is_history=trade.is_history
    )


_decoder = msgspec.json.Decoder(BookTold | TradesTold)
