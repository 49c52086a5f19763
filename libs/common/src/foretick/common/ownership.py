"""Who owns which instrument: rendezvous hashing says who should, a lease says who does.

The same in every service that is run in shards; ``foretick.common.runtime.leases`` carries it out on the bus.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

InstrumentKey = tuple[str, str]
"""An instrument: (venue, symbol)."""


def owner_of(venue: str, symbol: str, shard_count: int) -> int:
    """Return the shard that should own an instrument.

    Every instrument has one owner whoever asks, and one more shard takes over about one in ``shard_count + 1`` of them,
    from the others alike; nothing moves between those (Thaler and Ravishankar 1998).

    >>> owner_of("sim", "BTCUSDT", 1)
    0
    """
    return max(range(shard_count), key=lambda shard: _weight(venue, symbol, shard))


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard ``index`` of ``count``, as SHARD_INDEX and SHARD_COUNT name it.

    An ``index`` of ``count`` or more owns nothing: it is on its way out after the count fell.
    """

    index: int = 0
    count: int = 1

    def owns(self, venue: str, symbol: str) -> bool:
        """Return whether the instrument should be this shard's."""
        return owner_of(venue, symbol, self.count) == self.index

    def share_of(self, instruments: Iterable[InstrumentKey]) -> set[InstrumentKey]:
        """Return those of ``instruments`` that should be this shard's."""
        return {key for key in instruments if self.owns(*key)}


@dataclass(frozen=True, slots=True)
class Lease:
    """What the bus says of an instrument: its ``holder``, empty for none, since ``revision``, 0 for never.

    Revisions rise with every change of any lease, so that a new holder's fencing epoch is higher than all before it.
    """

    holder: str = ""
    revision: int = 0


class Tenure:
    """For how long a holder may act on its leases, told by its own monotonic clock; all in seconds.

    A contender takes a lease over ``ttl_s`` after the holder's first unanswered call. The holder therefore acts only
    until ``ttl_s - margin_s`` after it began the last round trip to the bus that succeeded: whoever could have called
    in vain called later than that round trip began. Once lapsed it stays lapsed until ``restart``, whatever is
    confirmed meanwhile: something may have been missed.

    >>> tenure = Tenure(ttl_s=3.0, margin_s=1.0)
    >>> tenure.restart(began_s=10.0)
    >>> tenure.holds(11.9), tenure.holds(12.0)
    (True, False)
    >>> tenure.confirm(began_s=12.0)
    >>> tenure.holds(12.1)
    False
    """

    __slots__ = ("_length_s", "_until_s", "lapsed")

    def __init__(self, ttl_s: float, margin_s: float) -> None:
        self._length_s = ttl_s - margin_s
        self._until_s = 0.0
        self.lapsed = True

    def restart(self, began_s: float) -> None:
        """Begin anew after a round trip that began at ``began_s``: nothing is held that was held before."""
        self.lapsed = False
        self._until_s = began_s + self._length_s

    def confirm(self, began_s: float) -> None:
        """Note a round trip that began at ``began_s``."""
        self._until_s = max(self._until_s, began_s + self._length_s)

    def lapse(self) -> None:
        """End it: the connection is gone."""
        self.lapsed = True

    def holds(self, now_s: float) -> bool:
        """Return whether the holder may still act at ``now_s``."""
        if now_s >= self._until_s:
            self.lapsed = True
        return not self.lapsed


def _weight(venue: str, symbol: str, shard: int) -> bytes:
    return hashlib.blake2b(f"{venue} {symbol} {shard}".encode(), digest_size=8).digest()
