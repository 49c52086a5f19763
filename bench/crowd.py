"""A crowd of WebSocket clients in processes of their own: most only count bytes, some check every message.

Counting must cost next to nothing, or the clients and not the server would be measured. A checker is told the same
frames as its neighbours; where all got the same number of bytes, what the checkers saw is what everybody got.
"""

import asyncio
import multiprocessing
import socket
import struct
import time
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from foretick.common.testing.builders import feature_vector
from foretick.common.testing.raw_websocket import BINARY, PONG, TEXT, client_frame, handshake
from foretick.gateway.domain.payloads import feature_data

SYMBOLS = ("S0", "S1", "S2", "S3", "S4", "S5", "S6", "S7")
BASE_SEQ = 1_000_000
"""The first ``asof_seq``: all later ones have as many digits, so that all updates have the same length."""

_ALIVE_S = 10.0
"""A client that only counts does not see pings, so it says unasked that it is there (RFC 6455, section 5.5.3)."""

_ARRIVED = b'"ts_recv_us":'


@dataclass(frozen=True)
class Group:
    """Clients of one kind.

    kind: ``gateway`` speaks Foretick's protocol, ``plain`` none, ``nats`` that of nats-server
    checkers: how many of ``count`` check each message; ``timed``: they measure the age of ``ts_recv_us`` instead
    frozen: they read nothing once they have subscribed
    """

    kind: str
    port: int
    count: int
    checkers: int
    symbols: tuple[str, ...] = ("S0",)
    timed: bool = False
    frozen: bool = False

    def at(self, port: int) -> "Group":
        """Return the same group at another server."""
        return replace(self, port=port)


@dataclass
class Count:
    """What a group got: bytes of each client that counts; of each checker its updates, frames, bytes and wrong ones.

    writes: how many writes of the server it took, for all clients
    lost: clients that the server has cut off
    """

    counted_bytes: list[int] = field(default_factory=list)
    updates: list[int] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    checked_bytes: list[int] = field(default_factory=list)
    writes: int = 0
    lost: int = 0
    wrong: int = 0
    ages_us: list[int] = field(default_factory=list)

    def add(self, other: "Count") -> None:
        """Count the clients of another process, too."""
        for name in _OF_EACH_CLIENT:
            getattr(self, name).extend(getattr(other, name))
        self.lost += other.lost
        self._add_totals(other)

    def go_on(self, later: "Count") -> None:
        """Count what the same clients got next."""
        for name in _OF_EACH_CLIENT:
            setattr(self, name, [a + b for a, b in zip(getattr(self, name), getattr(later, name), strict=True)])
        self.lost = later.lost
        self._add_totals(later)

    def _add_totals(self, other: "Count") -> None:
        self.writes += other.writes
        self.wrong += other.wrong
        self.ages_us += other.ages_us


_OF_EACH_CLIENT = ("counted_bytes", "updates", "frames", "checked_bytes")


def vector(symbol: str, seq: int, values: int = 12, **fields: Any) -> Any:
    """The feature vector that carries an update."""
    return feature_vector([0.12345678] * values, asof_seq=seq, symbol=symbol, epoch=1, step=0, **fields)


def update_parts(symbol: str, values: int = 12) -> tuple[bytes, bytes]:
    """What stands before the seq of an update of ``symbol``, and after its prev."""
    data = msgspec.json.encode(feature_data(vector(symbol, BASE_SEQ, values)))
    head = b'{"type":"delta","channel":"features","venue":"sim","symbol":"%b","epoch":1,"seq":' % symbol.encode()
    return head, b',"data":' + data + b"}"


def update_text(symbol: str, seq: int) -> bytes:
    """The message that a client is told of ``vector(symbol, seq)``."""
    head, tail = update_parts(symbol)
    return b'%b%d,"prev":%d%b' % (head, seq, seq - 1, tail)


