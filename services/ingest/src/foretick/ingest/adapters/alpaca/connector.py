"""Alpaca's US stocks as venue ``alpaca``, by the operator's key, which is free.

There is no book: the best bid and ask stand for one. When the exchange is closed and quotes have ceased, the last one
is not the market's any more, and the feed says so.

Alpaca takes no commission on US stocks (2026); what authorities charge on sales is not in its fees.
"""

import asyncio
from contextlib import AsyncExitStack

from foretick.common.contracts import Origin
from foretick.ingest.adapters.alpaca.calendar import SessionCalendar
from foretick.ingest.adapters.alpaca.parse import SESSION, AlpacaWire, read_refusal
from foretick.ingest.adapters.alpaca.rest import AlpacaRest
from foretick.ingest.adapters.alpaca.streams import AlpacaStreams, limits_of
from foretick.ingest.adapters.connections.budget import Budget
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.adapters.connector import Connector, ConnectorSettings
from foretick.ingest.domain.listing import Fees
from foretick.ingest.domain.rules import MarketRules, TradeIds
from foretick.market.integrity import TOP_ONLY

RULES = MarketRules(TOP_ONLY, trade_ids=TradeIds.NAMED, fees=Fees(maker_bps=0.0, taker_bps=0.0))

_REQUESTS_PER_MINUTE = 200.0
_MINUTE_S = 60.0
_REST_URLS = ("https://api.alpaca.markets", "https://paper-api.alpaca.markets")


async def open_alpaca(venue: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    """Return the connector; it ends with ``stack``."""
    ws_url = settings.ws_url or "wss://stream.data.alpaca.markets"
    headers = {"APCA-API-KEY-ID": settings.key, "APCA-API-SECRET-KEY": settings.secret}
    budget = Budget(_REQUESTS_PER_MINUTE * settings.budget_frac, _MINUTE_S, asyncio.get_running_loop().time)
    https = [
        await stack.enter_async_context(
            VenueHttp(url, venue, budget, read_refusal, record=settings.record, headers=headers)
        )
        for url in ([settings.rest_url] if settings.rest_url else _REST_URLS)
    ]
    return Connector(
        venue,
        Origin.LIVE,
        AlpacaWire(venue),
        RULES,
        AlpacaStreams(ws_url, settings.feed, limits_of(settings.idle_timeout_s)),
        AlpacaRest(https, settings.feed, venue),
        headers=headers,
        calendars={SESSION: await asyncio.to_thread(SessionCalendar, SESSION)},
    )
