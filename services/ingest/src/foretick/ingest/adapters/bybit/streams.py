"""How Bybit's public streams are spoken, V5: one address a category, requests to subscribe.

Limits: a request holds at most 10 topics (spot; contracts have no such limit), all topics of a connection at most
21,000 characters; at most 500 connections in 5 minutes; a ping every 20 seconds keeps a connection. Nothing is
documented of requests a second; five are far below what others use. Source: Bybit V5 "WebSocket Stream", "Connect".
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from foretick.ingest.domain.stream_limits import StreamLimits

_TOPICS_A_REQUEST = 10
_PING = b'{"op":"ping"}'
_PING_S = 20.0


def limits_of(idle_timeout_s: float) -> StreamLimits:
    """Return the limits of every category; the topics of a symbol take some 120 characters."""
    return StreamLimits(
        symbols_per_connection=100, sends_per_s=5.0, connects_per_minute=50.0, idle_timeout_s=idle_timeout_s,
        keepalive=(_PING, _PING_S),
    )  # fmt: skip


def depth_of(levels: int) -> int:
    """Return the levels a side that are followed where ``levels`` are asked for: 50 every 20 ms, or 200 every 100 ms.

    1,000 levels come at half that pace, so that they are never chosen.

    >>> depth_of(20), depth_of(1000)
    (50, 200)
    """
    return 50 if levels <= 50 else 200


@dataclass(frozen=True, slots=True)
class BybitStreams:
    """A ``StreamPlan``: ``kinds`` are followed of each symbol beside its book, as ``<kind>.<symbol>``.

    address: of the category, such as ``wss://stream.bybit.com/v5/public/spot``
    """

    address: str
    depth: int
    kinds: tuple[str, ...]
    limits: StreamLimits
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1), repr=False, compare=False)

    def url(self, symbols: Sequence[str]) -> str:
        """Return the address, whatever it will carry."""
        return self.address

    def opening(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests that begin the streams of ``symbols``."""
        return self.subscribe(symbols)

    def subscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests that add the streams of ``symbols``."""
        return self._requests("subscribe", self._topics(symbols))

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[bytes]:
        """Return requests that take the streams of ``symbols`` away."""
        return self._requests("unsubscribe", self._topics(symbols))

    def renew(self, symbol: str) -> Sequence[bytes]:
        """Return requests that leave the book of ``symbol`` and begin it again: it starts with all of it."""
        book = [self._book_topic(symbol)]
        return [*self._requests("unsubscribe", book), *self._requests("subscribe", book)]

    def _book_topic(self, symbol: str) -> str:
        return f"orderbook.{self.depth}.{symbol}"

    def _topics(self, symbols: Sequence[str]) -> list[str]:
        return [
            topic
            for symbol in symbols
            for topic in (self._book_topic(symbol), *(f"{kind}.{symbol}" for kind in self.kinds))
        ]

    def _requests(self, op: str, topics: list[str]) -> list[bytes]:
        return [
            msgspec.json.encode({"req_id": str(next(self._ids)), "op": op, "args": topics[at : at + _TOPICS_A_REQUEST]})
            for at in range(0, len(topics), _TOPICS_A_REQUEST)
        ]
