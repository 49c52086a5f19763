"""The data plane on a real nats-server: order, natural batches, dead letters, absence of the server."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
import structlog

from foretick.common.contracts import BookFrame, DeadLetter, TickFrame
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.bus import share_run_id
from foretick.common.runtime.embedded import NatsServer
from foretick.common.runtime.settings import ServiceSettings
from foretick.common.subjects import BOOKS, TICKS
from foretick.common.testing import book_frame, eventually, tick_frame


@asynccontextmanager
async def runtime(url: str) -> AsyncIterator[Runtime]:
    rt = Runtime("probe", "serve", ServiceSettings(nats_url=url), structlog.stdlib.get_logger())
    await rt.bus.connect()
    await rt.bus.ensure_streams()
    try:
        yield rt
    finally:
        await rt.drain()


async def test_ticks_and_books_of_an_instrument_arrive_in_order_of_seq(nats_server: NatsServer) -> None:
    received: list[TickFrame | BookFrame] = []
    async with runtime(nats_server.url) as rt:
        await rt.data.subscribe((TICKS, BOOKS), received.extend)
        await rt.bus.nc.flush()
        for seq in range(1, 1001):
            symbol = ("BTCUSDT", "ETHUSDT")[seq % 2]
            if seq % 5 == 0:
                rt.data.publish(BOOKS, book_frame(symbol=symbol, seq=seq))
            else:
                rt.data.publish(TICKS, tick_frame(symbol=symbol, seq=seq))
        await eventually(lambda: len(received) == 1000)
    for symbol, first in (("BTCUSDT", 2), ("ETHUSDT", 1)):
        assert [frame.seq for frame in received if frame.symbol == symbol] == list(range(first, 1001, 2))


async def test_malformed_message_is_dead_lettered_and_the_rest_goes_on(nats_server: NatsServer) -> None:
    received: list[TickFrame] = []
    async with runtime(nats_server.url) as rt:
        await rt.data.subscribe((TICKS,), received.extend)
        await rt.bus.nc.flush()
        rt.data.publish_raw(TICKS.of("sim", "JUNK"), b'{"venue": 7}')
        rt.data.publish(TICKS, tick_frame(symbol="BTCUSDT", seq=1))
        await eventually(lambda: len(received) == 1)
        await rt.data.flush()
        raw = await rt.bus.js.get_last_msg("DLQ", "dlq.probe.serve", direct=True)
    letter = msgspec.json.decode(raw.data or b"", type=DeadLetter)
    assert letter.source == "ticks.sim.JUNK"
    assert "venue" in letter.reason
    assert base64.b64decode(letter.payload_base64) == b'{"venue": 7}'


@pytest.mark.parametrize("junk", [b"", b"null", b"[1]", b'{"venue":"\xff\xfe"}', b"[" * 100_000, b"\x00\x01"])
async def test_junk_of_any_kind_never_reaches_a_handler(nats_server: NatsServer, junk: bytes) -> None:
    received: list[TickFrame] = []
    async with runtime(nats_server.url) as rt:
        await rt.data.subscribe((TICKS,), received.extend)
        await rt.bus.nc.flush()
        rt.data.publish_raw(TICKS.of("sim", "JUNK"), junk)
        rt.data.publish(TICKS, tick_frame(symbol="BTCUSDT", seq=1))
        await eventually(lambda: len(received) == 1)
        assert rt.exit_code == 0


async def test_handler_that_fails_ends_the_process_with_an_error(nats_server: NatsServer) -> None:
    def fail(_batch: object) -> None:
        raise RuntimeError("broken handler")

    async with runtime(nats_server.url) as rt:
        await rt.data.subscribe((TICKS,), fail)
        await rt.bus.nc.flush()
        rt.data.publish(TICKS, tick_frame(symbol="BTCUSDT", seq=1))
        await eventually(rt.stopping.is_set)
        assert rt.exit_code == 1


async def test_absent_server_drops_and_counts_then_reconnects(nats_server: NatsServer) -> None:
    received: list[TickFrame] = []
    reconnected: list[bool] = []

    async def note() -> None:
        reconnected.append(True)

    async with runtime(nats_server.url) as rt:
        rt.bus.on_reconnect(note)
        await rt.data.subscribe((TICKS,), received.extend)
        nats_server.kill()
        await eventually(lambda: not rt.bus.is_connected)
        assert not rt.health.report()["conditions"]["nats"]["ok"]  # type: ignore[index]
        rt.data.publish(TICKS, tick_frame(symbol="BTCUSDT", seq=1))
        nats_server.start()
        await eventually(lambda: bool(reconnected))
        rt.data.publish(TICKS, tick_frame(symbol="BTCUSDT", seq=2))
        await eventually(lambda: len(received) == 1)
        assert received[0].seq == 2
        text, _ = rt.http._metrics[0].render()
        assert b"foretick_bus_unsent_total 1.0" in text


async def test_epoch_grows_with_every_start_and_run_id_is_shared(nats_server: NatsServer) -> None:
    async with runtime(nats_server.url) as first:
        epochs = [await first.bus.next_epoch(), await first.bus.next_epoch()]
        run_id = await share_run_id(first.bus.js, "run-a")
    async with runtime(nats_server.url) as second:
        epochs.append(await second.bus.next_epoch())
        assert await share_run_id(second.bus.js, "run-b") == run_id
    assert epochs == sorted(set(epochs))


async def test_last_messages_come_from_the_stream(nats_server: NatsServer) -> None:
    async with runtime(nats_server.url) as rt:
        for seq in (1, 2):
            rt.data.publish(TICKS, tick_frame(symbol="LAST/USD", seq=seq))
        await rt.data.flush()
        last = await rt.bus.last(TICKS, "sim", "LAST/USD")
        assert last is not None
        assert last.seq == 2
        assert await rt.bus.last(TICKS, "sim", "NONE") is None
        assert "LAST/USD" in {message.symbol for message in await rt.bus.last_of_each(TICKS)}
