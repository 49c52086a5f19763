"""Binance's REST side: listings, full books, open interest and the venue's clock, within its request weight.

Sources: Binance "REST API", "Limits" (spot: 6,000 weight a minute) and "General Info" (USD-M and COIN-M: 2,400).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from foretick.ingest.adapters.binance.parse import parse_time_ns
from foretick.ingest.adapters.binance.parse_listings import parse_exchange_info
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.domain.listing import Listing, choose_listings


@dataclass(frozen=True, slots=True)
class BinanceApi:
    """Where one market's requests go: ``prefix`` of every path, and weights by the venue's tables.

    depth: levels a side of a full book; its weight
    """

    prefix: str
    depth: int
    depth_weight: float
    listings_weight: float


SPOT_WEIGHTS = ((100, 5.0), (500, 25.0), (1000, 50.0), (5000, 250.0))
"""Of a book of so many levels: spot, ``GET /api/v3/depth``."""

FUTURES_WEIGHTS = ((50, 2.0), (100, 5.0), (500, 10.0), (1000, 20.0))
"""The same of futures, ``GET /fapi/v1/depth`` and ``/dapi/v1/depth``, which serve no more than 1,000."""

OPEN_INTEREST_WEIGHT = 1.0


def weight_of(depth: int, weights: Sequence[tuple[int, float]]) -> float:
    """Return the weight of a book request for ``depth`` levels a side.

    >>> [weight_of(levels, SPOT_WEIGHTS) for levels in (100, 500, 1000, 5000)]
    [5.0, 25.0, 50.0, 250.0]
    """
    return next((weight for levels, weight in weights if depth <= levels), weights[-1][1])


class BinanceRest:
    """A ``VenueRest`` of ``api``."""

    def __init__(self, http: VenueHttp, api: BinanceApi, source: str) -> None:
        self._http = http
        self._api = api
        self._source = source

    @property
    def budget_used_frac(self) -> float:
        """How much of the request weight is spent."""
        return self._http.budget_used_frac

    async def listings(self, symbols: Sequence[str]) -> tuple[list[Listing], list[str]]:
        """Return the listings that answer to ``symbols``, and those of ``symbols`` that none answers to."""
        body = await self._http.get(f"{self._api.prefix}/exchangeInfo", {}, self._api.listings_weight)
        return choose_listings(parse_exchange_info(body, self._source), symbols)

    async def book(self, symbol: str) -> bytes:
        """Return the body of a full book of ``symbol``."""
        params = {"symbol": symbol, "limit": str(self._api.depth)}
        return await self._http.get(f"{self._api.prefix}/depth", params, self._api.depth_weight)

    async def open_interest(self, symbol: str) -> bytes:
        """Return the body with the open interest of ``symbol``. Only of futures."""
        return await self._http.get(f"{self._api.prefix}/openInterest", {"symbol": symbol}, OPEN_INTEREST_WEIGHT)

    async def time_ns(self) -> int | None:
        """Return the venue's clock."""
        return parse_time_ns(await self._http.get(f"{self._api.prefix}/time", {}, 1.0), self._source)
