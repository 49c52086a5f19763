"""Kraken spot as venue ``kraken``.

A book is proven by the checksum of its ten best levels that every message carries. Below those, what was lost shows
only once it has come up to them; and that messages come in their order is the socket's promise, not the checksum's.

Fees are those of the lowest tier of spot, as ``AssetPairs`` lists them for most pairs (November 2025).
"""

import asyncio
from contextlib import AsyncExitStack

from foretick.common.contracts import BookProof
from foretick.ingest.adapters.connections.budget import Budget
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.adapters.connector import Connector, ConnectorSettings, origin_of
from foretick.ingest.adapters.kraken.parse import KrakenWire, read_refusal
from foretick.ingest.adapters.kraken.rest import KrakenRest
from foretick.ingest.adapters.kraken.streams import KrakenStreams, depth_of, limits_of
from foretick.ingest.domain.listing import Fees
from foretick.ingest.domain.rules import MarketRules
from foretick.market.integrity import Anchor, BookRule, Unnumbered
from foretick.market.integrity.checksums import kraken_crc32

_REQUESTS_PER_S = 1.0
_PERIOD_S = 10.0


def rules_of(depth: int) -> MarketRules:
    """Return the rules of books that are subscribed to with ``depth`` levels a side, and kept to as many."""
    return MarketRules(
        BookRule(Anchor.STREAM, Unnumbered(), BookProof.CHECKSUM, kraken_crc32, max_levels=depth),
        quotes_from_book=True,
        fees=Fees(maker_bps=25.0, taker_bps=40.0),
    )


async def open_kraken(venue: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    """Return the connector; it ends with ``stack``."""
    ws_url, rest_url = settings.ws_url or "wss://ws.kraken.com", settings.rest_url or "https://api.kraken.com"
    budget = Budget(_REQUESTS_PER_S * _PERIOD_S * settings.budget_frac, _PERIOD_S, asyncio.get_running_loop().time)
    http = await stack.enter_async_context(VenueHttp(rest_url, venue, budget, read_refusal, record=settings.record))
    depth = depth_of(settings.book_depth)
    return Connector(
        venue,
        origin_of(venue),
        KrakenWire(venue),
        rules_of(depth),
        KrakenStreams(ws_url, limits_of(settings.idle_timeout_s), depth),
        KrakenRest(http, venue),
    )
