"""Market data of sources that hold no raw frames: one row an event, with its names.

``recv_ns`` is when the source's recorder received it, UTC ns; where the source has only the venue's clock, it is that.
``event_ns`` is the venue's clock. Prices are in quote currency, quantities in the venue's unit.
"""

import msgspec


class TradeRow(msgspec.Struct, frozen=True, gc=False):
    """A trade. ``side`` is the aggressor's: 1 bought, -1 sold, 0 where it is not told.

    trade_id: the venue's, empty where it has none
    fills: how many trades it stands for; more than one where the venue merged those of one order at one price
    """

    recv_ns: int
    venue: str
    symbol: str
    event_ns: int
    price: float
    qty: float
    side: int
    trade_id: str = ""
    fills: int = 1


class QuoteRow(msgspec.Struct, frozen=True, gc=False):
    """The best bid and ask; null for an empty side."""

    recv_ns: int
    venue: str
    symbol: str
    event_ns: int
    bid: float | None
    bid_qty: float | None
    ask: float | None
    ask_qty: float | None


class BookRow(msgspec.Struct, frozen=True, gc=False):
    """One level of a book: of a full book (``is_snapshot``), or a change; quantity 0 removes it.

    side: 1 bid, -1 ask

    Rows before an instrument's first full book change a book that is not known.
    """

    recv_ns: int
    venue: str
    symbol: str
    event_ns: int
    is_snapshot: bool
    side: int
    price: float
    qty: float


class DerivativeRow(msgspec.Struct, frozen=True, gc=False):
    """What a venue says of a derivative; null where it said nothing.

    funding_ns: when the next funding is paid
    funding_rate_frac, predicted_funding_rate_frac: of the position's value; longs pay if above 0
    """

    recv_ns: int
    venue: str
    symbol: str
    event_ns: int
    funding_ns: int | None
    funding_rate_frac: float | None
    predicted_funding_rate_frac: float | None
    open_interest_qty: float | None
    last_price: float | None
    index_price: float | None
    mark_price: float | None


class BarRow(msgspec.Struct, frozen=True, gc=False):
    """A bar of ``[open_ns, close_ns)``; null for what the venue does not tell.

    volume_qty, volume_quote: traded; taker_buy_qty, taker_buy_quote: of that, bought by aggressors
    """

    recv_ns: int
    venue: str
    symbol: str
    open_ns: int
    close_ns: int
    open: float
    high: float
    low: float
    close: float
    volume_qty: float
    volume_quote: float | None = None
    trades: int | None = None
    taker_buy_qty: float | None = None
    taker_buy_quote: float | None = None


MarketRow = TradeRow | QuoteRow | BookRow | DerivativeRow | BarRow

TABLES: dict[str, type[MarketRow]] = {
    "trades": TradeRow,
    "quotes": QuoteRow,
    "book": BookRow,
    "derivatives": DerivativeRow,
    "bars": BarRow,
}
"""Each kind of row by the name of its table."""
