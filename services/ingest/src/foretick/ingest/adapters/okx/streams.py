"""How OKX's public channels are spoken, V5: one address, requests to subscribe.

Limits: three connections a second; 480 requests to subscribe or unsubscribe an hour and connection, of at most 64 KB; a
connection on which nothing came for 30 seconds is cut, the text ``ping`` keeps it. Source: OKX V5 "WebSocket",
"Overview" and "Connect".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from foretick.ingest.domain.stream_limits import StreamLimits

INDEX = "index-tickers"
"""The channel of an index's price: of an instrument, that of what it is a swap on."""

_ARGUMENTS_A_REQUEST = 60
_PING_S = 20.0

Argument = dict[str, str]


def limits_of(idle_timeout_s: float, symbols_per_connection: int = 60) -> StreamLimits:
    """Return the limits: a symbol takes up to six channels."""
    return StreamLimits(
        symbols_per_connection=symbols_per_connection, sends_per_s=2.0, connects_per_minute=60.0,
        idle_timeout_s=idle_timeout_s, keepalive=(b"ping", _PING_S), connects_per_s=2,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OkxStreams:
    """A ``StreamPlan``: ``channels`` are followed of each symbol beside its book."""

    address: str
    channels: tuple[str, ...]
    limits: StreamLimits

    def url(self, symbols: Sequence[str]) -> str:
        """Return the address, whatever it will carry."""
        return self.address

    def opening(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests that begin the channels of ``symbols``, and what the venue says of its own state."""
        return [*self.subscribe(symbols), *requests("subscribe", [{"channel": "status"}])]

    def subscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests that add the channels of ``symbols``."""
        return self._requests("subscribe", symbols)

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests that take the channels of ``symbols`` away."""
        return self._requests("unsubscribe", symbols)

    def renew(self, symbol: str) -> Sequence[bytes]:
        """Return requests that leave the book of ``symbol`` and begin it again: it starts with all of it."""
        book = [_book(symbol)]
        return [*requests("unsubscribe", book), *requests("subscribe", book)]

    def _requests(self, op: str, symbols: Sequence[str]) -> list[bytes]:
        """Return requests about instruments, then those about indices: a swap without one must not cost the others."""
        own = [channel for channel in self.channels if channel != INDEX]
        instruments = [
            argument
            for symbol in symbols
            for argument in (_book(symbol), *({"channel": channel, "instId": symbol} for channel in own))
        ]
        has_index = INDEX in self.channels
        names = [index_of(symbol) for symbol in symbols] if has_index else []
        return [*requests(op, instruments), *requests(op, [{"channel": INDEX, "instId": name} for name in names])]


@dataclass(frozen=True, slots=True)
class OkxLiquidations:
    """A ``StreamPlan`` of liquidations: one channel tells those of all swaps, so one connection is enough."""

    address: str
    limits: StreamLimits

    def url(self, symbols: Sequence[str]) -> str:
        """Return the address."""
        return self.address

    def opening(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return the request that begins the channel."""
        return requests("subscribe", [{"channel": "liquidation-orders", "instType": "SWAP"}])

    def subscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return nothing: all are followed."""
        return ()

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return nothing: all are followed."""
        return ()

    def renew(self, symbol: str) -> Sequence[bytes]:
        """Return nothing: there is no book."""
        return ()


def requests(op: str, arguments: Sequence[Argument]) -> list[bytes]:
    """Return requests about ``arguments``, each with as many as the venue takes at once."""
    return [
        msgspec.json.encode({"op": op, "args": arguments[at : at + _ARGUMENTS_A_REQUEST]})
        for at in range(0, len(arguments), _ARGUMENTS_A_REQUEST)
    ]


def index_of(symbol: str) -> str:
    """Return the index that a swap is on.

    >>> index_of("BTC-USDT-SWAP")
    'BTC-USDT'
    """
    return symbol.removesuffix("-SWAP")


def _book(symbol: str) -> Argument:
    return {"channel": "books", "instId": symbol}
