"""What a venue tells us, after parsing: one type a message, nothing of any venue's wire format."""

from typing import NamedTuple

import msgspec

from foretick.market.integrity import Delta, Snapshot, Top


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One trade: ``side`` is the aggressor's, 1 bought and -1 sold; ``trade_id`` grows by one a trade."""

    price: float
    qty: float
    side: int
    trade_id: int
    ts_event_ns: int | None = None


class ShutdownNotice(msgspec.Struct, frozen=True, gc=False):
    """The venue will close this connection soon: reconnect now, at a time of our choosing."""


class VenueError(msgspec.Struct, frozen=True, gc=False):
    """The venue refused something we asked."""

    code: int
    message: str


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """A well-formed message of a kind that we don't read; counted by ``kind``."""

    kind: str


MarketEvent = Trade | Top | Delta | Snapshot
Notice = ShutdownNotice | VenueError | Unknown


class Received(NamedTuple):
    """Bytes as a transport hands them on.

    recv_ns: data time: when the bytes were read (in a replay: when they were recorded)
    payload: one frame
    symbol: set where the transport knows what the bytes alone don't say: this is a full book of that symbol
    """

    recv_ns: int
    payload: bytes
    symbol: str | None = None
