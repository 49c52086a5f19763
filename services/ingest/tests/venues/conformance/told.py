"""What a venue's messages say, in plain numbers: the oracle's words, written apart from the product's events."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BookTold:
    """A full book, or the levels that changed (quantity 0 removes one).

    id: the venue's number of the book after it; 0 where it has none
    has_checksum: whether the message proves the book by a checksum
    """

    symbol: str
    bids: dict[float, float]
    asks: dict[float, float]
    is_full: bool = False
    id: int = 0
    has_checksum: bool = False


@dataclass(frozen=True)
class TradeTold:
    """A trade; ``side`` 1 bought, -1 sold; ``id`` is a text where the venue's ids are not numbers."""

    symbol: str
    price: float
    qty: float
    side: int
    id: int | str
    is_history: bool = False


@dataclass(frozen=True)
class QuoteTold:
    """The venue's own best bid and ask."""

    symbol: str
    bid: float
    bid_qty: float
    ask: float
    ask_qty: float


@dataclass(frozen=True)
class DerivativeTold:
    """What is said of a derivative; None for what is not."""

    symbol: str
    mark_price: float | None = None
    index_price: float | None = None
    funding_rate_frac: float | None = None
    next_funding_ns: int | None = None
    open_interest_qty: float | None = None


@dataclass(frozen=True)
class LiquidationTold:
    """A forced order; ``side`` 1 buys back a short position."""

    symbol: str
    price: float
    qty: float
    side: int


Told = BookTold | TradeTold | QuoteTold | DerivativeTold | LiquidationTold
