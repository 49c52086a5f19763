"""Instruments as a venue lists them, and the names they go by."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from foretick.common.contracts import InstrumentKind, Level
from foretick.market.book import PriceGrid

_MOST_PLACES = 18
_SEPARATORS = str.maketrans("", "", "-_/: ")
_ASSETS = {"XBT": "BTC", "XDG": "DOGE"}
"""Assets that venues call by another name than the rest of the field."""


@dataclass(frozen=True, slots=True)
class Fees:
    """A venue's public fees of its lowest tier, in basis points of the amount; negative is a rebate."""

    maker_bps: float
    taker_bps: float


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument on its venue: the venue's symbol, its assets and its grid; the rest as in ``Instrument``.

    names: names under which the venue itself lists it elsewhere, such as in its REST addresses
    """

    symbol: str
    base: str
    quote: str
    grid: PriceGrid
    kind: InstrumentKind = InstrumentKind.SPOT
    contract_size: float = 1.0
    is_inverse: bool = False
    order_step_qty: float | None = None
    min_order_qty: float | None = None
    session: str = "24/7"
    names: tuple[str, ...] = ()

    @property
    def aliases(self) -> list[str]:
        """Other names of it, such as ``BTC-USDT`` and ``BTC/USDT``; a perpetual contract's carry a ``PERP``."""
        names = list(self.names)
        if self.base and self.quote:
            if self.kind is InstrumentKind.PERPETUAL:
                names += [f"{self.base}-{self.quote}-PERP", f"{self.base}{self.quote}"]
            elif self.kind is InstrumentKind.SPOT:
                names += [f"{self.base}-{self.quote}", f"{self.base}/{self.quote}", f"{self.base}{self.quote}"]
        return [name for name in dict.fromkeys(names) if name != self.symbol]


def grid_of(levels: Iterable[Level], grid: PriceGrid) -> PriceGrid:
    """Return the coarsest grid that holds ``grid`` and the decimal text of all ``levels``.

    >>> grid_of([(100.25, 2.0)], PriceGrid(0.1, 1.0))
    PriceGrid(tick_size=0.01, lot_size=1.0)
    """
    for price, qty in levels:
        grid = grid.joined(PriceGrid(_step(price), _step(qty)))
    return grid


def _step(number: float) -> float:
    """Return the step of numbers with as many digits behind the point as ``number`` has; 1 for a whole one."""
    exponent = Decimal(repr(number)).normalize().as_tuple().exponent
    return float(f"1e{min(0, max(int(exponent), -_MOST_PLACES))}")


def plain_asset(name: str) -> str:
    """Return an asset by the name that most venues give it.

    >>> plain_asset("XBT"), plain_asset("ETH")
    ('BTC', 'ETH')
    """
    return _ASSETS.get(name, name)


def choose_listings(listings: Iterable[Listing], symbols: Sequence[str]) -> tuple[list[Listing], list[str]]:
    """Return those ``listings`` that are asked for by symbol or by an alias, and the names that nothing answers to.

    A name is compared without its case and separators; the venue's own symbol comes before aliases, and each
    listing is returned once, in the order of ``symbols``.

    >>> btc = Listing("BTC-USDT", "BTC", "USDT", PriceGrid(0.01, 1e-8))
    >>> [[each.symbol for each in found] for found in choose_listings([btc], ["BTCUSDT", "DOGEUSDT"])[:1]]
    [['BTC-USDT']]
    """
    known: dict[str, Listing] = {}
    for listing in listings:
        for alias in listing.aliases:
            known.setdefault(_plain(alias), listing)
    for listing in listings:
        known[_plain(listing.symbol)] = listing
    chosen: dict[str, Listing] = {}
    missing: list[str] = []
    for symbol in dict.fromkeys(symbols):
        listing = known.get(_plain(symbol))
        if listing is None:
            missing.append(symbol)
        else:
            chosen.setdefault(listing.symbol, listing)
    return list(chosen.values()), missing


def _plain(name: str) -> str:
    return name.upper().translate(_SEPARATORS)
