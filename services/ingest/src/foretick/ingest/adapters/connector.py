"""What a venue's folder gives to the feed: all that is its own, joined in one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from foretick.common.contracts import Origin
from foretick.ingest.adapters.connections.polls import Poll
from foretick.ingest.domain.rules import MarketRules
from foretick.ingest.domain.session_watch import Calendar
from foretick.ingest.ports import StreamPlan, VenueRest, WireFormat


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """What the operator decides of a venue.

    ws_url, rest_url: addresses, without a trailing slash; empty for the venue's own
    book_depth: levels a side of a full book that is asked for
    budget_frac: share of the venue's documented request budget that we allow ourselves
    idle_timeout_s: after so long without a message a connection counts as dead
    key, secret: of the operator's account, where a venue asks for one
    feed: which of a venue's feeds, where it has several
    """

    ws_url: str = ""
    rest_url: str = ""
    book_depth: int = 1000
    budget_frac: float = 0.5
    idle_timeout_s: float = 30.0
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    feed: str = ""


@dataclass(frozen=True, slots=True)
class Connector:
    """A venue, ready to be connected to.

    plan: how the connections with its books are spoken
    side_plans: the same of connections of their own, for streams without a book
    polls: what it answers by request only
    headers: what every handshake of a connection carries, such as a key
    calendars: when its instruments are traded, by the code of their session; none for at all hours
    """

    venue: str
    origin: Origin
    wire: WireFormat
    rules: MarketRules
    plan: StreamPlan
    rest: VenueRest
    side_plans: Sequence[StreamPlan] = ()
    polls: Sequence[Poll] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    calendars: Mapping[str, Calendar] = field(default_factory=dict[str, Calendar])
