"""Exchanges through ccxt as venues ``ccxt-<exchange>``, such as ``ccxt-gate``: those without a connector of their own.

Nothing proves their books, and the wire says so: ``BookProof.NONE``. Fees are those of ccxt's own tables.
"""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

from foretick.common.contracts import BookProof, Origin
from foretick.ingest.adapters.ccxt.library import load_library, make_exchange
from foretick.ingest.adapters.ccxt.parse import CcxtWire, fees_of
from foretick.ingest.adapters.ccxt.rest import CcxtRest
from foretick.ingest.adapters.ccxt.session import LEVELS, CcxtSession
from foretick.ingest.adapters.connector import Connector, ConnectorSettings
from foretick.ingest.domain.listing import Fees
from foretick.ingest.domain.rules import MarketRules, TradeIds
from foretick.market.integrity import Anchor, BookRule, Unnumbered

_UNPROVEN = BookRule(Anchor.STREAM, Unnumbered(), BookProof.NONE, max_levels=LEVELS)


def rules_of(fees: Fees | None) -> MarketRules:
    """Return the rules of an exchange with these fees."""
    return MarketRules(_UNPROVEN, trade_ids=TradeIds.NAMED, quotes_from_book=True, fees=fees)


async def open_ccxt(venue: str, settings: ConnectorSettings, stack: AsyncExitStack) -> Connector:
    """Return the connector; it ends with ``stack``.

    Raises:
        InvalidSettings: the library has no such streams.
    """
    library = await asyncio.to_thread(load_library)
    exchange = make_exchange(library, venue)
    stack.push_async_callback(exchange.close)
    return Connector(
        venue,
        Origin.LIVE,
        CcxtWire(venue),
        rules_of(fees_of(exchange.fees)),
        None,
        CcxtRest(exchange, library.BaseError, library.NetworkError, venue),
        open_session=partial(CcxtSession, exchange),
    )
