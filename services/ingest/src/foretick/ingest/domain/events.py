"""What a venue tells us, after parsing: one type a message, nothing of any venue's wire format."""

from typing import NamedTuple

import msgspec

from foretick.common.errors import Malformed
from foretick.market.integrity import Delta, Snapshot, Top


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One trade.

    side: the aggressor's, 1 bought and -1 sold, 0 where the venue does not say
    trade_id: the venue's number for it; None where that is not a number
    text_id: the venue's name for it where that is not a number
    is_history: whether the venue sent it as one of the past, when we subscribed
    """

    price: float
    qty: float
    side: int
    trade_id: int | None
    ts_event_ns: int | None = None
    text_id: str = ""
    is_history: bool = False


class DerivativeState(msgspec.Struct, frozen=True, gc=False):
    """What one message said of a derivative; None for what it did not say. Units as in ``DerivativeColumns``."""

    mark_price: float | None = None
    index_price: float | None = None
    funding_rate_frac: float | None = None
    next_funding_ns: int | None = None
    open_interest_qty: float | None = None
    ts_event_ns: int | None = None


class Liquidation(msgspec.Struct, frozen=True, gc=False):
    """A forced order: ``side`` 1 buys back a short position, -1 sells a long one."""

    price: float
    qty: float
    side: int
    ts_event_ns: int | None = None


class ShutdownNotice(msgspec.Struct, frozen=True, gc=False):
    """The venue will close this connection soon: reconnect now, at a time of our choosing."""


class Maintenance(msgspec.Struct, frozen=True, gc=False):
    """The venue says that it is under maintenance, or about to be; or, with an empty ``text``, that it no longer is."""

    text: str


class VenueError(msgspec.Struct, frozen=True, gc=False):
    """The venue refused something we asked."""

    code: int
    message: str


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """A well-formed message of a kind that we don't read; counted by ``kind``."""

    kind: str


class Quiet(msgspec.Struct, frozen=True, gc=False):
    """A message that only says that the connection lives, or that a request was heard."""


class Numbered(msgspec.Struct, frozen=True, gc=False):
    """The place of a message among all of its connection: each is one more than the last, or something was lost."""

    number: int


class MalformedUpdate(Malformed):
    """A message about the book of ``symbol`` that cannot be read: an update of that book is lost with it."""

    def __init__(self, source: str, reason: str, payload: bytes, symbol: str) -> None:
        super().__init__(source, reason, payload)
        self.symbol = symbol


MarketEvent = Trade | Top | Delta | Snapshot | DerivativeState | Liquidation
Notice = ShutdownNotice | Maintenance | VenueError | Unknown | Quiet | Numbered

Parsed = tuple[str, MarketEvent | Notice]
"""An event with the venue's symbol; a notice, which is of no symbol, with an empty one."""

QUIET: tuple[Parsed, ...] = (("", Quiet()),)


class Received(NamedTuple):
    """Bytes as a transport hands them on.

    recv_ns: data time: when the bytes were read (in a replay: when they were recorded)
    payload: one frame
    symbol: set where the bytes are the reply to a request about that symbol
    connection: which of the venue's connections brought it
    """

    recv_ns: int
    payload: bytes
    symbol: str | None = None
    connection: int = 0
