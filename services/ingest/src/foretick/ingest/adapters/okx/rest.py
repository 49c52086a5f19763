"""OKX's REST side, V5: listings and the venue's clock.

Limits: 20 requests for instruments and 10 for the time in two seconds, an address. Sources: OKX V5 "Get instruments",
"Get system time".
"""

from collections.abc import Sequence

from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.adapters.connections.streamed_book import StreamedBookRest
from foretick.ingest.adapters.okx.parse import parse_time_ns
from foretick.ingest.adapters.okx.parse_listings import parse_instruments
from foretick.ingest.domain.listing import Listing, choose_listings


class OkxRest(StreamedBookRest):
    """A ``VenueRest`` of one kind of instruments: ``SPOT`` or ``SWAP``."""

    def __init__(self, http: VenueHttp, kind: str, source: str) -> None:
        super().__init__(http, source)
        self._kind = kind

    async def listings(self, symbols: Sequence[str]) -> tuple[list[Listing], list[str]]:
        """Return the listings that answer to ``symbols``, and those of ``symbols`` that none answers to."""
        body = await self._http.get("/api/v5/public/instruments", {"instType": self._kind})
        return choose_listings(parse_instruments(body, self._source), symbols)

    async def time_ns(self) -> int | None:
        """Return the venue's clock."""
        return parse_time_ns(await self._http.get("/api/v5/public/time", {}), self._source)