class Crowd:
    """Groups of clients, each dealt out to ``processes``."""

    def __init__(self, groups: dict[str, Group], processes: int = 2) -> None:
        context = multiprocessing.get_context("spawn")
        self._groups = groups
        self._pipes = []
        for number in range(processes):
            share = {name: deal(group, processes, number) for name, group in groups.items()}
            mine, theirs = context.Pipe()
            process = context.Process(target=_work, args=(share, theirs), daemon=True)
            process.start()
            self._pipes.append((mine, process))
        for pipe, _ in self._pipes:
            if not pipe.poll(90) or pipe.recv() != "connected":
                raise RuntimeError("the clients did not connect")

    def count(self) -> dict[str, Count]:
        """What each group got since the last call.

        Raises:
            RuntimeError: the server cut somebody off who was not frozen.
        """
        total: dict[str, Count] = {}
        for pipe, _ in self._pipes:
            pipe.send("count")
        for pipe, _ in self._pipes:
            for name, count in pipe.recv().items():
                total.setdefault(name, Count()).add(count)
        if lost := {name: count.lost for name, count in total.items() if count.lost and not self._groups[name].frozen}:
            raise RuntimeError(f"clients were cut off: {lost}")
        return total

    def close(self) -> None:
        """Let everybody go."""
        for pipe, process in self._pipes:
            process.kill()
            process.join()
            pipe.close()


def deal(group: Group, processes: int, number: int) -> Group:
    """The part of a group that one process plays."""

    def part(total: int) -> int:
        return total // processes + (number < total % processes)

    return replace(group, count=part(group.count), checkers=part(group.checkers))


def greeting(group: Group) -> bytes:
    """What a client says once it is connected."""
    if group.kind == "nats":
        subscriptions = "".join(f"SUB bench.{symbol} {n}\r\n" for n, symbol in enumerate(group.symbols, 1))
        return f'CONNECT {{"verbose":false}}\r\n{subscriptions}PING\r\n'.encode()
    return msgspec.json.encode({"action": "subscribe", "symbols": group.symbols, "channels": ["features"]})


class Writes:
    """The writes that reached a client: data segments by its TCP (tcp_info in linux/tcp.h).

    A server that does not wait (TCP_NODELAY) makes a segment of each write of less than the loopback's 64 kB.
    """

    _DATA_SEGS_IN = 152

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._told = self._segments()

    @property
    def is_over(self) -> bool:
        """Whether the connection has ended."""
        return self._transport.is_closing()

    def take(self) -> int:
        """Return how many since the last call."""
        if self.is_over:
            return 0
        before, self._told = self._told, self._segments()
        return self._told - before

    def _segments(self) -> int:
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, self._DATA_SEGS_IN + 4)
        return struct.unpack_from("I", info, self._DATA_SEGS_IN)[0]


