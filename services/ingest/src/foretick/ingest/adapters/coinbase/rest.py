"""Coinbase Advanced Trade's public REST side: listings and the venue's clock.

Source: Coinbase Advanced Trade "Public Endpoints", "REST API Rate Limits" (10 public requests a second of an address).
"""

from collections.abc import Sequence

from foretick.ingest.adapters.coinbase.parse import parse_products, parse_time_ns
from foretick.ingest.adapters.connections.streamed_book import StreamedBookRest
from foretick.ingest.domain.listing import Listing, choose_listings

_PREFIX = "/api/v3/brokerage"


class CoinbaseRest(StreamedBookRest):
    """A ``VenueRest``."""

    async def listings(self, symbols: Sequence[str]) -> tuple[list[Listing], list[str]]:
        """Return the listings that answer to ``symbols``, and those of ``symbols`` that none answers to."""
        body = await self._http.get(f"{_PREFIX}/market/products", {"product_type": "SPOT"})
        return choose_listings(parse_products(body, self._source), symbols)

    async def time_ns(self) -> int | None:
        """Return the venue's clock."""
        return parse_time_ns(await self._http.get(f"{_PREFIX}/time", {}), self._source)
