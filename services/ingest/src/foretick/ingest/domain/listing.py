"""Instruments as a venue lists them, the names they go by, and which shard owns them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

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
    """Return those of ``symbols`` that shard ``shard_index`` of ``shard_count`` owns, by rendezvous hashing.

    Every instrument has one owner, and a change of ``shard_count`` by one moves about one in ``shard_count`` of them.

    >>> owned_symbols("sim", ("BTCUSDT", "ETHUSDT"), 0, 1)
    ('BTCUSDT', 'ETHUSDT')
    """
    unique = dict.fromkeys(symbols)
    return tuple(symbol for symbol in unique if _owner(f"{venue}/{symbol}", shard_count) == shard_index)


def _owner(instrument: str, shard_count: int) -> int:
    def weight(shard: int) -> bytes:
        return hashlib.blake2b(f"{instrument}/{shard}".encode(), digest_size=8).digest()

    return max(range(shard_count), key=weight)
