"""Instruments as a venue lists them, the names they go by, and which shard owns them."""

from collections.abc import Sequence
from dataclasses import dataclass

from foretick.common.ownership import owner_of
from foretick.market.book import PriceGrid


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument on its venue: the venue's symbol, its assets and its grid."""

    symbol: str
    base: str
    quote: str
    grid: PriceGrid

    @property
    def aliases(self) -> list[str]:
        """Other names of it, such as ``BTC-USDT`` and ``BTC/USDT``."""
        if not self.base or not self.quote:
            return []
        names = (f"{self.base}-{self.quote}", f"{self.base}/{self.quote}", f"{self.base}{self.quote}")
        return [name for name in names if name != self.symbol]


def owned_symbols(venue: str, symbols: Sequence[str], shard_index: int, shard_count: int) -> tuple[str, ...]:
    """Return those of ``symbols`` that shard ``shard_index`` of ``shard_count`` owns, each once, in order.

    >>> owned_symbols("sim", ("BTCUSDT", "ETHUSDT"), 0, 1)
    ('BTCUSDT', 'ETHUSDT')
    """
    unique = dict.fromkeys(symbols)
    return tuple(symbol for symbol in unique if owner_of(venue, symbol, shard_count) == shard_index)
