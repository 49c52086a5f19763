"""Market data: instruments, ticks and order books."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from foretick.common.contracts._base import Contract, Message, Trust

Level = tuple[float, float]
"""One price level: price in quote currency, quantity in base currency (0 removes the level)."""


class InstrumentKind(StrEnum):
    """What is traded."""

    SPOT = "spot"
    PERPETUAL = "perpetual"
    FUTURE = "future"
    EQUITY = "equity"


class BookProof(StrEnum):
    """How a venue lets its order book be verified, the strongest first; ``NONE``: its integrity is not guaranteed.

    CHAIN_AND_CHECKSUM: numbered updates prove that none was lost, and a checksum proves the levels
    CHECKSUM: a checksum with the updates proves the levels
    CHAIN: numbered updates prove that none was lost
    FULL: every message is the whole book
    TOP_ONLY: there is no book, only a best bid and ask
    """

    CHAIN_AND_CHECKSUM = "chain+checksum"
    CHECKSUM = "checksum"
    CHAIN = "chain"
    FULL = "full"
    TOP_ONLY = "top"
    NONE = "none"


class Instrument(Message, frozen=True, kw_only=True, gc=False):
    """An instrument as its venue lists it; published on ``instruments.<venue>.<symbol>`` when it is learnt or changes.

    base, quote: the assets
    tick_size: smallest price step, in quote currency
    lot_size: grid of quantities in the book, in base currency (of contracts, in contracts); it may be finer than the
        step of orders
    aliases: other names under which a client may ask for it
    kind: what is traded
    contract_size: base currency (of inverse contracts, quote currency) behind a quantity of 1
    is_inverse: whether the contract is settled in its base currency
    order_step_qty, min_order_qty: step and minimum of an order's quantity; null where the venue does not say
    maker_fee_bps, taker_fee_bps: the venue's public fees of its lowest tier; null where they are not known
    session: when it is traded: ``24/7``, or the code of an exchange calendar (ISO 10383 MIC) such as ``XNYS``
    proof: how its book is verified
    """

    base: str
    quote: str
    tick_size: float
    lot_size: float
    aliases: list[str] = []
    kind: InstrumentKind = InstrumentKind.SPOT
    contract_size: float = 1.0
    is_inverse: bool = False
    order_step_qty: float | None = None
    min_order_qty: float | None = None
    maker_fee_bps: float | None = None
    taker_fee_bps: float | None = None
    session: str = "24/7"
    proof: BookProof = BookProof.CHAIN


class TradeColumns(Contract, frozen=True, kw_only=True, gc=False):
    """Trades of a frame by column.

    side: the aggressor's: 1 bought, -1 sold, 0 where the venue does not say
    trade_id: the venue's; null where it is not a number
    """

    price: list[float] = []
    qty: list[float] = []
    side: list[int] = []
    trade_id: list[int | None] = []


class QuoteColumns(Contract, frozen=True, kw_only=True, gc=False):
    """Best bid and ask of a frame by column; prices in quote currency, quantities in base currency."""

    bid: list[float] = []
    bid_qty: list[float] = []
    ask: list[float] = []
    ask_qty: list[float] = []


class DerivativeColumns(Contract, frozen=True, kw_only=True, gc=False):
    """What a venue says of a derivative, by column; each row holds what one message said, null where it said nothing.

    mark_price, index_price: in quote currency
    funding_rate_frac: the rate of the funding period under way, of the position's value; longs pay if above 0
    next_funding_ns: when it is paid
    open_interest_qty: open contracts, in the unit of quantities
    """

    mark_price: list[float | None] = []
    index_price: list[float | None] = []
    funding_rate_frac: list[float | None] = []
    next_funding_ns: list[int | None] = []
    open_interest_qty: list[float | None] = []


class LiquidationColumns(Contract, frozen=True, kw_only=True, gc=False):
    """Forced orders by column. ``side`` is the order's: 1 buys back a short position, -1 sells a long one."""

    price: list[float] = []
    qty: list[float] = []
    side: list[int] = []


class TickFrame(Message, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One or more consecutive ticks of one instrument, by column.

    ``kinds`` has a letter per event: ``T`` trade, ``Q`` quote, ``C`` clock (an instrument that is quiet gets one every
    second of data time, so that bars close and staleness shows), ``D`` what a derivative's venue says of it, ``L``
    liquidation. The k-th ``T`` is row k of ``trades``, and so on. A letter that a consumer does not know is to it a
    clock event. Event i has the instrument's sequence number ``seq + i``: one sequence numbers ticks and book events
    alike, and a frame never spans a number that went to a book event. ``ts_recv_ns`` of the frame is that of its last
    event.

    recv_ns: data time of each event
    event_ns: the venue's own clock for each event; null where the venue sends none
    """

    seq: int
    kinds: Annotated[str, Meta(pattern="^[A-Z]+$")]
    recv_ns: list[int]
    event_ns: list[int | None]
    trades: TradeColumns
    quotes: QuoteColumns
    derivatives: DerivativeColumns | None = None
    liquidations: LiquidationColumns | None = None


class BookEventKind(StrEnum):
    """What a book event does: replace the book, change levels, or only change its state."""

    SNAPSHOT = "snapshot"
    DELTA = "delta"
    STATE = "state"


class BookCounts(Contract, frozen=True, kw_only=True, gc=False):
    """What an order book went through since its feed began.

    syncs: times it became LIVE
    chain_breaks: updates that did not follow the one before
    checksums_checked, checksums_failed: comparisons with the venue's checksum, and those that differed
    tops_compared, tops_differing: the same with the venue's own best bid and ask
    crossings: times its best bid was not below its best ask
    stalls: times it fell silent while its market went on
    malformed: updates that could not be used
    """

    syncs: int = 0
    chain_breaks: int = 0
    checksums_checked: int = 0
    checksums_failed: int = 0
    tops_compared: int = 0
    tops_differing: int = 0
    crossings: int = 0
    stalls: int = 0
    malformed: int = 0


class BookEvent(Contract, frozen=True, kw_only=True, gc=False):
    """One change of an order book.

    bids, asks: levels; of a snapshot all of them (best first), of a delta those that changed (quantity 0 removes)
    first_id, last_id: the venue's update ids that this event covers; null where there are none
    trust: the book's state after this event
    reason: why the state changed; empty otherwise
    gap_from_seq, gap_through_seq: instrument sequence numbers that were lost, inclusive, when this event records a loss
    counts: of a snapshot or a state, what the book went through so far
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
    counts: BookCounts | None = None


class BookFrame(Message, frozen=True, kw_only=True, gc=False):
    """One or more consecutive book events of one instrument; event i has sequence number ``seq + i``.

    The instrument's ``tick_size`` and ``lot_size`` travel along, so that any consumer can compute on integers.
    """

    seq: int
    tick_size: float
    lot_size: float
    events: list[BookEvent]
