"""What a venue tells of an order book, in no venue's format."""

from collections.abc import Sequence

import msgspec

from foretick.common.contracts import Level


class Delta(msgspec.Struct, frozen=True, gc=False):
    """An incremental book update as a venue sent it.

    first_id, last_id: the venue's update ids that it covers, inclusive; 0 where the venue does not number updates
    bids, asks: new quantity at each price that changed; 0 removes
    ts_event_ns: the venue's clock
    prev_id: the update that this one follows, where the venue says so
    checksum: of the book after this update, where the venue sends one
    """

    first_id: int
    last_id: int
    bids: Sequence[Level]
    asks: Sequence[Level]
    ts_event_ns: int | None = None
    prev_id: int | None = None
    checksum: int | None = None


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """A full book as of the venue's update ``last_id``; 0 where the venue does not number updates."""

    last_id: int
    bids: Sequence[Level]
    asks: Sequence[Level]
    ts_event_ns: int | None = None
    checksum: int | None = None


class Top(msgspec.Struct, frozen=True, gc=False):
    """The best bid and ask as a venue tells them beside its book, as of its update ``update_id`` where it says so."""

    update_id: int | None
    bid: float
    bid_qty: float
    ask: float
    ask_qty: float
    ts_event_ns: int | None = None
