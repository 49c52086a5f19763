"""Bitstamp's public REST side: listings. It has no clock to ask.

Source: Bitstamp "HTTP API": ``markets``, and "Request limits" (10,000 requests in 10 minutes).
"""

from collections.abc import Sequence

from foretick.common.errors import Refused
from foretick.ingest.adapters.bitstamp.parse import parse_markets
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.domain.listing import Listing, choose_listings


class BitstampRest:
    """A ``VenueRest``."""

    def __init__(self, http: VenueHttp, source: str) -> None:
        self._http = http
        self._source = source

    @property
    def budget_used_frac(self) -> float:
        """How much of the request budget is spent."""
        return self._http.budget_used_frac

    async def listings(self, symbols: Sequence[str]) -> tuple[list[Listing], list[str]]:
        """Return the listings that answer to ``symbols``, and those of ``symbols`` that none answers to."""
        body = await self._http.get("/api/v2/markets/", {})
        return choose_listings(parse_markets(body, self._source), symbols)

    async def book(self, symbol: str) -> bytes:
        """Raise ``Refused``: full books come on their stream."""
        raise Refused("no_request", f"{self._source} sends the book of {symbol} on its stream")

    async def time_ns(self) -> int | None:
        """Return None: there is no clock to ask."""
        return None
