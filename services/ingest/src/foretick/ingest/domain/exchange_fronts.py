"""The exchange's market in each protocol: events become the messages of a venue, with the faults that wait for them."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from foretick.common.errors import Refused
from foretick.ingest.domain import exchange_coinbase as coinbase
from foretick.ingest.domain import exchange_kraken as kraken
from foretick.ingest.domain.exchange_book import PublishedBook, Sides, window_changes
from foretick.ingest.domain.exchange_events import DepthEvent, ExchangeEvent, Level, TradeEvent
from foretick.ingest.domain.exchange_faults import FaultKind, FeedFaults, SimVenue, StreamPayload
from foretick.ingest.domain.exchange_wire import InstrumentWire
from foretick.market.simulation import SimulatedMarket

WHOLE_BOOK = 1_000_000
_RECENT_TRADES = 100
_CROSSED_BY_TICKS = 3


class VenueMessage(NamedTuple):
    """A message to all who subscribed to ``stream``.

    recv_ns: when a subscriber with no delay receives it, in ns of data time
    payload: the message; of Coinbase the events of it, as each connection has its own number; empty where it is lost
    offset, counts: its place in the count of a connection's messages, as of ``Placed``
    """

    recv_ns: int
    stream: str
    payload: bytes
    offset: int = 0
    counts: int = 1


class Front(ABC):
    """One protocol: its venue, the faults of each instrument, and the names of the instruments."""

    venue: SimVenue

    def __init__(self, market: SimulatedMarket, symbols: Iterable[str]) -> None:
        self.faults = tuple(FeedFaults() for _ in market.symbols)
        self._index = {symbol: i for i, symbol in enumerate(market.symbols)}
        self.names = {symbol: i for i, symbol in enumerate(symbols)}

    def index_of(self, symbol: str) -> int:
        """Return the index of an instrument by the name that it has in this protocol, or in the market.

        Raises:
            Refused: ``unknown_symbol`` where it is not traded here.
        """
        index = self.names.get(symbol, self._index.get(symbol))
        if index is None:
            raise Refused("unknown_symbol", "Invalid symbol.", f"choose among {','.join(self._index)}")
        return index

    def tell(self, event: ExchangeEvent, *, is_wanted: bool = True) -> Iterator[VenueMessage]:
        """Yield the messages of an event; while it is not wanted only what has to be known later is kept."""
        if not self.faults[event.instrument].hold(event):
            yield from self._told(event, is_wanted)

    def release(self, now_ns: int, *, is_wanted: bool = True) -> Iterator[VenueMessage]:
        """Yield the messages of stalls that are over."""
        for faults in self.faults:
            for event in faults.release(now_ns):
                yield from self._told(event._replace(recv_ns=now_ns), is_wanted)

    @abstractmethod
    def _told(self, event: ExchangeEvent, is_wanted: bool) -> Iterator[VenueMessage]: ...

    def _updates(self, event: DepthEvent, payloads: list[StreamPayload]) -> Iterator[VenueMessage]:
        if not payloads:
            return
        for placed in self.faults[event.instrument].apply_to_depth(payloads):
            for stream, payload in placed.payloads:
                sent = b"" if placed.is_lost else payload
                yield VenueMessage(event.recv_ns, stream, sent, placed.offset, placed.counts)

    def _crossing(self, event: DepthEvent) -> list[Level]:
        """Return the bid above the best ask that an update brings by fault, if it does."""
        if not self.faults[event.instrument].take(FaultKind.CROSSED):
            return []
        return [(event.best_ask + _CROSSED_BY_TICKS, 1)]


class BinanceFront(Front):
    """Binance spot's protocol: full books are asked for, and every update names the ids that it covers."""

    venue = SimVenue.SIM

    def __init__(self, market: SimulatedMarket) -> None:
        super().__init__(market, market.symbols)
        self.wires = tuple(InstrumentWire(listing) for listing in market.listings)

    def _told(self, event: ExchangeEvent, is_wanted: bool) -> Iterator[VenueMessage]:
        if not is_wanted:
            return
        wire = self.wires[event.instrument]
        match event:
            case TradeEvent():
                payload = wire.trade(event.event_ns, event.trade_id, event.level, event.aggressor)
                yield VenueMessage(event.recv_ns, wire.trade_stream, payload)
            case DepthEvent():
                bids = event.bids + self._crossing(event)
                payload = wire.depth(event.event_ns, event.ids, bids, event.asks)
                updates = self._updates(event, [(wire.depth_stream, payload)])
                yield from (update for update in updates if update.payload)
            case _:
                payload = wire.quote(event.update_id, event.bid, event.ask)
                yield VenueMessage(event.recv_ns, wire.quote_stream, payload)


