"""The 1-second bars in a stream of events, written down from their definition: what the kernel's bars are held to."""

import math

import numpy as np
from numpy.typing import NDArray

from foretick.quant import parameters as p
from foretick.quant.events import BookTrust, EventArrays, EventKind


class _Second:
    """What happened in one second. ``mid`` is the mid at its start, NaN where none was known."""

    def __init__(self, number: int, mid: float) -> None:
        self.number = number
        self.trades: list[tuple[float, float]] = []
        self.mids = [] if math.isnan(mid) else [mid]

    def bar(self) -> tuple[float, ...] | None:
        """Return second, open, high, low, close, volume: of the trades, of the mids without one, of nothing None."""
        prices = [price for price, _ in self.trades] or self.mids
        if not prices:
            return None
        volume = sum(qty for _, qty in self.trades)
        return self.number, prices[0], max(prices), min(prices), prices[-1], volume


class _Top:
    """The mid, by whom it was said last: quotes speak for it, depth only where they have been silent."""

    def __init__(self) -> None:
        self.mid = math.nan
        self._quoted_ns: int | None = None

    def quote(self, recv_ns: int, bid: float, ask: float) -> None:
        self._quoted_ns, self.mid = recv_ns, (bid + ask) / 2

    def depth(self, recv_ns: int, bid: float, ask: float) -> bool:
        if self._quoted_ns is not None and recv_ns - self._quoted_ns < p.QUOTE_TTL_NS:
            return False
        self.mid = (bid + ask) / 2
        return True

    def state(self, trust: float) -> None:
        if trust == BookTrust.GAP or self._quoted_ns is None:
            self.mid, self._quoted_ns = math.nan, None


def close_mids(events: EventArrays) -> dict[int, float]:
    """Return, of every second that has closed, the mid at its end where one is known and the book is not out of order.

    Seconds without an event have what stood before them. Events must be sound.
    """
    mids: dict[int, float] = {}
    if not len(events):
        return mids
    top, is_sound, second = _Top(), True, int(events.recv_ns[0]) // p.BAR_NS
    for kind, recv_ns, v in zip(events.kind, events.recv_ns.tolist(), events.v.tolist(), strict=True):
        if is_sound and top.mid > 0.0:
            mids |= dict.fromkeys(range(second, recv_ns // p.BAR_NS), top.mid)
        second = recv_ns // p.BAR_NS
        if kind == EventKind.QUOTE:
            top.quote(recv_ns, v[0], v[2])
        elif kind == EventKind.DEPTH:
            row = events.depth[int(v[0])]
            top.depth(recv_ns, float(row[0]), float(row[20]))
            is_sound = True
        elif kind == EventKind.STATE:
            top.state(v[0])
            is_sound = False
    return mids


def close_bars(events: EventArrays) -> NDArray[np.float64]:
    """Return second, open, high, low, close and volume of every closed bar, (6, bars). Events must be sound."""
    bars: list[tuple[float, ...]] = []
    top, second = _Top(), _Second(int(events.recv_ns[0]) // p.BAR_NS, math.nan)
    for kind, recv_ns, v in zip(events.kind, events.recv_ns.tolist(), events.v.tolist(), strict=True):
        if recv_ns // p.BAR_NS > second.number:
            bar = second.bar()
            bars += [bar] if bar else []
            second = _Second(recv_ns // p.BAR_NS, top.mid)
        if kind == EventKind.TRADE:
            second.trades.append((v[0], v[1]))
        elif kind == EventKind.QUOTE:
            top.quote(recv_ns, v[0], v[2])
            second.mids.append(top.mid)
        elif kind == EventKind.DEPTH:
            row = events.depth[int(v[0])]
            if top.depth(recv_ns, float(row[0]), float(row[20])):
                second.mids.append(top.mid)
        elif kind == EventKind.STATE:
            top.state(v[0])
    return np.array(bars).T.reshape(6, -1)
