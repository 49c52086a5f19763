"""Alpaca's wire format of US stocks, WebSocket v2 and its REST side, from bytes to events.

Pure, but for the symbols that are known to be halted. Every fault is ``Malformed`` with the bytes; well-formed parts of
types that we don't read are ``Unknown``. A message is a list. There is no book: a quote is the best bid and ask, and a
side without a price is empty. A trade's id is its exchange's own; who took is not said. What corrects or cancels a
trade comes too late to undo it: it is counted as ``Unknown``.

Quantities are as sent: shares since November 2025, when US quotes ceased to count round lots.

Sources: Alpaca "Real-time Stock Data" (trades, quotes, trade corrections, trade cancels/errors, trading status),
"WebSocket Stream" (control messages, errors), "Assets", "Clock"; for conditions of sale the consolidated tapes'
participant specifications (CTS of NYSE, UTP of Nasdaq).
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from foretick.common.contracts import UNDECODABLE, InstrumentKind
from foretick.common.errors import Malformed
from foretick.ingest.adapters.wire import Moment, Name, PositiveQty, Price, Qty, decode, ns_of
from foretick.ingest.domain.events import Maintenance, MarketEvent, Parsed, Quiet, Trade, Unknown, VenueError
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid
from foretick.market.integrity import Snapshot, Top

SESSION = "XNYS"
"""The exchange calendar of all US stocks."""

TEST_SYMBOL = "FAKEPACA"
"""The one symbol of feed ``test``, which trades at all hours."""

_GRID = PriceGrid(0.0001, 1.0)
"""Quotes below a dollar step by a hundredth of a cent, others by more; quantities are whole shares."""

_APART = frozenset("CHMNPQRUVWZ479")
"""Conditions of a sale that is not one at the market's price of now (cash, next day, average price, contingent,
derivatively priced, out of sequence ...), or that repeats others (official open and close)."""

_HALTS, _RESUMES = ("H", "P", "2"), ("T", "3")
_MOST_HALTED = 1000

_TradeId = Annotated[int, Meta(ge=0, lt=2**63 - 1)]


class _Trade(msgspec.Struct, tag_field="T", tag="t", gc=False):
    S: Name
    i: _TradeId
    x: str
    p: Price
    s: PositiveQty
    t: Moment
    c: tuple[str, ...] = ()


class _Quote(msgspec.Struct, tag_field="T", tag="q", gc=False):
    S: Name
    bp: Qty
    bs: Qty
    ap: Qty
    ask_size: Qty = msgspec.field(name="as")
    t: Moment


class _Status(msgspec.Struct, tag_field="T", tag="s", gc=False):
    S: Name
    sc: str
    sm: str = ""
    rc: str = ""
    rm: str = ""


class _Correction(msgspec.Struct, tag_field="T", tag="c", gc=False):
    S: Name


class _Cancel(msgspec.Struct, tag_field="T", tag="x", gc=False):
    S: Name


class _Error(msgspec.Struct, tag_field="T", tag="error", gc=False):
    code: int
    msg: str = ""


class _Success(msgspec.Struct, tag_field="T", tag="success", gc=False):
    msg: str = ""


class _Subscription(msgspec.Struct, tag_field="T", tag="subscription", gc=False):
    pass


_Item = _Trade | _Quote | _Status | _Correction | _Cancel | _Error | _Success | _Subscription


class _Kind(msgspec.Struct, gc=False):
    T: Annotated[str, Meta(min_length=1, max_length=64)]


class _Asset(msgspec.Struct, gc=False):
    symbol: Name
    exchange: str
    fractionable: bool = False


class _Clock(msgspec.Struct, gc=False):
    timestamp: Moment


class _Refusal(msgspec.Struct, gc=False):
    message: str
    code: int = 0


class AlpacaWire:
    """Parses what a feed receives of Alpaca: a ``WireFormat``."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._halted: dict[str, str] = {}

    def parse(self, payload: bytes) -> Sequence[Parsed]:
        """Return what a message says, in its order.

        Raises:
            Malformed: for a message that breaks its format.
        """
        try:
            items: Sequence[_Item | Unknown] = _decoder.decode(payload)
        except UNDECODABLE:
            items = list(self._one_by_one(payload))
        try:
            return [self._read(item) for item in items]
        except ValueError as error:
            raise Malformed(self._source, str(error), payload) from None

    def parse_reply(self, symbol: str, payload: bytes) -> Sequence[Parsed]:
        """Raise ``Malformed``: nothing is asked for about a symbol."""
        raise Malformed(self._source, f"a reply about {symbol} that nothing was asked for", payload)

    def _one_by_one(self, payload: bytes) -> Iterator["_Item | Unknown"]:
        """Yield the parts of a message that has a type we don't know, or is broken."""
        for part in decode(_parts_decoder, payload, self._source):
            kind = decode(_kind_decoder, part, self._source, payload).T
            yield decode(_item_decoder, part, self._source, payload) if kind in _TYPES else Unknown(kind)

    def _read(self, item: "_Item | Unknown") -> Parsed:
        match item:
            case _Trade():
                return self._trade(item)
            case _Quote():
                return item.S, _quote(item)
            case _Status():
                return "", self._status(item)
            case _Correction():
                return "", Unknown("trade corrected")
            case _Cancel():
                return "", Unknown("trade cancelled")
            case _Error():
                return "", VenueError(item.code, item.msg)
            case Unknown():
                return "", item
            case _:
                return "", Quiet()

    def _trade(self, trade: _Trade) -> Parsed:
        apart = _APART.intersection(trade.c)
        if apart:
            return "", Unknown(f"trade of condition {min(apart)}")
        name = f"{trade.x}{trade.i}"
        return trade.S, Trade(trade.p, trade.s, 0, None, ns_of(trade.t), text_id=name)

    def _status(self, status: _Status) -> Maintenance:
        if status.sc in _RESUMES:
            self._halted.pop(status.S, None)
        elif status.sc in _HALTS and len(self._halted) < _MOST_HALTED:
            reason = " ".join(filter(None, (status.rc, status.rm)))
            self._halted[status.S] = f"{status.S} is halted: {reason}" if reason else f"{status.S} is halted"
        return Maintenance(", ".join(self._halted[symbol] for symbol in sorted(self._halted)))


