"""How Coinbase Advanced Trade's streams are spoken: one address, a request a channel.

Limits: 8 connections and 8 messages a second of an address; a connection has to subscribe within 5 s, so that no more
are opened than can; a channel without a message closes after 60 to 90 s, against which ``heartbeats`` brings one a
second. The venue names no limit of products a connection and no age at which it cuts one; a full book takes megabytes,
so a connection carries few.
Sources: Coinbase Advanced Trade "WebSocket Rate Limits", "WebSocket Overview", "WebSocket Channels".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from foretick.ingest.domain.stream_limits import StreamLimits

_CHANNELS = ("level2", "market_trades", "status")


def limits_of(idle_timeout_s: float) -> StreamLimits:
    """Return the limits."""
    return StreamLimits(
        symbols_per_connection=10, sends_per_s=2.0, connects_per_minute=60.0, idle_timeout_s=idle_timeout_s,
        connects_per_s=2, sends_per_s_together=7,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CoinbaseStreams:
    """A ``StreamPlan``.

    >>> CoinbaseStreams("wss://host", limits_of(30.0)).subscribe(["BTC-USD"])[0]
    b'{"type":"subscribe","channel":"level2","product_ids":["BTC-USD"]}'
    """

    base_url: str
    limits: StreamLimits

    def url(self, symbols: Sequence[str]) -> str:
        """Return the one address."""
        return self.base_url

    def opening(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests for the heartbeats, then for all channels of ``symbols``."""
        return (_request("subscribe", "heartbeats"), *self.subscribe(symbols))

    def subscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests that add the channels of ``symbols``."""
        return [_request("subscribe", channel, symbols) for channel in _CHANNELS]

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests that take the channels of ``symbols`` away."""
        return [_request("unsubscribe", channel, symbols) for channel in _CHANNELS]

    def renew(self, symbol: str) -> Sequence[bytes]:
        """Return requests after which the book of ``symbol`` begins with its snapshot again."""
        return [_request(kind, "level2", [symbol]) for kind in ("unsubscribe", "subscribe")]


def _request(kind: str, channel: str, symbols: Sequence[str] = ()) -> bytes:
    request: dict[str, object] = {"type": kind, "channel": channel}
    if symbols:
        request["product_ids"] = list(symbols)
    return msgspec.json.encode(request)
