"""The consolidated quotes of pairs: what the venues quote together, as clients are told."""

from foretick.common.contracts import ConsolidatedQuote, Contract, Origin, VenueQuote
from foretick.common.subjects import CONSOLIDATED_QUOTES
from foretick.common.units import micros_from_nanos
from foretick.gateway.domain.channels import CHANNELS, SYSTEM
from foretick.gateway.domain.freshness import age_ms_of, is_stale
from foretick.gateway.domain.topic import Tally, Topic

Pair = tuple[str, str]
"""Base and quote."""

_EPOCH = 0
"""The numbering is data time, which goes on when the producer is another process: it begins anew for nobody."""


class ConsolidatedData(Contract, frozen=True, kw_only=True, gc=False):
    """The best bid and ask of a pair over the venues that count; fields as on the bus.

    bid_venue, ask_venue: where the best prices are; null where no venue counts
    net_bid, net_ask: the best prices after the taker's fee, where that is known
    is_crossed: whether the best bid is at or above the best ask
    net_edge_bps: what buying at the lowest and selling at the highest net price would bring
    venues: what each venue quotes, whether it counts, and which is the odd one out
    """

    base: str
    quote: str
    origin: Origin
    ts_recv_us: int
    bid_venue: str | None
    bid: float | None
    bid_qty: float | None
    ask_venue: str | None
    ask: float | None
    ask_qty: float | None
    net_bid_venue: str | None
    net_bid: float | None
    net_ask_venue: str | None
    net_ask: float | None
    is_crossed: bool
    net_edge_bps: float | None
    venues: list[VenueQuote]


class ConsolidatedAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """The consolidated quote of a pair.

    age_ms: since it arrived here; null when there is none
    stale: none arrived within the time to live, or there is none: do not act on it
    reason: why ``consolidated`` is null; empty otherwise
    """

    base: str
    quote: str
    age_ms: int | None
    stale: bool
    reason: str
    consolidated: ConsolidatedData | None


class PairView:
    """The latest quote of one pair, and the topic that tells it."""

    def __init__(self, pair: Pair, fanout: Tally) -> None:
        self.pair = pair
        self.data: ConsolidatedData | None = None
        self.topic = Topic(CHANNELS["consolidated"], SYSTEM, "-".join(pair), lambda: self.data, fanout)

    def fold(self, quote: ConsolidatedQuote, arrived_ns: int) -> None:
        """Take a quote, unless it is not newer than the last; the topic tells it at once."""
        seq = micros_from_nanos(quote.ts_recv_ns)
        if self.topic.seq is None or seq > self.topic.seq:
            self.data = consolidated_data(quote)
            self.topic.publish(_EPOCH, seq, self.data, arrived_ns)

    def answer(self, now_ns: int) -> ConsolidatedAnswer:
        """Return the quote with its age."""
        age_ms = age_ms_of(self.topic.arrived_ns, now_ns)
        base, quote = self.pair
        return ConsolidatedAnswer(
            base=base,
            quote=quote,
            age_ms=age_ms,
            stale=is_stale(age_ms, CONSOLIDATED_QUOTES.ttl_ms),
            reason="" if self.data else "no quote of several venues has come in this run",
            consolidated=self.data,
        )


class PairBoard:
    """The views of all pairs."""

    def __init__(self, fanout: Tally) -> None:
        self._fanout = fanout
        self._views: dict[Pair, PairView] = {}

    def view(self, pair: Pair) -> PairView:
        """Return the view of a pair, a new one for one not seen before."""
        view = self._views.get(pair)
        if view is None:
            view = self._views[pair] = PairView(pair, self._fanout)
        return view

    def fold(self, quote: ConsolidatedQuote, arrived_ns: int) -> None:
        """Fold one message that arrived at ``arrived_ns`` (wall clock)."""
        self.view((quote.base, quote.quote)).fold(quote, arrived_ns)


def consolidated_data(quote: ConsolidatedQuote) -> ConsolidatedData:
    """Return what clients are told of ``quote``."""
    fields = {name: getattr(quote, name) for name in ConsolidatedData.__struct_fields__ if name != "ts_recv_us"}
    return ConsolidatedData(**fields, ts_recv_us=micros_from_nanos(quote.ts_recv_ns))
