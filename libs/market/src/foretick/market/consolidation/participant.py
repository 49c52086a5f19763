"""A venue's part in a consolidated quote: what it quotes, and whether that counts."""

from dataclasses import dataclass, field
from typing import NamedTuple

from foretick.common.contracts import Instrument, Trust, VenueQuote
from foretick.common.units import BPS_PER_UNIT, NS_PER_MS, NS_PER_S
from foretick.market.consolidation.judgement import Judgement

STALE_NS = 3 * NS_PER_S
"""Without an event for so long a venue does not count: a quiet market still has a clock event a second."""


class Quote(NamedTuple):
    """Best bid and ask with their quantities; None for an empty side."""

    bid: float | None
    bid_qty: float | None
    ask: float | None
    ask_qty: float | None


@dataclass(slots=True)
class Participant:
    """One instrument of one venue.

    Attributes:
        quote: its latest; None before the first, and after a loss until the next
        trust: that of its book
        last_ns: data time of its latest event; 0 before the first
        deviation_bps: its mid against the median of the others, as last compared
    """

    listing: Instrument
    quote: Quote | None = None
    trust: Trust = Trust.STALE
    last_ns: int = 0
    deviation_bps: float | None = None
    judgement: Judgement = field(default_factory=Judgement)

    @property
    def taker_fee_frac(self) -> float | None:
        """The taker's fee; None where it is not known."""
        fee_bps = self.listing.taker_fee_bps
        return None if fee_bps is None else fee_bps / BPS_PER_UNIT

    @property
    def mid(self) -> float | None:
        """Mean of best bid and ask; None unless there are both."""
        quote = self.quote
        return None if quote is None or quote.bid is None or quote.ask is None else (quote.bid + quote.ask) / 2

    @property
    def half_spread_bps(self) -> float:
        """Half of the spread against the mid; 0 for an empty side."""
        quote, mid = self.quote, self.mid
        if quote is None or mid is None or quote.bid is None or quote.ask is None:
            return 0.0
        return (quote.ask - quote.bid) / 2 / mid * BPS_PER_UNIT

    def age_ns(self, now_ns: int) -> int:
        """Return how long ago its latest event was."""
        return max(0, now_ns - self.last_ns)

    def is_sound(self, now_ns: int) -> bool:
        """Tell whether its quote may count: its book is LIVE, it was heard of lately, and its bid is below its ask."""
        quote = self.quote
        if quote is None or self.trust is not Trust.LIVE or self.age_ns(now_ns) > STALE_NS:
            return False
        return quote.bid is None or quote.ask is None or quote.bid < quote.ask

    def is_used(self, now_ns: int) -> bool:
        """Tell whether its quote counts: it is sound and not the odd one out."""
        return self.is_sound(now_ns) and not self.judgement.is_outlier

    def told(self, now_ns: int) -> VenueQuote:
        """Return what a consolidated quote says of it, once it was heard of."""
        quote = self.quote or Quote(None, None, None, None)
        return VenueQuote(
            venue=self.listing.venue, symbol=self.listing.symbol, bid=quote.bid, bid_qty=quote.bid_qty, ask=quote.ask,
            ask_qty=quote.ask_qty, trust=self.trust, age_ms=self.age_ns(now_ns) / NS_PER_MS,
            is_used=self.is_used(now_ns), is_outlier=self.judgement.is_outlier, deviation_bps=self.deviation_bps,
        )  # fmt: skip
