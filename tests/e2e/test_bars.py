"""Bars and correlations of the default system: the bus, the feed, REST and the database tell the same."""

import asyncio
import json
from itertools import pairwise
from typing import Any

import httpx
import msgspec
import nats
import psycopg
import pytest

from foretick.common.contracts import Bar, Correlations
from foretick.common.subjects import BAR_MESSAGES, CORRELATION_MESSAGES
from foretick.launcher.testing import System, run_apart, wait_until

SYMBOL = "BTCUSDT"
TIMEFRAMES = ("1s", "1m", "5m", "15m")
PRICES = ("open", "high", "low", "close", "trades", "mid_open", "mid_high", "mid_low", "mid_close", "events")


async def closed_on_bus_and_feed(system: System, timeframe: str, count: int) -> tuple[list[Bar], dict[int, Any]]:
    """Return the next closed bars of the bus, and those of the feed by the start in microseconds."""
    nc = await nats.connect(system.setting("NATS_URL"))
    on_bus: list[Bar] = []
    on_feed: dict[int, Any] = {}

    async def receive(msg: Any) -> None:
        bar = msgspec.json.decode(msg.data, type=Bar)
        if bar.is_closed:
            on_bus.append(bar)

    client = await system.feed(SYMBOL, channels=(f"bars_{timeframe}",))
    try:
        await nc.subscribe(BAR_MESSAGES.of("sim", SYMBOL, timeframe), cb=receive)
        async with asyncio.timeout(30 + 2 * count):
            while len(on_bus) < count or not {bar.start_ns // 1000 for bar in on_bus[:count]} <= on_feed.keys():
                message = json.loads(await client.recv())
                for bar in message["data"]["bars"] if message["type"] in ("snapshot", "delta") else ():
                    if bar["is_closed"]:
                        on_feed[bar["start_us"]] = bar
    finally:
        await client.close()
        await nc.close()
    return on_bus[:count], on_feed


def test_closed_bar_is_the_same_on_the_bus_the_feed_rest_and_in_the_database(
    simulated: System, rows: psycopg.Connection
) -> None:
    on_bus, on_feed = run_apart(closed_on_bus_and_feed(simulated, "1s", 5))
    assert [later.start_ns - earlier.end_ns for earlier, later in pairwise(on_bus)] == [0] * 4
    told = httpx.get(f"{simulated.url}/api/analytics/bars/{SYMBOL}?timeframe=1s&limit=120").json()
    assert told["reason"] == ""
    on_rest = {bar["start_us"]: bar for bar in told["bars"]}
    query = f"SELECT {', '.join(PRICES)} FROM bars('1s', %s, 'sim', %s, %s, %s) WHERE NOT is_partial"
    for bar in on_bus:
        start_us = bar.start_ns // 1000
        wanted = tuple(getattr(bar, name) for name in PRICES)
        assert tuple(on_feed[start_us][name] for name in PRICES) == wanted
        assert tuple(on_rest[start_us][name] for name in PRICES) == wanted
        span = (bar.run_id, SYMBOL, bar.start_ns, bar.end_ns)
        found = wait_until(lambda span=span: rows.execute(query.encode(), span).fetchall(), 15, "the bar in the record")
        assert found == [wanted]


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_bars_over_rest_have_no_seam_and_end_in_the_one_under_way(
    simulated: System, rows: psycopg.Connection, timeframe: str
) -> None:
    """A second in which nothing came has no bar: the record, once it has come that far, says which those are."""
    answer = httpx.get(f"{simulated.url}/api/analytics/bars/sim:{SYMBOL}?timeframe={timeframe}").json()
    bars = answer["bars"]
    assert (answer["stale"], answer["timeframe"], len(bars) > 0) == (False, timeframe, True)
    assert [bar["is_closed"] for bar in bars[:-1]] == [True] * (len(bars) - 1)
    query = "SELECT start_ns / 1000 AS start_us FROM bars(%s, %s, 'sim', %s, %s, %s) ORDER BY start_ns"
    span = (simulated.setting("RUN_ID"), SYMBOL, 1000 * bars[0]["start_us"], 1000 * bars[-1]["end_us"])
    told = [(bar["start_us"],) for bar in bars]
    wait_until(
        lambda: rows.execute(query.encode(), (timeframe, *span)).fetchall() == told, 15, "the bars of the record"
    )


async def last_correlations(system: System) -> Correlations:
    nc = await nats.connect(system.setting("NATS_URL"))
    try:
        message = await (await nc.subscribe(CORRELATION_MESSAGES.of())).next_msg(timeout=10)
        return msgspec.json.decode(message.data, type=Correlations)
    finally:
        await nc.close()


def test_correlations_of_the_simulated_market_are_there_and_rest_tells_those_of_the_bus(simulated: System) -> None:
    def ask() -> dict[str, Any]:
        return httpx.get(f"{simulated.url}/api/analytics/correlations").json()

    def is_warm() -> bool:
        correlations = ask()["correlations"]
        return correlations is not None and all(member["reason"] == "" for member in correlations["members"])

    wait_until(is_warm, 150, lambda: str(ask())[:500])
    message = run_apart(last_correlations(simulated))
    assert len(message.members) == 8
    assert all(-1.0 <= value <= 1.0 for value in message.pairs.windowed if value is not None)
    answer = wait_until(lambda: (told := ask())["correlations"]["seq"] >= message.seq and told, 5, "the same on REST")
    assert answer["stale"] is False
    if answer["correlations"]["seq"] == message.seq:
        assert answer["correlations"]["pairs"] == msgspec.to_builtins(message.pairs)
