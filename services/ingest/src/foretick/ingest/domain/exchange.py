"""The simulated exchange: a market whose events become the messages of venues, with faults on request."""

import heapq
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from foretick.ingest.domain.exchange_events import events_of
from foretick.ingest.domain.exchange_faults import (
    OUTAGES,
    SLOW_SNAPSHOT_S,
    Fault,
    FaultKind,
    SimVenue,
    scheduled_faults,
)
from foretick.ingest.domain.exchange_fronts import BinanceFront, CoinbaseFront, Front, KrakenFront, VenueMessage
from foretick.ingest.domain.exchange_wire import exchange_info
from foretick.market.simulation import SimulatedMarket

__all__ = ["Exchange", "Outage", "VenueMessage"]


class Outage(NamedTuple):
    """What befalls every connection of a venue now: it is cut, or falls silent."""

    venue: SimVenue
    kind: FaultKind


class Exchange:
    """Turns steps of a market into messages, and answers for its books. Data time is given by the caller."""

    def __init__(self, market: SimulatedMarket, faults_per_minute: float = 0.0, fault_seed: int = 1) -> None:
        """Open the exchange. ``faults_per_minute`` are injected into each venue, over all symbols."""
        self.market = market
        self.binance = BinanceFront(market)
        self.coinbase = CoinbaseFront(market)
        self.kraken = KrakenFront(market)
        self.fronts: dict[SimVenue, Front] = {
            front.venue: front for front in (self.binance, self.coinbase, self.kraken)
        }
        self._schedule = heapq.merge(
            *(
                scheduled_faults(market.symbols, faults_per_minute, fault_seed + number, market.now_ns, venue)
                for number, venue in enumerate(SimVenue)
            )
        )
        self._next_fault = next(self._schedule, None)
        self._outages: list[Outage] = []
        self.injected: Counter[tuple[SimVenue, FaultKind]] = Counter()

    def advance_to(self, now_ns: int, venues: Collection[SimVenue] = (SimVenue.SIM,)) -> list[VenueMessage]:
        """Let the market run until ``now_ns`` and return its messages in the order in which they are sent.

        venues: those whose messages are wanted
        """
        while self._next_fault is not None and self._next_fault.due_ns <= now_ns:
            self.inject(self._next_fault)
            self._next_fault = next(self._schedule, None)
        messages: list[VenueMessage] = []
        fronts = [(front, venue in venues) for venue, front in self.fronts.items()]
        for front, is_wanted in fronts:
            messages += front.release(now_ns, is_wanted=is_wanted)
        for tape in self.market.advance_to(now_ns):
            for event in events_of(tape):
                for front, is_wanted in fronts:
                    messages += front.tell(event, is_wanted=is_wanted)
        return messages

    def inject(self, fault: Fault) -> None:
        """Let a fault happen.

        Raises:
            Refused: ``unknown_symbol`` where the symbol is not traded here; ``no_such_fault`` where the protocol of the
                venue cannot have it.
        """
        fault.require_possible()
        front = self.fronts[fault.venue]
        index = front.index_of(fault.symbol)
        self.injected[fault.venue, fault.kind] += 1
        if fault.kind in OUTAGES:
            self._outages.append(Outage(fault.venue, fault.kind))
        else:
            front.faults[index].inject(fault.kind, fault.due_ns)

    def take_outages(self) -> list[Outage]:
        """Return what befalls the connections now, and forget it."""
        due, self._outages = self._outages, []
        return due

    def index_of(self, symbol: str) -> int:
        """Return the index of a symbol of the market.

        Raises:
            Refused: ``unknown_symbol`` where it is not traded here.
        """
        return self.binance.index_of(symbol)

    def snapshot(self, symbol: str, limit: int) -> tuple[bytes, float]:
        """Return the body of a symbol's book in Binance's protocol, and how long to wait before it is sent, s.

        Raises:
            Refused: ``unknown_symbol``.
        """
        index = self.index_of(symbol)
        bids, asks = self.market.book(index, limit)
        body = self.binance.wires[index].snapshot(self.market.last_update_id(index), bids, asks)
        return body, SLOW_SNAPSHOT_S if self.binance.faults[index].take(FaultKind.SLOW_SNAPSHOT) else 0.0

    def info(self, now_ns: int, symbols: Sequence[str] | None) -> bytes:
        """Return the body of Binance's listing of ``symbols``, of all where it is None.

        Raises:
            Refused: ``unknown_symbol``.
        """
        wanted = self.market.symbols if symbols is None else symbols
        return exchange_info(now_ns, [self.market.listings[self.index_of(symbol)] for symbol in wanted])
