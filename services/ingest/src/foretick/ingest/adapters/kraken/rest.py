"""Kraken's public REST side: listings.

Its clock (``Time``) tells whole seconds only, which says less of ours than its messages do: it is not asked.
Source: Kraken "Spot REST": "Get Tradable Asset Pairs"; "API rate limits" of its support: public requests of an address
once a second.
"""

from collections.abc import Sequence

from foretick.common.errors import Refused
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.adapters.kraken.parse import parse_pairs
from foretick.ingest.domain.listing import Listing, choose_listings


class KrakenRest:
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
        body = await self._http.get("/0/public/AssetPairs", {})
        return choose_listings(parse_pairs(body, self._source), symbols)

    async def book(self, symbol: str) -> bytes:
        """Raise ``Refused``: full books come on their stream."""
        raise Refused("no_request", f"{self._source} sends the book of {symbol} on its stream")

    async def time_ns(self) -> int | None:
        """Return None: whole seconds are no clock."""
        return None
