"""Asks a venue again for listings that are in doubt: levels came that are off their grids, so they may have changed."""

import asyncio
from collections.abc import Callable, Sequence

from foretick.common.errors import Malformed, Refused, RetryLater, Transient
from foretick.common.runtime.logs import Logger
from foretick.ingest.domain.listing import Listing
from foretick.ingest.ports import VenueRest

CALM_S = 60.0
"""Between two questions: a venue's listings are a large body."""


class ListingRefresh:
    """One question at a time, for all symbols in doubt by then; the first one at once.

    Args:
        rest: the venue
        relist: takes what it answered; returns the symbols of which something has changed
        count: counts an outcome of a symbol: ``changed``, ``unchanged``, ``missing``, or ``failed``
    """

    def __init__(
        self,
        rest: VenueRest,
        relist: Callable[[Sequence[Listing]], Sequence[str]],
        count: Callable[[str, int], None],
        log: Logger,
    ) -> None:
        self._rest = rest
        self._relist = relist
        self._count = count
        self._log = log
        self._doubted: set[str] = set()
        self._wake = asyncio.Event()

    def request(self, symbol: str) -> None:
        """Ask for the listing of ``symbol`` in its turn."""
        self._doubted.add(symbol)
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            symbols, self._doubted = sorted(self._doubted), set()
            await asyncio.sleep(max(CALM_S, await self._ask(symbols)))

    async def _ask(self, symbols: Sequence[str]) -> float:
        """Ask once; return for how long the venue wants to be left alone."""
        try:
            listings, missing = await self._rest.listings(symbols)
        except (Transient, Refused, Malformed) as error:
            self._count("failed", len(symbols))
            self._log.warning("listings in doubt, and not had", symbols=symbols, error=str(error))
            for symbol in symbols:
                self.request(symbol)
            return error.after_s if isinstance(error, RetryLater) else 0.0
        changed = self._relist(listings)
        self._count("changed", len(changed))
        self._count("unchanged", len(listings) - len(changed))
        self._count("missing", len(missing))
        if missing:
            self._log.warning("the venue lists these no longer", symbols=missing)
        return 0.0