class StreamedFront(Front):
    """A protocol whose streams begin with the full book, as of the last update, and with the latest trades."""

    def __init__(self, market: SimulatedMarket, symbols: Iterable[str]) -> None:
        super().__init__(market, symbols)
        self.books = [PublishedBook(*market.book(i, WHOLE_BOOK)) for i in range(len(market.symbols))]
        self.recent = [deque[TradeEvent](maxlen=_RECENT_TRADES) for _ in market.symbols]

    def takes_slow_snapshot(self, index: int) -> bool:
        """Say whether the next full book of an instrument is to be late, and use that fault up."""
        return self.faults[index].take(FaultKind.SLOW_SNAPSHOT)

    def _told(self, event: ExchangeEvent, is_wanted: bool) -> Iterator[VenueMessage]:
        match event:
            case TradeEvent():
                self.recent[event.instrument].append(event)
                if is_wanted:
                    yield VenueMessage(event.recv_ns, *self._trade(event))
            case DepthEvent():
                book = self.books[event.instrument]
                before: Sides = book.top(WHOLE_BOOK) if is_wanted else ([], [])
                book.apply(event.bids, event.asks)
                if is_wanted:
                    yield from self._updates(event, self._depth(event, before, self._crossing(event)))
            case _:
                return

    @abstractmethod
    def _trade(self, event: TradeEvent) -> StreamPayload: ...

    @abstractmethod
    def _depth(self, event: DepthEvent, before: Sides, crossing: list[Level]) -> list[StreamPayload]: ...


class CoinbaseFront(StreamedFront):
    """Coinbase Advanced Trade's protocol: every message of a connection has its number."""

    venue = SimVenue.COINBASE

    def __init__(self, market: SimulatedMarket) -> None:
        self.wires = tuple(coinbase.CoinbaseInstrumentWire(listing) for listing in market.listings)
        self.listings = market.listings
        super().__init__(market, (wire.symbol for wire in self.wires))

    def snapshot(self, index: int, now_ns: int) -> bytes:
        """Return the events of the whole book."""
        return self.wires[index].book(now_ns, *self.books[index].top(WHOLE_BOOK), is_snapshot=True)

    def latest_trades(self, index: int) -> bytes:
        """Return the events of the latest trades."""
        return self.wires[index].trades([*self.recent[index]], is_snapshot=True)

    def _trade(self, event: TradeEvent) -> StreamPayload:
        wire = self.wires[event.instrument]
        return stream_of(coinbase.TRADE_CHANNEL, wire.symbol), wire.trades([event], is_snapshot=False)

    def _depth(self, event: DepthEvent, before: Sides, crossing: list[Level]) -> list[StreamPayload]:
        wire = self.wires[event.instrument]
        payload = wire.book(event.event_ns, event.bids + crossing, event.asks, is_snapshot=False)
        return [(stream_of(coinbase.BOOK_CHANNEL, wire.symbol), payload)]


class KrakenFront(StreamedFront):
    """Kraken's protocol, version 2: every update has the checksum of the book after it, best levels are followed."""

    venue = SimVenue.KRAKEN

    def __init__(self, market: SimulatedMarket) -> None:
        self.wires = tuple(kraken.KrakenInstrumentWire(listing) for listing in market.listings)
        super().__init__(market, (wire.symbol for wire in self.wires))

    def snapshot(self, index: int, depth: int, now_ns: int) -> bytes:
        """Return the message of the best levels."""
        sides = self.books[index].top(depth)
        return self.wires[index].book(now_ns, sides, kraken.checksum(*sides), is_snapshot=True)

    def latest_trades(self, index: int) -> bytes:
        """Return the message of the latest trades."""
        return self.wires[index].trades([*self.recent[index]], is_snapshot=True)

    def _trade(self, event: TradeEvent) -> StreamPayload:
        wire = self.wires[event.instrument]
        return stream_of(kraken.TRADE_CHANNEL, wire.symbol), wire.trades([event], is_snapshot=False)

    def _depth(self, event: DepthEvent, before: Sides, crossing: list[Level]) -> list[StreamPayload]:
        """Write the update of each depth; where two depths are told the same, it is written once."""
        wire = self.wires[event.instrument]
        bids, asks = self.books[event.instrument].top(WHOLE_BOOK)
        bids = crossing + bids
        checksum = kraken.checksum(bids, asks)
        if self.faults[event.instrument].take(FaultKind.CORRUPT_CHECKSUM):
            checksum ^= 1
        written: list[StreamPayload] = []
        told: tuple[list[Level], list[Level]] | None = None
        payload = b""
        for depth in kraken.DEPTHS:
            changes = (
                window_changes(before[0][:depth], bids[:depth], event.bids),
                window_changes(before[1][:depth], asks[:depth], event.asks),
            )
            if changes != told:
                payload, told = wire.book(event.event_ns, changes, checksum, is_snapshot=False), changes
            if any(changes):
                written.append((stream_of(f"{kraken.BOOK_CHANNEL}.{depth}", wire.symbol), payload))
        return written


def stream_of(channel: str, symbol: str) -> str:
    """Return the name of a stream within the exchange.

    >>> stream_of("level2", "BTC-USDT")
    'level2:BTC-USDT'
    """
    return f"{channel}:{symbol}"
