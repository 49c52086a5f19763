"""What happened at the exchange, before any protocol: the oracle of the chaos runs, in plain dicts and lists."""

from collections.abc import Iterable, Iterator

from foretick.ingest.domain.exchange_events import DepthEvent, ExchangeEvent, TradeEvent
from foretick.ingest.domain.exchange_fronts import Front, VenueMessage
from foretick.market.simulation import LISTINGS, Listing, SimulatedMarket

WHOLE = 1_000_000

Steps = Iterable[tuple[int, int]]
"""Prices in ticks with quantities in lots; 0 removes."""


class Levels:
    """A book: lots by ticks, of bids and of asks."""

    def __init__(self, bids: Steps = (), asks: Steps = ()) -> None:
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.apply(bids, asks)

    def apply(self, bids: Steps, asks: Steps) -> None:
        """Set levels."""
        for side, steps in zip(self.sides, (bids, asks), strict=True):
            for ticks, lots in steps:
                if lots:
                    side[ticks] = lots
                else:
                    side.pop(ticks, None)

    @property
    def digest(self) -> int:
        """What is equal of equal books, and hardly of others."""
        return hash(tuple(frozenset(side.items()) for side in self.sides))


class Instrument:
    """All that one instrument went through. A state of its book has an index, in their order.

    digests, times_ns: of each state, and when a client with no delay received it
    state_by_id, state_by_digest: the latest state with the venue's number, or with a digest
    trade_ids, trade_times_ns: of each trade, in their order; trade_at: index of the latest trade with an id
    """

    def __init__(self, listing: Listing) -> None:
        self.tick_size, self.lot_size = float(listing.tick_size), float(listing.lot_size)
        self.book = Levels()
        self.digests: list[int] = []
        self.times_ns: list[int] = []
        self.state_by_id: dict[int, int] = {}
        self.state_by_digest: dict[int, int] = {}
        self.trade_ids: list[int] = []
        self.trade_times_ns: list[int] = []
        self.trade_at: dict[int, int] = {}

    def remember(self, update_id: int, at_ns: int, book: Levels | None = None) -> None:
        """Keep the state that the book, or this picture of it, is in now."""
        index = len(self.digests)
        digest = (book or self.book).digest
        self.digests.append(digest)
        self.times_ns.append(at_ns)
        self.state_by_id[update_id] = self.state_by_digest[digest] = index

    def trade(self, trade_id: int, at_ns: int) -> None:
        """Keep a trade."""
        self.trade_at[trade_id] = len(self.trade_ids)
        self.trade_ids.append(trade_id)
        self.trade_times_ns.append(at_ns)


class Truth:
    """The instruments of an exchange, over all of its restarts."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self.instruments = [Instrument(LISTINGS[symbol]) for symbol in symbols]

    def watch(self, market: SimulatedMarket) -> "TruthFront":
        """Begin with the books as they are at an opening; return what takes note of all that follows."""
        for index, instrument in enumerate(self.instruments):
            instrument.book = Levels(*market.book(index, WHOLE))
            instrument.remember(market.last_update_id(index), market.now_ns)
        return TruthFront(market, self)

    def hand_out(self, market: SimulatedMarket, index: int) -> None:
        """Take note of a full book that is asked for now: it may lie between two updates."""
        instrument, update_id = self.instruments[index], market.last_update_id(index)
        if update_id not in instrument.state_by_id:
            instrument.remember(update_id, market.now_ns, Levels(*market.book(index, WHOLE)))


class TruthFront(Front):
    """Hears every event of the market as the protocols do, and says nothing."""

    def __init__(self, market: SimulatedMarket, truth: Truth) -> None:
        super().__init__(market, market.symbols)
        self._instruments = truth.instruments

    def _told(self, event: ExchangeEvent, is_wanted: bool) -> Iterator[VenueMessage]:
        instrument = self._instruments[event.instrument]
        if isinstance(event, TradeEvent):
            instrument.trade(event.trade_id, event.recv_ns)
        elif isinstance(event, DepthEvent):
            instrument.book.apply(event.bids, event.asks)
            instrument.remember(event.ids[1], event.recv_ns)
        return iter(())
