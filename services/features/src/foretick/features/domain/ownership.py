"""Which shard folds which instrument: rendezvous hashing, so that adding a shard moves only what it takes over."""

import hashlib


def owner_of(venue: str, symbol: str, shard_count: int) -> int:
    """Return the shard that owns an instrument.

    >>> owner_of("sim", "BTCUSDT", 1)
    0
    """
    return max(range(shard_count), key=lambda shard: _weight(venue, symbol, shard))


def _weight(venue: str, symbol: str, shard: int) -> bytes:
    return hashlib.blake2b(f"{venue} {symbol} {shard}".encode(), digest_size=8).digest()
