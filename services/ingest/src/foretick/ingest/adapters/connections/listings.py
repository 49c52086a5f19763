"""Learns what a venue lists, however long that takes."""

import asyncio
import random
from collections.abc import Sequence

from foretick.common.errors import Malformed, Refused, RetryLater, Transient
from foretick.common.runtime.logs import Logger
from foretick.ingest.domain.backoff import backoff_s
from foretick.ingest.domain.listing import Listing
from foretick.ingest.ports import VenueRest

_LOG_EVERY = 10


async def learn_listings(rest: VenueRest, venue: str, symbols: Sequence[str], log: Logger, seed: int) -> list[Listing]:
    """Return the listings of those ``symbols`` that the venue has, waiting for the venue as long as it takes.

    A symbol that it does not list is told and left out; so is everything if its listings cannot be read.
    """
    pauses = random.Random(seed)
    attempt = 0
    while True:
        try:
            listings, missing = await rest.listings(symbols)
        except Transient as error:
            attempt += 1
            pause_s = error.after_s if isinstance(error, RetryLater) else backoff_s(attempt, pauses.random())
            if attempt == 1 or attempt % _LOG_EVERY == 0:
                log.warning("venue is away, waiting for it", venue=venue, error=str(error), attempts=attempt)
            await asyncio.sleep(pause_s)
            continue
        except (Refused, Malformed) as error:
            log.error("the venue's listings cannot be read: it is left out", venue=venue, error=str(error))
            return []
        if missing:
            log.warning(
                "symbols left out: the venue does not list them", venue=venue, symbols=missing,
                hint="take them out of DEFAULT_SYMBOLS, or add a venue that lists them to VENUES",
            )  # fmt: skip
        return listings
