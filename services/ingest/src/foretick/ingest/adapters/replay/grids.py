"""The grid of an instrument that a recording does not list, from the numbers that it trades at.

Pure. The grid is the finest price and the finest quantity in all of the recording. That is no finer than what the venue
sends, every recorded level lies on it, and it is finer than the step for new orders where the book holds dust.
"""

from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from foretick.ingest.adapters.wire import step_of
from foretick.ingest.domain.events import Liquidation, MarketEvent, Trade
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid
from foretick.market.integrity import Delta, Snapshot, Top

_QUOTE_ASSETS = ("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "EUR", "TRY", "BTC", "ETH", "BNB", "USD")
_MOST_PLACES = 18


@lru_cache(maxsize=1_000_000)
def _places(number: float) -> int:
    """Return the digits behind the decimal point of the shortest text of ``number``, as venues write theirs."""
    exponent = Decimal(repr(number)).normalize().as_tuple().exponent
    return min(max(0, -int(exponent)), _MOST_PLACES)


class GridSurvey:
    """Sees the events of one instrument and knows its grid."""

    def __init__(self) -> None:
        self._price_places = self._qty_places = 0

    def see(self, event: MarketEvent) -> None:
        """Take the next event."""
        match event:
            case Trade() | Liquidation():
                self._see(event.price, event.qty)
            case Top():
                self._see(event.bid, event.bid_qty)
                self._see(event.ask, event.ask_qty)
            case Delta() | Snapshot():
                for side in (event.bids, event.asks):
                    for price, qty in side:
                        self._see(price, qty)
            case _:
                pass

    def listing(self, symbol: str) -> Listing:
        """Return ``symbol`` as far as it is known."""
        grid = PriceGrid(step_of(self._price_places), step_of(self._qty_places))
        return Listing(symbol, *_assets(symbol), grid)

    def refine(self, listing: Listing) -> Listing:
        """Return ``listing`` on a grid with as many digits as its events: books hold orders of before a tick grew."""
        tick_size, lot_size = listing.grid.tick_size, listing.grid.lot_size
        if self._price_places > _places(tick_size):
            tick_size = step_of(self._price_places)
        if self._qty_places > _places(lot_size):
            lot_size = step_of(self._qty_places)
        return replace(listing, grid=PriceGrid(tick_size, lot_size))

    def _see(self, price: float, qty: float) -> None:
        self._price_places = max(self._price_places, _places(price))
        self._qty_places = max(self._qty_places, _places(qty))


def _assets(symbol: str) -> tuple[str, str]:
    for separator in "-/":
        if separator in symbol:
            base, _, quote = symbol.partition(separator)
            return base, quote
    quote = next((asset for asset in _QUOTE_ASSETS if symbol.endswith(asset) and symbol != asset), "")
    return symbol.removesuffix(quote) if quote else symbol, quote
