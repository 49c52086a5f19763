"""How Alpaca's stream of US stocks is spoken: one address a feed, requests to change what is followed.

Limits: one connection of an account a feed, so that all symbols go on one; the free plan follows 30 symbols, more are
refused (``symbol limit exceeded``). The key goes with the handshake, as HTTP headers, so that it is in no message. When
the exchanges are closed nothing is sent for hours: asking to follow nothing more is answered, and shows that the
connection lives. Sources: Alpaca "WebSocket Stream", "Real-time Stock Data", "About Market Data API".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from foretick.ingest.domain.stream_limits import StreamLimits

FEEDS = ("iex", "sip", "test")
"""IEX alone (free), all exchanges (paid), and made-up data at all hours."""

_CHANNELS = ("trades", "quotes", "statuses")
_SYMBOLS = 100_000
_ALIVE = b'{"action":"subscribe","trades":[]}', 10.0


def limits_of(idle_timeout_s: float) -> StreamLimits:
    """Return the limits."""
    return StreamLimits(
        symbols_per_connection=_SYMBOLS, sends_per_s=2.0, connects_per_minute=10.0, idle_timeout_s=idle_timeout_s,
        keepalive=_ALIVE,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AlpacaStreams:
    """A ``StreamPlan`` of one ``feed``.

    >>> AlpacaStreams("wss://host", "iex", limits_of(30.0)).url([])
    'wss://host/v2/iex'
    >>> AlpacaStreams("wss://host", "iex", limits_of(30.0)).subscribe(["AAPL"])[0]
    b'{"action":"subscribe","trades":["AAPL"],"quotes":["AAPL"],"statuses":["AAPL"]}'
    """

    base_url: str
    feed: str
    limits: StreamLimits

    def url(self, symbols: Sequence[str]) -> str:
        """Return the feed's address."""
        return f"{self.base_url}/v2/{self.feed}"

    def opening(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return the request that begins the channels of ``symbols``."""
        return self.subscribe(symbols)

    def subscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return the request that adds the channels of ``symbols``."""
        return [_request("subscribe", symbols)]

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return the request that takes the channels of ``symbols`` away."""
        return [_request("unsubscribe", symbols)]

    def renew(self, symbol: str) -> Sequence[bytes]:
        """Return nothing: the next quote is all there is."""
        return ()


def _request(action: str, symbols: Sequence[str]) -> bytes:
    return msgspec.json.encode({"action": action, **{channel: list(symbols) for channel in _CHANNELS}})
