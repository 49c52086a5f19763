"""One bar, as it grows: what a stretch of an instrument's events adds up to."""

from dataclasses import dataclass

import msgspec

from foretick.common.contracts import TRUST_SEVERITY, Trust

_TRUSTS: tuple[Trust, ...] = tuple(Trust)
_GAP_RANK = TRUST_SEVERITY[Trust.GAP]


@dataclass(frozen=True, slots=True)
class Terms:
    """What turns a quantity into an amount of quote currency: see ``contracts.Instrument``."""

    contract_size: float = 1.0
    is_inverse: bool = False

    def value_quote(self, price_qty: float, qty: float) -> float:
        """Return the value of trades with this sum of price x quantity, and of quantities."""
        return (qty if self.is_inverse else price_qty) * self.contract_size


class BarSums(msgspec.Struct, kw_only=True):
    """Running sums over consecutive events; the same sums as of the record's ``bar_parts_1s``.

    start_ns: data time where it begins: of a time bar its boundary, else its first event
    end_ns: of a time bar the boundary where it ends, exclusive; else its latest event
    first_seq, last_seq: the instrument's numbers of its first and latest event
    events, live_events: every event counts, of ticks and book alike; those with trust LIVE
    worst_rank: ``TRUST_SEVERITY`` of the worst trust of an event; GAP where events were lost
    is_whole: every event of it was seen: it began where another ended, and none was lost
    price_qty, qty_per_price: sums over its trades of price x quantity and of quantity / price
    open, high, low, close: of its trades; null without
    mid_open, mid_high, mid_low, mid_close: of the mid between the best bid and ask, where a quote told it
    """

    start_ns: int
    end_ns: int
    first_seq: int
    last_seq: int
    events: int = 0
    live_events: int = 0
    worst_rank: int = 0
    is_whole: bool = True
    trades: int = 0
    volume_qty: float = 0.0
    buy_volume_qty: float = 0.0
    price_qty: float = 0.0
    qty_per_price: float = 0.0
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    mid_open: float | None = None
    mid_high: float | None = None
    mid_low: float | None = None
    mid_close: float | None = None

    @property
    def trust(self) -> Trust:
        """The worst trust of an event in it."""
        return _TRUSTS[self.worst_rank]

    def count(self, seq: int, rank: int) -> None:
        """Count an event."""
        self.last_seq = seq
        self.events += 1
        if rank == 0:
            self.live_events += 1
        elif rank > self.worst_rank:
            self.worst_rank = rank

    def trade(self, price: float, qty: float, side: int) -> None:
        """Add a trade; ``side`` as in ``contracts.TradeColumns``."""
        if self.open is None or self.high is None or self.low is None:
            self.open = self.high = self.low = price
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.trades += 1
        self.volume_qty += qty
        if side == 1:
            self.buy_volume_qty += qty
        self.price_qty += price * qty
        if price != 0.0:
            self.qty_per_price += qty / price

    def quote(self, mid: float) -> None:
        """Add a mid."""
        if self.mid_open is None or self.mid_high is None or self.mid_low is None:
            self.mid_open = self.mid_high = self.mid_low = mid
        elif mid > self.mid_high:
            self.mid_high = mid
        elif mid < self.mid_low:
            self.mid_low = mid
        self.mid_close = mid

    def lose(self) -> None:
        """Note that events of it may have been lost."""
        self.is_whole = False
        self.worst_rank = _GAP_RANK

    def append(self, later: "BarSums") -> None:
        """Add the events of ``later``, which come after all of this one's."""
        self.last_seq = later.last_seq
        self.events += later.events
        self.live_events += later.live_events
        self.worst_rank = max(self.worst_rank, later.worst_rank)
        self.is_whole = self.is_whole and later.is_whole
        self.trades += later.trades
        self.volume_qty += later.volume_qty
        self.buy_volume_qty += later.buy_volume_qty
        self.price_qty += later.price_qty
        self.qty_per_price += later.qty_per_price
        self.open, self.high, self.low, self.close = _join(
            (self.open, self.high, self.low, self.close), (later.open, later.high, later.low, later.close)
        )
        self.mid_open, self.mid_high, self.mid_low, self.mid_close = _join(
            (self.mid_open, self.mid_high, self.mid_low, self.mid_close),
            (later.mid_open, later.mid_high, later.mid_low, later.mid_close),
        )

    def volume_quote(self, terms: Terms) -> float:
        """Return what was traded, in quote currency."""
        return terms.value_quote(self.price_qty, self.volume_qty)

    def vwap(self, terms: Terms) -> float | None:
        """Return the volume-weighted price; of an inverse contract, the harmonic mean. None without volume."""
        over, under = (self.volume_qty, self.qty_per_price) if terms.is_inverse else (self.price_qty, self.volume_qty)
        return over / under if under != 0.0 else None


_Prices = tuple[float | None, float | None, float | None, float | None]


def _join(early: _Prices, late: _Prices) -> _Prices:
    if early[1] is None or early[2] is None:
        return late
    if late[1] is None or late[2] is None:
        return early
    return early[0], max(early[1], late[1]), min(early[2], late[2]), late[3]
