"""Connections on a transport that a test fills and empties; the rhythm of writing."""

import asyncio
import json
from itertools import pairwise
from typing import Any

from foretick.common.testing.builders import T0_NS, prediction, tick_frame
from foretick.common.testing.fakes import ManualClock
from foretick.common.testing.waiting import eventually
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.frame import text_of
from foretick.gateway.domain.outbox import CloseCode, OutboxLimits
from foretick.gateway.domain.principal import LOOPBACK_USER
from foretick.gateway.domain.session import SessionLimits
from foretick.gateway.handlers.feed import Connection, FeedHandler
from foretick.gateway.ports import Batch


class FakeTransport:
    """Takes every write; ``is_full``: and has no room for another."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.batches: list[Batch] = []
        self.write_times_s: list[float] = []
        self.closed: tuple[int, str] | None = None
        self.aborted = False
        self.is_full = False

    def write(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.write_times_s.append(asyncio.get_running_loop().time())
        if self.is_full and self.connection is not None:
            self.connection.pause()

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def abort(self) -> None:
        self.aborted = True
        if self.connection is not None:
            self.connection.end()

    @property
    def writes(self) -> list[list[dict[str, Any]]]:
        return [[json.loads(text_of(frame)) for frame in batch.frames] for batch in self.batches]

    @property
    def received(self) -> list[dict[str, Any]]:
        return [message for write in self.writes for message in write]

    def ask(self, message: dict[str, Any]) -> None:
        assert self.connection is not None
        self.connection.receive(json.dumps(message))

    def drain(self) -> None:
        """Have room again."""
        assert self.connection is not None
        self.is_full = False
        self.connection.resume()


class Feed:
    """A feed handler and its clients."""

    def __init__(self, board: Board, stall_s: float = 30) -> None:
        self.stalled: list[int] = []
        self.handler = FeedHandler(board, ManualClock(), SessionLimits(), lambda: self.stalled.append(1), stall_s)

    def open(self, transport: FakeTransport | None = None) -> FakeTransport:
        transport = transport or FakeTransport()
        transport.connection = self.handler.connect(transport, LOOPBACK_USER)
        return transport


SUBSCRIBE_TICKS = {"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks"]}


def tick(board: Board, seq: int) -> None:
    board.fold(tick_frame("Q", seq=seq), T0_NS)
    board.publish()


async def subscribed(feed: Feed, transport: FakeTransport | None = None) -> FakeTransport:
    """A client that has its snapshot and is idle."""
    client = feed.open(transport)
    client.ask(SUBSCRIBE_TICKS)
    await eventually(lambda: any(message["type"] == "snapshot" for message in client.received))
    await eventually(lambda: client.connection is not None and client.connection.outbox.idle)
    return client


async def test_updates_of_one_turn_leave_in_one_write(board: Board):
    feed = Feed(board)
    transport = feed.open()
    transport.ask({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks", "metrics"]})
    await eventually(lambda: len(transport.received) == 2)
    tick(board, 1)
    board.beat(T0_NS)
    await eventually(lambda: len(transport.received) == 5)
    assert [message["type"] for message in transport.writes[-1]] == ["heartbeat", "snapshot", "snapshot"]


async def test_idle_client_is_written_in_the_next_turn_and_a_busy_one_every_10_ms(board: Board):
    tick(board, 1)
    client = await subscribed(Feed(board))
    before = len(client.batches)
    tick(board, 2)
    await asyncio.sleep(0)
    assert len(client.batches) == before + 1
    started_s = asyncio.get_running_loop().time()
    seq = 2
    while asyncio.get_running_loop().time() < started_s + 0.2:
        seq += 1
        tick(board, seq)
        await asyncio.sleep(0.003)
    await eventually(lambda: client.received[-1]["seq"] == seq)
    assert [message["seq"] for message in client.received[-(seq - 1) :]] == list(range(2, seq + 1))
    times_s = client.write_times_s[before:]
    interval_s = OutboxLimits().flush_interval_ns / 1e9
    assert min(later - earlier for earlier, later in pairwise(times_s)) > interval_s - 0.002


async def test_thousand_clients_share_one_encoding_and_one_batch(board: Board):
    for count in (1, 1000):
        feed = Feed(board)
        tick(board, 10 * count)
        board.audience.limit = 2000
        clients = [await subscribed(feed, FakeTransport()) for _ in range(count)] if count == 1 else None
        if clients is None:
            clients = [feed.open() for _ in range(count)]
            for client in clients:
                client.ask(SUBSCRIBE_TICKS)
            await eventually(lambda clients=clients: all(client.connection.outbox.idle for client in clients), 10)
        before = board.fanout.updates_encoded
        for seq in range(10 * count + 1, 10 * count + 6):
            tick(board, seq)
            await eventually(lambda clients=clients: all(client.connection.outbox.is_empty for client in clients))
            batches = {id(client.batches[-1]) for client in clients}
            assert len(batches) == 1
        assert board.fanout.updates_encoded - before == 5
        for client in clients:
            client.connection.end()


async def test_clients_with_other_subscriptions_get_their_own(board: Board):
    feed = Feed(board)
    one, two = feed.open(), feed.open()
    one.ask(SUBSCRIBE_TICKS)
    two.ask({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks", "predictions"]})
    for seq in range(1, 4):
        board.fold(prediction(asof_seq=seq), T0_NS)
        tick(board, seq)
        await eventually(lambda: one.connection.outbox.is_empty and two.connection.outbox.is_empty)
    assert {message["channel"] for message in one.received[2:]} == {"ticks"}
    assert {message["channel"] for message in two.received[2:]} == {"ticks", "predictions"}
    assert board.fanout.updates_encoded == 4


async def test_client_that_leaves_ends_the_session(board: Board):
    transport = Feed(board).open()
    assert len(board.audience) == 1
    transport.connection.end()
    assert len(board.audience) == 0
    assert transport.closed is None


async def test_blocked_client_gets_a_snapshot_once_it_reads_again(board: Board):
    tick(board, 1)
    feed = Feed(board)
    blocked, other = await subscribed(feed), await subscribed(feed)
    blocked.is_full = True
    before = len(blocked.received)
    for seq in range(2, 200):
        tick(board, seq)
        await asyncio.sleep(0)
    await eventually(lambda: other.received[-1].get("seq") == 199)
    assert len(blocked.received) == before + 1  # the write that filled it
    assert [message["seq"] for message in other.received[-198:]] == list(range(2, 200))
    blocked.drain()
    await eventually(lambda: blocked.received[-1].get("seq") == 199)
    assert blocked.received[-1]["type"] == "snapshot"
    assert len(blocked.received) == before + 2


async def test_client_that_takes_nothing_is_given_up_and_others_are_not(board: Board):
    feed = Feed(board, stall_s=0.05)
    healthy, frozen = feed.open(), FakeTransport()
    frozen.is_full = True
    feed.open(frozen)
    await eventually(lambda: frozen.aborted)
    assert feed.stalled == [1]
    assert not healthy.aborted
    assert len(board.audience) == 1


async def test_answer_arrives_before_the_close(board: Board):
    transport = Feed(board).open()
    transport.connection.receive("x" * 70_000)
    await eventually(lambda: transport.closed is not None)
    assert transport.received[-1]["code"] == "too_large"
    assert transport.closed[0] == 1009


async def test_shutdown_closes_with_1012_and_waits_for_the_clients(board: Board):
    feed = Feed(board)
    transport = feed.open()
    dismissal = asyncio.create_task(feed.handler.dismiss(CloseCode.RESTART, "restarting"))
    await eventually(lambda: transport.closed is not None)
    assert transport.closed == (1012, "restarting")
    assert not dismissal.done()
    transport.connection.end()
    await asyncio.wait_for(dismissal, 5)


async def test_client_that_does_not_agree_to_the_end_is_cut_off(board: Board, monkeypatch: Any):
    monkeypatch.setattr("foretick.gateway.handlers.feed.CLOSE_S", 0.05)
    feed = Feed(board)
    deaf, full = feed.open(), FakeTransport()
    full.is_full = True
    feed.open(full)
    await eventually(lambda: len(full.batches) == 1)
    board.audience.close(CloseCode.RESTART, "restarting")
    await eventually(lambda: deaf.aborted and full.aborted)
    assert deaf.closed == (1012, "restarting")
    assert full.closed is None


async def test_fault_in_one_transport_is_reported_and_the_others_go_on(board: Board):
    class Faulty(FakeTransport):
        def write(self, batch: Batch) -> None:
            raise KeyError("bug")

    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context["exception"]))
    feed = Feed(board)
    faulty, sound = feed.open(Faulty()), feed.open()
    await eventually(lambda: len(sound.received) == 1)
    assert faulty.aborted
    assert isinstance(reported[0], KeyError)
    assert len(board.audience) == 1
