"""Coinbase Advanced Trade as venue ``coinbase``.

A book is proven by the numbers of its connection's messages. It is kept whole: the stream changes levels at any price,
and a level that had been forgotten would be missing when those before it are gone.

Fees are those of the lowest tier ("Intro 1", up to 1,000 USD in 30 days): "Coinbase Advanced fees" as of May 2026.
"""

import asyncio
from contextlib import AsyncExitStack

from foretick.common.contracts import BookProof
from foretick.ingest.adapters.coinbase.parse import CoinbaseWire, read_refusal
from foretick.ingest.adapters.coinbase.rest import CoinbaseRest
from foretick.ingest.adapters.coinbase.streams import CoinbaseStreams, limits_of
from foretick.ingest.adapters.connections.budget import Budget
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.adapters.connector import Connector, ConnectorSettings, origin_of
from foretick.ingest.domain.listing import Fees
from foretick.ingest.domain.rules import MarketRules
from foretick.market.integrity import Anchor, BookRule, Unnumbered

WHOLE_BOOK = 1_000_000
"""Levels a side that no real book has: 27,226 were the most in a recording. Beyond, memory counts for more."""

RULES = MarketRules(
    BookRule(Anchor.STREAM, Unnumbered(), BookProof.CHAIN, max_levels=WHOLE_BOOK),
    quotes_from_book=True,
    fees=Fees(maker_bps=60.0, taker_bps=120.0),
)

_REQUESTS_PER_S = 10.0


async def open_coinbase(venue: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    """Return the connector; it ends with ``stack``."""
    ws_url = settings.ws_url or "wss://advanced-trade-ws.coinbase.com"
    rest_url = settings.rest_url or "https://api.coinbase.com"
    budget = Budget(_REQUESTS_PER_S * settings.budget_frac, 1.0, asyncio.get_running_loop().time)
    http = await stack.enter_async_context(VenueHttp(rest_url, venue, budget, read_refusal, record=settings.record))
    return Connector(
        venue,
        origin_of(venue),
        CoinbaseWire(venue),
        RULES,
        CoinbaseStreams(ws_url, limits_of(settings.idle_timeout_s)),
        CoinbaseRest(http, venue),
    )
