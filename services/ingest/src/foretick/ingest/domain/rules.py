"""What holds for all instruments of a venue: how books are verified, trades are numbered, and silence is judged."""

from dataclasses import dataclass
from enum import StrEnum

from foretick.common.units import NS_PER_S
from foretick.ingest.domain.listing import Fees
from foretick.market.integrity import BookRule


class TradeIds(StrEnum):
    """How a venue numbers trades.

    CONTIGUOUS: one more a trade, so that a hole is a loss
    INCREASING: upwards with holes, so that only a repeat shows
    NAMED: by texts that have no order
    """

    CONTIGUOUS = "contiguous"
    INCREASING = "increasing"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class MarketRules:
    """The rules of a venue.

    book: how its books are verified
    trade_ids: how its trades are numbered
    quotes_from_book: whether the best bid and ask are read off the verified book, as the venue sends none that is as
        fast
    stall_ns, stall_trades: a LIVE book is not believed any more when so many trades came in so long a time, and more,
        without one update of it
    probe_ns: a LIVE book that got no update for so long is held against a full book on request; 0 for never
    await_ns: a full book that the stream should begin with is asked for again after so long
    fees: the public ones; None where they are not known
    """

    book: BookRule
    trade_ids: TradeIds = TradeIds.CONTIGUOUS
    quotes_from_book: bool = False
    stall_ns: int = 10 * NS_PER_S
    stall_trades: int = 5
    probe_ns: int = 60 * NS_PER_S
    await_ns: int = 15 * NS_PER_S
    fees: Fees | None = None
