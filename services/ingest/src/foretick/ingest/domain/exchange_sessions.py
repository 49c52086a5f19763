"""A client's connection to the exchange in each protocol: what it subscribed to, and what it is sent."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import msgspec

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Refused
from foretick.common.units import NS_PER_S, nanos_from_seconds
from foretick.ingest.domain import exchange_coinbase as coinbase
from foretick.ingest.domain import exchange_kraken as kraken
from foretick.ingest.domain.exchange_faults import SLOW_SNAPSHOT_S, SimVenue
from foretick.ingest.domain.exchange_fronts import CoinbaseFront, KrakenFront, StreamedFront, VenueMessage, stream_of
from foretick.ingest.domain.exchange_requests import answer
from foretick.ingest.domain.exchange_wire import server_shutdown

_HEARTBEAT_NS = NS_PER_S


class Session(ABC):
    """One connection. ``streams`` are those it is sent."""

    venue: SimVenue

    def __init__(self, streams: Iterable[str] = ()) -> None:
        self.streams = set(streams)

    def opening(self) -> list[bytes]:
        """Return what the connection begins with."""
        return []

    @abstractmethod
    def answer(self, payload: str | bytes, now_ns: int) -> list[bytes]:
        """Carry out a request and return what is sent for it: a reply, full books, the venue's refusal."""

    def take(self, messages: Iterable[VenueMessage]) -> list[bytes]:
        """Return those of the exchange's messages that this connection is sent."""
        return [message.payload for message in messages if message.stream in self.streams and message.payload]

    def on_time(self, now_ns: int) -> list[bytes]:
        """Return what is due by now: heartbeats, full books that were late."""
        return []

    def farewell(self, now_ns: int) -> list[bytes]:
        """Return what a client is told before the exchange closes."""
        return []


class BinanceSession(Session):
    """A connection to Binance's combined streams."""

    venue = SimVenue.SIM

    def answer(self, payload: str | bytes, now_ns: int) -> list[bytes]:
        """Carry out a request."""
        return [answer(payload, self.streams)]

    def farewell(self, now_ns: int) -> list[bytes]:
        """Tell it to connect anew."""
        return [server_shutdown(now_ns)]


class StreamedSession(Session):
    """A connection whose streams begin with the full book, which a fault may make late, and with heartbeats."""

    def __init__(self, front: StreamedFront) -> None:
        super().__init__()
        self._streamed = front
        self._late: dict[str, int] = {}
        self._beat_ns = 0

    def on_time(self, now_ns: int) -> list[bytes]:
        """Return late books and heartbeats."""
        sent: list[bytes] = []
        for stream in [stream for stream, due_ns in self._late.items() if due_ns <= now_ns]:
            del self._late[stream]
            sent += self._begin(stream, now_ns)
        if now_ns - self._beat_ns >= _HEARTBEAT_NS:
            self._beat_ns = now_ns
            sent += self._heartbeat(now_ns)
        return sent

    def _begin_book(self, stream: str, symbol: str, now_ns: int) -> list[bytes]:
        """Return the full book, or nothing where it is to be late."""
        if self._streamed.takes_slow_snapshot(self._streamed.index_of(symbol)):
            self._late[stream] = now_ns + nanos_from_seconds(SLOW_SNAPSHOT_S)
            return []
        return self._begin(stream, now_ns)

    def _end(self, stream: str) -> None:
        self.streams.discard(stream)
        self._late.pop(stream, None)

    def _follows(self, stream: str) -> bool:
        return stream in self.streams or stream in self._late

    @abstractmethod
    def _begin(self, stream: str, now_ns: int) -> list[bytes]: ...

    @abstractmethod
    def _heartbeat(self, now_ns: int) -> list[bytes]: ...


class _CoinbaseRequest(msgspec.Struct):
    type: str
    channel: str
    product_ids: list[str] = []


