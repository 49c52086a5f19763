"""How venues let a copy of their order book be verified. One ``BookRule`` a venue; each names its source."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from foretick.common.contracts import BookProof
from foretick.market.book import DEFAULT_MAX_LEVELS, OrderBook
from foretick.market.integrity.updates import Delta


class Anchor(StrEnum):
    """Where the full book comes from that updates are applied to.

    REQUEST: it is asked for, while updates that arrive meanwhile are kept
    STREAM: the stream begins with it, and subscribing anew brings it again
    TOP: there is no book; the best bid and ask stand for one
    """

    REQUEST = "request"
    STREAM = "stream"
    TOP = "top"


class ChainRule(Protocol):
    """How a venue numbers its updates."""

    def is_covered(self, delta: Delta, last_id: int) -> bool:
        """Tell whether a book as of ``last_id`` contains all of ``delta`` already."""
        ...

    def bridges(self, delta: Delta, snapshot_id: int) -> bool:
        """Tell whether ``delta`` is the first one to apply to a snapshot as of ``snapshot_id``."""
        ...

    def follows(self, delta: Delta, last_id: int) -> bool:
        """Tell whether ``delta`` comes right after the update ``last_id``."""
        ...


class ContiguousIds:
    """Every update id is covered by exactly one delta; the first one that reaches beyond the snapshot bridges.

    Sources: Binance spot, "How to manage a local order book correctly"; Bybit V5, "Orderbook" (field ``u``).
    """

    def is_covered(self, delta: Delta, last_id: int) -> bool:
        """Tell whether ``delta`` ends at or before ``last_id``."""
        return delta.last_id <= last_id

    def bridges(self, delta: Delta, snapshot_id: int) -> bool:
        """Tell whether the update after ``snapshot_id`` lies in ``delta``."""
        return delta.first_id <= snapshot_id + 1 <= delta.last_id

    def follows(self, delta: Delta, last_id: int) -> bool:
        """Tell whether ``delta`` begins with the update after ``last_id``."""
        return delta.first_id == last_id + 1


class LinkedIds:
    """Every delta names the one before it; ids may skip, and after maintenance even fall.

    Sources: Binance USD-M futures, "How to manage a local order book correctly" (``pu``); OKX V5, "Order book channel"
    (``prevSeqId``).
    """

    def is_covered(self, delta: Delta, last_id: int) -> bool:
        """Tell whether ``delta`` ends before ``last_id``, or is the one that led there."""
        return delta.last_id <= last_id and delta.prev_id != last_id

    def bridges(self, delta: Delta, snapshot_id: int) -> bool:
        """Tell whether ``snapshot_id`` lies in ``delta``, or between it and the one that it names.

        Binance's procedure asks for ``U <= lastUpdateId <= u``. Ids between ``pu`` and ``U`` changed nothing of this
        book, so that a full book as of one of them is as good as one of ``pu``.
        """
        begins = delta.first_id if delta.prev_id is None else min(delta.first_id, delta.prev_id)
        return begins <= snapshot_id <= delta.last_id

    def follows(self, delta: Delta, last_id: int) -> bool:
        """Tell whether ``delta`` names ``last_id`` as the update before it."""
        return delta.prev_id == last_id


class Unnumbered:
    """The venue does not number a book's updates: a checksum, or the numbering of its connection, must prove them."""

    def is_covered(self, delta: Delta, last_id: int) -> bool:
        """Return False: nothing tells."""
        return False

    def bridges(self, delta: Delta, snapshot_id: int) -> bool:
        """Return True: the stream begins with its snapshot."""
        return True

    def follows(self, delta: Delta, last_id: int) -> bool:
        """Return True: nothing tells otherwise."""
        return True


@dataclass(frozen=True, slots=True)
class BookRule:
    """All that verifies a venue's book.

    anchor: where full books come from
    chain: how updates are numbered
    proof: what of it the wire tells consumers
    checksum: computes what the venue sends as ``Delta.checksum``; None where it sends none
    max_levels: levels a side that the venue keeps up to date; what falls beyond is forgotten, as the venue forgets it
    """

    anchor: Anchor
    chain: ChainRule
    proof: BookProof
    checksum: Callable[[OrderBook], int] | None = None
    max_levels: int = DEFAULT_MAX_LEVELS

    @property
    def is_loss_silent(self) -> bool:
        """Whether updates build on each other and the next one does not tell that one before it was lost."""
        is_whole = self.proof in (BookProof.FULL, BookProof.TOP_ONLY)
        return isinstance(self.chain, Unnumbered) and not is_whole


REQUESTED_CONTIGUOUS = BookRule(Anchor.REQUEST, ContiguousIds(), BookProof.CHAIN)
"""Binance spot."""

REQUESTED_LINKED = BookRule(Anchor.REQUEST, LinkedIds(), BookProof.CHAIN)
"""Binance USD-M futures."""

TOP_ONLY = BookRule(Anchor.TOP, Unnumbered(), BookProof.TOP_ONLY, max_levels=1)
"""A venue of which only the best bid and ask are read."""
