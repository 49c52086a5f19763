"""A board with one instrument, and sessions on it, all on a clock that moves when told."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from foretick.common.testing.builders import instrument
from foretick.common.testing.fakes import ManualClock
from foretick.gateway.app.market import identify
from foretick.gateway.domain.audience import Audience
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.directory import Directory
from foretick.gateway.domain.frame import text_of
from foretick.gateway.domain.principal import LOOPBACK_USER
from foretick.gateway.domain.session import Session, SessionLimits


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
