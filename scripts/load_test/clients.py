"""The clients of one process: connect, follow, check every link of the chain, measure."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from load_test.tally import Tally

CONNECT_TIMEOUT_S = 20.0
_ANSWER_S = 10.0


@dataclass(frozen=True)
class Share:
    """What one process does.

    ramp_per_s: connections it opens a second; churn_per_s: connections it replaces a second
    """

    url: str
    connections: int
    symbols: tuple[str, ...]
    channels: tuple[str, ...]
    seconds: float
    frozen: int
    churn_per_s: float
    ramp_per_s: float


class Data(msgspec.Struct, gc=False):
    """The part of an update that is measured."""

    ts_recv_us: int | None = None


class Message(msgspec.Struct, gc=False):
    """The part of any message that is checked."""

    type: str
    channel: str = ""
    venue: str = ""
    symbol: str = ""
    epoch: int = 0
    seq: int = -1
    prev: int | None = None
    resumed: Any = None
    server_ts_us: int = 0
    code: str = ""
    data: Data | None = None


_decode = msgspec.json.Decoder(Message).decode
_encode = msgspec.json.Encoder().encode


class Client(WSListener):
    """One client. ``held`` is the epoch and seq that it has of each topic."""

    def __init__(self, share: Share, tally: Tally, since: dict[str, tuple[int, int]] | None = None) -> None:
        self.held: dict[str, tuple[int, int]] = {}
        self.answered: set[str] = set()
        self.transport: WSTransport | None = None
        self.leaving = False
        self._share = share
        self._tally = tally
        self._since = since or {}

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Subscribe."""
        self.transport = transport
        request: dict[str, Any] = {
            "action": "subscribe", "symbols": self._share.symbols, "channels": self._share.channels,
        }  # fmt: skip
        if self._since:
            request["since"] = {key: {"epoch": epoch, "seq": seq} for key, (epoch, seq) in self._since.items()}
            self.held.update(self._since)
        transport.send(WSMsgType.TEXT, _encode(request))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Check and measure a message."""
        if frame.msg_type == WSMsgType.CLOSE:
            if not self.leaving:
                self._tally.close_codes[frame.get_close_code().value] += 1
            transport.send_close(frame.get_close_code())
            transport.disconnect()
            return
        if frame.msg_type != WSMsgType.TEXT or self.leaving:
            return
        payload = frame.get_payload_as_bytes()
        tally = self._tally
        tally.messages += 1
        tally.bytes += len(payload)
        self._take(_decode(payload))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Count an end that we did not want."""
        if not self.leaving:
            self._tally.dropped += 1

    def leave(self) -> None:
        """Close as a good client does."""
        self.leaving = True
        if self.transport is not None and not self.transport.is_disconnected:
            self.transport.send_close(WSCloseCode.OK)
            self.transport.disconnect()

    def freeze(self) -> None:
        """Read nothing any more."""
        self.leaving = True  # what the server does with us is its right
        if self.transport is not None:
            self.transport.underlying_transport.pause_reading()
            self._tally.frozen += 1

    def _take(self, message: Message) -> None:
        if message.type == "delta":
            self._take_delta(message)
        elif message.type == "snapshot":
            self._take_snapshot(message)
        elif message.type == "heartbeat":
            self._tally.of_gateway.add(time.time_ns() / 1e3 - message.server_ts_us)
        elif message.type == "ack" and message.resumed:
            self.answered.update(message.resumed)
            self._tally.resumed += len(message.resumed)
        elif message.type == "error":
            if message.code == "too_many_connections":
                self._tally.refused += 1
                self.leaving = True
            else:
                self._tally.errors += 1

    def _take_delta(self, message: Message) -> None:
        tally = self._tally
        tally.deltas += 1
        key = f"{message.channel}:{message.venue}:{message.symbol}"
        if self.held.get(key) != (message.epoch, message.prev) or message.seq <= (message.prev or 0):
            tally.broken_links += 1
        self.held[key] = (message.epoch, message.seq)
        if message.data is not None and message.data.ts_recv_us is not None:
            tally.of_source.add(time.time_ns() / 1e3 - message.data.ts_recv_us)

    def _take_snapshot(self, message: Message) -> None:
        tally = self._tally
        tally.snapshots += 1
        key = f"{message.channel}:{message.venue}:{message.symbol}"
        known = self.held.get(key)
        if key in self._since and key not in self.answered:
            tally.resumed_whole += 1
            self.answered.add(key)
        elif known is not None:
            tally.conflated += 1
        goes_on = message.resumed is not False  # what cannot be resumed may come from a process that is a little behind
        if goes_on and known is not None and known[0] == message.epoch and message.seq < known[1]:
            tally.broken_links += 1
        self.held[key] = (message.epoch, message.seq)


async def run_share(share: Share, tell: Callable[[Tally], None]) -> Tally:
    """Do the share; ``tell`` is called every second with what has been counted so far."""
    tally = Tally()
    clients: list[Client] = []
    teller = asyncio.create_task(_tell_forever(tally, tell))
    try:
        await _connect_all(share, tally, clients)
        for client in clients[: share.frozen]:
            client.freeze()
        await _follow(share, tally, clients)
        await _check_resumption(share, tally, clients[share.frozen :])
    finally:
        teller.cancel()
        for client in clients:
            client.leave()
    return tally


async def connect(share: Share, tally: Tally, since: dict[str, tuple[int, int]] | None = None) -> Client | None:
    """Open one connection; a failure is counted and returns None."""
    client = Client(share, tally, since)
    try:
        await ws_connect(
            lambda: client, share.url, websocket_handshake_timeout=CONNECT_TIMEOUT_S, enable_auto_ping=True
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, it is counted by its name and fails the test
        tally.failed += 1
        tally.failures[f"{type(error).__name__}: {error}"[:120]] += 1
        return None
    tally.connected += 1
    return client


async def _connect_all(share: Share, tally: Tally, clients: list[Client]) -> None:
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    for number in range(share.connections):
        client = await connect(share, tally)
        if client is not None:
            clients.append(client)
        await asyncio.sleep(max(0.0, start_s + (number + 1) / share.ramp_per_s - loop.time()))


async def _follow(share: Share, tally: Tally, clients: list[Client]) -> None:
    """Let time pass, replacing the oldest healthy clients."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + share.seconds
    pause_s = 1 / share.churn_per_s if share.churn_per_s else share.seconds
    while (left_s := end_s - loop.time()) > 0:
        await asyncio.sleep(min(pause_s, left_s))
        if share.churn_per_s and loop.time() < end_s and len(clients) > share.frozen:
            clients.pop(share.frozen).leave()
            tally.churned += 1
            newcomer = await connect(share, tally)
            if newcomer is not None:
                clients.append(newcomer)


async def _check_resumption(share: Share, tally: Tally, clients: list[Client]) -> None:
    """Leave with one client and come back with ``since``: every topic must go on, or come whole."""
    if not clients or not clients[0].held:
        return
    clients[0].leave()
    since = dict(clients[0].held)
    returned = await connect(share, tally, since)
    if returned is None:
        return
    deadline_s = asyncio.get_running_loop().time() + _ANSWER_S
    while since.keys() - returned.answered and asyncio.get_running_loop().time() < deadline_s:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    tally.unanswered += len(since.keys() - returned.answered)
    await asyncio.sleep(0.3)  # a few links more
    returned.leave()


async def _tell_forever(tally: Tally, tell: Callable[[Tally], None]) -> None:
    while True:
        await asyncio.sleep(1)
        tell(tally)
