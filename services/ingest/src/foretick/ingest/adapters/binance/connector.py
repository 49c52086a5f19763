"""Binance's markets as venues: ``binance`` (spot), ``binance-usdm`` (USD-M futures), and ``sim``, which speaks as spot.

Fees are those of the lowest tier without a discount, as the venue's fee schedule lists them (2026).
"""

import asyncio
from contextlib import AsyncExitStack

from foretick.common.contracts import Origin
from foretick.ingest.adapters.binance.parse import SPOT_STREAMS, USDM_STREAMS, BinanceWire, read_refusal
from foretick.ingest.adapters.binance.rest import SPOT_WEIGHTS, USDM_WEIGHTS, BinanceApi, BinanceRest, weight_of
from foretick.ingest.adapters.binance.streams import BinanceStreams, limits_of
from foretick.ingest.adapters.connections.budget import Budget
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.adapters.connector import Connector, ConnectorSettings
from foretick.ingest.domain.listing import Fees
from foretick.ingest.domain.rules import MarketRules
from foretick.market.integrity import REQUESTED_CONTIGUOUS, REQUESTED_LINKED

SPOT_RULES = MarketRules(REQUESTED_CONTIGUOUS, fees=Fees(maker_bps=10.0, taker_bps=10.0))
USDM_RULES = MarketRules(REQUESTED_LINKED, fees=Fees(maker_bps=2.0, taker_bps=5.0))

SPOT_WEIGHT_PER_MINUTE = 6000.0
USDM_WEIGHT_PER_MINUTE = 2400.0
_MINUTE_S = 60.0


async def open_spot(venue: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    """Return the connector of spot, or of whatever speaks its protocol; it ends with ``stack``."""
    ws_url, rest_url = (
        settings.ws_url or "wss://stream.binance.com:9443",
        settings.rest_url or "https://api.binance.com",
    )
    budget = Budget(SPOT_WEIGHT_PER_MINUTE * settings.budget_frac, _MINUTE_S, asyncio.get_running_loop().time)
    http = await stack.enter_async_context(VenueHttp(rest_url, venue, budget, read_refusal, settings.record))
    api = BinanceApi("/api/v3", settings.book_depth, weight_of(settings.book_depth, SPOT_WEIGHTS), listings_weight=20.0)
    return Connector(
        venue,
        Origin.SIM if venue == "sim" else Origin.LIVE,
        BinanceWire(venue),
        SPOT_RULES,
        BinanceStreams(ws_url, SPOT_STREAMS, limits_of(settings.idle_timeout_s)),
        BinanceRest(http, api, venue),
    )


async def open_usdm(venue: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    """Return the connector of USD-M futures; it ends with ``stack``."""
    ws_url, rest_url = settings.ws_url or "wss://fstream.binance.com", settings.rest_url or "https://fapi.binance.com"
    budget = Budget(USDM_WEIGHT_PER_MINUTE * settings.budget_frac, _MINUTE_S, asyncio.get_running_loop().time)
    http = await stack.enter_async_context(VenueHttp(rest_url, venue, budget, read_refusal, settings.record))
    depth = min(settings.book_depth, 1000)
    api = BinanceApi("/fapi/v1", depth, weight_of(depth, USDM_WEIGHTS), listings_weight=1.0)
    return Connector(
        venue,
        Origin.LIVE,
        BinanceWire(venue),
        USDM_RULES,
        BinanceStreams(ws_url, USDM_STREAMS, limits_of(settings.idle_timeout_s, sends_per_s=8.0)),
        BinanceRest(http, api, venue),
    )
