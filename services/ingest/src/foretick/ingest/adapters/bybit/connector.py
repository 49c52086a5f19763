"""Bybit's markets as venues: ``bybit`` is spot, ``bybit-linear`` the contracts settled in USDT or USDC.

Books are numbered without a gap (``u``) and begin with all of their levels; a message with ``u`` 1 begins them anew.
Trades carry names, on spot numbers that are too large for one (2280000001739247417). Fees are those of the lowest tier,
as the venue's fee schedule lists them (2026).
"""

import asyncio
from contextlib import AsyncExitStack

from foretick.common.contracts import BookProof, Origin
from foretick.ingest.adapters.bybit.parse import BybitWire, read_refusal
from foretick.ingest.adapters.bybit.rest import BybitRest
from foretick.ingest.adapters.bybit.streams import BybitStreams, depth_of, limits_of
from foretick.ingest.adapters.connections.budget import Budget
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.adapters.connector import Connector, ConnectorSettings
from foretick.ingest.domain.listing import Fees
from foretick.ingest.domain.rules import MarketRules, TradeIds
from foretick.market.integrity import Anchor, BookRule, ContiguousIds

BOOK = BookRule(Anchor.STREAM, ContiguousIds(), BookProof.CHAIN)
SPOT_RULES = MarketRules(BOOK, TradeIds.NAMED, quotes_from_book=True, fees=Fees(maker_bps=10.0, taker_bps=10.0))
LINEAR_RULES = MarketRules(BOOK, TradeIds.NAMED, quotes_from_book=True, fees=Fees(maker_bps=2.0, taker_bps=5.5))

SPOT_KINDS = ("publicTrade",)
LINEAR_KINDS = ("publicTrade", "tickers", "allLiquidation")

_REQUESTS = 600.0
_PERIOD_S = 5.0
_TOO_MANY = (403, 429)


async def open_bybit(venue: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    """Return the connector of spot; it ends with ``stack``."""
    return await _open(venue, "spot", (SPOT_RULES, SPOT_KINDS), settings, stack)


async def open_bybit_linear(venue: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    """Return the connector of linear contracts; it ends with ``stack``."""
    return await _open(venue, "linear", (LINEAR_RULES, LINEAR_KINDS), settings, stack)


async def _open(
    venue: str,
    category: str,
    market: tuple[MarketRules, tuple[str, ...]],
    settings: ConnectorSettings,
    stack: AsyncExitStack,
) -> Connector:
    rules, kinds = market
    ws_url, rest_url = settings.ws_url or "wss://stream.bybit.com", settings.rest_url or "https://api.bybit.com"
    budget = Budget(_REQUESTS * settings.budget_frac, _PERIOD_S, asyncio.get_running_loop().time)
    http = await stack.enter_async_context(VenueHttp(rest_url, venue, budget, read_refusal, _TOO_MANY))
    address = f"{ws_url}/v5/public/{category}"
    plan = BybitStreams(address, depth_of(settings.book_depth), kinds, limits_of(settings.idle_timeout_s))
    return Connector(venue, Origin.LIVE, BybitWire(venue), rules, plan, BybitRest(http, category, venue))
