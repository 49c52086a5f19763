"""How Binance's combined streams are spoken: one address with all streams, requests to change them.

Limits: 1,024 streams a connection, 5 requests a second (USD-M: 10), 300 connections in 5 minutes; a connection is cut
after 24 hours. Sources: Binance "WebSocket Streams" (spot) and "Websocket Market Streams" (USD-M, COIN-M).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from foretick.ingest.domain.stream_limits import StreamLimits

BOOK_STREAMS = ("depth@100ms", "bookTicker")
"""The streams of each symbol's book, as ``<symbol in lower case>@<kind>``."""

SPOT_STREAMS = ("trade", *BOOK_STREAMS)

FUTURES_MARKET_STREAMS = ("aggTrade", "markPrice@1s", "forceOrder")
"""The other streams of futures. The venue documents no trades but aggregate ones, without those of its insurance fund;
of liquidations it tells the latest of each second."""

_STREAMS_A_REQUEST = 150
_HOUR_S = 3600.0


def limits_of(idle_timeout_s: float, sends_per_s: float = 4.0) -> StreamLimits:
    """Return the limits of all markets; a symbol takes up to five streams."""
    return StreamLimits(
        symbols_per_connection=200, sends_per_s=sends_per_s, connects_per_minute=50.0, idle_timeout_s=idle_timeout_s,
        lifetime_s=23.0 * _HOUR_S,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BinanceStreams:
    """A ``StreamPlan``: ``kinds`` are followed of each symbol, as ``<symbol in lower case>@<kind>``.

    >>> BinanceStreams("wss://host", ("trade", "bookTicker"), limits_of(30.0)).url(["BTCUSDT"])
    'wss://host/stream?streams=btcusdt@trade/btcusdt@bookTicker'
    """

    base_url: str
    kinds: tuple[str, ...]
    limits: StreamLimits
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1), repr=False, compare=False)

    def url(self, symbols: Sequence[str]) -> str:
        """Return the address of a connection with all streams of ``symbols``."""
        streams = "/".join(self._streams(symbols))
        return f"{self.base_url}/stream?streams={streams}" if streams else f"{self.base_url}/stream"

    def opening(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return nothing: the address says it all."""
        return ()

    def subscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests that add the streams of ``symbols``."""
        return self._requests("SUBSCRIBE", symbols)

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests that take the streams of ``symbols`` away."""
        return self._requests("UNSUBSCRIBE", symbols)

    def renew(self, symbol: str) -> Sequence[bytes]:
        """Return nothing: full books are asked for over REST."""
        return ()

    def _streams(self, symbols: Sequence[str]) -> list[str]:
        return [f"{symbol.lower()}@{kind}" for symbol in symbols for kind in self.kinds]

    def _requests(self, method: str, symbols: Sequence[str]) -> list[bytes]:
        streams = self._streams(symbols)
        return [
            msgspec.json.encode(
                {"method": method, "params": streams[at : at + _STREAMS_A_REQUEST], "id": next(self._ids)}
            )
            for at in range(0, len(streams), _STREAMS_A_REQUEST)
        ]
