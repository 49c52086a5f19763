"""Alpaca's REST side: which stocks there are, and its clock.

An account's key is either for trading or for trading on paper, each at an address of its own: the other one refuses it.
Sources: Alpaca "Assets", "Clock", "Usage limits" (200 requests a minute).
"""

from collections.abc import Sequence

from foretick.common.errors import Refused
from foretick.ingest.adapters.alpaca.parse import listing_of_test_feed, parse_assets, parse_time_ns
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.domain.listing import Listing, choose_listings

_STOCKS = {"status": "active", "asset_class": "us_equity"}


class AlpacaRest:
    """A ``VenueRest``. ``https``: the addresses that the key may be of."""

    def __init__(self, https: Sequence[VenueHttp], feed: str, source: str) -> None:
        self._https = list(https)
        self._feed = feed
        self._source = source

    @property
    def budget_used_frac(self) -> float:
        """How much of the request budget is spent."""
        return self._https[0].budget_used_frac

    async def listings(self, symbols: Sequence[str]) -> tuple[list[Listing], list[str]]:
        """Return the listings that answer to ``symbols``, and those of ``symbols`` that none answers to."""
        if self._feed == "test":
            return choose_listings([listing_of_test_feed()], symbols)
        return choose_listings(parse_assets(await self._get("/v2/assets", _STOCKS), self._source), symbols)

    async def book(self, symbol: str) -> bytes:
        """Raise ``Refused``: there are no books."""
        raise Refused("no_request", f"{self._source} has no book of {symbol}")

    async def time_ns(self) -> int | None:
        """Return the venue's clock."""
        return parse_time_ns(await self._get("/v2/clock", {}), self._source)

    async def _get(self, path: str, params: dict[str, str]) -> bytes:
        """Return the body of ``path`` from the first address that takes the key; the others are not asked again."""
        while len(self._https) > 1:
            try:
                return await self._https[0].get(path, params)
            except Refused:
                self._https.pop(0)
        return await self._https[0].get(path, params)
