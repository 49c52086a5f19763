"""Kraken's public REST side: listings.

Its clock (``Time``) tells whole seconds only, which says less of ours than its messages do: it is not asked.
Source: Kraken "Spot REST": "Get Tradable Asset Pairs"; "API rate limits" of its support: public requests of an address
once a second.
"""

from collections.abc import Sequence

from foretick.ingest.adapters.connections.streamed_book import StreamedBookRest
from foretick.ingest.adapters.kraken.parse import parse_pairs
from foretick.ingest.domain.listing import Listing, choose_listings


class KrakenRest(StreamedBookRest):
    """A ``VenueRest``."""

    async def listings(self, symbols: Sequence[str]) -> tuple[list[Listing], list[str]]:
        """Return the listings that answer to ``symbols``, and those of ``symbols`` that none answers to."""
        body = await self._http.get("/0/public/AssetPairs", {})
        return choose_listings(parse_pairs(body, self._source), symbols)
