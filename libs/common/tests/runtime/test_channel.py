"""The inbound queue: batches, bounds, conflation, failures. No NATS."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from foretick.common.contracts import TickFrame
from foretick.common.runtime.data_plane import queues as module
from foretick.common.runtime.data_plane.channel import Channel
from foretick.common.runtime.data_plane.demux import Receiver
from foretick.common.runtime.data_plane.meters import DataPlaneMeters, PublisherCounts
from foretick.common.runtime.metrics import Metrics
from foretick.common.runtime.power_histogram import PowerHistogram
from foretick.common.subjects import BOOKS, TICKS
from foretick.common.testing import book_frame, tick_frame


class FakePlane:
    """Keeps the receivers, so that a test delivers by calling them."""

    def __init__(self) -> None:
        self.receivers: dict[str, Receiver] = {}
        self.rejected: list[tuple[str, bytes]] = []
        self.calls: list[str] = []

    def reject(self, source: str, reason: str, payload: bytes = b"") -> None:
        self.rejected.append((source, payload))

    def hold(self) -> None:
        self.calls.append("hold")

    def release(self) -> None:
        self.calls.append("release")

    async def tap(self, pattern: str, receive: Receiver) -> Any:
        self.receivers[pattern] = receive
        return pattern

    async def untap(self, subscription: Any) -> None:
        del self.receivers[subscription]


class Rig:
    """A channel on ticks and books that collects its batches."""

    def __init__(self, *, conflate: bool = False) -> None:
        self.plane = FakePlane()
        self.batches: list[list[Any]] = []
        self.channel = Channel(self.plane, (TICKS, BOOKS), self.take, conflate=conflate)

    def take(self, batch: Sequence[Any]) -> None:
        self.batches.append(list(batch))

    async def open(self) -> "Rig":
        await self.channel.follow()
        return self

    def tick(self, symbol: str, seq: int) -> None:
        frame = tick_frame(symbol=symbol, seq=seq)
        self.plane.receivers["ticks.*.*"](f"ticks.sim.{symbol}".encode(), msgspec.json.encode(frame))

    def book(self, symbol: str, seq: int) -> None:
        frame = book_frame(symbol=symbol, seq=seq)
        self.plane.receivers["books.*.*"](f"books.sim.{symbol}".encode(), msgspec.json.encode(frame))

    def seqs(self) -> list[list[int]]:
        return [[frame.seq for frame in batch] for batch in self.batches]


async def turn() -> None:
    """Let the loop take one turn."""
    await asyncio.sleep(0)


async def test_what_came_in_one_turn_is_one_batch_in_order_of_arrival() -> None:
    rig = await Rig().open()
    rig.tick("A", 1)
    rig.book("A", 2)
    rig.tick("B", 7)
    rig.tick("A", 3)
    assert rig.batches == []
    await turn()
    assert rig.seqs() == [[1, 2, 7, 3]]
    assert isinstance(rig.batches[0][0], TickFrame)
    assert rig.plane.calls == ["hold", "release"]


async def test_more_than_a_batch_leaves_the_loop_a_turn_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BATCH", 4)
    rig = await Rig().open()
    for seq in range(1, 11):
        rig.tick("A", seq)
    await turn()
    assert rig.seqs() == [[1, 2, 3, 4]]
    assert rig.channel.depth()[0] == 6
    rig.tick("A", 11)
    await turn()
    await turn()
    assert rig.seqs() == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11]]
    assert rig.channel.depth() == (0, 0)
    assert rig.channel.counts.max_queued == 10


async def test_batch_is_bounded_by_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BATCH_BYTES", 1)
    rig = await Rig().open()
    rig.tick("A", 1)
    rig.tick("A", 2)
    await turn()
    await turn()
    assert rig.seqs() == [[1], [2]]


async def test_full_queue_drops_the_newest_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_QUEUED", 3)
    rig = await Rig().open()
    for seq in range(1, 6):
        rig.tick("A", seq)
    await turn()
    rig.tick("A", 6)
    await turn()
    assert rig.seqs() == [[1, 2, 3], [6]]
    assert rig.channel.counts.overflowed == 2


async def test_queue_full_of_bytes_drops_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(msgspec.json.encode(tick_frame(symbol="A", seq=1)))
    monkeypatch.setattr(module, "MAX_QUEUED_BYTES", 2 * size)
    rig = await Rig().open()
    for seq in range(1, 5):
        rig.tick("A", seq)
    assert rig.channel.depth() == (2, 2 * size)
    await turn()
    assert rig.seqs() == [[1, 2]]
    assert rig.channel.counts.overflowed == 2
    assert rig.channel.depth() == (0, 0)


async def test_conflated_channel_hands_on_the_latest_of_each_subject_and_counts_the_rest() -> None:
    rig = await Rig(conflate=True).open()
    for seq in (1, 2, 3):
        rig.tick("A", seq)
        rig.tick("B", 10 * seq)
    rig.book("A", 4)
    await turn()
    assert rig.seqs() == [[3, 30, 4]]
    assert rig.channel.counts.conflated == 4
    assert rig.channel.counts.received == 3
    assert rig.channel.depth() == (0, 0)
    rig.tick("A", 5)
    await turn()
    assert rig.seqs()[-1] == [5]


async def test_conflated_queue_goes_on_conflating_while_more_subjects_wait_than_fit_a_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_BATCH", 2)
    rig = await Rig(conflate=True).open()
    for symbol in "ABCD":
        rig.tick(symbol, 1)
    await turn()
    rig.tick("D", 2)
    await turn()
    assert rig.seqs() == [[1, 1], [1, 2]]
    assert rig.channel.counts.conflated == 1


async def test_malformed_message_is_rejected_and_its_bytes_leave_the_queue() -> None:
    rig = await Rig().open()
    rig.plane.receivers["ticks.*.*"](b"ticks.sim.\xff", b"{}")
    rig.tick("A", 1)
    await turn()
    assert rig.seqs() == [[1]]
    assert rig.plane.rejected == [("ticks.sim.\ufffd", b"{}")]
    assert rig.channel.depth() == (0, 0)


async def test_handler_that_fails_ends_the_channel_with_its_error_and_gets_nothing_more() -> None:
    rig = await Rig().open()
    failures: list[int] = []

    def fail(batch: Sequence[Any]) -> None:
        failures.append(len(batch))
        raise ValueError("broken")

    rig.channel._handler = fail
    rig.tick("A", 1)
    await turn()
    rig.tick("A", 2)
    await turn()
    with pytest.raises(ValueError, match="broken"):
        await rig.channel.run()
    assert failures == [1]
    assert rig.plane.calls == ["hold", "release"]


async def test_closing_hands_on_what_has_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BATCH", 2)
    rig = await Rig().open()
    for seq in (1, 2, 3):
        rig.tick("A", seq)
    rig.channel.close()
    assert rig.seqs() == [[1, 2], [3]]
    await rig.channel.run()
    await turn()
    assert rig.seqs() == [[1, 2], [3]]


async def test_left_instrument_is_untapped_and_following_twice_taps_once() -> None:
    rig = Rig()
    await rig.channel.follow(["sim.A", "sim.B"])
    await rig.channel.follow(["sim.A"])
    await rig.channel.leave(["sim.A", "sim.C"])
    assert sorted(rig.plane.receivers) == ["books.sim.B", "ticks.sim.B"]


async def test_counts_are_shown_as_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_QUEUED", 3)
    rig = await Rig().open()
    metrics = Metrics()
    meters = DataPlaneMeters(PublisherCounts(sent=5, sent_bytes=500, unsent=2), lambda: 7, metrics)
    meters.add(rig.channel.name, rig.channel.counts, rig.channel.depth)
    for seq in range(1, 6):
        rig.tick("A", seq)
    waiting = metrics.render()[0].decode().splitlines()
    await turn()
    lines = metrics.render()[0].decode().splitlines()
    assert 'foretick_bus_queue_messages{channel="ticks+books"} 3.0' in waiting
    for line in (
        'foretick_bus_received_total{channel="ticks+books"} 3.0',
        'foretick_bus_overflowed_total{channel="ticks+books"} 2.0',
        'foretick_bus_conflated_total{channel="ticks+books"} 0.0',
        'foretick_bus_queue_messages{channel="ticks+books"} 0.0',
        'foretick_bus_queue_max_messages{channel="ticks+books"} 3.0',
        'foretick_bus_batch_messages_bucket{channel="ticks+books",le="2.0"} 0.0',
        'foretick_bus_batch_messages_bucket{channel="ticks+books",le="4.0"} 1.0',
        'foretick_bus_batch_messages_sum{channel="ticks+books"} 3.0',
        'foretick_bus_queue_wait_s_count{channel="ticks+books"} 1.0',
        "foretick_bus_sent_total 5.0",
        "foretick_bus_sent_bytes_total 500.0",
        "foretick_bus_unsent_total 2.0",
        "foretick_bus_outbox_bytes 7.0",
    ):
        assert line in lines


def test_values_on_and_above_a_power_of_two_go_to_its_bucket_and_the_next() -> None:
    histogram = PowerHistogram(3)
    for value in (0, 1, 2, 3, 4, 5, 8, 9, 1000):
        histogram.observe(value)
    assert histogram.buckets() == [("1.0", 2), ("2.0", 3), ("4.0", 5), ("8.0", 7), ("+Inf", 9)]
    assert histogram.total == 1032