def parse_assets(payload: bytes, source: str) -> list[Listing]:
    """Return the listings of an ``assets`` body: what is traded on an exchange.

    Raises:
        Malformed: for a body that breaks its format.
    """
    return [
        Listing(
            asset.symbol, asset.symbol, "USD", _GRID, InstrumentKind.EQUITY, session=SESSION,
            order_step_qty=None if asset.fractionable else 1.0,
        )
        for asset in decode(_assets_decoder, payload, source)
        if asset.exchange != "OTC"
    ]  # fmt: skip


def listing_of_test_feed() -> Listing:
    """Return what feed ``test`` has: a stock that is none, at all hours."""
    return Listing(TEST_SYMBOL, TEST_SYMBOL, "USD", _GRID, InstrumentKind.EQUITY)


def parse_time_ns(payload: bytes, source: str) -> int:
    """Return the venue's clock of a ``clock`` body, UTC ns.

    Raises:
        Malformed: for a body that breaks its format.
    """
    moment = decode(_clock_decoder, payload, source).timestamp
    try:
        return ns_of(moment)
    except ValueError as error:
        raise Malformed(source, str(error), payload) from None


def read_refusal(payload: bytes) -> tuple[str, str] | None:
    """Return code and message of the venue's own error of a refused REST request, or None where there is none."""
    try:
        refusal = _refusal_decoder.decode(payload)
    except UNDECODABLE:
        return None
    return str(refusal.code), refusal.message


def _quote(quote: _Quote) -> MarketEvent:
    """Return a best bid and ask; of a market that lacks one, or whose are not apart, a book of what there is."""
    event_ns = ns_of(quote.t)
    bids = [(quote.bp, quote.bs)] if quote.bp > 0 and quote.bs > 0 else []
    asks = [(quote.ap, quote.ask_size)] if quote.ap > 0 and quote.ask_size > 0 else []
    if bids and asks and quote.bp < quote.ap:
        return Top(None, quote.bp, quote.bs, quote.ap, quote.ask_size, event_ns)
    return Snapshot(0, bids, asks, event_ns)


_TYPES = frozenset(("t", "q", "s", "c", "x", "error", "success", "subscription"))
_decoder = msgspec.json.Decoder(list[_Item])
_item_decoder = msgspec.json.Decoder(_Item)
_parts_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_kind_decoder = msgspec.json.Decoder(_Kind)
_assets_decoder = msgspec.json.Decoder(list[_Asset])
_clock_decoder = msgspec.json.Decoder(_Clock)
_refusal_decoder = msgspec.json.Decoder(_Refusal)
