"""The requests to a venue whose full books come on their streams: what all of those have in common."""

from foretick.common.errors import Refused
from foretick.ingest.adapters.connections.http import VenueHttp


class StreamedBookRest:
    """A ``VenueRest`` without its listings; one that has a clock to ask says so in ``time_ns``."""

    def __init__(self, http: VenueHttp, source: str) -> None:
        self._http = http
        self._source = source

    @property
    def budget_used_frac(self) -> float:
        """How much of the request budget is spent."""
        return self._http.budget_used_frac

    async def book(self, symbol: str) -> bytes:
        """Raise ``Refused``: full books come on their stream."""
        raise Refused("no_request", f"{self._source} sends the book of {symbol} on its stream")

    async def time_ns(self) -> int | None:
        """Return None: there is no clock to ask."""
        return None
