"""Messages about venues: how each one is reached, and what they quote together."""

from enum import StrEnum

from foretick.common.contracts._base import Contract, Origin, Trust


class VenueState(StrEnum):
    """Whether a venue can be reached: all connections, some, none; or it says itself that it is under maintenance."""

    CONNECTED = "connected"
    DEGRADED = "degraded"
    AWAY = "away"
    MAINTENANCE = "maintenance"


class VenueStatus(Contract, frozen=True, kw_only=True, gc=False):
    """How a process reaches a venue; published every second on ``venues.<venue>.<producer>``.

    ts_ns: wall clock of the producer
    notice: what the venue last announced; empty for nothing
    connections, connections_open: sockets wanted, and open now
    instruments, live: order books followed, and those that are LIVE
    clock_offset_ms: the venue's clock minus ours; null before the first estimate. Ours is not corrected by it
    clock_error_ms: half the width of the interval that the offset is known to lie in; null where the venue has no clock
        to ask, so that the offset holds the shortest latency seen too
    latency_ms: the median from the venue's clock to ours over the last minute, the offset taken out; null without one
    connects, disconnects, rollovers: since the process began; a rollover is a planned change of socket
    snapshots_requested: full books asked for, over REST or by subscribing anew
    budget_used_frac: how much of the venue's request budget is spent
    """

    venue: str
    origin: Origin
    run_id: str
    producer: str
    ts_ns: int
    state: VenueState
    notice: str = ""
    connections: int = 0
    connections_open: int = 0
    instruments: int = 0
    live: int = 0
    clock_offset_ms: float | None = None
    clock_error_ms: float | None = None
    latency_ms: float | None = None
    connects: int = 0
    disconnects: int = 0
    rollovers: int = 0
    snapshots_requested: int = 0
    budget_used_frac: float = 0.0


class VenueQuote(Contract, frozen=True, kw_only=True, gc=False):
    """What one venue contributes to a consolidated quote.

    bid, ask: its best prices, in quote currency; null for an empty side
    age_ms: since its last event, by data time
    is_used: whether it counts: its book is LIVE, fresh and not an outlier
    is_outlier: whether its mid differs from that of the others by more than fees, spreads and latency explain
    deviation_bps: its mid against the median mid of the other venues; null without others
    """

    venue: str
    symbol: str
    bid: float | None
    bid_qty: float | None
    ask: float | None
    ask_qty: float | None
    trust: Trust
    age_ms: float
    is_used: bool
    is_outlier: bool = False
    deviation_bps: float | None = None


class ConsolidatedQuote(Contract, frozen=True, kw_only=True, gc=False):
    """The best bid and ask of a pair over all venues; at most ten a second on ``consolidated.<base>.<quote>``.

    ts_recv_ns: data time of the latest event in it
    bid_venue, ask_venue: where the best prices are; null where no venue counts
    bid, ask: the best prices, in quote currency
    net_bid, net_ask: the best prices after the taker's fee; the venue behind them may be another one
    is_crossed: whether the best bid is at or above the best ask: venues disagree by more than a spread
    net_edge_bps: what buying at the lowest and selling at the highest price would bring after both fees; negative as a
        rule
    """

    base: str
    quote: str
    origin: Origin
    run_id: str
    producer: str
    ts_recv_ns: int
    ts_sent_ns: int
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
