"""The stream of market data and the saved states, on a real server."""

import pytest
from msgspec import json

from foretick.common.runtime.system_clock import SystemClock
from foretick.common.subjects import BOOKS, FEATURE_VECTORS, TICKS
from foretick.common.testing import book_frame, eventually, feature_vector, tick_frame
from foretick.features.adapters.history.client import StreamHistory
from foretick.features.adapters.state_store.client import KeyValueStateStore


@pytest.fixture
def rejected():
    return []


@pytest.fixture
def history(bus, rejected):
    return StreamHistory(bus, lambda source, reason, payload: rejected.append((source, payload)))


BTC = ("sim", "BTCUSDT")


async def read(history, since_ns, *keys):
    return [frame async for frames in history.read(since_ns, keys or (BTC,)) for frame in frames]


async def send(bus, *frames):
    for frame in frames:
        subject = TICKS if hasattr(frame, "kinds") else BOOKS
        await bus.js.publish(subject.of(frame.venue, frame.symbol), json.encode(frame))


async def test_empty_stream_yields_nothing(history):
    assert await history.count(0, [BTC]) == 0
    assert await read(history, 0) == []
    assert await history.last_vector(("sim", "BTCUSDT")) is None


async def test_frames_come_back_in_the_order_they_were_sent(bus, history):
    sent = [book_frame(seq=1), *(tick_frame("TQ", seq=2 + 2 * k) for k in range(700)), book_frame(seq=1402)]
    await send(bus, *sent)
    assert await history.count(0, [BTC]) == len(sent)
    assert await read(history, 0) == sent


async def test_only_what_was_stored_since_is_read(bus, history):
    await send(bus, tick_frame("T", seq=1))
    stored = await bus.js.get_last_msg("MARKET", TICKS.of("sim", "BTCUSDT"))
    await send(bus, tick_frame("T", seq=2))
    since_ns = int(stored.time.timestamp() * 1e9) + 1_000 if stored.time else SystemClock().now_ns()
    assert [frame.seq for frame in await read(history, since_ns)] in ([2], [1, 2])  # the server's clock has ns, ours us
    assert await read(history, SystemClock().now_ns() + 60 * 10**9) == []


async def test_more_than_one_request_holds_comes_back_whole(bus, history):
    sent = [tick_frame("T", seq=seq) for seq in range(1, 3_501)]
    for frame in sent:
        await bus.nc.publish(TICKS.of(*BTC), json.encode(frame))
    await eventually(lambda: stored(history, len(sent)))
    assert [frame.seq for frame in await read(history, 0)] == list(range(1, 3_501))


async def stored(history, count):
    return await history.count(0, [BTC]) == count


async def test_only_the_wanted_instruments_are_read(bus, history):
    await send(bus, *(tick_frame("T", symbol=symbol) for symbol in ("A", "B/C", "D")))
    assert [frame.symbol for frame in await read(history, 0, ("sim", "B/C"), ("sim", "D"))] == ["B/C", "D"]


async def test_message_that_does_not_decode_is_set_aside(bus, history, rejected):
    await bus.js.publish(TICKS.of("sim", "BTCUSDT"), b'{"seq": "x"}')
    await send(bus, tick_frame("T", seq=1))
    assert [frame.seq for frame in await read(history, 0)] == [1]
    assert rejected == [("ticks.sim.BTCUSDT", b'{"seq": "x"}')]


async def test_last_vector_is_that_of_the_instrument(bus, history):
    for symbol, seq in (("BTCUSDT", 10), ("BTCUSDT", 20), ("ETHUSDT", 30)):
        await bus.js.publish(
            FEATURE_VECTORS.of("sim", symbol), json.encode(feature_vector(symbol=symbol, asof_seq=seq))
        )
    last = await history.last_vector(("sim", "BTCUSDT"))
    assert last is not None
    assert last.asof_seq == 20


async def test_state_store_keeps_the_latest_of_each_instrument_and_run(bus):
    store = await KeyValueStateStore.open(bus.js)
    btc, eth = ("sim", "BTC/USD"), ("sim", "ETH")
    assert await store.load("run-1", [btc, eth]) == []
    await store.save("run-1", btc, b"old")
    await store.save("run-1", btc, b"new")
    await store.save("run-1", eth, b"other")
    await store.save("run-2", eth, b"foreign")
    again = await KeyValueStateStore.open(bus.js)
    assert await again.load("run-1", [btc, eth]) == [b"new", b"other"]
    assert await again.load("run-1", [eth]) == [b"other"]
