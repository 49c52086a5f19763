"""How Bitstamp's WebSocket v2 is spoken: one address, a request a channel.

Limits: a connection is cut when it is 90 days old; before other cuts the venue asks to reconnect and leaves some
seconds. It names no number of channels and no rate of requests or connections: what is set here is modest. Heartbeats
are sent by us and answered. Source: Bitstamp "WebSocket API v2".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from foretick.ingest.adapters.bitstamp.parse import BOOK, TRADES
from foretick.ingest.domain.stream_limits import StreamLimits

_DAY_S = 86_400.0
_HEARTBEAT = b'{"event":"bts:heartbeat"}', 10.0


def limits_of(idle_timeout_s: float) -> StreamLimits:
    """Return the limits."""
    return StreamLimits(
        symbols_per_connection=50, sends_per_s=5.0, connects_per_minute=10.0, idle_timeout_s=idle_timeout_s,
        lifetime_s=80 * _DAY_S, keepalive=_HEARTBEAT,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BitstampStreams:
    """A ``StreamPlan``.

    >>> BitstampStreams("wss://host", limits_of(30.0)).renew("btcusd")[1]
    b'{"event":"bts:subscribe","data":{"channel":"order_book_btcusd"}}'
    """

    base_url: str
    limits: StreamLimits

    def url(self, symbols: Sequence[str]) -> str:
        """Return the one address."""
        return self.base_url

    def opening(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests for both channels of ``symbols``."""
        return self.subscribe(symbols)

    def subscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests that add both channels of ``symbols``."""
        return [_request("subscribe", prefix + symbol) for prefix in (BOOK, TRADES) for symbol in symbols]

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests that take both channels of ``symbols`` away."""
        return [_request("unsubscribe", prefix + symbol) for prefix in (BOOK, TRADES) for symbol in symbols]

    def renew(self, symbol: str) -> Sequence[bytes]:
        """Return requests that begin the book of ``symbol`` anew."""
        return [_request(kind, BOOK + symbol) for kind in ("unsubscribe", "subscribe")]


def _request(kind: str, channel: str) -> bytes:
    return msgspec.json.encode({"event": f"bts:{kind}", "data": {"channel": channel}})
