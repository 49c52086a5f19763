"""Bitstamp spot as venue ``bitstamp``.

The book is that of channel ``order_book``: each message is all of it, 100 levels a side. Channel ``diff_order_book``
goes deeper, but nothing proves that none of its updates was lost: they carry a time and no number, and the venue does
not promise that both channels tell the book as of the same instants, so that one could be held against the other.

Fees are those of the lowest tier (up to 10,000 USD in 30 days): Bitstamp "Fee schedule" (2025).
"""

import asyncio
from contextlib import AsyncExitStack

from foretick.common.contracts import BookProof, Origin
from foretick.common.units import NS_PER_S
from foretick.ingest.adapters.bitstamp.parse import BitstampWire, read_refusal
from foretick.ingest.adapters.bitstamp.rest import BitstampRest
from foretick.ingest.adapters.bitstamp.streams import BitstampStreams, limits_of
from foretick.ingest.adapters.connections.budget import Budget
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.adapters.connector import Connector, ConnectorSettings
from foretick.ingest.domain.listing import Fees
from foretick.ingest.domain.rules import MarketRules, TradeIds
from foretick.market.integrity import Anchor, BookRule, Unnumbered

RULES = MarketRules(
    BookRule(Anchor.STREAM, Unnumbered(), BookProof.FULL, max_levels=100),
    trade_ids=TradeIds.INCREASING,
    quotes_from_book=True,
    await_ns=60 * NS_PER_S,  # a quiet market sends its first book when something changes
    fees=Fees(maker_bps=30.0, taker_bps=40.0),
)

_REQUESTS = 10_000.0
_PERIOD_S = 600.0


async def open_bitstamp(venue: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    """Return the connector; it ends with ``stack``."""
    ws_url, rest_url = settings.ws_url or "wss://ws.bitstamp.net", settings.rest_url or "https://www.bitstamp.net"
    budget = Budget(_REQUESTS * settings.budget_frac, _PERIOD_S, asyncio.get_running_loop().time)
    http = await stack.enter_async_context(VenueHttp(rest_url, venue, budget, read_refusal, record=settings.record))
    return Connector(
        venue,
        Origin.LIVE,
        BitstampWire(venue),
        RULES,
        BitstampStreams(ws_url, limits_of(settings.idle_timeout_s)),
        BitstampRest(http, venue),
    )
