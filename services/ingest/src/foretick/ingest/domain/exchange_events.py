"""What happens at the simulated exchange, before any venue's protocol: trades, best prices, changed levels."""

from collections.abc import Iterator
from typing import NamedTuple

from foretick.market.simulation.tape import DEPTH, QUOTE, TRADE, Tape

_BEST_ASK = 20
"""Column of a tape's ``top``."""

Level = tuple[int, int]
"""Price in ticks, quantity in lots."""


class TradeEvent(NamedTuple):
    """A trade. ``instrument`` is its index in the market; times are data time, ns; ``aggressor``: 1 bought, -1 sold."""

    instrument: int
    event_ns: int
    recv_ns: int
    trade_id: int
    level: Level
    aggressor: int


class QuoteEvent(NamedTuple):
    """The best bid and ask as of an update."""

    instrument: int
    event_ns: int
    recv_ns: int
    update_id: int
    bid: Level
    ask: Level


class DepthEvent(NamedTuple):
    """The levels that the updates ``ids`` (first and last) changed, with their new quantities; 0 removes.

    best_ask: its price in ticks after that
    """

    instrument: int
    event_ns: int
    recv_ns: int
    ids: tuple[int, int]
    bids: list[Level]
    asks: list[Level]
    best_ask: int


ExchangeEvent = TradeEvent | QuoteEvent | DepthEvent


def events_of(tape: Tape) -> Iterator[ExchangeEvent]:
    """Yield the events of a tape in their order."""
    used = int(tape.counts[0])
    kinds: list[int] = tape.kind[:used].tolist()
    instruments: list[int] = tape.symbol[:used].tolist()
    times: list[list[int]] = tape.times[:used].tolist()
    ids: list[list[int]] = tape.ids[:used].tolist()
    values: list[list[int]] = tape.v[:used].tolist()
    for kind, index, (event_ns, recv_ns), (first, last), v in zip(kinds, instruments, times, ids, values, strict=True):
        if kind == TRADE:
            yield TradeEvent(index, event_ns, recv_ns, first, (v[0], v[1]), v[2])
        elif kind == QUOTE:
            yield QuoteEvent(index, event_ns, recv_ns, last, (v[0], v[1]), (v[2], v[3]))
        elif kind == DEPTH:
            changes: list[list[int]] = tape.changes[v[0] : v[1]].tolist()
            bids = [(ticks, lots) for side, ticks, lots in changes if side == 0]
            asks = [(ticks, lots) for side, ticks, lots in changes if side == 1]
            yield DepthEvent(index, event_ns, recv_ns, (first, last), bids, asks, int(tape.top[v[2], _BEST_ASK]))
