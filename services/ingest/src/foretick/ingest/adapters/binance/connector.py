"""Binance's markets as venues, and ``sim``, which speaks as spot.

``binance`` is spot, ``binance-usdm`` USD-M futures, ``binance-coinm`` COIN-M futures, whose quantities are contracts.
Fees are those of the lowest tier without a discount, as the venue's fee schedule lists them (2026).
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from foretick.common.contracts import Origin
from foretick.ingest.adapters.binance.parse import BinanceWire, read_refusal
from foretick.ingest.adapters.binance.rest import (
    FUTURES_WEIGHTS,
    OPEN_INTEREST_WEIGHT,
    SPOT_WEIGHTS,
    BinanceApi,
    BinanceRest,
    weight_of,
)
from foretick.ingest.adapters.binance.streams import (
    BOOK_STREAMS,
    FUTURES_MARKET_STREAMS,
    SPOT_STREAMS,
    BinanceStreams,
    limits_of,
)
from foretick.ingest.adapters.connections.budget import Budget
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.adapters.connections.polls import Poll
from foretick.ingest.adapters.connector import Connector, ConnectorSettings, origin_of
from foretick.ingest.domain.listing import Fees
from foretick.ingest.domain.rules import MarketRules
from foretick.market.integrity import REQUESTED_CONTIGUOUS, REQUESTED_LINKED

SPOT_RULES = MarketRules(REQUESTED_CONTIGUOUS, fees=Fees(maker_bps=10.0, taker_bps=10.0))
FUTURES_RULES = MarketRules(REQUESTED_LINKED, fees=Fees(maker_bps=2.0, taker_bps=5.0))

SPOT_WEIGHT_PER_MINUTE = 6000.0
FUTURES_WEIGHT_PER_MINUTE = 2400.0
OPEN_INTEREST_S = 10.0
"""How often the open interest of a symbol is asked for."""

_POLLED_FRAC = 0.2
"""The share of our request budget that polls may take: the rest is for full books."""

_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class _Market:
    """One of the venue's futures markets: its hosts, and the prefix of its requests."""

    ws_url: str
    rest_url: str
    prefix: str


_USDM = _Market("wss://fstream.binance.com", "https://fapi.binance.com", "/fapi/v1")
_COINM = _Market("wss://dstream.binance.com", "https://dapi.binance.com", "/dapi/v1")


async def open_spot(venue: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    """Return the connector of spot, or of whatever speaks its protocol; it ends with ``stack``."""
    ws_url, rest_url = (
        settings.ws_url or "wss://stream.binance.com:9443",
        settings.rest_url or "https://api.binance.com",
    )
    http = await _open_http(rest_url, venue, SPOT_WEIGHT_PER_MINUTE * settings.budget_frac, settings, stack)
    api = BinanceApi("/api/v3", settings.book_depth, weight_of(settings.book_depth, SPOT_WEIGHTS), listings_weight=20.0)
    return Connector(
        venue,
        origin_of(venue),
        BinanceWire(venue),
        SPOT_RULES,
        BinanceStreams(ws_url, SPOT_STREAMS, limits_of(settings.idle_timeout_s)),
        BinanceRest(http, api, venue),
    )


async def open_usdm(venue: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    """Return the connector of USD-M futures; it ends with ``stack``.

    Books and trades are served at two addresses since 2026-04-23, and a stream that is asked for at the wrong one never
    begins (Binance "Important WebSocket Change Notice").
    """
    ws_url, limits = settings.ws_url or _USDM.ws_url, limits_of(settings.idle_timeout_s, sends_per_s=8.0)
    return await _open_futures(
        venue,
        _USDM,
        settings,
        (
            BinanceStreams(f"{ws_url}/public", BOOK_STREAMS, limits),
            BinanceStreams(f"{ws_url}/market", FUTURES_MARKET_STREAMS, limits),
        ),
        stack,
    )


async def open_coinm(venue: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    """Return the connector of COIN-M futures, whose streams are all served at one address; it ends with ``stack``."""
    ws_url, limits = settings.ws_url or _COINM.ws_url, limits_of(settings.idle_timeout_s, sends_per_s=8.0)
    plan = BinanceStreams(ws_url, (*BOOK_STREAMS, *FUTURES_MARKET_STREAMS), limits)
    return await _open_futures(venue, _COINM, settings, (plan,), stack)


async def _open_futures(
    venue: str,
    market: _Market,
    settings: ConnectorSettings,
    plans: tuple[BinanceStreams, ...],
    stack: AsyncExitStack,
) -> Connector:
    per_minute = FUTURES_WEIGHT_PER_MINUTE * settings.budget_frac
    http = await _open_http(settings.rest_url or market.rest_url, venue, per_minute, settings, stack)
    depth = min(settings.book_depth, 1000)
    rest = BinanceRest(
        http, BinanceApi(market.prefix, depth, weight_of(depth, FUTURES_WEIGHTS), listings_weight=1.0), venue
    )
    gap_s = OPEN_INTEREST_WEIGHT * _MINUTE_S / (per_minute * _POLLED_FRAC)
    return Connector(
        venue, Origin.LIVE, BinanceWire(venue), FUTURES_RULES, plans[0], rest, side_plans=plans[1:],
        polls=(Poll(rest.open_interest, OPEN_INTEREST_S, gap_s),),
    )  # fmt: skip


async def _open_http(
    rest_url: str, venue: str, weight_per_minute: float, settings: ConnectorSettings, stack: AsyncExitStack
) -> VenueHttp:
    budget = Budget(weight_per_minute, _MINUTE_S, asyncio.get_running_loop().time)
    return await stack.enter_async_context(VenueHttp(rest_url, venue, budget, read_refusal, record=settings.record))
