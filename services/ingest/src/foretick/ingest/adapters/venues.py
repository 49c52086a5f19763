"""Every venue that there is a connector for."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from foretick.ingest.adapters.alpaca.connector import open_alpaca
from foretick.ingest.adapters.binance.connector import open_coinm, open_spot, open_usdm
from foretick.ingest.adapters.bitstamp.connector import open_bitstamp
from foretick.ingest.adapters.bybit.connector import open_bybit, open_bybit_linear
from foretick.ingest.adapters.ccxt.connector import open_ccxt
from foretick.ingest.adapters.ccxt.library import PREFIX
from foretick.ingest.adapters.coinbase.connector import open_coinbase
from foretick.ingest.adapters.connector import Connector, ConnectorSettings
from foretick.ingest.adapters.kraken.connector import open_kraken
from foretick.ingest.adapters.okx.connector import open_okx, open_okx_swap

OpenConnector = Callable[[str, ConnectorSettings, AsyncExitStack], Awaitable[Connector]]

CONNECTORS: dict[str, OpenConnector] = {
    "sim": open_spot,
    "sim-coinbase": open_coinbase,
    "sim-kraken": open_kraken,
    "alpaca": open_alpaca,
    "binance": open_spot,
    "binance-usdm": open_usdm,
    "binance-coinm": open_coinm,
    "bybit": open_bybit,
    "bybit-linear": open_bybit_linear,
    "bitstamp": open_bitstamp,
    "coinbase": open_coinbase,
    "kraken": open_kraken,
    "okx": open_okx,
    "okx-swap": open_okx_swap,
}


def opener_of(venue: str) -> OpenConnector:
    """Return what opens the connector of ``venue``: its own, or the bridge's."""
    return open_ccxt if venue.startswith(PREFIX) else CONNECTORS[venue]
