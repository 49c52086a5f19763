"""Runs: consecutive events of one kind, filled one by one and turned into one frame.

Times that a message carries of its producer's wall clock are given from outside.
"""

from dataclasses import dataclass

from foretick.common.contracts import (
    BookEvent,
    BookFrame,
    DerivativeColumns,
    LiquidationColumns,
    Origin,
    QuoteColumns,
    TickFrame,
    TradeColumns,
    Trust,
)
from foretick.ingest.domain.events import DerivativeState, Liquidation, Trade
from foretick.ingest.domain.listing import Listing
from foretick.market.integrity import BookChange, Top

MAX_TICKS = 1024
MAX_LEVELS = 8_000
"""A book frame is closed beyond this many levels: about 200 kB of text, well under what NATS takes."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What every message of one feed says of where it comes from; see ``contracts.Message``.

    epoch: of the process until an instrument's lease gives it one of its own
    """

    venue: str
    origin: Origin
    run_id: str
    producer: str
    epoch: int


class TickRun:
    """Consecutive ticks of one instrument, by column."""

    __slots__ = (
        "derivatives", "event_ns", "ingest_ns", "kinds", "liquidations", "quotes", "recv_ns", "seq", "trades", "trust",
    )  # fmt: skip

    def __init__(self, seq: int, trust: Trust) -> None:
        self.seq = seq
        self.trust = trust
        self.ingest_ns = 0
        self.kinds: list[str] = []
        self.recv_ns: list[int] = []
        self.event_ns: list[int | None] = []
        self.trades = TradeColumns(price=[], qty=[], side=[], trade_id=[])
        self.quotes = QuoteColumns(bid=[], bid_qty=[], ask=[], ask_qty=[])
        self.derivatives: DerivativeColumns | None = None
        self.liquidations: LiquidationColumns | None = None

    def add_trade(self, trade: Trade, recv_ns: int, ingest_ns: int) -> None:
        """Append a trade."""
        columns = self.trades
        columns.price.append(trade.price)
        columns.qty.append(trade.qty)
        columns.side.append(trade.side)
        columns.trade_id.append(trade.trade_id)
        self._add("T", trade.ts_event_ns, recv_ns, ingest_ns)

    def add_quote(self, quote: Top, recv_ns: int, ingest_ns: int) -> None:
        """Append a best bid and ask."""
        columns = self.quotes
        columns.bid.append(quote.bid)
        columns.bid_qty.append(quote.bid_qty)
        columns.ask.append(quote.ask)
        columns.ask_qty.append(quote.ask_qty)
        self._add("Q", quote.ts_event_ns, recv_ns, ingest_ns)

    def add_derivative(self, state: DerivativeState, recv_ns: int, ingest_ns: int) -> None:
        """Append what the venue said of a derivative."""
        if self.derivatives is None:
            self.derivatives = DerivativeColumns(
                mark_price=[], index_price=[], funding_rate_frac=[], next_funding_ns=[], open_interest_qty=[]
            )
        columns = self.derivatives
        columns.mark_price.append(state.mark_price)
        columns.index_price.append(state.index_price)
        columns.funding_rate_frac.append(state.funding_rate_frac)
        columns.next_funding_ns.append(state.next_funding_ns)
        columns.open_interest_qty.append(state.open_interest_qty)
        self._add("D", state.ts_event_ns, recv_ns, ingest_ns)

    def add_liquidation(self, liquidation: Liquidation, recv_ns: int, ingest_ns: int) -> None:
        """Append a liquidation."""
        if self.liquidations is None:
            self.liquidations = LiquidationColumns(price=[], qty=[], side=[])
        columns = self.liquidations
        columns.price.append(liquidation.price)
        columns.qty.append(liquidation.qty)
        columns.side.append(liquidation.side)
        self._add("L", liquidation.ts_event_ns, recv_ns, ingest_ns)

    def add_clock(self, recv_ns: int, ingest_ns: int) -> None:
        """Append a clock event."""
        self._add("C", None, recv_ns, ingest_ns)

    def frame(self, identity: Identity, listing: Listing, sent_ns: int) -> TickFrame:
        """Return the frame of this run; the run is not used afterwards."""
        return TickFrame(
            venue=identity.venue, symbol=listing.symbol, origin=identity.origin, run_id=identity.run_id,
            producer=identity.producer, epoch=identity.epoch, ts_recv_ns=self.recv_ns[-1], ts_ingest_ns=self.ingest_ns,
            ts_sent_ns=sent_ns, trust=self.trust, seq=self.seq, kinds="".join(self.kinds), recv_ns=self.recv_ns,
            event_ns=self.event_ns, trades=self.trades, quotes=self.quotes, derivatives=self.derivatives,
            liquidations=self.liquidations,
        )  # fmt: skip

    def _add(self, kind: str, event_ns: int | None, recv_ns: int, ingest_ns: int) -> None:
        self.kinds.append(kind)
        self.recv_ns.append(recv_ns)
        self.event_ns.append(event_ns)
        self.ingest_ns = ingest_ns


class BookRun:
    """Consecutive book events of one instrument."""

    __slots__ = ("events", "ingest_ns", "levels", "seq")

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.ingest_ns = 0
        self.levels = 0
        self.events: list[BookEvent] = []

    @property
    def is_full(self) -> bool:
        """Whether the next event belongs into another frame."""
        return self.levels >= MAX_LEVELS

    def add(self, change: BookChange, recv_ns: int, ingest_ns: int) -> None:
        """Append a change of the book."""
        self.add_event(
            BookEvent(
                kind=change.kind, ts_recv_ns=recv_ns, ts_event_ns=change.ts_event_ns, trust=change.trust,
                bids=change.bids, asks=change.asks, first_id=change.first_id, last_id=change.last_id,  # type: ignore[arg-type]
                reason=change.reason, counts=change.counts,
            ),
            ingest_ns,
        )  # fmt: skip

    def add_event(self, event: BookEvent, ingest_ns: int) -> None:
        """Append a finished book event."""
        self.events.append(event)
        self.levels += len(event.bids) + len(event.asks)
        self.ingest_ns = ingest_ns

    def frame(self, identity: Identity, listing: Listing, sent_ns: int) -> BookFrame:
        """Return the frame of this run; the run is not used afterwards. Its trust is that after its last event."""
        last = self.events[-1]
        return BookFrame(
            venue=identity.venue, symbol=listing.symbol, origin=identity.origin, run_id=identity.run_id,
            producer=identity.producer, epoch=identity.epoch, ts_recv_ns=last.ts_recv_ns, ts_ingest_ns=self.ingest_ns,
            ts_sent_ns=sent_ns, trust=last.trust, seq=self.seq, tick_size=listing.grid.tick_size,
            lot_size=listing.grid.lot_size, events=self.events,
        )  # fmt: skip
