"""The simulated exchange: a market whose events become the venue's messages, with faults on request."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from foretick.common.errors import Refused
from foretick.ingest.domain.exchange_events import Level
from foretick.ingest.domain.exchange_faults import (
    SLOW_SNAPSHOT_S,
    Fault,
    FaultKind,
    FeedFaults,
    scheduled_faults,
)
from foretick.ingest.domain.exchange_wire import InstrumentWire, exchange_info
from foretick.market.simulation import SimulatedMarket
from foretick.market.simulation.tape import DEPTH, QUOTE, TRADE, Tape

_CROSSED_BY_TICKS = 3


class VenueMessage(NamedTuple):
    """A message to all who subscribed to ``stream``.

    recv_ns: when a subscriber with no delay receives it, in ns of data time
    """

    recv_ns: int
    stream: str
    payload: bytes


class Exchange:
    """Turns steps of a market into messages, and answers for its books. Data time is given by the caller."""

    def __init__(self, market: SimulatedMarket, faults_per_minute: float = 0.0, fault_seed: int = 1) -> None:
        self.market = market
        self.wires = tuple(InstrumentWire(listing) for listing in market.listings)
        self._index = {symbol: i for i, symbol in enumerate(market.symbols)}
        self._faults = tuple(FeedFaults() for _ in market.symbols)
        self._schedule = scheduled_faults(market.symbols, faults_per_minute, fault_seed, market.now_ns)
        self._next_fault = next(self._schedule, None)
        self._must_disconnect = False
        self.injected: dict[FaultKind, int] = dict.fromkeys(FaultKind, 0)

    def advance_to(self, now_ns: int) -> list[VenueMessage]:
        """Let the market run until ``now_ns`` and return its messages in the order in which they are sent."""
        while self._next_fault is not None and self._next_fault.due_ns <= now_ns:
            self.inject(self._next_fault)
            self._next_fault = next(self._schedule, None)
        messages: list[VenueMessage] = []
        for faults in self._faults:
            messages += (VenueMessage(now_ns, stream, payload) for stream, payload in faults.release(now_ns))
        for tape in self.market.advance_to(now_ns):
            messages += self._messages(tape)
        return messages

    def inject(self, fault: Fault) -> None:
        """Let a fault happen.

        Raises:
            Refused: ``unknown_symbol`` where the symbol is not traded here.
        """
        index = self.index_of(fault.symbol)
        self.injected[fault.kind] += 1
        if fault.kind is FaultKind.DISCONNECT:
            self._must_disconnect = True
        else:
            self._faults[index].inject(fault.kind, fault.due_ns)

    def take_disconnect(self) -> bool:
        """Say whether all connections are to be cut now, and forget it."""
        due, self._must_disconnect = self._must_disconnect, False
        return due

    def index_of(self, symbol: str) -> int:
        """Return the index of a symbol.

        Raises:
            Refused: ``unknown_symbol`` where it is not traded here.
        """
        if symbol not in self._index:
            raise Refused("unknown_symbol", "Invalid symbol.", f"choose among {','.join(self._index)}")
        return self._index[symbol]

    def snapshot(self, symbol: str, limit: int) -> tuple[bytes, float]:
        """Return the body of a symbol's book, and how long to wait before it is sent, s.

        Raises:
            Refused: ``unknown_symbol``.
        """
        index = self.index_of(symbol)
        bids, asks = self.market.book(index, limit)
        body = self.wires[index].snapshot(self.market.last_update_id(index), bids, asks)
        return body, SLOW_SNAPSHOT_S if self._faults[index].take(FaultKind.SLOW_SNAPSHOT) else 0.0

    def info(self, now_ns: int, symbols: Sequence[str] | None) -> bytes:
        """Return the body of the listing of ``symbols``, of all where it is None.

        Raises:
            Refused: ``unknown_symbol``.
        """
        wanted = self.market.symbols if symbols is None else symbols
        return exchange_info(now_ns, [self.market.listings[self.index_of(symbol)] for symbol in wanted])

    def _messages(self, tape: Tape) -> Iterator[VenueMessage]:
        for kind, index, (event_ns, recv_ns), ids, v in _rows(tape):
            wire, faults = self.wires[index], self._faults[index]
            if kind == TRADE:
                stream, payloads = wire.trade_stream, [wire.trade(event_ns, ids[0], (v[0], v[1]), v[2])]
            elif kind == QUOTE:
                stream, payloads = wire.quote_stream, [wire.quote(ids[1], (v[0], v[1]), (v[2], v[3]))]
            elif kind == DEPTH:
                bids, asks = _sides(tape, v[0], v[1])
                if faults.take(FaultKind.CROSSED):
                    bids.append((int(tape.top[v[2], 20]) + _CROSSED_BY_TICKS, 1))
                payload = wire.depth(event_ns, (ids[0], ids[1]), bids, asks)
                stream, payloads = wire.depth_stream, faults.apply_to_depth(payload)
            else:
                continue
            for payload in payloads:
                if not faults.hold(stream, payload):
                    yield VenueMessage(recv_ns, stream, payload)


def _rows(tape: Tape) -> Iterator[tuple[int, int, list[int], list[int], list[int]]]:
    """Yield kind, instrument, times, ids and values of each event as plain numbers."""
    used = int(tape.counts[0])
    kinds: list[int] = tape.kind[:used].tolist()
    instruments: list[int] = tape.symbol[:used].tolist()
    times: list[list[int]] = tape.times[:used].tolist()
    ids: list[list[int]] = tape.ids[:used].tolist()
    values: list[list[int]] = tape.v[:used].tolist()
    return zip(kinds, instruments, times, ids, values, strict=True)


def _sides(tape: Tape, first: int, end: int) -> tuple[list[Level], list[Level]]:
    changes: list[list[int]] = tape.changes[first:end].tolist()
    bids = [(ticks, lots) for side, ticks, lots in changes if side == 0]
    return bids, [(ticks, lots) for side, ticks, lots in changes if side == 1]
