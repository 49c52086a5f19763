"""Bybit's REST side, V5: listings and the venue's clock.

Limits: 600 requests in 5 seconds an address; whoever asks more gets HTTP 403 for ten minutes. Source: Bybit V5 "Rate
Limit".
"""

from collections.abc import Sequence

from foretick.ingest.adapters.bybit.parse import parse_time_ns
from foretick.ingest.adapters.bybit.parse_listings import parse_page
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.adapters.connections.streamed_book import StreamedBookRest
from foretick.ingest.domain.listing import Listing, choose_listings

_PAGE = 1000
_MOST_PAGES = 50


class BybitRest(StreamedBookRest):
    """A ``VenueRest`` of one category: ``spot`` or ``linear``."""

    def __init__(self, http: VenueHttp, category: str, source: str) -> None:
        super().__init__(http, source)
        self._category = category

    async def listings(self, symbols: Sequence[str]) -> tuple[list[Listing], list[str]]:
        """Return the listings that answer to ``symbols``, and those of ``symbols`` that none answers to."""
        known: list[Listing] = []
        cursor = ""
        for _ in range(_MOST_PAGES):
            params = {"category": self._category, "status": "Trading", "limit": str(_PAGE)}
            body = await self._http.get("/v5/market/instruments-info", params | ({"cursor": cursor} if cursor else {}))
            page, cursor = parse_page(body, self._source)
            known += page
            if not cursor:
                break
        return choose_listings(known, symbols)

    async def time_ns(self) -> int | None:
        """Return the venue's clock."""
        return parse_time_ns(await self._http.get("/v5/market/time", {}), self._source)
