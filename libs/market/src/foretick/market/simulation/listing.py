"""The instruments of the simulated exchange, with the traits that make each behave differently."""

from dataclasses import dataclass
from decimal import Decimal

from foretick.common.errors import Refused

CRYPTO, TECH = 0, 1
SECTORS = 2


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument of the simulated exchange.

    tick_size, lot_size: smallest steps of price and quantity, as the exchange states them
    price: reference price in quote currency, where the market opens
    level_ticks: mean distance of neighbouring price levels: the books are sparse, as those of small-tick assets are
    level_move_per_root_s: deviation of the efficient price in one second, in levels, in the ordinary regime
    activity_frac: event rate relative to the other instruments
    queue_qty: median quantity at the best price, in base currency
    market_load, sector_load: correlation of the efficient price with the market's and the sector's factor
    """

    symbol: str
    base: str
    quote: str
    sector: int
    tick_size: Decimal
    lot_size: Decimal
    price: Decimal
    level_ticks: int
    level_move_per_root_s: float
    activity_frac: float
    queue_qty: float
    market_load: float
    sector_load: float


def _crypto(symbol: str, sizes: tuple[str, str, str], shape: tuple[int, float, float, float]) -> Listing:
    tick, lot, price = (Decimal(text) for text in sizes)
    return Listing(symbol, symbol.removesuffix("USDT"), "USDT", CRYPTO, tick, lot, price, *shape, 0.35, 0.65)


def _stock(symbol: str, price: str, shape: tuple[int, float, float, float]) -> Listing:
    return Listing(
        symbol, symbol, "USD", TECH, Decimal("0.001"), Decimal("0.01"), Decimal(price), *shape, 0.45, 0.45
    )  # fmt: skip


LISTINGS: dict[str, Listing] = {
    listing.symbol: listing
    for listing in (
        _crypto("BTCUSDT", ("0.01", "0.00001", "64250.00"), (200, 0.90, 1.15, 1.2)),
        _crypto("ETHUSDT", ("0.01", "0.0001", "2680.00"), (8, 0.95, 1.10, 14.0)),
        _crypto("ADAUSDT", ("0.00001", "0.1", "0.82000"), (10, 0.60, 0.85, 9500.0)),
        _crypto("SOLUSDT", ("0.001", "0.001", "152.000"), (10, 0.80, 1.00, 60.0)),
        _stock("AAPL", "226.400", (10, 0.65, 0.95, 320.0)),
        _stock("GOOGL", "168.900", (10, 0.60, 0.90, 300.0)),
        _stock("TSLA", "251.700", (10, 0.90, 1.10, 240.0)),
        _stock("MSFT", "418.300", (20, 0.70, 0.95, 180.0)),
    )
}
"""The eight default instruments, by symbol."""


def listing_of(symbol: str) -> Listing:
    """Return the listing of ``symbol``.

    Raises:
        Refused: ``unknown_symbol`` where the simulated exchange does not list it.
    """
    try:
        return LISTINGS[symbol]
    except KeyError:
        known = ",".join(LISTINGS)
        raise Refused(
            "unknown_symbol", f"the simulated exchange does not list {symbol!r}", f"choose among {known}"
        ) from None
