"""OKX's markets as venues: ``okx`` is spot, ``okx-swap`` the perpetual swaps, whose quantities are contracts.

Each update of a book names the one before it (``prevSeqId``). Until 2026-06-23 a checksum of the best 25 levels came
with each too; since then it is 0, which stands for none, and one that comes is still held against the book. Of trades
the channel ``trades`` is followed: it joins the fills of one taker's order at one price and names the last of them, so
that ids grow with holes. ``trades-all``, which tells each fill, is served at another address (``business``), for no
more than the count of fills. Fees are those of the lowest tier, as the venue's fee schedule lists them (2026).
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from foretick.common.contracts import BookProof, Origin
from foretick.ingest.adapters.connections.budget import Budget
from foretick.ingest.adapters.connections.http import VenueHttp
from foretick.ingest.adapters.connector import Connector, ConnectorSettings
from foretick.ingest.adapters.okx.parse import OkxWire, read_refusal
from foretick.ingest.adapters.okx.rest import OkxRest
from foretick.ingest.adapters.okx.streams import OkxLiquidations, OkxStreams, limits_of
from foretick.ingest.domain.listing import Fees
from foretick.ingest.domain.rules import MarketRules, TradeIds
from foretick.market.integrity import Anchor, BookRule, LinkedIds
from foretick.market.integrity.checksums import okx_crc32

LEVELS = 400
BOOK = BookRule(Anchor.STREAM, LinkedIds(), BookProof.CHAIN, okx_crc32, LEVELS)
SPOT_RULES = MarketRules(BOOK, TradeIds.INCREASING, quotes_from_book=True, fees=Fees(maker_bps=8.0, taker_bps=10.0))
SWAP_RULES = MarketRules(BOOK, TradeIds.INCREASING, quotes_from_book=True, fees=Fees(maker_bps=2.0, taker_bps=5.0))

SPOT_CHANNELS = ("trades",)
SWAP_CHANNELS = ("trades", "mark-price", "index-tickers", "funding-rate", "open-interest")

_REQUESTS = 10.0
_PERIOD_S = 2.0
_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class _Market:
    """One kind of instruments, and what is followed of each."""

    kind: str
    rules: MarketRules
    channels: tuple[str, ...]
    has_liquidations: bool


async def open_okx(venue: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    """Return the connector of spot; it ends with ``stack``."""
    return await _open(venue, _Market("SPOT", SPOT_RULES, SPOT_CHANNELS, False), settings, stack)


async def open_okx_swap(venue: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    """Return the connector of perpetual swaps; it ends with ``stack``."""
    return await _open(venue, _Market("SWAP", SWAP_RULES, SWAP_CHANNELS, True), settings, stack)


async def _open(venue: str, market: _Market, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    ws_url, rest_url = settings.ws_url or "wss://ws.okx.com:8443", settings.rest_url or "https://www.okx.com"
    budget = Budget(_REQUESTS * settings.budget_frac, _PERIOD_S, asyncio.get_running_loop().time)
    http = await stack.enter_async_context(VenueHttp(rest_url, venue, budget, read_refusal))
    address, idle_s = f"{ws_url}/ws/v5/public", settings.idle_timeout_s
    plan = OkxStreams(address, market.channels, limits_of(idle_s))
    sides = (OkxLiquidations(address, limits_of(idle_s, _ALL)),) if market.has_liquidations else ()
    return Connector(
        venue, Origin.LIVE, OkxWire(venue), market.rules, plan, OkxRest(http, market.kind, venue), side_plans=sides
    )
