"""Bitstamp's public REST side: listings. It has no clock to ask.

Source: Bitstamp "HTTP API": ``markets``, and "Request limits" (10,000 requests in 10 minutes).
"""

from collections.abc import Sequence

from foretick.ingest.adapters.bitstamp.parse import parse_markets
from foretick.ingest.adapters.connections.streamed_book import StreamedBookRest
from foretick.ingest.domain.listing import Listing, choose_listings


class BitstampRest(StreamedBookRest):
    """A ``VenueRest``."""

    async def listings(self, symbols: Sequence[str]) -> tuple[list[Listing], list[str]]:
        """Return the listings that answer to ``symbols``, and those of ``symbols`` that none answers to."""
        body = await self._http.get("/api/v2/markets/", {})
        return choose_listings(parse_markets(body, self._source), symbols)
