"""Binance spot's REST side: listings and full books, within the venue's request budget."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

import httpx

from foretick.common.errors import Malformed, Refused, Transient
from foretick.common.runtime.logs import Logger
from foretick.ingest.adapters.binance.parse import UNKNOWN_SYMBOL_CODE, parse_error, parse_exchange_info
from foretick.ingest.domain.backoff import backoff_s
from foretick.ingest.domain.listing import Listing

EXCHANGE_INFO_WEIGHT = 20

_TOO_MANY = (418, 429)
_PERIOD_S = 60.0


class RetryLater(Transient):
    """The venue told us when to come back: ``after_s`` seconds from now."""

    def __init__(self, message: str, after_s: float) -> None:
        super().__init__(message)
        self.after_s = after_s


class WeightBudget:
    """Request weight that refills evenly over a minute: the venue bans who exceeds its own limit."""

    def __init__(
        self,
        weight_per_minute: int,
        seconds: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._capacity = float(weight_per_minute)
        self._seconds = seconds
        self._sleep = sleep
        self._left = self._capacity
        self._at_s = seconds()

    async def spend(self, weight: int) -> None:
        """Wait until ``weight`` is there, and take it."""
        while True:
            now_s = self._seconds()
            self._left = min(self._capacity, self._left + (now_s - self._at_s) * self._capacity / _PERIOD_S)
            self._at_s = now_s
            if self._left >= weight:
                self._left -= weight
                return
            await self._sleep((weight - self._left) * _PERIOD_S / self._capacity)


def depth_weight(depth: int) -> int:
    """Return the weight of a book request for ``depth`` levels a side, by the venue's table.

    >>> [depth_weight(n) for n in (100, 500, 1000, 5000)]
    [5, 25, 50, 250]
    """
    return next((weight for levels, weight in ((100, 5), (500, 25), (1000, 50)) if depth <= levels), 250)


class BinanceRest:
    """A client of ``/api/v3``. Use as a context manager."""

    def __init__(self, base_url: str, source: str, depth: int, budget: WeightBudget) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, timeout=10.0)
        self._source = source
        self._depth = depth
        self._budget = budget

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def listing(self, symbol: str) -> Listing | None:
        """Return how the venue lists ``symbol``, or None where it does not.

        Raises:
            Transient: the venue is away, or asks for patience.
            Refused: for another reason than the symbol.
            Malformed: for a body that breaks its format.
        """
        try:
            body = await self._get("/api/v3/exchangeInfo", {"symbol": symbol}, EXCHANGE_INFO_WEIGHT)
        except Refused as refusal:
            if refusal.code == str(UNKNOWN_SYMBOL_CODE):
                return None
            raise
        listings = parse_exchange_info(body, self._source)
        return next((listing for listing in listings if listing.symbol == symbol), None)

    async def depth(self, symbol: str) -> bytes:
        """Return the body of a full book of ``symbol``; raises as ``listing`` does."""
        params = {"symbol": symbol, "limit": str(self._depth)}
        return await self._get("/api/v3/depth", params, depth_weight(self._depth))

    async def _get(self, path: str, params: dict[str, str], weight: int) -> bytes:
        await self._budget.spend(weight)
        try:
            response = await self._http.get(path, params=params)
        except httpx.HTTPError as error:
            raise Transient(f"{self._http.base_url}{path}: {error!r}") from error
        if response.status_code in _TOO_MANY:
            raise RetryLater(f"{path}: HTTP {response.status_code}", _retry_after_s(response))
        if response.status_code >= 500:
            raise Transient(f"{path}: HTTP {response.status_code}")
        if response.status_code >= 400:
            error = parse_error(response.content)
            if error is None:
                raise Malformed(self._source, f"{path}: HTTP {response.status_code}", response.content)
            raise Refused(str(error.code), f"{path} {params}: {error.message}")
        return response.content


async def learn_listings(rest: BinanceRest, symbols: Sequence[str], log: Logger, seed: int) -> list[Listing]:
    """Return the listings of those ``symbols`` that the venue has, waiting for the venue as long as it takes.

    A symbol that it does not list, or lists in a way that we cannot read, is told and left out.
    """
    pauses = random.Random(seed)
    listings: list[Listing] = []
    for symbol in symbols:
        attempt = 0
        while True:
            try:
                listing = await rest.listing(symbol)
            except Transient as error:
                attempt += 1
                pause_s = error.after_s if isinstance(error, RetryLater) else backoff_s(attempt, pauses.random())
                if attempt == 1 or attempt % 10 == 0:
                    log.warning("venue is away, waiting for it", error=str(error), attempts=attempt)
                await asyncio.sleep(pause_s)
                continue
            except (Refused, Malformed) as error:
                log.warning("symbol left out: its listing cannot be read", symbol=symbol, error=str(error))
                listing = None
            else:
                if listing is None:
                    hint = "take it out of DEFAULT_SYMBOLS, or add a venue that lists it to VENUES"
                    log.warning("symbol left out: the venue does not list it", symbol=symbol, hint=hint)
            break
        if listing is not None:
            listings.append(listing)
    return listings


def _retry_after_s(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdigit() else _PERIOD_S
