"""What a venue's folder gives to the feed: all that is its own, joined in one value."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from foretick.common.clock import Clock
from foretick.common.contracts import Origin
from foretick.common.runtime.logs import Logger
from foretick.ingest.adapters.connections.http import RecordReply
from foretick.ingest.adapters.connections.polls import Poll
from foretick.ingest.adapters.connections.side import Reached
from foretick.ingest.adapters.recordings.sink import RawTap
from foretick.ingest.domain.rules import MarketRules
from foretick.ingest.domain.session_watch import Calendar
from foretick.ingest.ports import FrameReceiver, StreamPlan, VenueRest, WireFormat


class Session(Reached, Protocol):
    """What follows a venue's instruments and hands on what it sends: the pool of our connections, or a bridge."""

    def follow(self, symbols: Sequence[str]) -> None:
        """Follow ``symbols`` too."""
        ...

    def leave(self, symbols: Sequence[str]) -> None:
        """Follow ``symbols`` no longer."""
        ...

    async def run(self, receiver: FrameReceiver) -> None:
        """Hand frames to ``receiver`` until cancelled."""
        ...


def origin_of(venue: str) -> Origin:
    """Return where what a venue sends comes from: ``sim``, ``sim-coinbase`` and ``sim-kraken`` are simulated.

    >>> origin_of("sim-kraken"), origin_of("kraken")
    (<Origin.SIM: 'sim'>, <Origin.LIVE: 'live'>)
    """
    return Origin.SIM if venue.partition("-")[0] == "sim" else Origin.LIVE


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """What the operator decides of a venue.

    ws_url, rest_url: addresses, without a trailing slash; empty for the venue's own
    book_depth: levels a side of a full book that is asked for
    budget_frac: share of the venue's documented request budget that we allow ourselves
    idle_timeout_s: after so long without a message a connection counts as dead
    record: records each REST reply; None for nobody
    key, secret: of the operator's account, where a venue asks for one
    feed: which of a venue's feeds, where it has several
    """

    ws_url: str = ""
    rest_url: str = ""
    book_depth: int = 1000
    budget_frac: float = 0.5
    idle_timeout_s: float = 30.0
    record: RecordReply | None = None
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    feed: str = ""


@dataclass(frozen=True, slots=True)
class Connector:
    """A venue, ready to be connected to.

    plan: how the connections with its books are spoken; None where another library speaks with it
    open_session: makes what takes the place of our connections where there is no plan
    side_plans: the same of connections of their own, for streams without a book
    polls: what it answers by request only
    headers: what every handshake of a connection carries, such as a key
    calendars: when its instruments are traded, by the code of their session; none for at all hours
    """

    venue: str
    origin: Origin
    wire: WireFormat
    rules: MarketRules
    plan: StreamPlan | None
    rest: VenueRest
    side_plans: Sequence[StreamPlan] = ()
    polls: Sequence[Poll] = ()
    open_session: Callable[[Clock, Logger, RawTap], Session] | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    calendars: Mapping[str, Calendar] = field(default_factory=dict[str, Calendar])
