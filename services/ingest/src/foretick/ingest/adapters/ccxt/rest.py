"""What is asked of an exchange through ccxt: its markets and its clock. ccxt paces its requests itself."""

from collections.abc import Sequence

from foretick.common.errors import Refused, Transient
from foretick.common.units import NS_PER_MS
from foretick.ingest.adapters.ccxt.library import CcxtExchange
from foretick.ingest.adapters.ccxt.parse import listings_of
from foretick.ingest.domain.listing import Listing, choose_listings


class CcxtRest:
    """A ``VenueRest``. ``error`` is the base of the library's failures, ``passing`` of those that pass."""

    def __init__(
        self, exchange: CcxtExchange, error: type[Exception], passing: type[Exception], source: str
    ) -> None:  # fmt: skip
        self._exchange = exchange
        self._error = error
        self._passing = passing
        self._source = source

    @property
    def budget_used_frac(self) -> float:
        """Return 0: the budget is ccxt's affair, and it does not tell."""
        return 0.0

    async def listings(self, symbols: Sequence[str]) -> tuple[list[Listing], list[str]]:
        """Return the listings that answer to ``symbols``, and those of ``symbols`` that none answers to."""
        try:
            markets = await self._exchange.load_markets(True)  # what it has may be of before a change
        except self._error as error:
            raise self._told(error) from error
        return choose_listings(listings_of(markets, self._exchange.precisionMode, self._source), symbols)

    async def book(self, symbol: str) -> bytes:
        """Raise ``Refused``: books come by themselves."""
        raise Refused("no_request", f"{self._source} brings the book of {symbol} by itself")

    async def time_ns(self) -> int | None:
        """Return the venue's clock; None where it has none to ask."""
        if not self._exchange.has.get("fetchTime"):
            return None
        try:
            millis = await self._exchange.fetch_time()
        except self._error as error:
            raise self._told(error) from error
        return None if millis is None else millis * NS_PER_MS

    def _told(self, error: Exception) -> Transient | Refused:
        if isinstance(error, self._passing):
            return Transient(f"{self._source}: {error!r}")
        return Refused(type(error).__name__, f"{self._source}: {error}")
