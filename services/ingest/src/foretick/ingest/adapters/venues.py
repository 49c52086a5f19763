"""Every venue that there is a connector for."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from foretick.ingest.adapters.binance.connector import open_coinm, open_spot, open_usdm
from foretick.ingest.adapters.bybit.connector import open_linear as open_bybit_linear
from foretick.ingest.adapters.bybit.connector import open_spot as open_bybit_spot
from foretick.ingest.adapters.connector import Connector, ConnectorSettings

OpenConnector = Callable[[str, ConnectorSettings, AsyncExitStack], Awaitable[Connector]]

CONNECTORS: dict[str, OpenConnector] = {
    "sim": open_spot,
    "binance": open_spot,
    "binance-usdm": open_usdm,
    "binance-coinm": open_coinm,
    "bybit": open_bybit_spot,
    "bybit-linear": open_bybit_linear,
}
