"""The record's bars as the gateway asks for them on a real database, and live ones as a client gets them."""

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import msgspec
import psycopg
import pytest

from foretick.common.errors import Transient
from foretick.common.runtime.health import Health
from foretick.common.subjects import BAR_MESSAGES, INSTRUMENT_LISTINGS
from foretick.common.testing.builders import T0_NS, bar, instrument
from foretick.common.testing.fakes import FakeRuntime
from foretick.gateway.adapters.record import client as record_client
from foretick.gateway.adapters.record.client import DatabaseBars

SECOND_NS = 10**9
START_NS = T0_NS // (900 * SECOND_NS) * 900 * SECOND_NS
PART = """
INSERT INTO bar_parts_1s (start_ns, first_seq, last_seq, events, live_events, trades, volume_qty, buy_volume_qty,
    price_qty, qty_per_price, open, high, low, close, worst_trust, run_id, venue, symbol)
VALUES (%s, %s, %s, 2, 1, 1, 2, 2, %s, 1, %s, %s, %s, %s, 1, 'run', 'sim', 'BTCUSDT')
"""


def runtime() -> Any:
    rt = FakeRuntime()
    return SimpleNamespace(name="gateway.api-0", log=rt.log, run_id="run", health=Health("gateway.api-0"))


@pytest.fixture
async def record(postgres_url: str) -> AsyncIterator[DatabaseBars]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("SELECT ensure_day(current_date)")
        for number in range(150):  # a trade of 2 each second, one dearer each time
            price = 100.0 + number
            connection.execute(PART, (START_NS + number * SECOND_NS, 2 * number + 1, 2 * number + 2, 2 * price,
                                      *[price] * 4))  # fmt: skip
    bars = DatabaseBars(runtime(), postgres_url)
    yield bars
    await bars.close()


async def test_record_tells_the_latest_bars_and_which_is_under_way(record: DatabaseBars):
    minutes = await record.read(("sim", "BTCUSDT"), "1m", 300)
    assert [(each.start_us * 1000 - START_NS) // SECOND_NS for each in minutes] == [0, 60, 120]
    assert [(each.is_closed, each.is_whole, each.asof_seq) for each in minutes] == [
        (True, True, 120), (True, True, 240), (False, True, 300),
    ]  # fmt: skip
    first = minutes[0]
    assert (first.open, first.high, first.low, first.close) == (100.0, 159.0, 100.0, 159.0)
    assert (first.trades, first.volume_qty, first.volume_quote, first.vwap) == (60, 120.0, 2 * 60 * 129.5, 129.5)
    assert (first.events, first.live_frac, first.trust.value) == (120, 0.5, "STALE")
    assert [each.start_us for each in await record.read(("sim", "BTCUSDT"), "1m", 2)] == [
        each.start_us for each in minutes[1:]
    ]
    assert await record.read(("sim", "ETHUSDT"), "1m", 2) == []


async def test_record_that_is_away_is_transient_and_the_gateway_stays_ready(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(record_client, "_PATIENCE_S", 0.3)
    rt = runtime()
    bars = DatabaseBars(rt, "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Transient, match="does not answer"):
        await bars.read(("sim", "BTCUSDT"), "1m", 2)
    assert "database" not in str(rt.health.__dict__)
    await bars.close()


async def test_bar_on_nats_reaches_a_late_client_and_then_goes_on(start_feed: Any):
    feed = await start_feed()

    async def publish(asof_seq: int, **fields: Any) -> None:
        message = bar(asof_seq=asof_seq, **fields)
        await feed.producer.publish(BAR_MESSAGES.of("sim", "BTCUSDT", "1m"), msgspec.json.encode(message))
        await feed.producer.flush()

    await feed.publish(INSTRUMENT_LISTINGS, instrument())
    await publish(41, is_closed=False)
    late = await start_feed()  # reads the last message of the stream
    async with late.open() as client:
        await client.send(json.dumps({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["bars_1m"]}))
        snapshot = await first_of(client, "snapshot")
        assert (snapshot["seq"], [each["is_closed"] for each in snapshot["data"]["bars"]]) == (41, [False])
        await publish(50, prev_asof_seq=41)
        delta = await first_of(client, "delta")
        assert (delta["prev"], delta["seq"], delta["data"]["bars"][0]["is_closed"]) == (41, 50, True)


async def first_of(client: Any, kind: str) -> dict[str, Any]:
    while True:
        message = json.loads(await client.recv())
        if message["type"] == kind:
            return message
