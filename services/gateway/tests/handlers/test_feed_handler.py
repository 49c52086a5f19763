"""Reader and writer of one connection, on a transport that a test opens and blocks."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from foretick.common.testing.builders import T0_NS, tick_frame
from foretick.common.testing.fakes import ManualClock
from foretick.common.testing.waiting import eventually
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.outbox import CloseCode
from foretick.gateway.domain.principal import LOOPBACK_USER
from foretick.gateway.domain.session import SessionLimits
from foretick.gateway.handlers.feed import FeedHandler
from foretick.gateway.ports import Disconnected


class FakeTransport:
    def __init__(self) -> None:
        self.incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.writes: list[list[dict[str, Any]]] = []
        self.closed: tuple[int, str] | None = None
        self.writable = asyncio.Event()
        self.writable.set()

    async def receive(self) -> str | bytes:
        message = await self.incoming.get()
        if message is None:
            raise Disconnected
        return message

    async def send(self, texts: Sequence[str]) -> None:
        await self.writable.wait()
        self.writes.append([json.loads(text) for text in texts])

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    @property
    def received(self) -> list[dict[str, Any]]:
        return [message for write in self.writes for message in write]

    def ask(self, message: dict[str, Any]) -> None:
        self.incoming.put_nowait(json.dumps(message))


def serve(board: Board, transport: FakeTransport, stall_s: float = 30) -> tuple[asyncio.Task[None], list[int]]:
    stalled: list[int] = []
    feed = FeedHandler(board, ManualClock(), SessionLimits(), lambda: stalled.append(1), stall_s)
    return asyncio.create_task(feed.serve(transport, LOOPBACK_USER)), stalled


def tick(board: Board, seq: int) -> None:
    board.fold(tick_frame("Q", seq=seq), T0_NS)
    board.publish()


async def test_updates_of_one_turn_leave_in_one_write(board: Board):
    transport = FakeTransport()
    task, _ = serve(board, transport)
    transport.ask({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks", "metrics"]})
    await eventually(lambda: len(transport.received) == 2)
    tick(board, 1)
    board.beat(T0_NS)
    await eventually(lambda: len(transport.received) == 5)
    assert [message["type"] for message in transport.writes[-1]] == ["heartbeat", "snapshot", "snapshot"]
    transport.incoming.put_nowait(None)
    await task


async def test_client_that_leaves_ends_the_session(board: Board):
    transport = FakeTransport()
    task, _ = serve(board, transport)
    await eventually(lambda: len(board.audience) == 1)
    transport.incoming.put_nowait(None)
    await asyncio.wait_for(task, 5)
    assert len(board.audience) == 0
    assert transport.closed is None


async def test_blocked_client_gets_a_snapshot_once_it_reads_again(board: Board):
    transport = FakeTransport()
    task, _ = serve(board, transport)
    tick(board, 1)
    transport.ask({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks"]})
    await eventually(lambda: len(transport.received) == 3)
    transport.writable.clear()
    for seq in range(2, 200):
        tick(board, seq)
        await asyncio.sleep(0)
    transport.writable.set()
    await eventually(lambda: transport.received[-1].get("seq") == 199)
    assert transport.received[-1]["type"] == "snapshot"
    assert len(transport.received) < 3 + 3 * 8  # what was on its way, then the snapshot
    transport.incoming.put_nowait(None)
    await task


async def test_client_that_takes_nothing_is_given_up(board: Board):
    transport = FakeTransport()
    transport.writable.clear()
    task, stalled = serve(board, transport, stall_s=0.01)
    await asyncio.wait_for(task, 5)
    assert stalled == [1]
    assert len(board.audience) == 0


async def test_answer_arrives_before_the_close(board: Board):
    transport = FakeTransport()
    task, _ = serve(board, transport)
    transport.incoming.put_nowait("x" * 70_000)
    await asyncio.wait_for(task, 5)
    assert transport.received[-1]["code"] == "too_large"
    assert transport.closed is not None
    assert transport.closed[0] == 1009


async def test_shutdown_closes_with_1012(board: Board):
    transport = FakeTransport()
    task, _ = serve(board, transport)
    await eventually(lambda: len(board.audience) == 1)
    board.audience.close(CloseCode.RESTART, "restarting")
    await asyncio.wait_for(task, 5)
    assert transport.closed == (1012, "restarting")


async def test_fault_in_the_transport_is_not_swallowed(board: Board):
    class Faulty(FakeTransport):
        async def send(self, texts: Sequence[str]) -> None:
            raise KeyError("bug")

    task, _ = serve(board, Faulty())
    outcome = (await asyncio.gather(task, return_exceptions=True))[0]
    assert isinstance(outcome, KeyError)
    assert len(board.audience) == 0
