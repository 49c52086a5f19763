"""A board with one instrument and sessions on it, all on a clock that moves when told; and the role feed as it runs."""

import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import nats as nats_client
import pytest
import uvloop
from websockets.asyncio.client import connect as open_websocket

from foretick.common.errors import Fatal
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.embedded import free_port
from foretick.common.runtime.logs import configure_logging
from foretick.common.subjects import Subject
from foretick.common.testing.builders import instrument
from foretick.common.testing.fakes import ManualClock
from foretick.common.testing.raw_websocket import open_narrow
from foretick.gateway.app.feed import build
from foretick.gateway.app.market import identify
from foretick.gateway.domain.audience import Audience
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.directory import Directory
from foretick.gateway.domain.frame import text_of
from foretick.gateway.domain.principal import LOOPBACK_USER
from foretick.gateway.domain.session import Session, SessionLimits
from foretick.gateway.settings import GatewaySettings


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Any]:
    """Run on the loop that the service runs on: what a write leaves in which buffer depends on it."""
    return {"uvloop": uvloop.new_event_loop}


class Client:
    """A session with the client's side of it: what it sends, and what it is sent."""

    def __init__(self, board: Board, clock: ManualClock, limits: SessionLimits) -> None:
        self.wakes = 0
        self._clock = clock
        self.session = Session(board, LOOPBACK_USER, limits, self._wake)
        self.session.open(clock.now_ns())

    def _wake(self) -> None:
        self.wakes += 1

    def send(self, message: Any) -> None:
        text = message if isinstance(message, str | bytes) else json.dumps(message)
        self.session.receive(text, self._clock.now_ns())

    def take(self) -> list[dict[str, Any]]:
        """One write, as the pump makes it after the flush interval."""
        outbox = self.session.outbox
        frames = outbox.take(self._clock.now_ns())
        outbox.queued = False
        outbox.rest()
        return [json.loads(text_of(frame)) for frame in frames]

    def ask(self, message: Any) -> list[dict[str, Any]]:
        self.send(message)
        return self.take()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def board() -> Board:
    """BTCUSDT is listed; ETHUSDT is promised by the settings but not listed yet."""
    board = Board(identify("test", 7), Directory(("sim", "binance"), ("BTCUSDT", "ETHUSDT")), Audience(100))
    board.fold(instrument(), 0)
    board.publish()
    return board


@pytest.fixture
def connect(board: Board, clock: ManualClock) -> Callable[..., Client]:
    """Open a session; the welcome message is taken already."""

    def open_session(limits: SessionLimits | None = None, *, keep_welcome: bool = False) -> Client:
        client = Client(board, clock, limits or SessionLimits())
        if not keep_welcome:
            client.take()
        return client

    return open_session


@dataclass
class Feed:
    """A running role feed, in this process, and a producer on its bus."""

    rt: Runtime
    port: int
    producer: nats_client.NATS

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def publish(self, subject: Subject, *messages: Any) -> None:
        for message in messages:
            await self.producer.publish(subject.of(message.venue, message.symbol), msgspec.json.encode(message))
        await self.producer.flush()

    def open(self, path: str = "/ws/realtime", **options: Any) -> open_websocket:
        return open_websocket(f"ws://{self.address}{path}", proxy=None, max_size=None, **options)

    def metric(self, name: str) -> float:
        return self.rt.metrics.registry.get_sample_value(f"foretick_gateway_{name}") or 0.0

    async def narrow(self, channels: tuple[str, ...], symbols: tuple[str, ...] = ("BTCUSDT",)) -> socket.socket:
        """A connected client with a small window that has subscribed and reads nothing more."""
        request = {"action": "subscribe", "symbols": symbols, "channels": channels}
        return await open_narrow(self.address, request)


StartFeed = Callable[..., Awaitable[Feed]]


@pytest.fixture
async def start_feed(nats_url: str) -> AsyncIterator[StartFeed]:
    """Start a role feed with these settings; any number of them on the test's bus."""
    running: list[Feed] = []

    async def start(**settings: Any) -> Feed:
        port = settings.pop("WEBSOCKET_PORT", None) or free_port()
        values = GatewaySettings.model_validate(
            {"NATS_URL": nats_url, "RUN_ID": "test", "WEBSOCKET_PORT": port} | settings
        )
        rt = Runtime("gateway", "feed", values, configure_logging("gateway.feed", "ERROR"))
        await rt.bus.connect()
        await rt.bus.ensure_streams()
        rt.epoch = await rt.bus.next_epoch()
        try:
            await build(rt, values)
        except Fatal:
            await rt.drain()
            raise
        feed = Feed(rt, port, await nats_client.connect(nats_url))
        running.append(feed)
        return feed

    yield start
    for feed in running:
        await feed.producer.close()
        await feed.rt.drain()
