"""The part of ccxt's interface that the bridge uses, and how an exchange of it is made.

Source: the manual of ccxt, "ccxt.pro" (``watchOrderBook``, ``watchTrades``), "Exceptions", "Precision and limits".
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from foretick.common.errors import InvalidSettings

PREFIX = "ccxt-"
"""What the names of bridged venues begin with; the library's name of the exchange follows."""

_NEEDED = ("watchOrderBook", "watchTrades")


class CcxtExchange(Protocol):
    """An exchange as ccxt gives it."""

    id: str
    has: Mapping[str, Any]
    precisionMode: int
    fees: Mapping[str, Any]

    async def load_markets(self, reload: bool = False) -> Mapping[str, Mapping[str, Any]]:
        """Return the markets by their unified symbol; ``reload``: ask the venue, whatever is known."""
        ...

    async def watch_order_book(self, symbol: str) -> Mapping[str, Any]:
        """Return the book of ``symbol`` once it has changed."""
        ...

    async def watch_trades(self, symbol: str) -> Sequence[Mapping[str, Any]]:
        """Return the trades of ``symbol`` since the last call, once there are any."""
        ...

    async def fetch_time(self) -> int | None:
        """Return the venue's clock, ms."""
        ...

    async def close(self) -> None:
        """Close what it has opened."""
        ...


def load_library() -> Any:
    """Return ccxt's streaming half. It takes seconds and much memory: only where it is asked for."""
    return importlib.import_module("ccxt.pro")


def make_exchange(library: Any, venue: str) -> CcxtExchange:
    """Return the exchange that ``venue`` names.

    Raises:
        InvalidSettings: the library has no such streams.
    """
    name = venue.removeprefix(PREFIX)
    exchange = getattr(library, name)() if name in library.exchanges else None
    if exchange is None or not all(exchange.has.get(each) for each in _NEEDED):
        raise InvalidSettings([f"VENUES: ccxt {library.__version__} streams no books and trades of {name!r}"])
    return exchange
