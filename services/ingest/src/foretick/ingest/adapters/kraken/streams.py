"""How Kraken's WebSocket v2 is spoken: one address, a request a channel.

Limits: about 150 connections in any 10 minutes of an address, or it is shut out for 10 minutes; a connection without a
subscription ends after a minute, one with any hears a heartbeat a second. The venue names no rate of requests and no
number of symbols; what is set here is modest. No age is named at which a connection is cut.
Sources: Kraken "Spot WebSocket v2", and "WebSocket API FAQ" of its support.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from foretick.ingest.domain.stream_limits import StreamLimits

DEPTHS = (10, 25, 100, 500, 1000)
"""Levels a side that a book may be subscribed to with."""


def limits_of(idle_timeout_s: float) -> StreamLimits:
    """Return the limits."""
    return StreamLimits(
        symbols_per_connection=50, sends_per_s=5.0, connects_per_minute=7.0, idle_timeout_s=idle_timeout_s
    )


def depth_of(levels: int) -> int:
    """Return the least depth of a subscription that has so many levels, or the greatest there is.

    >>> depth_of(5), depth_of(1000), depth_of(5000)
    (10, 1000, 1000)
    """
    return next((depth for depth in DEPTHS if depth >= levels), DEPTHS[-1])


@dataclass(frozen=True, slots=True)
class KrakenStreams:
    """A ``StreamPlan`` with books of ``depth`` levels a side.

    >>> KrakenStreams("wss://host", limits_of(30.0), 10).renew("BTC/USD")[1]
    b'{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":10,"snapshot":true}}'
    """

    base_url: str
    limits: StreamLimits
    depth: int

    def url(self, symbols: Sequence[str]) -> str:
        """Return the one address."""
        return f"{self.base_url}/v2"

    def opening(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests for both channels of ``symbols``; status and heartbeats come by themselves."""
        return self.subscribe(symbols)

    def subscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests that add both channels of ``symbols``, each with what went before."""
        return [self._book("subscribe", symbols, snapshot=True), _request("subscribe", "trade", symbols, snapshot=True)]

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests that take both channels of ``symbols`` away."""
        return [self._book("unsubscribe", symbols), _request("unsubscribe", "trade", symbols)]

    def renew(self, symbol: str) -> Sequence[bytes]:
        """Return requests after which the book of ``symbol`` begins with its snapshot again."""
        return [self._book("unsubscribe", [symbol]), self._book("subscribe", [symbol], snapshot=True)]

    def _book(self, method: str, symbols: Sequence[str], **params: object) -> bytes:
        return _request(method, "book", symbols, depth=self.depth, **params)


def _request(method: str, channel: str, symbols: Sequence[str], **params: object) -> bytes:
    return msgspec.json.encode({"method": method, "params": {"channel": channel, "symbol": list(symbols), **params}})