class Checker(WSListener):
    """Compares each update with what it must be, to the byte."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._parts = {symbol: update_parts(symbol) for symbol in group.symbols}
        self._next: dict[str, int] = {}
        self._rest = b""
        self.counted = Count()
        self.updates = self.frames = self.bytes = self.wrong = 0
        self.ages_us: list[int] = []

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.writes = Writes(transport.underlying_transport)
        kind = WSMsgType.BINARY if self._group.kind == "nats" else WSMsgType.TEXT
        transport.send(kind, greeting(self._group))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        size = len(payload)
        self.bytes += size + (2 if size < 126 else 4 if size < 65_536 else 10)
        before = self.updates
        if self._group.kind == "nats":
            self._take_stream(payload)
        elif payload.startswith(b'{"type":"delta"'):
            self._take(payload)
        self.frames += self.updates > before

    def _take_stream(self, payload: bytes) -> None:
        data = self._rest + payload
        while (end := data.find(b"\r\n")) >= 0:
            if not data.startswith(b"MSG "):
                data = data[end + 2 :]
                continue
            stop = end + 2 + int(data[data.rindex(b" ", 0, end) + 1 : end])
            if len(data) < stop + 2:
                break
            self._take(data[end + 2 : stop])
            data = data[stop + 2 :]
        self._rest = data

    def _take(self, text: bytes) -> None:
        self.updates += 1
        if self._group.timed:
            start = text.index(_ARRIVED) + len(_ARRIVED)
            self.ages_us.append(time.time_ns() // 1000 - int(text[start : text.index(b"}", start)].split(b",")[0]))
            return
        symbol = text[text.index(b'"symbol":"') + 10 :].partition(b'"')[0].decode()
        head, tail = self._parts[symbol]
        seq = int(text[len(head) :].partition(b",")[0])
        if seq != self._next.get(symbol, seq) or text != b'%b%d,"prev":%d%b' % (head, seq, seq - 1, tail):
            self.wrong += 1
        self._next[symbol] = seq + 1


class Counter(asyncio.BufferedProtocol):
    """Shakes hands, greets, and counts bytes from then on; a buffer that all share is overwritten at each read."""

    shared = bytearray(1 << 18)

    def __init__(self, group: Group) -> None:
        self._group = group
        self.greeted = asyncio.get_running_loop().create_future()
        self.bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.writes = Writes(transport)
        path = "/" if self._group.kind == "nats" else "/ws/realtime"
        transport.write(handshake(f"127.0.0.1:{self._group.port}", path))

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.shared

    def buffer_updated(self, nbytes: int) -> None:
        self.bytes += nbytes
        if not self.greeted.done():
            self._greet()

    def _greet(self) -> None:
        self._transport.write(client_frame(greeting(self._group), BINARY if self._group.kind == "nats" else TEXT))
        if self._group.frozen:
            self._transport.pause_reading()
        self.greeted.set_result(None)

    def say_alive(self) -> None:
        if not self.writes.is_over:
            self._transport.write(client_frame(b"", PONG))


async def open_counter(group: Group) -> Counter:
    """Connect a client that counts."""
    _, counter = await asyncio.get_running_loop().create_connection(lambda: Counter(group), "127.0.0.1", group.port)
    await asyncio.wait_for(counter.greeted, 30)
    return counter


async def _play(groups: dict[str, Group], pipe: Any) -> None:
    counters: dict[str, list[Counter]] = {}
    checkers: dict[str, list[Checker]] = {}
    kept: list[Any] = []
    for name, group in groups.items():
        path = "/" if group.kind == "nats" else "/ws/realtime"
        checkers[name], counters[name] = [], []
        for _ in range(group.checkers):
            checker = Checker(group)
            checkers[name].append(checker)
            kept.append(await ws_connect(lambda c=checker: c, f"ws://127.0.0.1:{group.port}{path}"))
        for _ in range(group.count - group.checkers):
            counters[name].append(await open_counter(group))
    pipe.send("connected")
    alive = _say_alive([one for name, group in groups.items() if not group.frozen for one in counters[name]])
    kept.append(asyncio.create_task(alive))
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    loop.add_reader(pipe.fileno(), asked.set)
    while True:
        await asked.wait()
        asked.clear()
        pipe.recv()
        pipe.send({name: _collect(counters[name], checkers[name]) for name in groups})


async def _say_alive(counters: list[Counter]) -> None:
    while True:
        await asyncio.sleep(_ALIVE_S)
        for counter in counters:
            counter.say_alive()


def _collect(counters: list[Counter], checkers: list[Checker]) -> Count:
    count = Count()
    for counter in counters:
        count.counted_bytes.append(counter.bytes)
        count.lost += counter.writes.is_over
        count.writes += counter.writes.take()
        counter.bytes = 0
    for checker in checkers:
        count.updates.append(checker.updates)
        count.frames.append(checker.frames)
        count.lost += checker.writes.is_over
        count.writes += checker.writes.take()
        count.checked_bytes.append(checker.bytes)
        count.wrong += checker.wrong
        count.ages_us += checker.ages_us
        checker.updates = checker.frames = checker.bytes = checker.wrong = 0
        checker.ages_us = []
    return count


def _work(groups: dict[str, Group], pipe: Any) -> None:
    uvloop.run(_play(groups, pipe))