class CoinbaseSession(StreamedSession):
    """A connection to Coinbase's Advanced Trade: its messages are counted."""

    venue = SimVenue.COINBASE

    def __init__(self, front: CoinbaseFront) -> None:
        super().__init__(front)
        self._front = front
        self._number = 0
        self._asked: dict[str, dict[str, None]] = {}

    def answer(self, payload: str | bytes, now_ns: int) -> list[bytes]:
        """Carry out a request; a refusal changes nothing."""
        try:
            request = _coinbase_decoder.decode(payload)
        except UNDECODABLE as error:
            return [coinbase.error(f"malformed request: {error}")]
        try:
            return self._carry_out(request, now_ns)
        except Refused as error:
            return [coinbase.error(f"failed to {request.type}", error.message)]

    def take(self, messages: Iterable[VenueMessage]) -> list[bytes]:
        """Number what this connection is sent."""
        sent: list[bytes] = []
        for message in messages:
            if message.stream in self.streams:
                number = self._number + message.offset
                self._number += message.counts
                if message.payload:
                    channel = message.stream.partition(":")[0]
                    sent.append(coinbase.message(channel, message.recv_ns, number, message.payload))
        return sent

    def _carry_out(self, request: _CoinbaseRequest, now_ns: int) -> list[bytes]:
        if request.type not in ("subscribe", "unsubscribe"):
            raise Refused("bad_request", f"{request.type} is not a type of request")
        if request.channel not in _COINBASE_CHANNELS:
            raise Refused("bad_request", f"{request.channel} is not a valid channel")
        names = ["heartbeats"] if request.channel == coinbase.HEARTBEAT_CHANNEL else request.product_ids
        if not names:
            raise Refused("bad_request", f"{request.channel} needs product_ids")
        if request.channel != coinbase.HEARTBEAT_CHANNEL:
            for name in names:
                if name not in self._front.names:
                    raise Refused("unknown_symbol", f"{name} is not a valid product")
        change = self._subscribe if request.type == "subscribe" else self._unsubscribe
        sent = change(request.channel, names, now_ns)
        asked = {channel: list(asked) for channel, asked in self._asked.items() if asked}
        return [*sent, self._message("subscriptions", now_ns, coinbase.subscriptions(asked))]

    def _subscribe(self, channel: str, names: list[str], now_ns: int) -> list[bytes]:
        asked = self._asked.setdefault(channel, {})
        fresh = [name for name in dict.fromkeys(names) if name not in asked]
        asked.update(dict.fromkeys(fresh))
        if channel == coinbase.STATUS_CHANNEL and fresh:
            listings = [self._front.listings[self._front.index_of(name)] for name in fresh]
            return [self._message(channel, now_ns, coinbase.status(listings))]
        sent: list[bytes] = []
        for name in fresh:
            if channel == coinbase.BOOK_CHANNEL:
                sent += self._begin_book(stream_of(channel, name), name, now_ns)
            elif channel == coinbase.TRADE_CHANNEL:
                sent += self._begin(stream_of(channel, name), now_ns)
        return sent

    def _unsubscribe(self, channel: str, names: list[str], now_ns: int) -> list[bytes]:
        for name in names:
            self._asked.get(channel, {}).pop(name, None)
            self._end(stream_of(channel, name))
        return []

    def _begin(self, stream: str, now_ns: int) -> list[bytes]:
        self.streams.add(stream)
        channel, _, name = stream.partition(":")
        index = self._front.index_of(name)
        is_book = channel == coinbase.BOOK_CHANNEL
        events = self._front.snapshot(index, now_ns) if is_book else self._front.latest_trades(index)
        return [self._message(channel, now_ns, events)]

    def _heartbeat(self, now_ns: int) -> list[bytes]:
        if not self._asked.get(coinbase.HEARTBEAT_CHANNEL):
            return []
        events = coinbase.heartbeat(now_ns, now_ns // NS_PER_S)
        return [self._message(coinbase.HEARTBEAT_CHANNEL, now_ns, events)]

    def _message(self, channel: str, now_ns: int, events: bytes) -> bytes:
        number, self._number = self._number, self._number + 1
        return coinbase.message(channel, now_ns, number, events)


class _KrakenParams(msgspec.Struct):
    channel: str = ""
    symbol: list[str] = []
    depth: int = kraken.DEPTHS[0]
    snapshot: bool | None = None


class _KrakenRequest(msgspec.Struct):
    method: str
    params: _KrakenParams = msgspec.field(default_factory=_KrakenParams)
    req_id: int | None = None


class KrakenSession(StreamedSession):
    """A connection to Kraken's WebSocket v2: each symbol of a request is answered by itself."""

    venue = SimVenue.KRAKEN

    def __init__(self, front: KrakenFront) -> None:
        super().__init__(front)
        self._front = front

    def opening(self) -> list[bytes]:
        """Tell that the exchange is online."""
        return [kraken.STATUS]

    def answer(self, payload: str | bytes, now_ns: int) -> list[bytes]:
        """Carry out a request."""
        try:
            request = _kraken_decoder.decode(payload)
        except UNDECODABLE as error:
            return [kraken.refused("", f"Malformed request: {error}", now_ns, None)]
        if request.method == "ping":
            return [kraken.pong(now_ns, request.req_id)]
        if request.method not in ("subscribe", "unsubscribe"):
            return [kraken.refused(request.method, "Unknown method", now_ns, request.req_id)]
        params = request.params
        fault = _fault_of(params)
        if fault:
            return [kraken.refused(request.method, fault, now_ns, request.req_id)]
        change = self._subscribe if request.method == "subscribe" else self._unsubscribe
        return [sent for symbol in dict.fromkeys(params.symbol) for sent in change(symbol, request, now_ns)]

    def _subscribe(self, symbol: str, request: _KrakenRequest, now_ns: int) -> list[bytes]:
        params, stream = request.params, _stream_of(request.params, symbol)
        if symbol not in self._front.names:
            text = f"Currency pair not supported {symbol}"
            return [kraken.refused(request.method, text, now_ns, request.req_id, symbol)]
        if self._follows(stream):
            return [kraken.refused(request.method, "Already subscribed", now_ns, request.req_id, symbol)]
        is_book = params.channel == kraken.BOOK_CHANNEL
        wants_snapshot = is_book if params.snapshot is None else params.snapshot
        result = _result_of(params, symbol) | {"snapshot": wants_snapshot}
        reply = kraken.subscribed(result, now_ns, request.req_id)
        if not wants_snapshot:
            self.streams.add(stream)
            return [reply]
        begin = self._begin_book(stream, symbol, now_ns) if is_book else self._begin(stream, now_ns)
        return [reply, *begin]

    def _unsubscribe(self, symbol: str, request: _KrakenRequest, now_ns: int) -> list[bytes]:
        stream = _stream_of(request.params, symbol)
        if not self._follows(stream):
            return [kraken.refused(request.method, "Subscription Not Found", now_ns, request.req_id, symbol)]
        self._end(stream)
        return [kraken.unsubscribed(_result_of(request.params, symbol), now_ns, request.req_id)]

    def _begin(self, stream: str, now_ns: int) -> list[bytes]:
        self.streams.add(stream)
        channel, _, name = stream.partition(":")
        index = self._front.index_of(name)
        if channel == kraken.TRADE_CHANNEL:
            return [self._front.latest_trades(index)]
        return [self._front.snapshot(index, int(channel.partition(".")[2]), now_ns)]

    def _heartbeat(self, now_ns: int) -> list[bytes]:
        return [kraken.HEARTBEAT] if self.streams or self._late else []


def _fault_of(params: _KrakenParams) -> str:
    """Return what is wrong with a subscription, or an empty text."""
    if params.channel not in (kraken.BOOK_CHANNEL, kraken.TRADE_CHANNEL):
        return f"Unsupported channel {params.channel}"
    if params.channel == kraken.BOOK_CHANNEL and params.depth not in kraken.DEPTHS:
        return "Subscription depth not supported"
    return "" if params.symbol else "No symbol"


def _stream_of(params: _KrakenParams, symbol: str) -> str:
    is_book = params.channel == kraken.BOOK_CHANNEL
    return stream_of(f"{params.channel}.{params.depth}" if is_book else params.channel, symbol)


def _result_of(params: _KrakenParams, symbol: str) -> dict[str, Any]:
    depth = {"depth": params.depth} if params.channel == kraken.BOOK_CHANNEL else {}
    return {"channel": params.channel, "symbol": symbol, **depth}


_COINBASE_CHANNELS = (
    coinbase.BOOK_CHANNEL, coinbase.TRADE_CHANNEL, coinbase.STATUS_CHANNEL, coinbase.HEARTBEAT_CHANNEL,
)  # fmt: skip
_coinbase_decoder = msgspec.json.Decoder(_CoinbaseRequest)
_kraken_decoder = msgspec.json.Decoder(_KrakenRequest)
