"""OKX's REST side, V5: listings and the venue's clock.

Limits: 20 requests for instruments and 10 for the time in two seconds, an address. Sources: OKX V5 "Get instruments",
"Get system time".
"""

from collections.abc import Sequence

from foretick.common.errors import Refused
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.adapters.okx.parse import parse_time_ns
from foretick.ingest.adapters.okx.parse_listings import parse_instruments
from foretick.ingest.domain.listing import Listing, choose_listings


class OkxRest:
    """A ``VenueRest`` of one kind of instruments: ``SPOT`` or ``SWAP``."""

    def __init__(self, http: VenueHttp, kind: str, source: str) -> None:
        self._http = http
        self._kind = kind
        self._source = source

    @property
    def budget_used_frac(self) -> float:
        """How much of the request budget is spent."""
        return self._http.budget_used_frac

    async def listings(self, symbols: Sequence[str]) -> tuple[list[Listing], list[str]]:
        """Return the listings that answer to ``symbols``, and those of ``symbols`` that none answers to."""
        body = await self._http.get("/api/v5/public/instruments", {"instType": self._kind})
        return choose_listings(parse_instruments(body, self._source), symbols)

    async def book(self, symbol: str) -> bytes:
        """Raise ``Refused``: the book comes on its channel."""
        raise Refused("unsupported", f"the book of {symbol} is not asked for: its channel begins with it")

    async def time_ns(self) -> int | None:
        """Return the venue's clock."""
        return parse_time_ns(await self._http.get("/api/v5/public/time", {}), self._source)
