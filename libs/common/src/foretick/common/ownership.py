"""Which shard owns which instrument: rendezvous hashing, the same in every service that is run in shards."""

import hashlib
from dataclasses import dataclass


def owner_of(venue: str, symbol: str, shard_count: int) -> int:
    """Return the shard that owns an instrument.

    Every instrument has one owner whoever asks, and one more shard takes over about one in ``shard_count + 1`` of them,
    from the others alike; nothing moves between those (Thaler and Ravishankar 1998).

    >>> owner_of("sim", "BTCUSDT", 1)
    0
    """
    return max(range(shard_count), key=lambda shard: _weight(venue, symbol, shard))


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard ``index`` of ``count``, as SHARD_INDEX and SHARD_COUNT name it."""

    index: int = 0
    count: int = 1

    def owns(self, venue: str, symbol: str) -> bool:
        """Return whether the instrument is this shard's."""
        return owner_of(venue, symbol, self.count) == self.index


def _weight(venue: str, symbol: str, shard: int) -> bytes:
    return hashlib.blake2b(f"{venue} {symbol} {shard}".encode(), digest_size=8).digest()
