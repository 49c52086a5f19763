"""Market data: instruments, ticks and order books."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from foretick.common.contracts._base import Contract, Message, Trust

Level = tuple[float, float]
"""One price level: price in quote currency, quantity in base currency (0 removes the level)."""


class Instrument(Message, frozen=True, kw_only=True, gc=False):
    """An instrument as its venue lists it; published on ``instruments.<venue>.<symbol>`` when it is learnt or changes.

    base, quote: the assets
    tick_size: smallest price step, in quote currency
    lot_size: grid of quantities in the book, in base currency; it may be finer than the step of orders
    aliases: other names under which a client may ask for it
    """

    base: str
    quote: str
    tick_size: float
    lot_size: float
    aliases: list[str] = []


class TradeColumns(Contract, frozen=True, kw_only=True, gc=False):
    """Trades of a frame by column. ``side`` is the aggressor's: 1 bought, -1 sold. ``trade_id`` is the venue's."""

    price: list[float] = []
    qty: list[float] = []
    side: list[int] = []
    trade_id: list[int] = []


class QuoteColumns(Contract, frozen=True, kw_only=True, gc=False):
    """Best bid and ask of a frame by column; prices in quote currency, quantities in base currency."""

    bid: list[float] = []
    bid_qty: list[float] = []
    ask: list[float] = []
    ask_qty: list[float] = []


class TickFrame(Message, frozen=True, kw_only=True, gc=False):
    """One or more consecutive ticks of one instrument, by column.

    ``kinds`` has a letter per event: ``T`` trade, ``Q`` quote, ``C`` clock (an instrument that is quiet gets one every
    second of data time, so that bars close and staleness shows). The k-th ``T`` is row k of ``trades``, the k-th ``Q``
    row k of ``quotes``. Event i has the instrument's sequence number ``seq + i``: one sequence numbers ticks and book
    events alike, and a frame never spans a number that went to a book event. ``ts_recv_ns`` of the frame is that of
    its last event.

    recv_ns: data time of each event
    event_ns: the venue's own clock for each event; null where the venue sends none
    """

    seq: int
    kinds: Annotated[str, Meta(pattern="^[TQC]+$")]
    recv_ns: list[int]
    event_ns: list[int | None]
    trades: TradeColumns
    quotes: QuoteColumns


class BookEventKind(StrEnum):
    """What a book event does: replace the book, change levels, or only change its state."""

    SNAPSHOT = "snapshot"
    DELTA = "delta"
    STATE = "state"


class BookEvent(Contract, frozen=True, kw_only=True, gc=False):
    """One change of an order book.

    bids, asks: levels; of a snapshot all of them (best first), of a delta those that changed (quantity 0 removes)
    first_id, last_id: the venue's update ids that this event covers; null where there are none
    trust: the book's state after this event
    reason: why the state changed; empty otherwise
    gap_from_seq, gap_through_seq: instrument sequence numbers that were lost, inclusive, when this event records a loss
    """

    kind: BookEventKind
    ts_recv_ns: int
    ts_event_ns: int | None
    trust: Trust
    bids: list[Level] = []
    asks: list[Level] = []
    first_id: int | None = None
    last_id: int | None = None
    reason: str = ""
    gap_from_seq: int | None = None
    gap_through_seq: int | None = None


class BookFrame(Message, frozen=True, kw_only=True, gc=False):
    """One or more consecutive book events of one instrument; event i has sequence number ``seq + i``.

    The instrument's ``tick_size`` and ``lot_size`` travel along, so that any consumer can compute on integers.
    """

    seq: int
    tick_size: float
    lot_size: float
    events: list[BookEvent]
